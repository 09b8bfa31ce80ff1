/**
 * Carries a payload in the place of a value of a recorded request, everything else kept, and says where that cannot be.
 *
 * Where a place shows up is asked of the engine: the places of the request are filled with marks, and what the engine
 * then sees under a target tells which places make it. So names, decoding and precedence are those of the platform. A
 * record with the payload is handed out only where the engine sees at the target what it should: the payload, or what
 * a cookie, a header or a field of multipart can hold of it.
 */
import type { ByteString, TransactionRecord } from '../../model/exchange.js'
import type { Ruleset } from '../../model/ruleset.js'
import { type InspectedValue, inspect, inspectedValues } from '../../transaction/inspected-values.js'
import { type Filling, filled, headerSlots, pathSlot, querySlot, valueSlots, wholeBody } from './request-slots.js'
import type { Slot, Spelling } from './slot.js'

export type Carried =
  | {
      readonly record: TransactionRecord
      /** What the engine sees there: the payload, or what the place makes of it (percent-encoded, without line ends). */
      readonly seen: ByteString
    }
  /** Why it cannot be carried. */
  | { readonly refused: string }

export const refusals = {
  absent: 'the record has no value at this target that a client writes by itself',
  bytes: 'the place cannot hold these bytes',
} as const

/** Targets whose values hold more than a client's value: the payload is a part of what the engine sees. */
const composite =
  /^(?:FULL_REQUEST|PATH_INFO|QUERY_STRING|REQUEST_BASENAME|REQUEST_BODY|REQUEST_FILENAME|REQUEST_LINE|REQUEST_URI|REQUEST_URI_RAW|MULTIPART_PART_HEADERS:.*|XML:\/\*)$/s

/** Variables of names, and the values whose names they hold. */
const namedValues: Readonly<Record<string, readonly string[]>> = {
  ARGS_NAMES: ['ARGS'],
  ARGS_GET_NAMES: ['ARGS_GET'],
  ARGS_POST_NAMES: ['ARGS_POST', 'ARGS'],
  REQUEST_COOKIES_NAMES: ['REQUEST_COOKIES'],
  FILES_NAMES: ['FILES'],
  MULTIPART_NAME: ['FILES', 'ARGS_POST'],
}

/** Headers that say how the request is to be read: never made harmless. */
const framingHeaders = /^(?:content-length|content-type|transfer-encoding|content-encoding|host|connection)$/i

interface Probe {
  readonly values: readonly InspectedValue[]
  /** Places by the target at which the engine sees them. */
  readonly slots: ReadonlyMap<ByteString, readonly Slot[]>
}

const probes = new WeakMap<Ruleset, WeakMap<TransactionRecord, Probe>>()

function probeOf(ruleset: Ruleset, record: TransactionRecord): Probe {
  let known = probes.get(ruleset)
  if (known === undefined) {
    known = new WeakMap()
    probes.set(ruleset, known)
  }
  let probe = known.get(record)
  if (probe === undefined) {
    probe = probed(ruleset, record)
    known.set(record, probe)
  }
  return probe
}

function probed(ruleset: Ruleset, record: TransactionRecord): Probe {
  const { processor, values } = inspect(ruleset, record)
  const slots = valueSlots(record, processor)
  const byTarget = new Map<ByteString, Set<Slot>>()
  const marked = filled(
    record,
    slots.flatMap((slot, n): Filling[] =>
      slot
        .spell(`zq${n}zq`)
        .slice(0, 1)
        .map(({ text }) => ({ slot, text })),
    ),
  )
  for (const { target, value } of slots.length === 0 ? [] : inspectedValues(ruleset, marked))
    for (const [, n] of value.matchAll(composite.test(target) ? /zq(\d+)zq/g : /^zq(\d+)zq$/g)) {
      const slot = slots[Number(n)] as Slot
      const list = byTarget.get(target)
      if (list === undefined) byTarget.set(target, new Set([slot]))
      else list.add(slot)
    }
  return { values, slots: new Map([...byTarget].map(([target, set]) => [target, [...set]])) }
}

function variableOf(target: ByteString): ByteString {
  const colon = target.indexOf(':')
  return colon < 0 ? target : target.slice(0, colon)
}

/** The places that make the target's values, the likeliest first. */
function slotsFor(ruleset: Ruleset, record: TransactionRecord, target: ByteString): readonly Slot[] {
  const variable = variableOf(target)
  const key = target.slice(variable.length + 1)
  const { slots } = probeOf(ruleset, record)
  const holders = namedValues[variable]
  if (holders !== undefined)
    return holders.flatMap((holder) => slots.get(`${holder}:${key}`) ?? []).flatMap(({ name }) => name ?? [])
  switch (variable) {
    case 'REQUEST_HEADERS':
      return headerSlots(record, key)
    case 'REQUEST_BODY':
      return [wholeBody(record)]
    case 'PATH_INFO':
    case 'REQUEST_FILENAME':
    case 'REQUEST_BASENAME':
      return [pathSlot(record)]
    case 'FULL_REQUEST':
    case 'QUERY_STRING':
    case 'REQUEST_LINE':
    case 'REQUEST_URI':
    case 'REQUEST_URI_RAW':
      return [querySlot(record)]
    default:
      return longestFirst(slots.get(target) ?? [], composite.test(target))
  }
}

/** Of the texts of a document the longest is where text is expected. */
function longestFirst(slots: readonly Slot[], isComposite: boolean): readonly Slot[] {
  return isComposite ? [...slots].sort((a, b) => b.end - b.start - (a.end - a.start)) : slots
}

/** LIMIT: of values of one name so many are tried; what one place cannot hold, its like cannot either. */
const mostTries = 8

