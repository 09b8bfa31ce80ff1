/**
 * State actions: setvar and its kin, which run at every match of their link; arithmetic is in arithmetic.ts.
 */
import { DefinitionError } from '../errors.js'
import type { Effect, PersistentName, Template, TransactionState, WritableCollection } from '../model/definitions.js'
import { type ByteString, lowerAscii } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import { integerOf, sumOf } from './arithmetic.js'
import type { ActionDefinition, ActionDraft, ActionInput } from './definition.js'

const persistentNames = ['global', 'ip', 'resource', 'session', 'user'] as const
const stores = ['tx', ...persistentNames, 'env'] as const
type StoreName = (typeof stores)[number]

function openStore(state: TransactionState, name: StoreName): WritableCollection | null {
  if (name === 'tx') return state.tx
  if (name === 'env') return state.env
  return state.persistent(name)
}

function isPersistent(name: string): name is PersistentName {
  return (persistentNames as readonly string[]).includes(name)
}

/** What a rule does with a persistent collection: noted, so that the run keeps capture order. */
function notePersistent(draft: ActionDraft, { platform }: ActionInput, what: string): void {
  if (platform.persistence === 'none')
    draft.unsimulated.push({ what, reason: `${platform.title} keeps no persistent collections` })
  else draft.persists = true
}

/** Scores that rules add to, as opposed to those that only sum others up. */
const scoreKey =
  /^(?:(?:in|out)bound_)?anomaly_score(?:_pl[1-4])?$|^(?:blocking|detection)_(?:in|out)bound_anomaly_score$/
const sumOfScores = /anomaly_score_pl[1-4]\b|(?:^|[^a-z_])(?:tx\.)?(?:(?:in|out)bound_)?anomaly_score\b/i

/** Whether a setvar adds points of its own to an anomaly score (CRS 2, 3 and 4 spellings). */
function addsToScore(key: ByteString, value: ByteString): boolean {
  return value.startsWith('+') && scoreKey.test(key.toLowerCase()) && !sumOfScores.test(value)
}

interface Assignment {
  readonly store: StoreName
  readonly key: Template
  readonly keyText: ByteString
  readonly value: ByteString | null
}

function parseAssignment(input: ActionInput): Assignment {
  const equals = assignmentSign(input.argument)
  const left = (equals < 0 ? input.argument : input.argument.slice(0, equals)).trim()
  const dot = left.search(/[.:]/)
  const name = left.slice(0, dot).replace(/^!/, '').toLowerCase()
  const store = stores.find((each) => each === name)
  if (dot < 1 || store === undefined)
    throw new DefinitionError(`"${input.argument}" names no collection that rules can write (${stores.join(', ')})`)
  const keyText = left.slice(dot + 1)
  if (keyText === '') throw new DefinitionError(`"${input.argument}" names no variable behind "${store}."`)
  return {
    store,
    key: input.template(keyText),
    keyText,
    value: equals < 0 ? null : input.argument.slice(equals + 1),
  }
}

/** Position of the `=` that is not inside a macro. */
function assignmentSign(text: ByteString): number {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '%' && text[i + 1] === '{') depth++
    else if (text[i] === '}' && depth > 0) depth--
    else if (text[i] === '=' && depth === 0) return i
  }
  return -1
}

/** The effect, and whether it is one on TX alone: so it is where what it reads is. */
function effectOn(store: StoreName, reads: readonly Template[], effect: Effect): Effect {
  return store === 'tx' && reads.every(({ ofTx }) => ofTx === true) ? Object.assign(effect, { ofTx: true }) : effect
}

function removal({ store, key }: Assignment): Effect {
  return effectOn(store, [key], (state) => openStore(state, store)?.remove(lowerAscii(key.expand(state))))
}

/** COMPAT(coraza): a text whose macros bring the sign is a change too. */
function assignment({ store, key }: Assignment, value: Template, platform: Platform): Effect {
  return effectOn(store, [key, value], (state) => {
    const target = openStore(state, store)
    const text = value.expand(state)
    if (platform.numbers === 'whole' && value.constant === null && /^[+-]/.test(text))
      add(target, key.expand(state), text, platform)
    else target?.set(key.expand(state), text)
  })
}

function addition({ store, key }: Assignment, change: Template, platform: Platform, scoring: boolean): Effect {
  return effectOn(store, [key, change], (state) => {
    const points = add(openStore(state, store), key.expand(state), change.expand(state), platform)
    if (scoring) state.countScore(points)
  })
}

/** Returns the points added. */
function add(target: WritableCollection | null, name: ByteString, change: ByteString, platform: Platform): number {
  const sum = target === null ? null : sumOf(target.get(lowerAscii(name)) ?? '', change, platform)
  if (sum === null) return 0
  target?.set(name, sum.value)
  return sum.points
}

function applySetvar(draft: ActionDraft, input: ActionInput): void {
  const parsed = parseAssignment(input)
  if (parsed.store === 'tx' && parsed.key.constant !== null) draft.writes.push(parsed.key.constant.toLowerCase())
  if (isPersistent(parsed.store)) notePersistent(draft, input, `setvar:${parsed.store}`)
  const effect = setvarEffect(draft, input, parsed)
  // COMPAT(modsec3): they run before `initcol`, `setsid` and the like of the same rule.
  if (input.platform.setvarRunsFirst) draft.effects.splice(draft.setvars, 0, effect)
  else draft.effects.push(effect)
  draft.setvars++
}

