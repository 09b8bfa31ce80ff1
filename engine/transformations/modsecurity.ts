/**
 * What one ModSecurity engine's transformations do where they differ from what the others do. Each is a `variants`
 * entry of the table. Seen in runs of libmodsecurity 3.0.9 on random values, and of ModSecurity 2.9.7.
 */
import type { ByteString } from '../model/exchange.js'
import { base64Digits, borrowBytes, bytesToEdit, byteTable, isSpace, keepBytes } from './bytes.js'

/**
 * COMPAT(modsec3): all up to a NUL or nothing, and whole groups of four only. Blanks only before a line end or the end,
 * CR only before LF, at most two `=`, nothing of the alphabet behind them.
 */
export function decodeBase64Strictly(value: ByteString): ByteString {
  const text = untilNul(value)
  const bytes = borrowBytes(text.length)
  let end = 0
  let held = 0
  let digits = 0
  let padding = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const six = base64Digits[code] as number
    if (six < 64) {
      if (padding > 0) return ''
      held = (held << 6) | six
      if ((++digits & 3) !== 0) continue
      bytes[end++] = held >> 16
      bytes[end++] = held >> 8
      bytes[end++] = held
    } else if (code === 0x3d) {
      if (++padding > 2) return ''
    } else {
      at = lineEnd(text, at)
      if (at < 0) return ''
    }
  }
  const left = digits & 3
  if (left > 1 && left + padding > 3) {
    held <<= 24 - 6 * left
    bytes[end++] = held >> 16
    if (left === 3) bytes[end++] = held >> 8
  }
  return bytes.toString('latin1', 0, end)
}

/** Where the line ends that has nothing but blanks from here on; -1 where it has more. */
function lineEnd(text: ByteString, from: number): number {
  let at = from
  while (text.charCodeAt(at) === 0x20) at++
  if (at === text.length) return at
  if (text.charCodeAt(at) === 0x0d) at++
  return text.charCodeAt(at) === 0x0a ? at : -1
}

/** COMPAT(modsec3): a `9` at the end that is alone in its group is taken for padding, which empties the result. */
export function endsInLoneNine(value: ByteString): boolean {
  return value.endsWith('9') && value.replace(/[^A-Za-z0-9+/]/g, '').length % 4 === 1
}

/** COMPAT(modsec3): white space of the C locale alone. */
export function compressCSpaces(value: ByteString): ByteString {
  return compressRuns(value, cSpaces)
}

const cSpaces = byteTable((byte) => (isSpace(byte) ? 1 : 0))

/** COMPAT(modsec2): the byte 0xA0 is white space, wherever it stands. */
export function compressByteSpaces(value: ByteString): ByteString {
  return compressRuns(value, byteSpaces)
}

const notBlank = byteTable((byte) => (byte === 0x20 ? 0 : 1))

const byteSpaces = byteTable((byte) => (isSpace(byte) || byte === 0xa0 ? 1 : 0))

/** One blank for each run of bytes whose entry is 1. */
function compressRuns(value: ByteString, spaces: Uint8Array): ByteString {
  const bytes = bytesToEdit(value)
  const first = firstUncompressed(bytes, value.length, spaces)
  if (first === value.length) return value
  let end = first
  let inSpace = first > 0 ? (spaces[bytes[first - 1] as number] as number) : 0
  for (let i = first; i < value.length; i++) {
    const byte = bytes[i] as number
    const space = spaces[byte] as number
    // PERF(transformations): no branch to mispredict.
    bytes[end] = byte ^ ((byte ^ 0x20) & -space)
    end += 1 - (space & inSpace)
    inSpace = space
  }
  return bytes.toString('latin1', 0, end)
}

/** Where the first byte stands that is white space and no blank, or stands behind another; `length` where none does. */
function firstUncompressed(bytes: Buffer, length: number, spaces: Uint8Array): number {
  let before = 0
  for (let i = 0; i < length; i++) {
    const byte = bytes[i] as number
    const space = spaces[byte] as number
    if ((space & (before | (notBlank[byte] as number))) !== 0) return i
    before = space
  }
  return length
}

/** COMPAT(modsec3): both bytes of a no-break space in UTF-8, each wherever it stands. */
export function removeSpacesAndC2(value: ByteString): ByteString {
  return keepBytes(value, noSpacesNorC2)
}

const noSpacesNorC2 = byteTable((byte) => (isSpace(byte) || byte === 0xa0 || byte === 0xc2 ? 0 : 1))

/** COMPAT(modsec2): the byte 0xA0, wherever it stands. */
export function removeByteSpaces(value: ByteString): ByteString {
  return keepBytes(value, noByteSpaces)
}

const noByteSpaces = byteTable((byte) => (isSpace(byte) || byte === 0xa0 ? 0 : 1))

/** COMPAT(modsec3): the result ends at its first NUL. */
export function untilNul(value: ByteString): ByteString {
  const nul = value.indexOf('\0')
  return nul < 0 ? value : value.slice(0, nul)
}
