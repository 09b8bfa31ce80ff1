/**
 * The UTF-8 of values for RE2, in one buffer: making one anew for each value costs more than most patterns.
 *
 * What is handed out is good until the next value is asked for.
 */
import type { ByteString } from '../model/exchange.js'

/** LIMIT: longer values, in bytes, get a buffer of their own. */
const pooledBytes = 4096
/** Values up to this length are copied byte by byte, longer ones by Node. */
const copiedBytes = 64

const pool = Buffer.alloc(2 * pooledBytes)
/** The first bytes of the pool, by their number. */
const views: (Buffer | undefined)[] = []

/** The value asked for last: many patterns look at one value in a row. */
let lastValue: ByteString | null = null
let lastBytes: Buffer = pool.subarray(0, 0)

/** PERF(operators) */
export function utf8Of(value: ByteString): Buffer {
  if (value === lastValue) return lastBytes
  lastBytes = value.length > pooledBytes ? Buffer.from(value, 'utf8') : viewOf(writtenBytes(value))
  lastValue = value
  return lastBytes
}

function writtenBytes(value: ByteString): number {
  if (value.length > copiedBytes) return pool.write(value, 'utf8')
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code >= 0x80) return pool.write(value, 'utf8')
    pool[i] = code
  }
  return value.length
}

function viewOf(length: number): Buffer {
  let view = views[length]
  if (view === undefined) {
    view = pool.subarray(0, length)
    views[length] = view
  }
  return view
}
