/**
 * UTF-8 in byte strings, as Go decodes it: a byte that begins no well-formed sequence is U+FFFD by itself.
 */
import type { ByteString } from './model/exchange.js'

/** U+FFFD. */
export const replacement: ByteString = '\xef\xbf\xbd'

const high = /[\x80-\xff]/

/** Length of the well-formed sequence at `index`; 0 where there is none. `beyond`: also above U+10FFFF. */
export function utf8LengthAt(text: ByteString, index: number, beyond = false): number {
  const lead = text.charCodeAt(index)
  if (lead < 0x80) return 1
  if (lead < 0xc2 || lead > 0xf4) return 0
  const second = text.charCodeAt(index + 1)
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const greatest = lead === 0xed ? 0x9f : lead === 0xf4 && !beyond ? 0x8f : 0xbf
  if (!(second >= least && second <= greatest)) return 0
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  for (let i = index + 2; i < index + length; i++) if ((text.charCodeAt(i) & 0xc0) !== 0x80) return 0
  return length
}

export function isUtf8(text: ByteString): boolean {
  if (!high.test(text)) return true
  for (let at = 0; at < text.length; ) {
    const length = utf8LengthAt(text, at)
    if (length === 0) return false
    at += length
  }
  return true
}

/** The text that the bytes are, U+FFFD for each byte that is no UTF-8. */
export function decodeUtf8(bytes: ByteString): string {
  if (!high.test(bytes)) return bytes
  if (isUtf8(bytes)) return Buffer.from(bytes, 'latin1').toString('utf8')
  let mended = ''
  for (let at = 0; at < bytes.length; ) {
    const length = utf8LengthAt(bytes, at)
    mended += length === 0 ? replacement : bytes.slice(at, at + length)
    at += length || 1
  }
  return Buffer.from(mended, 'latin1').toString('utf8')
}

export function encodeUtf8(text: string): ByteString {
  return Buffer.from(text, 'utf8').toString('latin1')
}
