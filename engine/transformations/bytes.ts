/**
 * What the slow paths share: reusable byte buffers, tables by byte, and the hexadecimal digits.
 *
 * A transformation first proves, without allocating, that it has nothing to do; only then does it take the value's
 * bytes, rewrites them, and takes the result out with `byteString`. There is one buffer to edit and one to write into per
 * worker, and they are not re-entrant: no transformation calls another while it holds one of them.
 */
import type { ByteString } from '../model/exchange.js'

/** LIMIT: a larger buffer than this (bytes) is made for the one call and let go again. */
const keptBytes = 1 << 20

let kept = Buffer.allocUnsafeSlow(1 << 12)
let keptToEdit = Buffer.allocUnsafeSlow(1 << 12)

/** A buffer of at least `size` bytes with undefined content, valid until the next call. */
export function borrowBytes(size: number): Buffer {
  if (size > kept.length) {
    const larger = Buffer.allocUnsafeSlow(roomFor(size))
    if (size > keptBytes) return larger
    kept = larger
  }
  return kept
}

/** So many NULs stand behind bytes to edit, for who looks ahead. */
const nulsBehind = 8

/**
 * The value's bytes, to be rewritten in place, valid until the next call; at least five NULs stand behind them.
 *
 * PERF(transformations): bytes are read and written at half the cost of the chars of a string, and getting them costs
 * as much as some 50 of those.
 */
export function bytesToEdit(value: ByteString): Buffer {
  const { length } = value
  let bytes = keptToEdit
  if (length + nulsBehind > bytes.length) {
    bytes = Buffer.allocUnsafeSlow(roomFor(length + nulsBehind))
    if (length <= keptBytes) keptToEdit = bytes
  }
  bytes.write(value, 'latin1')
  for (let at = length; at < length + nulsBehind; at++) bytes[at] = 0
  return bytes
}

function roomFor(size: number): number {
  return size > keptBytes ? size : Math.min(keptBytes, size * 2) + nulsBehind
}

/** The first `length` bytes as a byte string; `original` itself where they are the same. */
export function byteString(bytes: Buffer, length: number, original: ByteString): ByteString {
  const text = bytes.toString('latin1', 0, length)
  return text === original ? original : text
}

/** Where the first of several texts stands; -1 where none does. PERF(transformations): a pattern costs ten times as much. */
export function firstOf(value: ByteString, texts: readonly ByteString[]): number {
  let first = -1
  for (const text of texts) {
    const at = value.indexOf(text)
    if (at >= 0 && (first < 0 || at < first)) first = at
  }
  return first
}

/** What a transformation yields that only leaves bytes out. */
export function itself(byte: ByteString): ByteString {
  return byte
}

/** What a function makes of each byte, by byte. */
export function byteTable(of: (byte: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => of(byte))
}

/** The value with each byte replaced by its entry. */
export function mapBytes(value: ByteString, table: Uint8Array): ByteString {
  const bytes = bytesToEdit(value)
  for (let i = 0; i < value.length; i++) bytes[i] = table[bytes[i] as number] as number
  return byteString(bytes, value.length, value)
}

/** The value without the bytes whose entry is 0; the others' is 1. */
export function keepBytes(value: ByteString, keeps: Uint8Array): ByteString {
  const bytes = bytesToEdit(value)
  let end = 0
  for (let i = 0; i < value.length; i++) {
    const byte = bytes[i] as number
    // PERF(transformations): no branch to mispredict; blanks come at every fifth byte of prose.
    bytes[end] = byte
    end += keeps[byte] as number
  }
  return end === value.length ? value : bytes.toString('latin1', 0, end)
}

/** Value of a hexadecimal digit by its char code; 255 where it is none. */
export const hexValue: Uint8Array = new Uint8Array(256).fill(255)
for (let i = 0; i < 10; i++) hexValue[0x30 + i] = i
for (let i = 0; i < 6; i++) {
  hexValue[0x41 + i] = 10 + i
  hexValue[0x61 + i] = 10 + i
}

/** The six bits of a Base64 digit by its char code; 255 where it is none. */
export const base64Digits: Uint8Array = new Uint8Array(256).fill(255)
Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/').forEach((digit, six) => {
  base64Digits[digit.charCodeAt(0)] = six
})

/** Whether the char at `index` is a hexadecimal digit; false behind the end. */
export function isHexAt(text: ByteString, index: number): boolean {
  return index < text.length && (hexValue[text.charCodeAt(index)] as number) < 16
}

/** The byte that the two hexadecimal digits at `index` spell; both must be digits. */
export function hexByteAt(text: ByteString, index: number): number {
  return ((hexValue[text.charCodeAt(index)] as number) << 4) | (hexValue[text.charCodeAt(index + 1)] as number)
}

/** As `isHexAt`, of bytes to edit. */
export function isHexByteAt(bytes: Buffer, index: number): boolean {
  return (hexValue[bytes[index] as number] as number) < 16
}

/** As `hexByteAt`, of bytes to edit. */
export function hexByteIn(bytes: Buffer, index: number): number {
  return ((hexValue[bytes[index] as number] as number) << 4) | (hexValue[bytes[index + 1] as number] as number)
}

/** Whether a byte is white space in the C locale: tab, LF, VT, FF, CR, blank. */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)
}

/** Whether a byte is one of `0`-`7`. */
export function isOctal(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x37
}
