/**
 * What the slow paths share: a reusable byte buffer and the hexadecimal digits.
 *
 * A transformation first proves, without allocating, that it has nothing to do; only then does it ask for the
 * buffer, writes bytes into it and takes the result out with `byteString`. The buffer is one per worker and
 * is not re-entrant: no transformation calls another while it holds the buffer.
 */
import type { ByteString } from '../model/exchange.js'

/** LIMIT: a larger buffer than this (bytes) is made for the one call and let go again. */
const keptBytes = 1 << 20

let kept = Buffer.allocUnsafeSlow(1 << 12)

/** A buffer of at least `size` bytes with undefined content, valid until the next call. */
export function borrowBytes(size: number): Buffer {
  if (size <= kept.length) return kept
  if (size > keptBytes) return Buffer.allocUnsafeSlow(size)
  kept = Buffer.allocUnsafeSlow(Math.min(keptBytes, size * 2))
  return kept
}

/** The first `length` bytes as a byte string; `original` itself where they are the same. */
export function byteString(bytes: Buffer, length: number, original: ByteString): ByteString {
  const text = bytes.toString('latin1', 0, length)
  return text === original ? original : text
}

/** Value of a hexadecimal digit by its char code; 255 where it is none. */
export const hexValue: Uint8Array = new Uint8Array(256).fill(255)
for (let i = 0; i < 10; i++) hexValue[0x30 + i] = i
for (let i = 0; i < 6; i++) {
  hexValue[0x41 + i] = 10 + i
  hexValue[0x61 + i] = 10 + i
}

/** Whether the char at `index` is a hexadecimal digit; false behind the end. */
export function isHexAt(text: ByteString, index: number): boolean {
  return index < text.length && (hexValue[text.charCodeAt(index)] as number) < 16
}

/** The byte that the two hexadecimal digits at `index` spell; both must be digits. */
export function hexByteAt(text: ByteString, index: number): number {
  return ((hexValue[text.charCodeAt(index)] as number) << 4) | (hexValue[text.charCodeAt(index + 1)] as number)
}

/** Whether a byte is white space in the C locale: tab, LF, VT, FF, CR, blank. */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)
}

/** Whether a byte is one of `0`-`7`. */
export function isOctal(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x37
}
