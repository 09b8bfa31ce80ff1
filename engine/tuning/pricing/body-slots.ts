/**
 * Places of values in a request's body: form pairs, multipart fields and file names, JSON members, XML text.
 *
 * Which of them the body has follows from the processor that read it; a body that is not what it says has places that
 * the engine does not see, and those are found out by `carriers.ts`.
 */
import type { ByteString, RecordedRequest } from '../../model/exchange.js'
import { itself, pairSlots, percentEncoded, type Slot, type Spelling } from './slot.js'

type BodySlots = (body: ByteString, contentType: ByteString) => readonly Slot[]

const byProcessor: Readonly<Record<string, BodySlots>> = {
  URLENCODED: (body) => pairSlots('body', body, 0, body.length),
  MULTIPART: multipartSlots,
  JSON: jsonSlots,
  XML: xmlSlots,
}

export function bodySlots({ body, headers }: RecordedRequest, processor: string): readonly Slot[] {
  const contentType = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
  return byProcessor[processor]?.(body, contentType) ?? []
}

function place(start: number, end: number, spell: Slot['spell'], name: Slot | null = null): Slot {
  return { part: 'body', start, end, name, spell }
}

// Multipart

function multipartSlots(body: ByteString, contentType: ByteString): readonly Slot[] {
  const boundary = /boundary=(?:"([^"]*)"|([^\s;,"]+))/i.exec(contentType)
  const delimiter = `--${boundary?.[1] ?? boundary?.[2] ?? ''}`
  if (delimiter === '--') return []
  const slots: Slot[] = []
  for (let at = body.indexOf(delimiter); at >= 0; ) {
    const next = body.indexOf(delimiter, at + delimiter.length)
    if (next < 0) break
    slots.push(...partSlots(body, at + delimiter.length, next, delimiter))
    at = next
  }
  return slots
}

function partSlots(body: ByteString, from: number, to: number, delimiter: ByteString): readonly Slot[] {
  const part = body.slice(from, to)
  const blank = /\r?\n\r?\n/.exec(part)
  if (blank === null) return []
  const start = from + blank.index + blank[0].length
  const end = part.endsWith('\r\n') ? to - 2 : part.endsWith('\n') ? to - 1 : to
  const head = part.slice(0, blank.index)
  const quoted = (parameter: string): Slot | null => {
    const found = new RegExp(`[;\\s]${parameter}="((?:[^"\\\\\\r\\n]|\\\\.)*)"`, 'i').exec(head)
    if (found === null) return null
    const valueEnd = from + found.index + found[0].length - 1
    return place(valueEnd - (found[1] as string).length, valueEnd, inQuotes)
  }
  const name = quoted('name')
  const fileName = quoted('filename')
  // COMPAT(modsec3): line ends within a field are lost to rules; the application gets them all the same.
  const spell = (value: ByteString): readonly Spelling[] =>
    value.includes(delimiter) ? [] : [...itself(value), { text: value, seen: value.replace(/\r?\n/g, '') }]
  const type = /^content-type:[ \t]*([^\r\n]*)/im.exec(head)
  const typeEnd = type === null ? 0 : from + type.index + type[0].length
  return [
    place(start, Math.max(start, end), spell, name),
    ...(fileName === null ? [] : [place(fileName.start, fileName.end, inQuotes, name)]),
    ...(type === null ? [] : [place(typeEnd - (type[1] as string).length, typeEnd, onLine, name)]),
  ]
}

function onLine(value: ByteString): readonly Spelling[] {
  return /[\0\r\n]/.test(value) ? [] : itself(value)
}

/**
 * As it is, or with backslashes before quotes and backslashes: readers differ in which they undo. Line ends go as
 * browsers send them (HTML, "multipart/form-data encoding algorithm"), and no reader undoes that.
 */
