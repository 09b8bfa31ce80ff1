/**
 * NDJSON: one record, as a JSON object, a line. Read and written as a stream.
 */
import { isUtf8 } from 'node:buffer'
import type { CorpusItem, TransactionRecord } from '../../engine/model/exchange.js'
import type { CaptureFormat, CaptureSource } from '../format.js'
import { itemOf, jsonOf, unreadableAt } from '../record.js'

/** LIMIT: a longer line is an unreadable record; bodies of 13 MB (SecRequestBodyLimit) in base64 fit. */
const longestLineBytes = 64 * 1024 * 1024

export const ndjsonFormat: CaptureFormat = {
  name: 'ndjson',
  doc: 'one record a line, as JSON',
  extensions: ['.ndjson', '.jsonl'],
  sniff: (head) => /^(?:\xef\xbb\xbf)?\s*\{/.test(head.toString('latin1')),
  read: readNdjson,
}

export function ndjsonLine(record: TransactionRecord): string {
  return `${JSON.stringify(jsonOf(record))}\n`
}

async function* readNdjson(source: CaptureSource): AsyncGenerator<CorpusItem, void, undefined> {
  let number = 0
  for await (const line of lines(source.chunks)) {
    number++
    const item = lineItem(line, source.file, number)
    if (item !== null) yield item
  }
}

interface Line {
  readonly bytes: Buffer
  /** The last line had no line end: what follows it may be lost. */
  readonly unfinished: boolean
  readonly tooLong: boolean
}

async function* lines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line, void, undefined> {
  let kept: Buffer[] = []
  let keptBytes = 0
  let tooLong = false
  const keep = (bytes: Buffer): void => {
    keptBytes += bytes.length
    if (keptBytes > longestLineBytes) {
      tooLong = true
      kept = []
    } else kept.push(bytes)
  }
  const take = (unfinished: boolean): Line => {
    const line = { bytes: kept.length === 1 ? (kept[0] as Buffer) : Buffer.concat(kept), unfinished, tooLong }
    kept = []
    keptBytes = 0
    tooLong = false
    return line
  }
  for await (const chunk of chunks) {
    let start = 0
    for (;;) {
      const end = chunk.indexOf(0x0a, start)
      if (end < 0) break
      keep(chunk.subarray(start, end))
      yield take(false)
      start = end + 1
    }
    if (start < chunk.length) keep(chunk.subarray(start))
  }
  if (keptBytes > 0) yield take(true)
}

/** Null for an empty line. */
function lineItem(line: Line, file: string, number: number): CorpusItem | null {
  const origin = { file, line: number }
  if (line.tooLong) return unreadableAt(origin, `the line is longer than ${longestLineBytes} bytes`)
  if (!isUtf8(line.bytes))
    return unreadableAt(origin, 'the line is not UTF-8; bodies that are not UTF-8 go in bodyBase64')
  const text = line.bytes.toString('utf8')
  if (/^\s*$/.test(text)) return null
  let value: unknown
  try {
    value = JSON.parse(number === 1 ? text.replace(/^\ufeff/, '') : text)
  } catch (error) {
    const reason = line.unfinished
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
