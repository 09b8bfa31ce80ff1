/**
 * `ctl:` options: changes of the engine for the transaction at hand.
 *
 * Each option is one entry. Those that only steer logging are entries without an effect on the verdict.
 */
import { DefinitionError } from '../errors.js'
import { excludeTarget, selectById, selectByMessage, selectByTag } from '../exclusions.js'
import type { Effect, EngineMode, RuleSelector, TargetExclusion } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { nearestName } from '../near-name.js'
import type { ActionDefinition, ActionInput } from './definition.js'

interface CtlOption {
  readonly doc: string
  /** Present where the option cannot be simulated: the reason. */
  readonly unsimulated?: string
  /** Where it changes nothing that a replay reports. */
  readonly inert?: true
  /** Null: accepted, without an effect on matching. */
  effect(argument: ByteString, input: ActionInput): Effect | null
}

const engineModes: ReadonlyMap<string, EngineMode> = new Map([
  ['detectiononly', 'detection-only'],
  ['off', 'off'],
  ['on', 'on'],
])

export function parseEngineMode(text: ByteString): EngineMode {
  const mode = engineModes.get(text.trim().toLowerCase())
  if (mode === undefined) throw new DefinitionError(`the engine is On, Off or DetectionOnly, not "${text}"`)
  return mode
}

export function parseSwitch(text: ByteString): boolean {
  const lower = text.trim().toLowerCase()
  if (lower === 'on') return true
  if (lower === 'off') return false
  throw new DefinitionError(`"${text}" is neither On nor Off`)
}

function bytes(text: ByteString): number {
  if (!/^\d+$/.test(text.trim())) throw new DefinitionError(`"${text}" is not a number of bytes`)
  return Number(text)
}

/** `942100;ARGS:foo`: rules before the first semicolon, the target behind it. */
function targetRemoval(argument: ByteString, input: ActionInput, select: (text: ByteString) => RuleSelector): Effect {
  const semicolon = argument.indexOf(';')
  if (semicolon < 0) throw new DefinitionError(`"${argument}" names no target behind a semicolon`)
  const selector = select(argument.slice(0, semicolon).trim())
  const exclusion = excludeTarget(argument.slice(semicolon + 1).trimEnd(), 'ctl', input.platform, input)
  return exclusionEffect(input, selector, exclusion)
}

function exclusionEffect(
  { argument, span }: ActionInput,
  selector: RuleSelector,
  target: TargetExclusion | null,
): Effect {
  const effect: Effect =
    target === null ? (state) => state.removeRules(selector) : (state) => state.removeTargets(selector, target)
  return Object.assign(effect, { exclusion: { selector, target, text: `ctl:${argument}`, span } })
}

const logging = (doc: string): CtlOption => ({ doc, inert: true, effect: () => null })

const options: Readonly<Record<string, CtlOption>> = {
  auditEngine: logging('Turns the audit log on or off.'),
  auditLogParts: logging('Chooses the parts of the audit log.'),
  debugLogLevel: logging('Sets the level of the debug log.'),
  forceRequestBodyVariable: {
    doc: 'Fills REQUEST_BODY where no body processor runs.',
    effect: (argument) => (parseSwitch(argument) ? (state) => state.forceRequestBodyVariable() : null),
  },
  forceResponseBodyVariable: {
    doc: 'Fills RESPONSE_BODY where no body processor runs; it always is.',
    effect: (argument) => {
      parseSwitch(argument)
      return null
    },
  },
  hashEnforcement: logging('Steers the hash engine, which a replay does not run.'),
  hashEngine: logging('Steers the hash engine, which a replay does not run.'),
  parseXmlIntoArgs: {
    doc: 'Whether XML nodes become arguments.',
    unsimulated: 'XML nodes are not put into ARGS',
    effect: () => null,
  },
  requestBodyAccess: {
    doc: 'Whether the request body is read.',
    effect: (argument) => {
      const on = parseSwitch(argument)
      return (state) => state.setRequestBodyAccess(on)
    },
  },
  requestBodyLimit: {
    doc: 'Greatest size of the request body, in bytes.',
    effect: (argument) => {
      const limit = bytes(argument)
      return (state) => state.setRequestBodyLimit(limit)
    },
  },
  requestBodyProcessor: {
    doc: 'Body processor: URLENCODED, MULTIPART, JSON or XML.',
    effect: (argument) => (state) => state.setBodyProcessor(argument.trim()),
  },
  responseBodyAccess: {
    doc: 'Whether the response body is read.',
    effect: (argument) => {
      const on = parseSwitch(argument)
      return (state) => state.setResponseBodyAccess(on)
    },
  },
  responseBodyLimit: {
    doc: 'Greatest size of the response body, in bytes.',
    effect: (argument) => {
      const limit = bytes(argument)
      return (state) => state.setResponseBodyLimit(limit)
    },
  },
  responseBodyProcessor: logging('Body processor of responses; responses are read as text.'),
  ruleEngine: {
    doc: 'Engine mode from here on.',
    effect: (argument) => {
      const mode = parseEngineMode(argument)
      return (state) => state.setEngineMode(mode)
    },
  },
  ruleRemoveById: {
    doc: 'Removes rules by id or range.',
    effect: (argument, input) => exclusionEffect(input, selectById(argument, input.platform.exclusions.ctlIds), null),
  },
  ruleRemoveByMsg: {
    doc: 'Removes rules by message.',
    effect: (argument, input) => exclusionEffect(input, selectByMessage(argument, input.platform), null),
  },
  ruleRemoveByTag: {
    doc: 'Removes rules by tag.',
    effect: (argument, input) => exclusionEffect(input, selectByTag(argument, input.platform), null),
  },
  ruleRemoveTargetById: {
    doc: 'Removes a target of rules by id: 942100;ARGS:text.',
    effect: (argument, input) =>
      targetRemoval(argument, input, (text) => selectById(text, input.platform.exclusions.ctlTargetIds)),
  },
  ruleRemoveTargetByMsg: {
    doc: 'Removes a target of rules by message.',
    effect: (argument, input) => targetRemoval(argument, input, (text) => selectByMessage(text, input.platform)),
  },
  ruleRemoveTargetByTag: {
    doc: 'Removes a target of rules by tag.',
    effect: (argument, input) => targetRemoval(argument, input, (text) => selectByTag(text, input.platform)),
  },
}

const byLowerName = new Map(Object.entries(options).map(([name, option]) => [name.toLowerCase(), option]))

/** The options and what is said of them, for the documentation. */
export function ctlOptions(): readonly (Omit<CtlOption, 'effect'> & { readonly name: string })[] {
  return Object.entries(options).map(([name, option]) => ({ ...option, name }))
}

export const ctlAction: ActionDefinition = {
  name: 'ctl',
  doc: 'Changes the engine for this transaction.',
  argument: 'required',
  apply: (draft, input) => {
    const { argument } = input
    const equals = argument.indexOf('=')
    const name = (equals < 0 ? argument : argument.slice(0, equals)).trim()
    const option = byLowerName.get(name.toLowerCase())
    if (option === undefined)
      throw new DefinitionError(`unknown ctl option "${name}"`, 'unknown-ctl', nearestName(name, Object.keys(options)))
    if (equals < 0) throw new DefinitionError(`ctl:${name} needs a value behind "="`)
    if (option.unsimulated !== undefined) draft.unsimulated.push({ what: `ctl:${name}`, reason: option.unsimulated })
    const effect = option.effect(argument.slice(equals + 1).trim(), input)
    if (effect !== null) draft.effects.push(Object.assign(effect, { byCtl: true as const }))
  },
}
