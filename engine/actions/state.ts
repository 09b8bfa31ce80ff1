/**
 * State actions: setvar and its kin, which run at every match of their link.
 *
 * Arithmetic is the engines': integers, anything else counts as 0 (reference manual, "setvar").
 */
import { DefinitionError } from '../errors.js'
import type { Effect, Template, TransactionState, WritableCollection } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { ActionDefinition, ActionDraft, ActionInput } from './definition.js'

/** Leading integer of a text as the engines read one (C `atoi`); 0 where there is none. */
export function integerOf(text: ByteString): number {
  const value = Number.parseInt(text, 10)
  return Number.isNaN(value) ? 0 : value
}

const stores = ['tx', 'ip', 'session', 'user', 'global', 'resource', 'env'] as const

function openStore(state: TransactionState, name: string): WritableCollection | null {
  if (name === 'tx') return state.tx
  if (name === 'env') return state.env
  return state.persistent(name)
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
  readonly store: string
  readonly key: Template
  readonly keyText: ByteString
  readonly value: ByteString | null
}

function parseAssignment(input: ActionInput): Assignment {
  const equals = assignmentSign(input.argument)
  const left = (equals < 0 ? input.argument : input.argument.slice(0, equals)).trim()
  const dot = left.search(/[.:]/)
  const store = left.slice(0, dot).replace(/^!/, '').toLowerCase()
  if (dot < 1 || !(stores as readonly string[]).includes(store))
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

function removal({ store, key }: Assignment): Effect {
  return (state) => openStore(state, store)?.remove(key.expand(state).toLowerCase())
}

function assignment({ store, key }: Assignment, value: Template): Effect {
  return (state) => openStore(state, store)?.set(key.expand(state), value.expand(state))
}

function addition({ store, key }: Assignment, value: Template, sign: 1 | -1, scoring: boolean): Effect {
  return (state) => {
    const target = openStore(state, store)
    if (target === null) return
    const name = key.expand(state)
    const points = sign * integerOf(value.expand(state))
    target.set(name, String(integerOf(target.get(name.toLowerCase()) ?? '') + points))
    if (scoring) state.countScore(points)
  }
}

function applySetvar(draft: ActionDraft, input: ActionInput): void {
  const parsed = parseAssignment(input)
  if (parsed.store === 'tx' && parsed.key.constant !== null) draft.writes.push(parsed.key.constant.toLowerCase())
  if (input.argument.trimStart().startsWith('!')) {
    draft.effects.push(removal(parsed))
    return
  }
  const value = parsed.value ?? '1'
  const sign = value[0]
  if (sign !== '+' && sign !== '-') {
    draft.effects.push(assignment(parsed, input.template(value)))
    return
  }
  const scoring = parsed.store === 'tx' && addsToScore(parsed.keyText, value)
  if (scoring) draft.scores = true
  draft.effects.push(addition(parsed, input.template(value.slice(1)), sign === '+' ? 1 : -1, scoring))
}

function opener(name: string, collection: string, doc: string): ActionDefinition {
  return {
    name,
    doc,
    argument: 'required',
    apply: (draft, input) => {
      const key = input.template(input.argument)
      draft.effects.push((state) => state.openPersistent(collection, key.expand(state)))
    },
  }
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
  return { name, doc: 'Masks data in the audit log; matching is not touched.', argument: 'optional', apply: () => {} }
}

export const stateActions: readonly ActionDefinition[] = [
  unsimulated('append', 'Appends text to the response.', 'responses are not rewritten in a replay'),
  {
    name: 'deprecatevar',
    doc: 'Lowers a persistent counter with time.',
    argument: 'required',
    unsimulated: 'persistent collections live for one transaction only',
    apply: (draft) => {
      draft.unsimulated.push({ what: 'deprecatevar', reason: 'persistent collections live for one transaction only' })
    },
  },
  unsimulated('exec', 'Runs a program or script.', 'programs are never run in a replay'),
  {
    name: 'expirevar',
    doc: 'Lets a persistent variable expire after some seconds.',
    argument: 'required',
    apply: (draft, input) => {
      const parsed = parseAssignment(input)
      const seconds = input.template(parsed.value ?? '')
      draft.effects.push((state) =>
        state.expire(parsed.store, parsed.key.expand(state), integerOf(seconds.expand(state))),
      )
    },
  },
  {
    name: 'initcol',
    doc: 'Opens a persistent collection under a key.',
    argument: 'required',
    apply: (draft, input) => {
      const equals = input.argument.indexOf('=')
      const name = input.argument.slice(0, equals).trim().toLowerCase()
      if (equals < 1 || !['ip', 'global', 'session', 'user', 'resource'].includes(name))
        throw new DefinitionError(
          `initcol takes ip, global, session, user or resource "=" key, not "${input.argument}"`,
        )
      const key = input.template(input.argument.slice(equals + 1))
      draft.effects.push((state) => state.openPersistent(name, key.expand(state)))
    },
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
