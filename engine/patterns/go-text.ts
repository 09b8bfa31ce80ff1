/**
 * Values as Go's regexp reads them: UTF-8, with U+FFFD for each byte that is none.
 *
 * What is handed out is good until the next value is asked for.
 */
import { isUtf8 as isUtf8Text } from 'node:buffer'
import type { ByteString } from '../model/exchange.js'
import { utf8LengthAt } from '../utf8.js'

/** LIMIT: longer values, in bytes, get buffers of their own. */
const pooledBytes = 4096
/** Values up to this length are copied byte by byte, longer ones by Node. */
const copiedBytes = 64
/** Bytes of U+FFFD. */
const replacementLength = 3

const pool = Buffer.alloc(pooledBytes)
const mendedPool = Buffer.alloc(pooledBytes * replacementLength)
/** The first bytes of the pools, by their number. */
const views: (Buffer | undefined)[] = []
const mendedViews: (Buffer | undefined)[] = []

/** The value asked for last: many patterns look at one value in a row. */
let lastValue: ByteString | null = null
let lastText: Buffer = pool.subarray(0, 0)

/** PERF(operators): one conversion for all patterns, in a buffer that is there already. */
export function goTextOf(value: ByteString): Buffer {
  if (value === lastValue) return lastText
  lastText = textOf(value)
  lastValue = value
  return lastText
}

/** The value's offset for each of its text, and for its end; null where they are the same. */
export function goTextOrigins(value: ByteString): readonly number[] | null {
  if (isUtf8Text(Buffer.from(value, 'latin1'))) return null
  const origins: number[] = []
  for (let at = 0; at < value.length; ) {
    const length = utf8LengthAt(value, at)
    if (length === 0) for (let i = 0; i < replacementLength; i++) origins.push(at)
    else for (let i = 0; i < length; i++) origins.push(at + i)
    at += length || 1
  }
  origins.push(value.length)
  return origins
}

function textOf(value: ByteString): Buffer {
  const { length } = value
  if (length <= copiedBytes && isCopiedAscii(value)) return viewOf(pool, views, length)
  const bytes = length > pooledBytes ? Buffer.from(value, 'latin1') : written(value)
  return isUtf8Text(bytes) ? bytes : mended(value, bytes)
}

/** Copies the value; false, and not all is copied, where it holds bytes above 0x7F. */
function isCopiedAscii(value: ByteString): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code >= 0x80) return false
    pool[i] = code
  }
  return true
}

function written(value: ByteString): Buffer {
  pool.write(value, 'latin1')
  return viewOf(pool, views, value.length)
}

function mended(value: ByteString, bytes: Buffer): Buffer {
  const isPooled = bytes.length <= pooledBytes
  const to = isPooled ? mendedPool : Buffer.allocUnsafe(bytes.length * replacementLength)
  let end = 0
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] as number
    if (byte < 0x80) {
      to[end++] = byte
      at++
      continue
    }
    const length = utf8LengthAt(value, at)
    if (length === 0) {
      to[end++] = 0xef
      to[end++] = 0xbf
      to[end++] = 0xbd
      at++
    } else for (const next = at + length; at < next; at++) to[end++] = bytes[at] as number
  }
  return isPooled ? viewOf(mendedPool, mendedViews, end) : to.subarray(0, end)
}

function viewOf(buffer: Buffer, known: (Buffer | undefined)[], length: number): Buffer {
  let view = known[length]
  if (view === undefined) {
    view = buffer.subarray(0, length)
    known[length] = view
  }
  return view
}
