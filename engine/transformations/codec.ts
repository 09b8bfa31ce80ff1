/**
 * Codecs and digests: Base64, hexadecimal, the hexadecimal literals of SQL, parity bits, MD5 and SHA-1.
 *
 * Escapes inside text (URL, HTML, JavaScript, CSS, C) are in url.ts and escape.ts. Decoders never fail: what
 * does not decode ends the result or is skipped, as the engines do it.
 */
import { createHash } from 'node:crypto'
import type { TransformationDefinition } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { base64Digits, borrowBytes, byteString, byteTable, hexByteAt, isHexAt, mapBytes } from './bytes.js'
import { decodeBase64Strictly, endsInLoneNine, untilNul } from './modsecurity.js'

export const base64Encode: TransformationDefinition = {
  name: 'base64Encode',
  doc: 'Encodes in Base64, with padding.',
  apply: (value) => (value === '' ? value : Buffer.from(value, 'latin1').toString('base64')),
}

/**
 * COMPAT(modsec3): an empty value where a character is invalid, and no incomplete last group; ModSecurity 2 and Coraza
 * keep what was decoded (`VGVzdENhc2U`, `PFR!`). COMPAT(modsec2): ends at a line break, which the two others skip.
 */
export const base64Decode: TransformationDefinition = {
  name: 'base64Decode',
  doc: 'Decodes Base64 up to the first character that is not part of it; line breaks are skipped.',
  platforms: 'ModSecurity 2 ends at a line break. libmodsecurity 3: all or nothing, whole groups only.',
  variants: { modsec2: (value) => decodeBase64(value, endingAtLines), modsec3: decodeBase64Strictly },
  apply: (value) => decodeBase64(value, strictAlphabet),
}

/**
 * `=` is skipped like any other character outside the alphabet, but where a single character of a group stands before
 * it the result is empty. COMPAT(coraza): Coraza ends at `=` and takes `-` and `_` for `+` and `/`.
 * COMPAT(modsec2): ModSecurity 2 ends at a NUL. COMPAT(modsec3): a last group of nothing but `9` empties the result.
 */
export const base64DecodeExt: TransformationDefinition = {
  name: 'base64DecodeExt',
  doc: 'Decodes Base64 and skips every character that is not part of it.',
  platforms: 'ModSecurity 2 ends at a NUL. Coraza ends at = and takes the URL alphabet.',
  variants: {
    modsec2: (value) => decodeBase64(untilNul(value), forgivingAlphabet),
    modsec3: (value) => (endsInLoneNine(value) ? '' : decodeBase64(value, forgivingAlphabet)),
  },
  apply: (value) => decodeBase64(value, forgivingAlphabet),
}

export const hexEncode: TransformationDefinition = {
  name: 'hexEncode',
  doc: 'Each byte as two hexadecimal digits in lower case.',
  apply: (value) => (value === '' ? value : Buffer.from(value, 'latin1').toString('hex')),
}

/**
 * Digits are not checked: any other character counts as its distance from `0` or `A`, as both ModSecurity
 * engines compute it. COMPAT(coraza): Coraza leaves a value that is not hexadecimal as it is.
 */
export const hexDecode: TransformationDefinition = {
  name: 'hexDecode',
  doc: 'Decodes pairs of hexadecimal digits; an odd last one is dropped.',
  platforms: 'Coraza leaves what is not hexadecimal as it is.',
  apply: (value) => {
    if (value === '') return value
    const bytes = borrowBytes(value.length >> 1)
    let end = 0
    for (let i = 0; i + 1 < value.length; i += 2)
      bytes[end++] = (looseDigit(value.charCodeAt(i)) * 16 + looseDigit(value.charCodeAt(i + 1))) & 0xff
    return byteString(bytes, end, value)
  },
}

/**
 * The byte behind a decoded literal is copied unseen, so of `0x410x42` only the first is decoded; a NUL, also a
 * decoded one, ends the value. COMPAT(modsec3): libmodsecurity 3.0.9 also loses the last byte of a value that does
 * not end in a literal (`abc` gives `ab`); ModSecurity 2 does not, and Coraza lacks the transformation.
 */
export const sqlHexDecode: TransformationDefinition = {
  name: 'sqlHexDecode',
  doc: 'Decodes the hexadecimal literals of SQL, 0x414243.',
  platforms: 'libmodsecurity 3.0.9 loses the last byte where it ends no literal.',
  variants: { modsec3: (value) => decodeSqlHex(value, true) },
  apply: (value) => decodeSqlHex(value, false),
}

