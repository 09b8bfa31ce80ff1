/**
 * Escapes inside text: HTML entities, JavaScript, CSS, ANSI C.
 *
 * All four are single passes that follow the two ModSecurity engines byte for byte; where a value holds no
 * escape sign the very same string comes back. URL escapes are in url.ts.
 */
import type { TransformationDefinition } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { byteString, bytesToEdit, hexByteAt, hexValue, isHexAt, isOctal, isSpace } from './bytes.js'
import { untilNul } from './modsecurity.js'

/**
 * Only quot, amp, lt, gt and nbsp are known by name, in any case; a semicolon is not required. A number is cut to
 * its lowest byte (`&#x4142;` gives B), one too large for 64 bits to 0xFF.
 * COMPAT(coraza): Coraza knows all names of HTML 5 and writes code points above 0x7F as UTF-8.
 */
export const htmlEntityDecode: TransformationDefinition = {
  name: 'htmlEntityDecode',
  changes: /&/,
  platforms: 'Coraza decodes all references of HTML, to UTF-8.',
  doc: 'Decodes the entities &#NN; &#xHH; &quot; &amp; &lt; &gt; &nbsp;, with or without semicolon.',
  apply: (value) => {
    let first = value.indexOf('&')
    while (first !== -1 && !readEntity(value, first + 1)) first = value.indexOf('&', first + 1)
    if (first === -1) return value
    const bytes = bytesToEdit(value)
    let end = first
    let i = first
    while (i < value.length) {
      const byte = value.charCodeAt(i)
      if (byte === 0x26 && readEntity(value, i + 1)) {
        bytes[end++] = entityByte
        i = value.charCodeAt(entityEnd) === 0x3b ? entityEnd + 1 : entityEnd
      } else {
        bytes[end++] = byte
        i++
      }
    }
    return byteString(bytes, end, value)
  },
}

/**
 * `\uHHHH` gives its lower byte, with the full-width forms FF01-FF5E as ASCII; `\xHH`; `\OOO` up to 377;
 * any other `\C` gives C, with a b f n r t v as control characters.
 * COMPAT(coraza): Coraza 3.8 also decodes `\u{H…}`.
 */
export const jsDecode: TransformationDefinition = {
  name: 'jsDecode',
  changes: /\\/,
  doc: 'Decodes JavaScript escapes.',
  apply: (value) => {
    const first = value.indexOf('\\')
    if (first === -1 || first === value.length - 1) return value
    const bytes = bytesToEdit(value)
    let end = first
    let i = first
    while (i < value.length) {
      const byte = value.charCodeAt(i)
      if (byte !== 0x5c || i + 1 === value.length) {
        bytes[end++] = byte
        i++
        continue
      }
      const kind = value.charCodeAt(i + 1)
      if (kind === 0x75 && areHex(value, i + 2, 4)) {
        bytes[end++] = foldFullWidth(hexByteAt(value, i + 2), hexByteAt(value, i + 4))
        i += 6
      } else if (kind === 0x78 && areHex(value, i + 2, 2)) {
        bytes[end++] = hexByteAt(value, i + 2)
        i += 4
      } else if (isOctal(kind)) {
        let digits = octalDigits(value, i + 1)
        if (digits === 3 && kind > 0x33) digits = 2
        bytes[end++] = octalByte(value, i + 1, digits)
        i += 1 + digits
      } else {
        bytes[end++] = controlEscape[kind] as number
        i += 2
      }
    }
    return byteString(bytes, end, value)
  },
}

/**
 * A backslash and one to six hexadecimal digits give the byte of the last two digits, full-width forms of four
 * and more digits as ASCII; one white space behind is swallowed. A backslash before a line feed goes with it,
 * before any other character alone.
 * COMPAT(coraza): Coraza 3.8 writes the code point as UTF-8. COMPAT(modsec3): libmodsecurity ends the value at a NUL.
 */
export const cssDecode: TransformationDefinition = {
  name: 'cssDecode',
  changes: /[\\\0]/,
  doc: 'Decodes CSS 2 escapes.',
  platforms: 'libmodsecurity 3 ends the value at a NUL. Coraza writes code points as UTF-8.',
  variants: { modsec3: (value) => untilNul(cssDecode.apply(value)) },
  apply: (value) => {
    const first = value.indexOf('\\')
    if (first === -1) return value
    const bytes = bytesToEdit(value)
    let end = first
    let i = first
    while (i < value.length) {
      const byte = value.charCodeAt(i++)
      if (byte !== 0x5c) {
        bytes[end++] = byte
        continue
      }
      if (i === value.length) break
      let digits = 0
      while (digits < 6 && isHexAt(value, i + digits)) digits++
      if (digits > 0) {
        bytes[end++] = cssByte(value, i, digits)
        i += digits
        if (i < value.length && isSpace(value.charCodeAt(i))) i++
      } else if (value.charCodeAt(i) === 0x0a) {
        i++
      } else {
        bytes[end++] = value.charCodeAt(i++)
      }
    }
    return byteString(bytes, end, value)
  },
}

