/**
 * A place in a request where a client writes a value, and how a client spells bytes: what all kinds of places share.
 */
import type { ByteString } from '../../model/exchange.js'

/** A value as it is written at a place, and what of it the engine is to see there. */
export interface Spelling {
  readonly text: ByteString
  readonly seen: ByteString
}

/** `uri`, `body`, or the position of a header, whose value it is. */
export type RequestPart = 'uri' | 'body' | number

export interface Slot {
  readonly part: RequestPart
  readonly start: number
  readonly end: number
  /** Where the name of this value stands; null where it has none that could be changed. */
  readonly name: Slot | null
  /** Spellings of a value, in the order in which they are worth trying; none where no client could write it. */
  spell(value: ByteString): readonly Spelling[]
}

/** Percent-encodes every byte but the unreserved ones of RFC 3986. */
export function percentEncoded(value: ByteString): ByteString {
  return value.replace(/[^A-Za-z0-9._~-]/g, (byte) => `%${hex(byte)}`)
}

function hex(byte: string): string {
  return byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')
}

export function itself(value: ByteString): readonly Spelling[] {
  return [{ text: value, seen: value }]
}

/** Decoded by the engine. */
export function asPercent(value: ByteString): readonly Spelling[] {
  return [{ text: percentEncoded(value), seen: value }]
}

/** The pairs of a form or query that stands at `from` in `text`. */
export function pairSlots(part: 'uri' | 'body', text: ByteString, from: number, to: number): readonly Slot[] {
  const slots: Slot[] = []
  for (let start = from; start < to; ) {
    const found = text.indexOf('&', start)
    const end = found < 0 || found > to ? to : found
    if (end > start) slots.push(pairSlot(part, text, start, end))
    start = end + 1
  }
  return slots
}

function pairSlot(part: 'uri' | 'body', text: ByteString, start: number, end: number): Slot {
  const equals = text.slice(start, end).indexOf('=')
  const nameEnd = equals < 0 ? end : start + equals
  const name: Slot = { part, start, end: nameEnd, name: null, spell: asPercent }
  if (equals >= 0) return { part, start: nameEnd + 1, end, name, spell: asPercent }
  const spell = (value: ByteString): readonly Spelling[] => [{ text: `=${percentEncoded(value)}`, seen: value }]
  return { part, start: end, end, name, spell }
}
