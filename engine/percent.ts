/**
 * %-sequences: `%41` for a byte.
 */
import type { ByteString } from './model/exchange.js'

/** The text with its %-sequences decoded once; a broken one stays as it is. */
export function percentDecoded(text: ByteString): ByteString {
  if (!text.includes('%')) return text
  return text.replace(/%([0-9a-fA-F]{2})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** Whether a `%` begins no sequence. */
export function hasBrokenPercent(text: ByteString): boolean {
  return text.includes('%') && /%(?![0-9a-fA-F]{2})/.test(text)
}
