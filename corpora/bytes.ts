/**
 * Between text and bytes: what JSON and YAML hold as Unicode, the engine holds as one char a byte.
 *
 * Two readings exist and must not be mixed: a body is UTF-8 text, a header or URI is Latin-1 code points.
 */
import { isUtf8 } from 'node:buffer'
import type { ByteString } from '../engine/model/exchange.js'

const ascii = /^[\0-\x7f]*$/

/** The UTF-8 bytes of a text; half a surrogate pair has none, see `isWellFormed`. */
export function utf8Bytes(text: string): ByteString {
  return ascii.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

/** Code points up to U+00FF are one byte each, those above stand for their UTF-8 bytes. */
export function bytesOfCodePoints(text: string): ByteString {
  if (!/[^\0-\xff]/.test(text)) return text
  return text.replace(/[^\0-\xff]+/g, (run) => Buffer.from(run, 'utf8').toString('latin1'))
}

/** Whether a text has no half of a surrogate pair, and so has bytes. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}

/** The text whose UTF-8 these bytes are; null where they are not UTF-8. */
export function utf8Text(bytes: ByteString): string | null {
  if (ascii.test(bytes)) return bytes
  const buffer = Buffer.from(bytes, 'latin1')
  return isUtf8(buffer) ? buffer.toString('utf8') : null
}

/** The bytes that base64 text stands for, white space allowed, padding optional; null where it is not base64. */
export function base64Bytes(text: string): ByteString | null {
  const packed = /\s/.test(text) ? text.replace(/\s+/g, '') : text
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) return null
  const digits = packed.replace(/={1,2}$/, '').length
  const padded = digits < packed.length
  if (digits % 4 === 1 || (padded && packed.length % 4 !== 0)) return null
  return Buffer.from(packed, 'base64').toString('latin1')
}

export function base64Text(bytes: ByteString): string {
  return Buffer.from(bytes, 'latin1').toString('base64')
}
