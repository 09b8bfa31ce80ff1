/**
 * NDJSON: one record, as a JSON object, a line. Read and written as a stream.
 */
import type { CorpusItem, TransactionRecord } from '../../engine/model/exchange.js'
import type { CaptureFormat, CaptureSource } from '../format.js'
import { jsonOf, RecordError, recordOf } from '../record.js'

/** LIMIT: a longer line is an unreadable record; a 13 MB body in base64 fits. */
const longestLineBytes = 256 * 1024 * 1024

export const ndjsonFormat: CaptureFormat = {
  name: 'ndjson',
  doc: 'one record a line, as JSON',
  extensions: ['.ndjson', '.jsonl'],
  sniff: (head) => /^\s*\{/.test(head.toString('latin1')),
  read: readNdjson,
}

export function ndjsonLine(record: TransactionRecord): string {
  return `${JSON.stringify(jsonOf(record))}\n`
}

async function* readNdjson(source: CaptureSource): AsyncGenerator<CorpusItem, void, undefined> {
  let number = 0
  for await (const line of lines(source.chunks)) {
    number++
    const item = itemOf(line, source.file, number)
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
function itemOf(line: Line, file: string, number: number): CorpusItem | null {
  const origin = { file, line: number }
  const unreadable = (reason: string): CorpusItem => ({
    id: `${file}:${number}`,
    unreadable: `${file}:${number}: ${reason}`,
    source: origin,
  })
  if (line.tooLong) return unreadable(`the line is longer than ${longestLineBytes} bytes`)
  const text = line.bytes.toString('utf8')
  if (text.trim() === '') return null
  let value: unknown
  try {
    value = JSON.parse(number === 1 ? text.replace(/^\ufeff/, '') : text)
  } catch (error) {
    const reason = line.unfinished
      ? 'the last line is cut off; the capture was probably truncated'
      : `not valid JSON (${(error as Error).message})`
    return unreadable(reason)
  }
  try {
    return recordOf(value, origin)
  } catch (error) {
    if (error instanceof RecordError) return unreadable(`not a record: ${error.message}`)
    throw error
  }
}
