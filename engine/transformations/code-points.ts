/**
 * Code points in the bytes of values, as Go reads and writes them: a byte that begins no well-formed sequence is U+FFFD.
 */
import type { ByteString } from '../model/exchange.js'
import { borrowBytes, byteString, bytesToEdit } from './bytes.js'

const replacementPoint = 0xfffd
/** A sequence of UTF-8 becomes at most so many times as long by mapping: a byte that is none, U+FFFD. */
const mostGrowth = 3

/** What is dropped in place of being mapped. */
export const dropped = -1

/**
 * The code point that begins at a byte above 0x7F; -1 where no well-formed sequence does. Behind the end of the bytes at
 * least one must stand that continues none.
 */
export function pointIn(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number
  if (lead < 0xc2 || lead > 0xf4) return -1
  const second = bytes[at + 1] as number
  if ((second & 0xc0) !== 0x80) return -1
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | (second & 0x3f)
  const third = bytes[at + 2] as number
  if ((third & 0xc0) !== 0x80) return -1
  const three = ((lead & 0x0f) << 12) | ((second & 0x3f) << 6) | (third & 0x3f)
  if (lead < 0xf0) return three < 0x800 || (three >= 0xd800 && three <= 0xdfff) ? -1 : three
  const fourth = bytes[at + 3] as number
  if ((fourth & 0xc0) !== 0x80) return -1
  const four = ((three & 0x7fff) << 6) | (fourth & 0x3f)
  return four < 0x10000 || four > 0x10ffff ? -1 : four
}

/** How many bytes a code point above 0x7F takes; one for what is none. */
export function lengthOfPoint(point: number): number {
  if (point < 0) return 1
  return point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
}

/** Writes the code point at `at`; gives the position behind it. */
function writePoint(bytes: Uint8Array, at: number, point: number): number {
  let end = at
  if (point < 0x80) {
    bytes[end++] = point
    return end
  }
  if (point < 0x800) bytes[end++] = 0xc0 | (point >> 6)
  else {
    if (point < 0x10000) bytes[end++] = 0xe0 | (point >> 12)
    else {
      bytes[end++] = 0xf0 | (point >> 18)
      bytes[end++] = 0x80 | ((point >> 12) & 0x3f)
    }
    bytes[end++] = 0x80 | ((point >> 6) & 0x3f)
  }
  bytes[end++] = 0x80 | (point & 0x3f)
  return end
}

/** A mapping of code points one to one. */
export interface PointMap {
  /** By byte up to 0x7F: what becomes of it. */
  readonly bytes: Uint8Array
  /** By byte up to 0x7F: 0 where it is dropped, else 1. */
  readonly keeps: Uint8Array
  /** What becomes of a code point above 0x7F; `dropped`. */
  readonly above: (point: number) => number
}

export function mapPoints(value: ByteString, { bytes, keeps, above }: PointMap): ByteString {
  const from = bytesToEdit(value)
  const to = borrowBytes(value.length * mostGrowth)
  let end = 0
  for (let at = 0; at < value.length; ) {
    const byte = from[at] as number
    if (byte < 0x80) {
      to[end] = bytes[byte] as number
      end += keeps[byte] as number
      at++
      continue
    }
    const point = pointIn(from, at)
    at += lengthOfPoint(point)
    const mapped = point < 0 ? replacementPoint : above(point)
    if (mapped !== dropped) end = writePoint(to, end, mapped)
  }
  return byteString(to, end, value)
}

/** The same function with what it made of the first 65,536 code points kept. */
export function remembered(of: (char: string) => string): (point: number) => number {
  let known: Uint16Array | null = null
  return (point) => {
    known ??= new Uint16Array(0x10000)
    const before = point < 0x10000 ? (known[point] as number) : 0
    if (before !== 0) return before
    const made = of(String.fromCodePoint(point)).codePointAt(0) as number
    if (point < 0x10000 && made < 0x10000) known[point] = made
    return made
  }
}