function setvarEffect(draft: ActionDraft, input: ActionInput, parsed: Assignment): Effect {
  if (input.argument.trimStart().startsWith('!')) return removal(parsed)
  const value = parsed.value ?? '1'
  const sign = value[0]
  if (sign !== '+' && sign !== '-') return assignment(parsed, input.template(value), input.platform)
  const scoring = parsed.store === 'tx' && addsToScore(parsed.keyText, value)
  if (scoring) draft.scores = true
  return addition(parsed, input.template(value), input.platform, scoring)
}

function opener(name: string, collection: PersistentName, doc: string): ActionDefinition {
  return {
    name,
    doc,
    argument: 'required',
    apply: (draft, input) => {
      notePersistent(draft, input, name)
      const key = input.template(input.argument)
      draft.effects.push((state) => state.openPersistent(collection, key.expand(state), true))
    },
  }
}

function applyInitcol(draft: ActionDraft, input: ActionInput): void {
  const equals = input.argument.indexOf('=')
  const name = input.argument.slice(0, Math.max(equals, 0)).trim().toLowerCase()
  if (!isPersistent(name))
    throw new DefinitionError(`initcol takes ${persistentNames.join(', ')} "=" key, not "${input.argument}"`)
  notePersistent(draft, input, 'initcol')
  const key = input.template(input.argument.slice(equals + 1))
  draft.effects.push((state) => state.openPersistent(name, key.expand(state), false))
}

function persistentTarget(input: ActionInput): Assignment & { readonly store: PersistentName } {
  const parsed = parseAssignment(input)
  const { store } = parsed
  if (!isPersistent(store))
    throw new DefinitionError(`"${input.argument}" names no persistent collection (${persistentNames.join(', ')})`)
  return { ...parsed, store }
}

function applyExpirevar(draft: ActionDraft, input: ActionInput): void {
  const { store, key, value } = persistentTarget(input)
  notePersistent(draft, input, 'expirevar')
  const seconds = input.template(value ?? '1')
  draft.effects.push((state) => state.expire(store, lowerAscii(key.expand(state)), integerOf(seconds.expand(state))))
}

/** `ip.counter=60/300`: 60 less for every whole 300 seconds. */
function applyDeprecatevar(draft: ActionDraft, input: ActionInput): void {
  const { store, key, value } = persistentTarget(input)
  const speed = /^(\d+)\/(\d+)$/.exec((value ?? '').trim())
  const period = Number(speed?.[2])
  if (speed === null || period === 0)
    throw new DefinitionError(`deprecatevar takes amount "/" seconds, e.g. ip.counter=60/300, not "${input.argument}"`)
  notePersistent(draft, input, 'deprecatevar')
  draft.effects.push((state) => state.deprecate(store, lowerAscii(key.expand(state)), Number(speed[1]), period))
}

function unsimulated(name: string, doc: string, reason: string): ActionDefinition {
  return {
    name,
    doc,
    argument: 'optional',
    unsimulated: reason,
    apply: (draft) => {
      draft.unsimulated.push({ what: name, reason })
    },
  }
}

/** Masks audit log output only; matching is not touched. */
function masking(name: string): ActionDefinition {
  return {
    name,
    doc: 'Masks data in the audit log; matching is not touched.',
    argument: 'optional',
    inert: true,
    apply: () => {},
  }
}

export const stateActions: readonly ActionDefinition[] = [
  unsimulated('append', 'Appends text to the response.', 'responses are not rewritten in a replay'),
  {
    name: 'deprecatevar',
    doc: 'Lowers a persistent counter with time: ip.counter=60/300.',
    argument: 'required',
    apply: applyDeprecatevar,
  },
  unsimulated('exec', 'Runs a program or script.', 'programs are never run in a replay'),
  {
    name: 'expirevar',
    doc: 'Lets a persistent variable expire after some seconds.',
    argument: 'required',
    platforms: 'libmodsecurity 3: without effect before 3.0.10. Coraza: without effect.',
    apply: applyExpirevar,
  },
  {
    name: 'initcol',
    doc: 'Opens a persistent collection under a key.',
    argument: 'required',
    platforms: 'libmodsecurity 3: ip, global and resource only. Coraza: without effect.',
    apply: applyInitcol,
  },
  unsimulated('pause', 'Waits some milliseconds.', 'a replay does not wait'),
  unsimulated('prepend', 'Puts text before the response.', 'responses are not rewritten in a replay'),
  masking('sanitiseArg'),
  masking('sanitiseMatched'),
  masking('sanitiseMatchedBytes'),
  masking('sanitiseRequestHeader'),
  masking('sanitiseResponseHeader'),
  masking('sanitizeArg'),
  masking('sanitizeMatched'),
  masking('sanitizeMatchedBytes'),
  masking('sanitizeRequestHeader'),
  masking('sanitizeResponseHeader'),
  {
    name: 'setenv',
    doc: 'Sets an environment variable (ENV).',
    argument: 'required',
    apply: (draft, input) => {
      const equals = input.argument.indexOf('=')
      const name = (equals < 0 ? input.argument : input.argument.slice(0, equals)).trim()
      const value = input.template(equals < 0 ? '1' : input.argument.slice(equals + 1))
      draft.effects.push((state) => {
        if (name.startsWith('!')) state.env.remove(name.slice(1).toLowerCase())
        else state.env.set(name, value.expand(state))
      })
    },
  },
  opener('setrsc', 'resource', 'Opens the RESOURCE collection under a key.'),
  opener('setsid', 'session', 'Opens the SESSION collection under a key.'),
  opener('setuid', 'user', 'Opens the USER collection under a key.'),
  {
    name: 'setvar',
    doc: 'Creates, changes or removes a variable: tx.a=1, tx.a=+%{tx.b}, !tx.a.',
    argument: 'required',
    apply: applySetvar,
  },
]
