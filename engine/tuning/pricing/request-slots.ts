/**
 * Places in a request where a client writes a value: where they begin and end, and how a client spells bytes there.
 *
 * This only cuts text; what the engine makes of a place is asked of the engine (`carriers.ts`), never guessed here. All
 * scans are linear in the request, whatever it holds.
 */
import type { ByteString, Header, RecordedRequest, TransactionRecord } from '../../model/exchange.js'
import { bodySlots } from './body-slots.js'
import { itself, pairSlots, percentEncoded, type RequestPart, type Slot, type Spelling } from './slot.js'

/** As it is where the place can hold it; else percent-encoded, which the engine does not decode there. */
function orPercent(forbidden: RegExp): (value: ByteString) => readonly Spelling[] {
  return (value) => {
    const text = percentEncoded(value)
    const encoded = { text, seen: text }
    return forbidden.test(value) ? [encoded] : [{ text: value, seen: value }, encoded]
  }
}

const inHeader = orPercent(/[\0\r\n]/)
const inCookie = orPercent(/[\0\r\n;]/)

/** The query string's borders in the request target; null where there is none. */
function queryOf(uri: ByteString): { readonly start: number; readonly end: number } | null {
  const mark = uri.indexOf('?')
  if (mark < 0) return null
  const fragment = uri.indexOf('#', mark)
  return { start: mark + 1, end: fragment < 0 ? uri.length : fragment }
}

function cookieSlots(position: number, text: ByteString): readonly Slot[] {
  const slots: Slot[] = []
  let start = 0
  for (const piece of text.split(';')) {
    const blanks = /^[ \t]*/.exec(piece)?.[0].length ?? 0
    const equals = piece.indexOf('=')
    if (equals > 0) {
      const name: Slot = { part: position, start: start + blanks, end: start + equals, name: null, spell: cookieName }
      slots.push({ part: position, start: start + equals + 1, end: start + piece.length, name, spell: inCookie })
    }
    start += piece.length + 1
  }
  return slots
}

function cookieName(value: ByteString): readonly Spelling[] {
  return inCookie(value).filter(({ text }) => !text.includes('='))
}

/** LIMIT: places of one request; engines read far fewer arguments. */
const mostSlots = 10_000

/** Places of named values: query, cookies, and the body as `processor` reads it. */
export function valueSlots({ request }: TransactionRecord, processor: string): readonly Slot[] {
  const query = queryOf(request.uri)
  return [
    ...(query === null ? [] : pairSlots('uri', request.uri, query.start, query.end)),
    ...request.headers.flatMap(([name, value], n) => (name.toLowerCase() === 'cookie' ? cookieSlots(n, value) : [])),
    ...bodySlots(request, processor),
  ].slice(0, mostSlots)
}

/** The values of the headers of that name. */
export function headerSlots({ request }: TransactionRecord, name: ByteString): readonly Slot[] {
  const lower = name.toLowerCase()
  return request.headers.flatMap(([each, value], part): Slot[] =>
    each.toLowerCase() === lower ? [{ part, start: 0, end: value.length, name: null, spell: inHeader }] : [],
  )
}

/** The last segment of the path. */
export function pathSlot({ request: { uri } }: TransactionRecord): Slot {
  const end = /[?#]/.exec(uri)?.index ?? uri.length
  return { part: 'uri', start: uri.lastIndexOf('/', end - 1) + 1, end, name: null, spell: undecoded }
}

/** The query string as a whole, or where one would begin. */
export function querySlot({ request: { uri } }: TransactionRecord): Slot {
  const query = queryOf(uri)
  if (query !== null) return { part: 'uri', ...query, name: null, spell: undecoded }
  const end = uri.indexOf('#') < 0 ? uri.length : uri.indexOf('#')
  const spell = (value: ByteString): readonly Spelling[] =>
    undecoded(value).map(({ text, seen }) => ({ text: `?${text}`, seen }))
  return { part: 'uri', start: end, end, name: null, spell }
}

function undecoded(value: ByteString): readonly Spelling[] {
  const text = percentEncoded(value)
  return [{ text, seen: text }]
}

export function wholeBody({ request: { body } }: TransactionRecord): Slot {
  return { part: 'body', start: 0, end: body.length, name: null, spell: itself }
}

/** A text to be written at a place. */
export interface Filling {
  readonly slot: Slot
  readonly text: ByteString
}

/** The record with the texts written at their places, which do not overlap. Content-Length and the raw line follow. */
export function filled(record: TransactionRecord, fillings: readonly Filling[]): TransactionRecord {
  const { request } = record
  const textFor = (part: RequestPart, text: ByteString): ByteString => {
    const own = fillings.filter(({ slot }) => slot.part === part).sort((a, b) => a.slot.start - b.slot.start)
    return own.length === 0 ? text : spliced(text, own)
  }
  const headers = request.headers.map(([name, value], n): Header => [name, textFor(n, value)])
  return withRequest(record, { uri: textFor('uri', request.uri), headers, body: textFor('body', request.body) })
}

function spliced(text: ByteString, fillings: readonly Filling[]): ByteString {
  const pieces: ByteString[] = []
  let from = 0
  for (const { slot, text: filling } of fillings) {
    pieces.push(text.slice(from, slot.start), filling)
    from = slot.end
  }
  return [...pieces, text.slice(from)].join('')
}

/** The record with parts of its request changed; Content-Length and the raw request line follow. */
export function withRequest(
  record: TransactionRecord,
  change: Partial<Omit<RecordedRequest, 'line'>>,
): TransactionRecord {
  const { line, ...before } = record.request
  const request = { ...before, ...change }
  const lengthChanged = request.body.length !== before.body.length
  const headers = lengthChanged ? withLength(request.headers, request.body.length) : request.headers
  const isSameLine = request.uri === before.uri && request.method === before.method
  const kept = line === undefined ? {} : { line: isSameLine ? line : lineFor(line, before, request) }
  return { ...record, request: { ...request, headers, ...kept } }
}

function withLength(headers: readonly Header[], length: number): readonly Header[] {
  return headers.map(
    ([name, value]): Header => [name, name.toLowerCase() === 'content-length' ? String(length) : value],
  )
}

function lineFor(
  line: ByteString,
  before: Pick<RecordedRequest, 'method' | 'uri'>,
  after: Pick<RecordedRequest, 'method' | 'uri'>,
): ByteString {
  const start = `${before.method} ${before.uri}`
  return line.startsWith(start) ? `${after.method} ${after.uri}${line.slice(start.length)}` : line
}
