/**
 * What one ModSecurity engine's transformations do where they differ from what the others do. Each is a `variants`
 * entry of the table. Seen in runs of libmodsecurity 3.0.9 on random values, and of ModSecurity 2.9.7.
 */
import type { ByteString } from '../model/exchange.js'

/** COMPAT(modsec3): all up to a NUL or nothing, and whole groups of four only. */
export function decodeBase64Strictly(value: ByteString): ByteString {
  const read = untilNul(value)
  if (!isBase64Text(read)) return ''
  const text = read.replace(/[\r\n ]/g, '')
  return Buffer.from(text.slice(0, text.length - (text.length % 4)), 'base64').toString('latin1')
}

/** Blanks only before a line end or the end, CR only before LF, at most two `=`, nothing of the alphabet behind them. */
function isBase64Text(value: ByteString): boolean {
  let padding = 0
  for (let at = 0; at < value.length; at++) {
    const char = value[at] as string
    if (char === '=') {
      if (++padding > 2) return false
    } else if (base64Char.test(char)) {
      if (padding > 0) return false
    } else {
      while (value[at] === ' ') at++
      if (at === value.length) return true
      if (value[at] === '\r') at++
      if (value[at] !== '\n') return false
    }
  }
  return true
}

const base64Char = /[A-Za-z0-9+/]/

/** COMPAT(modsec3): a `9` at the end that is alone in its group is taken for padding, which empties the result. */
export function endsInLoneNine(value: ByteString): boolean {
  return value.endsWith('9') && value.replace(/[^A-Za-z0-9+/]/g, '').length % 4 === 1
}

/** COMPAT(modsec3): white space of the C locale alone. */
export function compressCSpaces(value: ByteString): ByteString {
  return value.replace(/[\t-\r ]+/g, ' ')
}

/** COMPAT(modsec2): the byte 0xA0 is white space, wherever it stands. */
export function compressByteSpaces(value: ByteString): ByteString {
  return value.replace(/[\t-\r \xa0]+/g, ' ')
}

/** COMPAT(modsec3): both bytes of a no-break space in UTF-8, each wherever it stands. */
export function removeSpacesAndC2(value: ByteString): ByteString {
  return value.replace(/[\t-\r \xa0\xc2]+/g, '')
}

/** COMPAT(modsec2): the byte 0xA0, wherever it stands. */
export function removeByteSpaces(value: ByteString): ByteString {
  return value.replace(/[\t-\r \xa0]+/g, '')
}

/** COMPAT(modsec3): the result ends at its first NUL. */
export function untilNul(value: ByteString): ByteString {
  const nul = value.indexOf('\0')
  return nul < 0 ? value : value.slice(0, nul)
}
