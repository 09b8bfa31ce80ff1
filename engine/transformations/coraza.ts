/**
 * Transformations that Coraza has in its own way: letters and white space are those of Unicode, entities those of
 * HTML 5, escapes give UTF-8, paths are cleaned as Go cleans them.
 *
 * Followed: Coraza 3.8 internal/transformations; proved by a differential fuzz against it.
 */
import { htmlEntities, looseHtmlEntities } from '../html-entities.js'
import type { TransformationDefinition } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { decodeUtf8, encodeUtf8, utf8LengthAt } from '../utf8.js'
import { base64Decode, base64DecodeExt, hexDecode } from './codec.js'
import { cssDecode, htmlEntityDecode, jsDecode } from './escape.js'
import { compressWhitespace, normalizePath, normalizePathWin, removeWhitespace } from './normalise.js'
import { lowercase, uppercase } from './text.js'
import { utf8toUnicode } from './url.js'

const high = /[\x80-\xff]/

/**
 * Letters are those of Unicode, so that `caseOnly` of none holds, and any byte may come of those above 0x7F. `changes`:
 * where they are other bytes.
 */
function instead(
  of: TransformationDefinition,
  apply: (value: ByteString) => ByteString,
  changes = of.changes,
): TransformationDefinition {
  const { caseOnly: _, changes: _others, yields, ...rest } = of
  return {
    ...rest,
    ...(changes && { changes }),
    ...(yields && { yields: (byte) => (high.test(byte) ? anyByte : yields(byte)) }),
    apply,
  }
}

const anyByte = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte))

/** Maps code points one to one, as Go's unicode package does; bytes that are no UTF-8 become U+FFFD. */
function mapped(value: ByteString, map: (char: string) => string): ByteString {
  let result = ''
  for (const char of decodeUtf8(value)) result += map(char)
  return encodeUtf8(result)
}

function lowerOf(char: string): string {
  return char === '\u0130' ? 'i' : char.toLowerCase()
}

/** Greek letters with iota subscript have a capital of one code point beside the pair that JavaScript gives. */
const iotaCapitals: readonly [number, number, number][] = [
  [0x1f80, 0x1faf, 8],
  [0x1fb3, 0x1fb3, 9],
  [0x1fc3, 0x1fc3, 9],
  [0x1ff3, 0x1ff3, 9],
]

function upperOf(char: string): string {
  const upper = char.toUpperCase()
  const point = char.codePointAt(0) as number
  if (upper.length <= String.fromCodePoint(upper.codePointAt(0) as number).length) return upper
  for (const [first, last, distance] of iotaCapitals)
    if (point >= first && point <= last && (distance === 9 || (point & 8) === 0))
      return String.fromCodePoint(point + distance)
  return char
}

const unicodeSpace = /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/

/** White space of Latin-1, and a byte A0 that is no UTF-8. */
function compressLatinSpace(value: ByteString): ByteString {
  let result = ''
  let inSpace = false
  for (let at = 0; at < value.length; ) {
    const length = utf8LengthAt(value, at) || 1
    const piece = value.slice(at, at + length)
    if (/^(?:[\t-\r \xa0]|\xc2[\x85\xa0])$/.test(piece)) {
      if (!inSpace) result += ' '
      inSpace = true
    } else {
      result += piece
      inSpace = false
    }
    at += length
  }
  return result
}