/** Octal escapes over 377 lose their ninth bit. */
export const escapeSeqDecode: TransformationDefinition = {
  name: 'escapeSeqDecode',
  changes: /\\/,
  doc: 'Decodes ANSI C escapes: \\a \\b \\f \\n \\r \\t \\v \\\\ \\? \\\' \\" \\xHH \\OOO; of any other the backslash goes.',
  apply: (value) => {
    const first = value.indexOf('\\')
    if (first === -1 || first === value.length - 1) return value
    const bytes = bytesToEdit(value)
    let end = first
    let i = first
    while (i < value.length) {
      const byte = value.charCodeAt(i)
      if (byte !== 0x5c || i + 1 === value.length) {
        bytes[end++] = byte
        i++
        continue
      }
      const kind = value.charCodeAt(i + 1)
      if ((kind | 0x20) === 0x78 && areHex(value, i + 2, 2)) {
        bytes[end++] = hexByteAt(value, i + 2)
        i += 4
      } else if (isOctal(kind)) {
        const digits = octalDigits(value, i + 1)
        bytes[end++] = octalByte(value, i + 1, digits)
        i += 1 + digits
      } else {
        bytes[end++] = controlEscape[kind] as number
        i += 2
      }
    }
    return byteString(bytes, end, value)
  },
}

/** What `\C` stands for, by the char code of C: a control character for a b f n r t v, else C itself. */
const controlEscape: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => code)
for (const [letter, code] of Object.entries({ a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 }))
  controlEscape[letter.charCodeAt(0)] = code

function areHex(value: ByteString, index: number, count: number): boolean {
  for (let i = index; i < index + count; i++) if (!isHexAt(value, i)) return false
  return true
}

/** The byte of a code unit whose upper and lower byte are given, full-width ASCII folded. */
function foldFullWidth(upper: number, lower: number): number {
  return upper === 0xff && lower > 0x00 && lower < 0x5f ? lower + 0x20 : lower
}

/** How many octal digits stand at `index`, three at most. */
function octalDigits(value: ByteString, index: number): number {
  let digits = 0
  while (digits < 3 && index + digits < value.length && isOctal(value.charCodeAt(index + digits))) digits++
  return digits
}

function octalByte(value: ByteString, index: number, digits: number): number {
  let number = 0
  for (let i = index; i < index + digits; i++) number = number * 8 + value.charCodeAt(i) - 0x30
  return number & 0xff
}

function cssByte(value: ByteString, index: number, digits: number): number {
  if (digits === 1) return hexValue[value.charCodeAt(index)] as number
  const last = index + digits - 2
  const lower = hexByteAt(value, last)
  const leadingZeros =
    digits === 4 ||
    (digits === 5 && value.charCodeAt(index) === 0x30) ||
    (digits === 6 && value.charCodeAt(index) === 0x30 && value.charCodeAt(index + 1) === 0x30)
  return leadingZeros ? foldFullWidth(hexByteAt(value, last - 2), lower) : lower
}

/** Results of `readEntity`; module state, so that the loop allocates nothing. */
let entityByte = 0
let entityEnd = 0

/** Reads the entity whose first character behind `&` is at `start`; false where there is none. */
function readEntity(value: ByteString, start: number): boolean {
  if (value.charCodeAt(start) !== 0x23) return readNamedEntity(value, start)
  const hex = (value.charCodeAt(start + 1) | 0x20) === 0x78
  const first = hex ? start + 2 : start + 1
  const base = hex ? 16 : 10
  let i = first
  let low = 0
  while (i < value.length) {
    const digit = hexValue[value.charCodeAt(i)] as number
    if (digit >= base) break
    low = (low * base + digit) & 0xff
    i++
  }
  if (i === first) return false
  entityByte = exceedsLong(value, first, i, hex) ? 0xff : low
  entityEnd = i
  return true
}

const greatestLong = 2n ** 63n - 1n

/** Whether the number is beyond the engines' signed 64 bits, where it stops at the greatest: lowest byte 0xFF. */
function exceedsLong(value: ByteString, start: number, end: number, hex: boolean): boolean {
  if (end - start < 16) return false
  let first = start
  while (first < end && value.charCodeAt(first) === 0x30) first++
  if (end - first > (hex ? 16 : 19)) return true
  const digits = value.slice(first, end)
  return digits !== '' && BigInt(hex ? `0x${digits}` : digits) > greatestLong
}

const entityNames: Readonly<Record<string, number>> = { amp: 0x26, gt: 0x3e, lt: 0x3c, nbsp: 0xa0, quot: 0x22 }

/** PERF(transformations): of the names in a query string, most are told apart from entities by their first letter. */
const initials = new Uint8Array(256)
for (const name of Object.keys(entityNames))
  for (const initial of [name, name.toUpperCase()]) initials[initial.charCodeAt(0)] = 1

function readNamedEntity(value: ByteString, start: number): boolean {
  if (initials[value.charCodeAt(start)] !== 1) return false
  let end = start
  while (end < value.length && isAlphanumeric(value.charCodeAt(end))) end++
  if (end - start < 2 || end - start > 4) return false
  const byte = entityNames[value.slice(start, end).toLowerCase()]
  if (byte === undefined) return false
  entityByte = byte
  entityEnd = end
  return true
}

function isAlphanumeric(byte: number): boolean {
  const letter = byte | 0x20
  return (byte >= 0x30 && byte <= 0x39) || (letter >= 0x61 && letter <= 0x7a)
}
