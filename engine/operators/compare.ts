/**
 * Numeric operators. Both sides are read as C's `atoi` reads them: leading blanks, a sign, digits; 0 otherwise
 * (reference manual, "Operators": @eq and its kin).
 */
import type { OperatorDefinition, OperatorInput, OperatorTest } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { matched } from './match.js'

function numberOf(text: ByteString): number {
  const value = Number.parseInt(text, 10)
  return Number.isNaN(value) ? 0 : value
}

function numeric(name: string, doc: string, holds: (value: number, limit: number) => boolean): OperatorDefinition {
  return {
    name,
    doc,
    argument: 'optional',
    compile: ({ argument }: OperatorInput): OperatorTest => {
      if (argument.constant !== null) {
        const limit = numberOf(argument.constant)
        return (value) => (holds(numberOf(value), limit) ? matched : null)
      }
      return (value, view) => (holds(numberOf(value), numberOf(argument.expand(view))) ? matched : null)
    },
  }
}

export const compareOperators: readonly OperatorDefinition[] = [
  numeric('eq', 'The number equals the argument.', (value, limit) => value === limit),
  numeric('ge', 'The number is at least the argument.', (value, limit) => value >= limit),
  numeric('gt', 'The number is above the argument.', (value, limit) => value > limit),
  numeric('le', 'The number is at most the argument.', (value, limit) => value <= limit),
  numeric('lt', 'The number is below the argument.', (value, limit) => value < limit),
  numeric('ne', 'The number differs from the argument.', (value, limit) => value !== limit),
]