/**
 * The carrier with the value at `target` (as in `Match.target`) replaced by the payload. Of several values there, one
 * is replaced. The record is labelled an attack.
 */
export function placePayload(
  ruleset: Ruleset,
  carrier: TransactionRecord,
  target: ByteString,
  payload: ByteString,
): Carried {
  const slots = slotsFor(ruleset, carrier, target)
  if (slots.length === 0) return { refused: refusals.absent }
  const before = probeOf(ruleset, carrier).values
  for (const slot of slots.slice(0, mostTries))
    for (const { text, seen } of spellings(slot, payload)) {
      const record: TransactionRecord = { ...filled(carrier, [{ slot, text }]), label: 'attack' }
      if (isSeen(before, inspectedValues(ruleset, record), target, seen)) return { record, seen }
    }
  return { refused: refusals.bytes }
}

/** Each spelling once; one of which the engine would see nothing carries nothing. */
function spellings(slot: Slot, value: ByteString): readonly Spelling[] {
  const all = slot.spell(value)
  const isFirst = ({ text, seen }: Spelling, n: number): boolean =>
    all.findIndex((other) => other.text === text && other.seen === seen) === n
  return all.filter((spelling, n) => (spelling.seen !== '' || value === '') && isFirst(spelling, n))
}

/** Whether of the values there one became what it should, and all others are what they were. */
function isSeen(
  before: readonly InspectedValue[],
  after: readonly InspectedValue[],
  target: ByteString,
  seen: ByteString,
): boolean {
  const variable = variableOf(target)
  const isName = variable in namedValues
  const among = (values: readonly InspectedValue[]): ByteString[] =>
    values
      .filter((each) => (isName ? variableOf(each.target) === variable : sameTarget(each.target, target)))
      .map(({ value }) => value)
  const left = new Map<ByteString, number>()
  for (const value of among(before)) left.set(value, (left.get(value) ?? 0) + 1)
  const now = among(after)
  const added = now.filter((value) => {
    const rest = left.get(value) ?? 0
    left.set(value, rest - 1)
    return rest <= 0
  })
  const gone = [...left.values()].reduce((sum, rest) => sum + Math.max(0, rest), 0)
  if (composite.test(target)) return added.length === 1 ? holds(added, seen) : holds(now, seen)
  // The same value again changes nothing.
  if (added.length === 0 && gone === 0) return now.includes(seen)
  // Names of JSON hold the names above them too.
  if (isName) return added.length >= 1 && added.every((value) => value === seen || value.endsWith(`.${seen}`))
  return added.length === 1 && gone === 1 && added[0] === seen
}

function holds(values: readonly ByteString[], seen: ByteString): boolean {
  return values.some((value) => value.includes(seen))
}

/** Names of headers are compared without case. */
function sameTarget(one: ByteString, other: ByteString): boolean {
  return one === other || one.toLowerCase() === other.toLowerCase()
}

/**
 * The carrier with every value at the targets made harmless ("x"), so that its other hits do not count. Headers that
 * say how the request is read stay, and so does what the client does not write as a value of its own. The value at `keep`
 * keeps its name whatever the targets say: a payload is to go there.
 */
export function neutral(
  ruleset: Ruleset,
  carrier: TransactionRecord,
  targets: Iterable<ByteString>,
  keep?: ByteString,
): TransactionRecord {
  const fillings = new Map<Slot, Filling>()
  const kept = new Set<Slot>()
  if (keep !== undefined)
    for (const slot of slotsFor(ruleset, carrier, keep)) {
      if (variableOf(keep) in namedValues) kept.add(slot)
      else if (slot.name !== null) kept.add(slot.name)
    }
  for (const target of targets) {
    if (isFraming(target)) continue
    for (const slot of harmlessSlots(ruleset, carrier, target)) {
      const [spelling] = slot.spell('x')
      if (spelling !== undefined && !kept.has(slot)) fillings.set(slot, { slot, text: spelling.text })
    }
  }
  return fillings.size === 0 ? carrier : filled(carrier, withoutOverlaps([...fillings.values()]))
}

function isFraming(target: ByteString): boolean {
  return variableOf(target) === 'REQUEST_HEADERS' && framingHeaders.test(target.slice('REQUEST_HEADERS:'.length))
}

/** Of the line and of the body as a whole, the values in them: what they are made of must stay what it is. */
function harmlessSlots(ruleset: Ruleset, carrier: TransactionRecord, target: ByteString): readonly Slot[] {
  const parts = /^REQUEST_HEADERS:cookie$/i.test(target) ? ['cookies'] : wholeParts[variableOf(target)]
  if (parts === undefined) return slotsFor(ruleset, carrier, target)
  const { slots } = probeOf(ruleset, carrier)
  return [...new Set([...slots.values()].flat())].filter(({ part }) =>
    parts.includes(typeof part === 'number' ? 'cookies' : part),
  )
}

/** The path is part of the place itself. */
const wholeParts: Readonly<Record<string, readonly string[]>> = {
  FULL_REQUEST: ['uri', 'body'],
  PATH_INFO: [],
  REQUEST_BASENAME: [],
  REQUEST_FILENAME: [],
  QUERY_STRING: ['uri'],
  REQUEST_BODY: ['body'],
  REQUEST_LINE: ['uri'],
  REQUEST_URI: ['uri'],
  REQUEST_URI_RAW: ['uri'],
}

/** One part's places in order, those left out that begin before another ends. */
function withoutOverlaps(fillings: readonly Filling[]): readonly Filling[] {
  const ends = new Map<unknown, number>()
  return [...fillings]
    .sort((a, b) => a.slot.start - b.slot.start)
    .filter(({ slot }) => {
      if (slot.start < (ends.get(slot.part) ?? 0)) return false
      ends.set(slot.part, slot.end)
      return true
    })
}
