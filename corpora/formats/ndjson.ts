/**
 * NDJSON: one record, as a JSON object, a line. Read and written as a stream.
 */
import { isUtf8 } from 'node:buffer'
import {
  type CorpusItem,
  isRawLines,
  type RawLines,
  type TransactionRecord,
  type UnreadableRecord,
} from '../../engine/model/exchange.js'
import type { CaptureFormat, CaptureSource } from '../format.js'
import { itemOf, jsonOf, type RecordOrigin, unreadableAt } from '../record.js'

/** LIMIT: a longer line is an unreadable record; bodies of 13 MB (SecRequestBodyLimit) in base64 fit. */
const longestLineBytes = 64 * 1024 * 1024
const newline = 0x0a

export const ndjsonFormat: CaptureFormat = {
  name: 'ndjson',
  doc: 'one record a line, as JSON',
  extensions: ['.ndjson', '.jsonl'],
  sniff: (head) => /^(?:\xef\xbb\xbf)?\s*\{/.test(head.toString('latin1')),
  read: readNdjson,
  cut: cutNdjson,
}

export function ndjsonLine(record: TransactionRecord): string {
  return `${JSON.stringify(jsonOf(record))}\n`
}

async function* readNdjson(source: CaptureSource): AsyncGenerator<CorpusItem, void, undefined> {
  for await (const part of cutNdjson(source))
    if (isRawLines(part)) yield* readNdjsonLines(part)
    else yield part
}

/** LIMIT: lines that are handed on together, and about the most bytes of them. */
const linesTogether = 64
const bytesTogether = 1 << 18

async function* cutNdjson({
  file,
  chunks,
}: CaptureSource): AsyncGenerator<RawLines | UnreadableRecord, void, undefined> {
  const held = new HeldLine(file)
  let line = 1
  for await (const chunk of chunks) {
    let from = 0
    if (held.length > 0) {
      from = chunk.indexOf(newline) + 1
      held.add(from === 0 ? chunk : chunk.subarray(0, from))
      if (from === 0) continue
      yield held.take(line++, false)
    }
    for (const { to, lines } of groupsOfLines(chunk, from)) {
      yield { file, firstLine: line, bytes: chunk.subarray(from, to), unfinished: false }
      line += lines
      from = to
    }
    held.add(chunk.subarray(from))
  }
  if (held.length > 0) yield held.take(line, true)
}

function* groupsOfLines(chunk: Buffer, from: number): Generator<{ readonly to: number; readonly lines: number }> {
  let start = from
  let to = from
  let lines = 0
  for (let end = chunk.indexOf(newline, from) + 1; end > 0; end = chunk.indexOf(newline, end) + 1) {
    to = end
    lines++
    if (lines < linesTogether && to - start < bytesTogether) continue
    yield { to, lines }
    start = to
    lines = 0
  }
  if (lines > 0) yield { to, lines }
}

/** A line whose end has not come yet. */
class HeldLine {
  length = 0
  #parts: Buffer[] = []

  constructor(private readonly file: string) {}

  add(bytes: Buffer): void {
    this.length += bytes.length
    if (this.length > longestLineBytes + 1) this.#parts = []
    else if (bytes.length > 0) this.#parts.push(bytes)
  }

  take(line: number, unfinished: boolean): RawLines | UnreadableRecord {
    const { file, length } = this
    const bytes = Buffer.concat(this.#parts)
    this.#parts = []
    this.length = 0
    if (length > longestLineBytes + (unfinished ? 0 : 1))
      return unreadableAt({ file, line }, `the line is longer than ${longestLineBytes} bytes`)
    return { file, firstLine: line, bytes, unfinished }
  }
}

/** `onlyIds`: lines whose record has another id may be passed over unread. */
export function* readNdjsonLines(
  { file, firstLine, bytes, unfinished }: RawLines,
  onlyIds: ReadonlySet<string> | null = null,
): Generator<CorpusItem> {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const lines = isUtf8(whole) ? whole.toString('utf8').split('\n') : linesOneByOne(whole)
  if (!unfinished) lines.pop()
  for (const [at, text] of lines.entries()) {
    if (onlyIds !== null && text !== null && hasOtherId(text, onlyIds)) continue
    const item = lineItem(text, { file, line: firstLine + at }, unfinished && at === lines.length - 1)
    if (item !== null) yield item
  }
}

const idFirst = '{"id":"'

/** PERF: whether the line begins with an id that is not among these, and has no other; false where only parsing tells. */
function hasOtherId(text: string, ids: ReadonlySet<string>): boolean {
  if (!text.startsWith(idFirst)) return false
  const end = text.indexOf('"', idFirst.length)
  const id = text.slice(idFirst.length, end)
  return end > 0 && !id.includes('\\') && !ids.has(id) && !text.includes('"id":', end)
}

/** Null for a line that is not UTF-8. */
function linesOneByOne(bytes: Buffer): (string | null)[] {
  const lines: (string | null)[] = []
  for (let from = 0; from <= bytes.length; ) {
    const end = bytes.indexOf(newline, from)
    const line = bytes.subarray(from, end < 0 ? bytes.length : end)
    lines.push(isUtf8(line) ? line.toString('utf8') : null)
    from = (end < 0 ? bytes.length : end) + 1
  }
  return lines
}

/** Null for an empty line. */
function lineItem(text: string | null, origin: RecordOrigin, unfinished: boolean): CorpusItem | null {
  if (text === null) return unreadableAt(origin, 'the line is not UTF-8; bodies that are not UTF-8 go in bodyBase64')
  if (/^\s*$/.test(text)) return null
  let value: unknown
  try {
    value = JSON.parse(origin.line === 1 ? text.replace(/^\ufeff/, '') : text)
  } catch (error) {
    const reason = unfinished
      ? 'the last line is cut off; the capture was probably truncated'
      : `not valid JSON (${withoutExcerpt((error as Error).message)})`
    return unreadableAt(origin, reason)
  }
  return itemOf(value, origin)
}

/** A JSON error quotes the text it stands in, which may hold what reports must not show. */
function withoutExcerpt(message: string): string {
  return message.replace(/,? (?:\.\.\.)?".*$/s, '')
}
