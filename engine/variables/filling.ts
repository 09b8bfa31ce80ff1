/**
 * Variables of one value that a platform's engine fills otherwise than the others, or never.
 *
 * What is so is said by `Platform.fillings`; here it is only carried out.
 */
import type { ScalarDefinition, TransactionView, VariableDefinition } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { Filling, Platform } from '../model/platform.js'

const fill: Readonly<Record<Filling, (value: ByteString | null) => ByteString | null>> = {
  none: () => null,
  empty: () => '',
  zero: () => '0',
  'empty-for-none': (value) => value ?? '',
  'empty-for-zero': (value) => (value === '0' ? '' : value),
  'zero-for-none': (value) => value ?? '0',
}

/** The variable as the platform's engine fills it. */
export function asFilled(variable: ScalarDefinition, platform: Platform): ScalarDefinition
export function asFilled(variable: VariableDefinition, platform: Platform): VariableDefinition
export function asFilled(variable: VariableDefinition, { fillings }: Platform): VariableDefinition {
  const filling = variable.kind === 'scalar' ? fillings[variable.name] : undefined
  return variable.kind !== 'scalar' || filling === undefined ? variable : filled(variable, fill[filling])
}

function filled(variable: ScalarDefinition, change: (value: ByteString | null) => ByteString | null): ScalarDefinition {
  return { ...variable, read: (view: TransactionView) => change(variable.read(view)) }
}
