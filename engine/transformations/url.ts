/**
 * URL escapes: %HH, %uHHHH, `+` for a blank, and the way from UTF-8 to %uHHHH.
 *
 * What is not a whole escape is kept as it stands. `urlDecodeUni` maps %uHHHH with the table of SecUnicodeMapFile; as
 * an entry by itself with codepage 20127 of best-fit.ts, which the recommended configurations name.
 */
import type { TransformationDefinition } from '../model/definitions.js'
import { bestFit } from './best-fit.js'
import { borrowBytes, byteString, bytesToEdit, byteTable, hexByteIn, isHexByteAt } from './bytes.js'

export const urlDecode: TransformationDefinition = {
  name: 'urlDecode',
  changes: /[%+]/,
  doc: 'Decodes %HH and + of URLs; invalid escapes are kept.',
  apply: (value) => decode(value, null),
}

/** A code unit without an entry in the table gives its lower byte, the full-width forms FF01-FF5E their ASCII. */
export const urlDecodeUni: TransformationDefinition = {
  name: 'urlDecodeUni',
  changes: /[%+]/,
  doc: 'Decodes %HH, %uHHHH and + of URLs; %uHHHH becomes the nearest ASCII character; invalid escapes are kept.',
  apply: (value) => decode(value, bestFit),
  withUnicodeMap: (map) => (value) => decode(value, map),
}

/** `map`: the table for %uHHHH; null where that is no escape. */
function decode(value: string, map: ReadonlyMap<number, number> | null): string {
  const first = firstEscape(value)
  if (first === -1) return value
  const bytes = bytesToEdit(value)
  let end = first
  let i = first
  while (i < value.length) {
    const byte = bytes[i] as number
    if (byte !== 0x25) {
      bytes[end++] = withoutPlus[byte] as number
      i++
    } else if (isHexByteAt(bytes, i + 1) && isHexByteAt(bytes, i + 2)) {
      bytes[end++] = hexByteIn(bytes, i + 1)
      i += 3
    } else if (map !== null && isUnicodeEscapeAt(bytes, i)) {
      bytes[end++] = fittedByte(map, hexByteIn(bytes, i + 2), hexByteIn(bytes, i + 4))
      i += 6
    } else {
      bytes[end++] = byte
      i++
    }
  }
  return byteString(bytes, end, value)
}

const withoutPlus = byteTable((byte) => (byte === 0x2b ? 0x20 : byte))

const reserved = /[^*0-9A-Za-z]/

export const urlEncode: TransformationDefinition = {
  name: 'urlEncode',
  doc: 'Encodes every byte but letters, digits and * as %hh, a blank as +.',
  apply: (value) => {
    if (!reserved.test(value)) return value
    const bytes = borrowBytes(value.length * 3)
    let end = 0
    for (let i = 0; i < value.length; i++) {
      const byte = value.charCodeAt(i)
      if (byte === 0x20) bytes[end++] = 0x2b
      else if (isUnreserved(byte)) bytes[end++] = byte
      else {
        bytes[end++] = 0x25
        bytes[end++] = hexDigit(byte >> 4)
        bytes[end++] = hexDigit(byte & 15)
      }
    }
    return byteString(bytes, end, value)
  },
}

const notPlain = /[\0\x80-\xff]/

/**
 * Code points beyond the first plane get five or six digits. NUL bytes, and a first byte of a sequence that is not
 * followed by its continuation, are dropped; behind an overlong form or a surrogate its first byte follows.
 */
export const utf8toUnicode: TransformationDefinition = {
  name: 'utf8toUnicode',
  changes: /[\0\x80-\xff]/,
  yields: (byte) => (byte >= '\x80' ? `${byte}%u0123456789abcdef` : byte),
  doc: 'Writes each UTF-8 sequence of two and more bytes as %uHHHH.',
  platforms: 'Coraza keeps NUL and writes %ufffd for invalid bytes.',
  apply: (value) => {
    if (!notPlain.test(value)) return value
    const from = bytesToEdit(value)
    const bytes = borrowBytes(value.length * 4)
    let end = 0
    let i = 0
    while (i < value.length) {
      const lead = from[i] as number
      if (lead < 0x80) {
        if (lead !== 0) bytes[end++] = lead
        i++
        continue
      }
      const length = sequenceLength(lead)
      if (length === 1) {
        bytes[end++] = lead
        i++
        continue
      }
      if (lead >= 0xf5) bytes[end++] = lead
      const point = codePointAt(from, i, length)
      if (point === -1) {
        i++
        continue
      }
      end = writeEscape(bytes, end, point)
      if (point < (leastCodePoint[length] as number) || (point >= 0xd800 && point <= 0xdfff)) bytes[end++] = lead
      i += length
    }
    return byteString(bytes, end, value)
  },
}

function firstEscape(value: string): number {
  const percent = value.indexOf('%')
  const plus = value.indexOf('+')
  if (percent === -1) return plus
  return plus === -1 || percent < plus ? percent : plus
}

function isUnicodeEscapeAt(bytes: Buffer, index: number): boolean {
  return (
    ((bytes[index + 1] as number) | 0x20) === 0x75 &&
    isHexByteAt(bytes, index + 2) &&
    isHexByteAt(bytes, index + 3) &&
    isHexByteAt(bytes, index + 4) &&
    isHexByteAt(bytes, index + 5)
  )
}

function fittedByte(map: ReadonlyMap<number, number>, upper: number, lower: number): number {
  const fitted = map.get((upper << 8) | lower)
  if (fitted !== undefined) return fitted
  return upper === 0xff && lower > 0x00 && lower < 0x5f ? lower + 0x20 : lower
}

function isUnreserved(byte: number): boolean {
  const letter = byte | 0x20
  return (byte >= 0x30 && byte <= 0x39) || (letter >= 0x61 && letter <= 0x7a) || byte === 0x2a
}

function hexDigit(four: number): number {
  return four < 10 ? 0x30 + four : 0x57 + four
}

/** The least code point that needs as many bytes as the index says. */
const leastCodePoint = [0, 0, 0x80, 0x800, 0x10000]

/** How long the sequence is that this byte leads; 1 where it leads none. */
function sequenceLength(lead: number): number {
  if ((lead & 0xe0) === 0xc0) return 2
  if ((lead & 0xf0) === 0xe0) return 3
  return (lead & 0xf8) === 0xf0 ? 4 : 1
}

/** The code point of the sequence, overlong or not; -1 where a continuation byte is missing. */
function codePointAt(bytes: Buffer, index: number, length: number): number {
  let point = (bytes[index] as number) & (0x7f >> length)
  for (let i = index + 1; i < index + length; i++) {
    const byte = bytes[i] as number
    if ((byte & 0xc0) !== 0x80) return -1
    point = (point << 6) | (byte & 0x3f)
  }
  return point
}

/** Writes `%u` and the code point in four to six digits; gives the position behind it. */
export function writeEscape(bytes: Buffer, at: number, point: number): number {
  let end = at
  bytes[end++] = 0x25
  bytes[end++] = 0x75
  const digits = point > 0xfffff ? 6 : point > 0xffff ? 5 : 4
  for (let shift = (digits - 1) * 4; shift >= 0; shift -= 4) bytes[end++] = hexDigit((point >> shift) & 15)
  return end
}
