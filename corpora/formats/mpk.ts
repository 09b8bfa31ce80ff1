/**
 * `.mpk`: the same records as NDJSON, as a stream of msgpack objects (msgpackr record structures).
 *
 * Smaller and faster to read than JSON. The only importer of msgpackr outside the engine.
 */
import { PackrStream, UnpackrStream } from 'msgpackr'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { CorpusItem, TransactionRecord } from '../../engine/model/exchange.js'
import type { CaptureFormat, CaptureSource } from '../format.js'
import { jsonOf, RecordError, recordOf } from '../record.js'

/** LIMIT: a longer record ends the file with an unreadable record. */
const longestRecordBytes = 256 * 1024 * 1024

export const mpkFormat: CaptureFormat = {
  name: 'mpk',
  doc: 'the same records as a msgpack stream',
  extensions: ['.mpk'],
  // A record structure definition, a map or a record: never a printable character first.
  sniff: (head) => head.length > 0 && (head[0] as number) >= 0x80,
  read: readMpk,
}

/** Writes records to a stream; ends the stream. */
export async function writeMpk(records: AsyncIterable<TransactionRecord>, out: Writable): Promise<void> {
  const packr = new PackrStream({ structures: [] })
  await pipeline(Readable.from(jsonRecords(records)), packr, out)
}

async function* jsonRecords(records: AsyncIterable<TransactionRecord>): AsyncGenerator<unknown, void, undefined> {
  for await (const record of records) yield jsonOf(record)
}

async function* readMpk(source: CaptureSource): AsyncGenerator<CorpusItem, void, undefined> {
  const unpackr = new UnpackrStream({ structures: [], maxIncompleteBufferSize: longestRecordBytes } as object)
  const input = Readable.from(source.chunks)
  let failure: (Error & { incomplete?: boolean }) | null = null
  input.on('error', (error) => unpackr.destroy(error))
  input.pipe(unpackr)
  let number = 0
  try {
    for await (const value of unpackr) {
      number++
      yield itemOf(value, source.file, number)
    }
  } catch (error) {
    failure = error as Error
  } finally {
    input.destroy()
  }
  if (failure !== null) {
    number++
    const reason =
      failure.incomplete === true
        ? 'the file is cut off in the middle of a record; the capture was probably truncated'
        : `not a msgpack stream (${failure.message})`
    yield {
      id: `${source.file}:${number}`,
      unreadable: `${source.file}: record ${number}: ${reason}`,
      source: { file: source.file, line: number },
    }
  }
}

function itemOf(value: unknown, file: string, number: number): CorpusItem {
  const origin = { file, line: number }
  try {
    return recordOf(value, origin)
  } catch (error) {
    if (!(error instanceof RecordError)) throw error
    return {
      id: `${file}:${number}`,
      unreadable: `${file}: record ${number}: not a record: ${error.message}`,
      source: origin,
    }
  }
}