function inQuotes(value: ByteString): readonly Spelling[] {
  if (value.includes('\0')) return []
  const html = itself(value.replace(/[\r\n"]/g, (char) => percentEncoded(char)))
  if (/[\r\n]/.test(value)) return html
  const escaped = { text: value.replace(/["\\]/g, '\\$&'), seen: value }
  return /["\\]/.test(value) ? [escaped, { text: value, seen: value }, ...html] : [escaped]
}

// JSON

interface JsonToken {
  readonly start: number
  readonly end: number
  /** The mark itself; empty for a string, a number or a word. */
  readonly mark: string
}

/** Tokens in order, up to a string that does not end. */
function* jsonTokens(body: ByteString): Generator<JsonToken, void, undefined> {
  for (let at = 0; at < body.length; ) {
    const char = body[at] as string
    if (jsonBlank.has(char)) at++
    else if (jsonMarks.has(char)) yield { start: at, end: ++at, mark: char }
    else {
      const start = at
      at = char === '"' ? stringEnd(body, at) : wordEnd(body, at)
      if (at < 0) return
      yield { start, end: at, mark: '' }
    }
  }
}

const jsonBlank: ReadonlySet<string> = new Set(' \t\r\n')
const jsonMarks: ReadonlySet<string> = new Set('{}[],:')

/** Behind the closing quote; -1 where there is none. */
function stringEnd(body: ByteString, open: number): number {
  for (let at = open + 1; at < body.length; at++) {
    if (body[at] === '\\') at++
    else if (body[at] === '"') return at + 1
  }
  return -1
}

function wordEnd(body: ByteString, start: number): number {
  let at = start + 1
  while (at < body.length && !/[\s{}[\],:"]/.test(body[at] as string)) at++
  return at
}

/** The leaves; the name of one is the nearest key above it. */
function jsonSlots(body: ByteString): readonly Slot[] {
  const slots: Slot[] = []
  const keys: (Slot | null)[] = []
  let key: Slot | null = null
  let last: { readonly start: number; readonly end: number } | null = null
  const leaf = (): void => {
    if (last !== null) slots.push(place(last.start, last.end, inJson, key))
    last = null
  }
  for (const { start, end, mark } of jsonTokens(body)) {
    if (mark === '') last = { start, end }
    else if (mark === ':') {
      if (last !== null) key = place(last.start, last.end, inJson)
      last = null
    } else if (mark === '{' || mark === '[') keys.push(key)
    else {
      leaf()
      key = (mark === ',' ? keys[keys.length - 1] : keys.pop()) ?? null
    }
  }
  leaf()
  return slots
}

function inJson(value: ByteString): readonly Spelling[] {
  const text = value.replace(/[\0-\x1f"\\]/g, (byte) =>
    byte === '"' || byte === '\\' ? `\\${byte}` : `\\u${byte.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return [{ text: `"${text}"`, seen: value }]
}

// XML

/** Texts and attribute values; comments, instructions and the document type hold none. */
function xmlSlots(body: ByteString): readonly Slot[] {
  const slots: Slot[] = []
  let at = 0
  while (at < body.length) {
    const open = body.indexOf('<', at)
    const textEnd = open < 0 ? body.length : open
    if (/\S/.test(body.slice(at, textEnd))) slots.push(place(at, textEnd, inXml))
    if (open < 0) break
    const end = markupEnd(body, open)
    if (end < 0) break
    if (body.startsWith('<![CDATA[', open)) slots.push(place(open, end, inXml))
    else if (/[A-Za-z_:\x80-\xff]/.test(body[open + 1] ?? '')) slots.push(...attributeSlots(body, open, end))
    at = end
  }
  return slots
}

/** Behind the markup that begins there; -1 where it does not end. */
export function markupEnd(body: ByteString, open: number): number {
  const behind = (mark: ByteString): number => {
    const found = body.indexOf(mark, open)
    return found < 0 ? -1 : found + mark.length
  }
  if (body.startsWith('<!--', open)) return behind('-->')
  if (body.startsWith('<![CDATA[', open)) return behind(']]>')
  if (body.startsWith('<?', open)) return behind('?>')
  let depth = 0
  let quote = ''
  for (let at = open + 1; at < body.length; at++) {
    const char = body[at] as string
    if (quote !== '') {
      if (char === quote) quote = ''
    } else if (char === '"' || char === "'") quote = char
    else if (char === '[') depth++
    else if (char === ']') depth--
    else if (char === '>' && depth <= 0) return at + 1
  }
  return -1
}

function attributeSlots(body: ByteString, open: number, end: number): readonly Slot[] {
  const slots: Slot[] = []
  for (const found of body.slice(open, end).matchAll(/\s([^\s=<>"'/]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) {
    if (/^xmlns(?::|$)/.test(found[1] as string)) continue
    const valueEnd = open + found.index + found[0].length - 1
    slots.push(place(valueEnd - (found[2] ?? found[3] ?? '').length, valueEnd, inXml))
  }
  return slots
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '\r': '&#13;',
  '\n': '&#10;',
  '\t': '&#9;',
}

/** Other controls cannot stand in XML at all. */
function inXml(value: ByteString): readonly Spelling[] {
  if (/[\0-\x08\x0b\x0c\x0e-\x1f]/.test(value)) return []
  const text = value.replace(/[&<>"'\r\n\t]/g, (char) => entities[char] as string)
  // COMPAT(coraza): rules see a text without the blanks around it.
  return [
    { text, seen: value },
    { text, seen: value.replace(/^[\t-\r ]+|(?<![\t-\r ])[\t-\r ]+$/g, '') },
  ]
}