/** `losesLast`: the last byte is lost where it neither ends a literal nor stands right behind one. */
function decodeSqlHex(value: ByteString, losesLast: boolean): ByteString {
  if (!losesLast && !sqlLiteral.test(value) && value.indexOf('\0') === -1) return value
  const bytes = borrowBytes(value.length)
  let end = 0
  let i = 0
  while (i < value.length) {
    if (isSqlLiteralAt(value, i)) {
      for (i += 2; isHexAt(value, i) && isHexAt(value, i + 1); i += 2) bytes[end++] = hexByteAt(value, i)
      if (i === value.length) break
    } else if (losesLast && i === value.length - 1) break
    bytes[end++] = value.charCodeAt(i++)
  }
  const nul = bytes.indexOf(0)
  return byteString(bytes, nul === -1 || nul > end ? end : nul, value)
}

export const md5: TransformationDefinition = {
  name: 'md5',
  doc: 'The MD5 digest, 16 raw bytes.',
  apply: (value) => createHash('md5').update(value, 'latin1').digest('binary'),
}

export const sha1: TransformationDefinition = {
  name: 'sha1',
  doc: 'The SHA-1 digest, 20 raw bytes.',
  apply: (value) => createHash('sha1').update(value, 'latin1').digest('binary'),
}

export const parityEven7bit: TransformationDefinition = {
  name: 'parityEven7bit',
  doc: 'Sets bit 8 of each byte so that the number of ones among bits 1-7 and it is even.',
  apply: (value) => mapBytes(value, evenParity),
}

export const parityOdd7bit: TransformationDefinition = {
  name: 'parityOdd7bit',
  doc: 'Sets bit 8 of each byte so that the number of ones among bits 1-7 and it is odd.',
  apply: (value) => mapBytes(value, oddParity),
}

export const parityZero7bit: TransformationDefinition = {
  name: 'parityZero7bit',
  doc: 'Clears bit 8 of each byte.',
  apply: (value) => mapBytes(value, zeroParity),
}

/** Marks beside the six bits of a Base64 character. */
const skipped = 64
const ending = 65
const padding = 66

const strictAlphabet = base64Alphabet(ending)
strictAlphabet[0x0a] = skipped
strictAlphabet[0x0d] = skipped
/** COMPAT(modsec2): a line break ends the value. */
const endingAtLines = base64Alphabet(ending)
const forgivingAlphabet = base64Alphabet(skipped)
forgivingAlphabet[0x3d] = padding

function base64Alphabet(other: number): Uint8Array {
  return base64Digits.map((six) => (six < 64 ? six : other))
}

/** An incomplete last group gives the bytes it holds whole. */
function decodeBase64(value: ByteString, alphabet: Uint8Array): ByteString {
  if (value === '') return value
  const bytes = borrowBytes(value.length)
  let end = 0
  let held = 0
  let bits = 0
  for (let i = 0; i < value.length; i++) {
    const six = alphabet[value.charCodeAt(i)] as number
    if (six >= skipped) {
      if (six === ending) break
      if (six === padding && bits === 6 && value.charCodeAt(i + 1) !== 0x3d) return ''
      continue
    }
    held = ((held << 6) | six) & 0xffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[end++] = (held >> bits) & 0xff
    }
  }
  return byteString(bytes, end, value)
}

/** What both ModSecurity engines make of a char code in the place of a hexadecimal digit. */
function looseDigit(code: number): number {
  return code >= 0x41 ? (code & 0xdf) - 0x41 + 10 : code - 0x30
}

const sqlLiteral = /0[xX][0-9A-Fa-f]{2}/

function isSqlLiteralAt(value: ByteString, index: number): boolean {
  return (
    value.charCodeAt(index) === 0x30 &&
    (value.charCodeAt(index + 1) | 0x20) === 0x78 &&
    isHexAt(value, index + 2) &&
    isHexAt(value, index + 3)
  )
}

const evenParity = parityTable((byte, odd) => (odd ? byte | 0x80 : byte & 0x7f))
const oddParity = parityTable((byte, odd) => (odd ? byte & 0x7f : byte | 0x80))
const zeroParity = parityTable((byte) => byte & 0x7f)

/** The engines take the parity over all eight bits as they come. */
function parityTable(set: (byte: number, odd: boolean) => number): Uint8Array {
  return byteTable((byte) => {
    let ones = 0
    for (let rest = byte; rest > 0; rest >>= 1) ones += rest & 1
    return set(byte, ones % 2 === 1)
  })
}
