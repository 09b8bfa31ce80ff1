/**
 * What of a request can be left out, and which of its texts can be made shorter, with the request staying one that a
 * client could send: framing, Host and the boundary of multipart stay, Content-Length follows the body.
 */
import type { ByteString, Header, TransactionRecord } from '../../model/exchange.js'
import { filled, valueSlots, withRequest } from '../pricing/request-slots.js'
import type { Slot } from '../pricing/slot.js'
import { textUnits } from './delta-debugging.js'
import { jsonContainers, parseJsonTree, printJsonTree } from './json-tree.js'
import { parseXmlTree, xmlLists } from './xml-tree.js'

/** A list in the request whose items can be left out. */
export interface ListSite {
  /** For people: `headers`, `parameters`. */
  readonly name: string
  readonly count: number
  /** The record with these of the items, by their positions in order. */
  keeping(kept: readonly number[]): TransactionRecord
}

/** A text in the request that can be shortened. */
export interface TextSite {
  readonly units: readonly string[]
  /** A number of JSON, in one unit: it can be masked, not shortened. */
  readonly isWhole: boolean
  writing(units: readonly string[]): TransactionRecord
}

export type BodyKind = 'URLENCODED' | 'MULTIPART' | 'JSON' | 'XML'

export function headerValue({ request }: TransactionRecord, lowerName: string): ByteString | null {
  return request.headers.find(([name]) => name.toLowerCase() === lowerName)?.[1] ?? null
}

/** What the body looks like; whether a rule reads it so is seen by evaluating. */
export function bodyKindOf(record: TransactionRecord): BodyKind {
  const type = (headerValue(record, 'content-type') ?? '').toLowerCase()
  if (type.includes('multipart/')) return 'MULTIPART'
  if (type.includes('json')) return 'JSON'
  if (type.includes('xml')) return 'XML'
  if (type.includes('urlencoded')) return 'URLENCODED'
  const { body } = record.request
  return /^\s*[{[]/.test(body) ? 'JSON' : /^\s*</.test(body) ? 'XML' : 'URLENCODED'
}

/** Headers that frame the request: never left out. */
const framing = new Set(['host', 'content-length', 'transfer-encoding'])

/** Lists of the request, outer ones before those in them. */
export function listSites(record: TransactionRecord): readonly ListSite[] {
  return [...headerSites(record), ...targetSites(record), ...bodySites(record)].filter(({ count }) => count > 0)
}

function headerSites(record: TransactionRecord): readonly ListSite[] {
  const { headers, body } = record.request
  const isFixed = (name: string): boolean => framing.has(name) || (name === 'content-type' && body !== '')
  const free = headers.flatMap(([name], n) => (isFixed(name.toLowerCase()) ? [] : [n]))
  const sites: ListSite[] = [
    {
      name: 'headers',
      count: free.length,
      keeping: (kept) => {
        const left = new Set(kept.map((n) => free[n]))
        return withHeaders(
          record,
          headers.filter((_, n) => !free.includes(n) || left.has(n)),
        )
      },
    },
  ]
  for (const [n, [name, value]] of headers.entries()) {
    const lower = name.toLowerCase()
    if (lower === 'cookie')
      sites.push(piecesSite('cookies', value.split(/;\s*/), '; ', 1, (text) => withHeader(record, n, text)))
    if (lower !== 'content-type') continue
    const [type = '', ...parameters] = value.split(/;\s*/)
    const free = parameters.filter((each) => !/^boundary=/i.test(each))
    const bound = parameters.filter((each) => /^boundary=/i.test(each))
    sites.push({
      name: 'content type',
      count: free.length,
      keeping: (kept) => withHeader(record, n, [type, ...kept.map((each) => free[each]), ...bound].join('; ')),
    })
  }
  return sites
}

function targetSites(record: TransactionRecord): readonly ListSite[] {
  const { uri } = record.request
  const mark = uri.indexOf('?')
  const path = mark < 0 ? uri : uri.slice(0, mark)
  const tail = mark < 0 ? '' : uri.slice(mark)
  const sites: ListSite[] = []
  if (path.startsWith('/'))
    sites.push(
      piecesSite('path', path.slice(1).split('/'), '/', 0, (text) => withRequest(record, { uri: `/${text}${tail}` })),
    )
  if (mark >= 0)
    sites.push(
      piecesSite('parameters', tail.slice(1).split('&'), '&', 0, (text) =>
        withRequest(record, { uri: text === '' ? path : `${path}?${text}` }),
      ),
    )
  return sites
}

function bodySites(record: TransactionRecord): readonly ListSite[] {
  const { body } = record.request
  if (body === '') return []
  const withBody = (text: ByteString): TransactionRecord => withRequest(record, { body: text })
  switch (bodyKindOf(record)) {
    case 'URLENCODED':
      return [piecesSite('parameters', body.split('&'), '&', 0, withBody)]
    case 'JSON': {
      const tree = parseJsonTree(body)
      if (tree === null) return []
      return jsonContainers(tree).map(({ count, keeping }) => ({
        name: 'JSON members',
        count,
        keeping: (kept) => withBody(printJsonTree(keeping(kept))),
      }))
    }
    case 'XML': {
      const tree = parseXmlTree(body)
      if (tree === null) return []
      return xmlLists(tree).map(({ count, keeping }) => ({
        name: 'XML elements',
        count,
        keeping: (kept) => withBody(keeping(kept)),
      }))
    }
    case 'MULTIPART':
      return multipartSites(record, withBody)
  }
}

/** Null where the Content-Type names none. */
export function boundaryOf(record: TransactionRecord): ByteString | null {
  const found = /boundary=(?:"([^"]+)"|([^\s;,"]+))/i.exec(headerValue(record, 'content-type') ?? '')
  return found === null ? null : (found[1] ?? found[2] ?? null)
}

