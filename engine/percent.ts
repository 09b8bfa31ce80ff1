/**
 * %-sequences: `%41` for a byte.
 */
import type { ByteString } from './model/exchange.js'

/** The text with its %-sequences decoded once; a broken one stays as it is. */
export function percentDecoded(text: ByteString): ByteString {
  let at = text.indexOf('%')
  if (at < 0) return text
  if (text.length > bytes.length) bytes = Buffer.alloc(2 * text.length)
  bytes.write(text, 'latin1')
  let end = at
  while (at < text.length) {
    const byte = bytes[at] as number
    const value =
      byte === percent && at + 2 < text.length ? hexByte(bytes[at + 1] as number, bytes[at + 2] as number) : -1
    bytes[end++] = value < 0 ? byte : value
    at += value < 0 ? 1 : 3
  }
  return bytes.toString('latin1', 0, end)
}

const percent = 0x25

/** PERF(parse): room for one text, kept from call to call. */
let bytes = Buffer.alloc(4096)

/** Value of each hexadecimal digit, -1 for other bytes. */
const digits = Int8Array.from({ length: 256 }, (_, code) => {
  const digit = Number.parseInt(String.fromCharCode(code), 16)
  return Number.isNaN(digit) ? -1 : digit
})

/** The byte that two hexadecimal digits stand for; -1 where one of them is none. */
export function hexByte(high: number, low: number): number {
  const first = digits[high] as number
  const second = digits[low] as number
  return first < 0 || second < 0 ? -1 : first * 16 + second
}

/** Whether a `%` begins no sequence. */
export function hasBrokenPercent(text: ByteString): boolean {
  return text.includes('%') && /%(?![0-9a-fA-F]{2})/.test(text)
}
