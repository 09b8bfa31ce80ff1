/**
 * `.mpk`: the same records as NDJSON, one after the other, without a header: msgpackr's record structures when
 * written, these or plain MessagePack maps when read.
 *
 * The only importer of msgpackr outside the engine. Both ways hold no more than one record and one chunk.
 */
import { createRequire } from 'node:module'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Options, Unpackr } from 'msgpackr'
import type { CorpusItem, TransactionRecord } from '../../engine/model/exchange.js'
import type { CaptureFormat, CaptureSource } from '../format.js'
import { itemOf, jsonOf, unreadableAt } from '../record.js'

const load = createRequire(import.meta.url)
/** Loaded with the first file. */
const msgpackr = (): typeof import('msgpackr') => load('msgpackr')

/** LIMIT: a longer record ends the reading of the file with an unreadable record. */
const longestRecordBytes = 64 * 1024 * 1024

export const mpkFormat: CaptureFormat = {
  name: 'mpk',
  doc: 'the same records as a msgpackr stream, or as MessagePack maps',
  extensions: ['.mpk'],
  // A structure or a map, and near its start the name of the one field that every record has.
  sniff: (head) => (isMapStart(head[0]) || isStructureStart(head)) && head.includes('request'),
  read: readMpk,
}

/** Writes records to a stream; ends the stream. */
export async function writeMpk(records: AsyncIterable<TransactionRecord>, out: Writable): Promise<void> {
  await pipeline(Readable.from(packed(records)), out)
}

async function* packed(records: AsyncIterable<TransactionRecord>): AsyncGenerator<Buffer, void, undefined> {
  const packr = new (msgpackr().Packr)({ useRecords: true, sequential: true } as Options)
  for await (const record of records) yield packr.pack(jsonOf(record))
}

function isMapStart(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= 0x80 && byte <= 0x8f) || byte === 0xde || byte === 0xdf)
}

/** The extension by which msgpackr defines a structure inline. */
function isStructureStart(head: Buffer): boolean {
  return head[0] === 0xd4 && head[1] === 0x72
}

async function* readMpk(source: CaptureSource): AsyncGenerator<CorpusItem, void, undefined> {
  const cutter = new RecordCutter()
  let number = 0
  for await (const chunk of source.chunks) {
    for (const value of cutter.add(chunk)) yield itemOf(value, { file: source.file, line: ++number })
    if (cutter.failure !== null) break
  }
  for (const value of cutter.finish()) yield itemOf(value, { file: source.file, line: ++number })
  if (cutter.failure !== null)
    yield unreadableAt({ file: source.file, line: number + 1 }, `record ${number + 1}, ${cutter.failure}`)
}

/** Cuts a stream of chunks into the maps it holds. After a failure nothing more is read. */
class RecordCutter {
  /** Why the stream cannot be read on, with the byte where that is; null while it can. */
  failure: string | null = null
  /** Keeps the structures that the stream has defined so far. */
  readonly #unpackr: Unpackr = new (msgpackr().Unpackr)({ structures: [], mapsAsObjects: true } as Options)
  #held: Buffer[] = []
  #heldBytes = 0
  /** Where in the file the held bytes begin. */
  #offset = 0
  /** Held bytes from which another try is worth while: a long record is not unpacked anew with every chunk. */
  #enough = 1

  add(chunk: Buffer): unknown[] {
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    return this.#heldBytes < this.#enough ? [] : this.#cut()
  }

  finish(): unknown[] {
    if (this.failure !== null || this.#heldBytes === 0) return []
    const values = this.#cut()
    if (this.failure === null && this.#heldBytes > 0)
      this.failure = `byte ${this.#offset}: the file is cut off inside the record; the capture was probably truncated`
    return values
  }

  #cut(): unknown[] {
    const bytes = this.#held.length === 1 ? (this.#held[0] as Buffer) : Buffer.concat(this.#held)
    const values: unknown[] = []
    let used = 0
    try {
      this.#unpackr.unpackMultiple(bytes, (value: unknown, start = 0, end = 0) => {
        // What is no object is no record, and what follows it cannot be trusted to be one.
        // 0xC1 is no value in MessagePack; the library makes an object of it.
        if (typeof value !== 'object' || value === null || bytes[start] === 0xc1) return false
        values.push(value)
        used = end
        return true
      })
      if (used < bytes.length) this.failure = `byte ${this.#offset + used}: not a MessagePack object`
    } catch (error) {
      if ((error as { incomplete?: boolean }).incomplete !== true)
        this.failure = `byte ${this.#offset + used}: not MessagePack`
    }
    this.#offset += used
    this.#held = used < bytes.length ? [bytes.subarray(used)] : []
    this.#heldBytes = bytes.length - used
    this.#enough = this.#heldBytes === 0 ? 1 : this.#heldBytes * 2
    if (this.failure === null && this.#heldBytes > longestRecordBytes)
      this.failure = `byte ${this.#offset}: longer than ${longestRecordBytes} bytes`
    return values
  }
}