function multipartSites(
  record: TransactionRecord,
  withBody: (body: ByteString) => TransactionRecord,
): readonly ListSite[] {
  const boundary = boundaryOf(record)
  if (boundary === null) return []
  const pieces = record.request.body.split(`--${boundary}`)
  const first = pieces[0] ?? ''
  const last = pieces[pieces.length - 1] ?? ''
  const parts = pieces.slice(1, -1)
  const joined = (kept: readonly ByteString[]): TransactionRecord =>
    withBody([first, ...kept, last].join(`--${boundary}`))
  const sites: ListSite[] = [
    {
      name: 'parts',
      count: parts.length > 1 ? parts.length : 0,
      keeping: (kept) => joined(kept.map((n) => parts[n] ?? '')),
    },
  ]
  for (const [n, part] of parts.entries()) {
    const head = /^\r?\n(?:[^\r\n]+\r?\n)+/.exec(part)?.[0]
    if (head === undefined) continue
    const lines = head.match(/[^\r\n]+\r?\n/g) ?? []
    const free = lines.flatMap((line, at) => (/^content-disposition:/i.test(line) ? [] : [at]))
    const start = head.length - lines.join('').length
    sites.push({
      name: 'headers of parts',
      count: free.length,
      keeping: (kept) => {
        const left = new Set(kept.map((at) => free[at]))
        const text = lines.filter((_, at) => !free.includes(at) || left.has(at)).join('')
        return joined(parts.with(n, head.slice(0, start) + text + part.slice(head.length)))
      },
    })
  }
  return sites
}

function piecesSite(
  name: string,
  pieces: readonly ByteString[],
  separator: string,
  fewest: number,
  write: (text: ByteString) => TransactionRecord,
): ListSite {
  const isFixed = pieces.length <= fewest || (pieces.length === 1 && pieces[0] === '')
  return {
    name,
    count: isFixed ? 0 : pieces.length,
    keeping: (kept) => write(kept.map((n) => pieces[n]).join(separator)),
  }
}

export function withHeaders(record: TransactionRecord, headers: readonly Header[]): TransactionRecord {
  return withRequest(record, { headers })
}

export function withHeader(record: TransactionRecord, position: number, value: ByteString): TransactionRecord {
  return withHeaders(
    record,
    record.request.headers.map((header, n): Header => (n === position ? [header[0], value] : header)),
  )
}

/** Headers whose values say how the request is read. */
const fixedValues = new Set([...framing, 'content-type', 'content-encoding', 'connection', 'cookie'])

/** Texts of the request: values and names of parameters, values of headers, the path. */
export function textSites(record: TransactionRecord): readonly TextSite[] {
  const { uri, headers } = record.request
  const end = /[?#]/.exec(uri)?.index ?? uri.length
  const slots: Slot[] = valueSlots(record, bodyKindOf(record)).flatMap((slot) =>
    slot.name === null ? [slot] : [slot, slot.name],
  )
  const plain = { name: null, spell: () => [] }
  for (const [part, [name, value]] of headers.entries())
    if (!fixedValues.has(name.toLowerCase())) slots.push({ ...plain, part, start: 0, end: value.length })
  if (uri.startsWith('/')) slots.push({ ...plain, part: 'uri', start: 1, end })
  const sites = new Map<string, TextSite>()
  for (const slot of slots) sites.set(`${slot.part} ${slot.start} ${slot.end}`, textSite(record, slot))
  return [...sites.values()].filter(({ units }) => units.length > 0)
}

/** Around the text of a place may stand quotes of JSON, or the marks of CDATA. `true` and its like have no units. */
function textSite(record: TransactionRecord, slot: Slot): TextSite {
  const { part, start, end } = slot
  const { uri, body, headers } = record.request
  const text = (part === 'uri' ? uri : part === 'body' ? body : (headers[part]?.[1] ?? '')).slice(start, end)
  const isJson = part === 'body' && bodyKindOf(record) === 'JSON'
  const isWhole = isJson && /^-?[0-9]/.test(text)
  const [, before = '', inner = '', behind = ''] =
    (isWhole ? /^()(.*)$/s : isJson ? /^(")(.*)(")$/s : /^(<!\[CDATA\[|)(.*?)(\]\]>|)$/s).exec(text) ?? []
  return {
    units: isWhole ? [inner] : textUnits(inner),
    isWhole,
    writing: (units) => filled(record, [{ slot, text: `${before}${units.join('')}${behind}` }]),
  }
}