function decodeCss(value: ByteString): ByteString {
  if (!value.includes('\\')) return value
  return value.replace(
    /\\(?:([0-9a-fA-F]{1,6})[ \f\n\t\r\v]?|\n|([\s\S])|$)/g,
    (_whole, hex?: string, char?: string) => {
      if (hex === undefined) return char ?? ''
      const point = Number.parseInt(hex, 16)
      if (point === 0 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return encodeUtf8('\ufffd')
      return encodeUtf8(String.fromCodePoint(point >= 0xff01 && point <= 0xff5e ? point - 0xfee0 : point))
    },
  )
}

/** `\u{41}` too; it gives the lower byte. */
function decodeJs(value: ByteString): ByteString {
  if (!value.includes('\\')) return value
  const plain = value.replace(/\\(?:u\{([0-9a-fA-F]{1,6})\}|[\s\S])/g, (whole: string, hex?: string) => {
    if (hex === undefined) return whole
    const point = Number.parseInt(hex, 16)
    const byte = (point + (point >= 0xff01 && point <= 0xff5e ? 0x20 : 0)) & 0xff
    return `\\x${byte.toString(16).padStart(2, '0')}`
  })
  return jsDecode.apply(plain)
}

/** What the references 128 to 159 stand for, as in HTML. */
const windows1252 =
  '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178'

const longestLooseName = 6

function decodeEntities(value: ByteString): ByteString {
  if (!value.includes('&')) return value
  return value.replace(
    /&(?:#(?:[xX]([0-9a-fA-F]+)|(\d+));?|([a-zA-Z0-9]+)(;?))/g,
    (whole: string, hex?: string, decimal?: string, name?: string, end?: string) => {
      if (name === undefined) return encodeUtf8(referred(Number.parseInt(hex ?? decimal ?? '', hex ? 16 : 10)))
      const known = htmlEntities.get(name)
      if (known !== undefined && (end === ';' || looseHtmlEntities.has(name))) return known
      for (let length = Math.min(name.length + (end ?? '').length - 1, longestLooseName); length > 1; length--) {
        const head = name.slice(0, length)
        if (looseHtmlEntities.has(head)) return (htmlEntities.get(head) ?? '') + whole.slice(1 + length)
      }
      return whole
    },
  )
}

function referred(point: number): string {
  if (point >= 0x80 && point <= 0x9f) return windows1252[point - 0x80] as string
  if (point === 0 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return '\ufffd'
  return String.fromCodePoint(point)
}

function escapeUnicode(value: ByteString): ByteString {
  if (!high.test(value)) return value
  let result = ''
  for (const char of decodeUtf8(value)) {
    const point = char.codePointAt(0) as number
    result += point < 0x80 ? char : `%u${point.toString(16).padStart(4, '0')}`
  }
  return result
}

/** What is not hexadecimal throughout stays. */
function decodeHex(value: ByteString): ByteString {
  return value.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(value) ? Buffer.from(value, 'hex').toString('latin1') : value
}

/** Both alphabets; what is in neither is passed over, `=` ends the data. */
function decodeBase64(value: ByteString): ByteString {
  const data = value.split('=', 1)[0] ?? ''
  return base64Decode.apply(
    data
      .replace(/-/g, '+')
      .replace(/_/g, '/')
      .replace(/[^A-Za-z0-9+/]/g, ''),
  )
}

/** Go's filepath.Clean, with what ends in a slash ending in one, even `/`; nothing where only the place itself is left. */
function cleanPath(path: ByteString): ByteString {
  if (path === '') return path
  const rooted = path.startsWith('/')
  const kept: ByteString[] = []
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue
    if (segment !== '..') kept.push(segment)
    else if (kept.length > 0 && kept[kept.length - 1] !== '..') kept.pop()
    else if (!rooted) kept.push(segment)
  }
  const clean = (rooted ? '/' : '') + kept.join('/')
  return clean !== '' && path.endsWith('/') ? `${clean}/` : clean
}

/** Backslashes are slashes; alternate data streams, and dots and blanks at the end of a segment, go. */
function cleanWindowsPath(path: ByteString): ByteString {
  const trimmed: ByteString[] = []
  const segments = withoutStream(cleanPath(path.replace(/\\/g, '/'))).split('/')
  if (!segments.some((segment) => !/^\.*$/.test(segment) && /[. ]$/.test(segment))) return segments.join('/')
  for (const segment of segments) {
    if (/^\.*$/.test(segment)) trimmed.push(segment)
    else {
      const shorter = segment.replace(/(?<![. ])[. ]+$/, '')
      if (shorter !== '') trimmed.push(shorter)
    }
  }
  return trimmed.join('/')
}

/** The path without what follows a colon of its last segment; a drive letter stays. */
function withoutStream(path: ByteString): ByteString {
  const drive = /^[A-Za-z]:/.exec(path)?.[0] ?? ''
  const rest = path.slice(drive.length)
  const slash = rest.endsWith('/') ? '/' : ''
  const body = rest.slice(0, rest.length - slash.length)
  const last = body.slice(body.lastIndexOf('/') + 1)
  const colon = last.indexOf(':')
  return drive + (colon < 0 ? body : body.slice(0, body.length - last.length + colon)) + slash
}

export const corazaTransformations: readonly TransformationDefinition[] = [
  instead(base64DecodeExt, decodeBase64),
  instead(
    compressWhitespace,
    (value) => (high.test(value) ? compressLatinSpace(value) : compressWhitespace.apply(value)),
    /[\t-\r \x80-\xff]/,
  ),
  instead(cssDecode, decodeCss),
  instead(hexDecode, decodeHex),
  instead(htmlEntityDecode, decodeEntities),
  instead(jsDecode, decodeJs),
  instead(lowercase, (value) => (high.test(value) ? mapped(value, lowerOf) : lowercase.apply(value)), /[A-Z\x80-\xff]/),
  instead(normalizePath, cleanPath),
  instead(normalizePathWin, cleanWindowsPath, /[./\\: ]/),
  instead(
    removeWhitespace,
    (value) =>
      high.test(value) ? mapped(value, (char) => (unicodeSpace.test(char) ? '' : char)) : removeWhitespace.apply(value),
    /[\t-\r \x80-\xff]/,
  ),
  instead(uppercase, (value) => (high.test(value) ? mapped(value, upperOf) : uppercase.apply(value)), /[a-z\x80-\xff]/),
  instead(utf8toUnicode, escapeUnicode),
]
