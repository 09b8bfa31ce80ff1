/**
 * Transformations that Coraza has in its own way: letters and white space are those of Unicode, entities those of
 * HTML 5, escapes give UTF-8, paths are cleaned as Go cleans them.
 *
 * Followed: Coraza 3.8 internal/transformations; proved by a differential fuzz against it.
 */
import { htmlEntities, looseHtmlEntities } from '../html-entities.js'
import type { TransformationDefinition } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { encodeUtf8, replacement } from '../utf8.js'
import { borrowBytes, byteString, bytesToEdit, byteTable, isSpace, itself } from './bytes.js'
import { dropped, lengthOfPoint, mapPoints, type PointMap, pointIn, remembered } from './code-points.js'
import { base64Decode, base64DecodeExt, hexDecode } from './codec.js'
import { cssDecode, htmlEntityDecode, jsDecode } from './escape.js'
import { compressWhitespace, normalizePath, normalizePathWin, removeWhitespace } from './normalise.js'
import { lowercase, uppercase } from './text.js'
import { utf8toUnicode, writeEscape } from './url.js'

const high = /[\x80-\xff]/

const highBytes = String.fromCharCode(...Array.from({ length: 128 }, (_, byte) => 0x80 | byte))

/** What the table says of the transformation, with what is otherwise on Coraza. */
function instead(
  of: TransformationDefinition,
  apply: (value: ByteString) => ByteString,
  otherwise: Pick<TransformationDefinition, 'caseOnly' | 'changes' | 'yields'> = {},
): TransformationDefinition {
  return { ...of, ...otherwise, apply }
}

/** `ofHigh` may come of a byte above 0x7F, of others what the transformation makes of them elsewhere. */
function yielding(
  { yields = itself }: TransformationDefinition,
  ofHigh: (byte: ByteString) => ByteString,
): (byte: ByteString) => ByteString {
  return (byte) => (high.test(byte) ? ofHigh(byte) : yields(byte))
}

const asIs = byteTable((byte) => byte)
const allKept = byteTable(() => 1)

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

const lowerPoints: PointMap = {
  bytes: byteTable((byte) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte)),
  keeps: allKept,
  above: remembered(lowerOf),
}

const upperPoints: PointMap = {
  bytes: byteTable((byte) => (byte >= 0x61 && byte <= 0x7a ? byte & ~0x20 : byte)),
  keeps: allKept,
  above: remembered(upperOf),
}

const pointsButSpace: PointMap = {
  bytes: asIs,
  keeps: byteTable((byte) => (isSpace(byte) ? 0 : 1)),
  above: (point) => (isSpacePoint(point) ? dropped : point),
}

/** White space of Unicode above 0x7F. */
function isSpacePoint(point: number): boolean {
  if (point < 0x1680) return point === 0x85 || point === 0xa0
  if (point >= 0x2000 && point <= 0x200a) return true
  return [0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000].includes(point)
}

/** White space of Latin-1, and a byte A0 that is no UTF-8. */
function compressLatinSpace(value: ByteString): ByteString {
  if (!value.includes('  ') && !spaceButBlank.test(value)) return value
  const bytes = bytesToEdit(value)
  let end = 0
  let inSpace = false
  for (let at = 0; at < value.length; ) {
    const byte = bytes[at] as number
    const length = byte < 0x80 ? 1 : lengthOfPoint(pointIn(bytes, at))
    if (isSpace(byte) || byte === 0xa0 || (byte === 0xc2 && isSpaceBehindC2(bytes[at + 1] as number))) {
      if (!inSpace) bytes[end++] = 0x20
      inSpace = true
      at += length
    } else {
      inSpace = false
      for (const next = at + length; at < next; at++) bytes[end++] = bytes[at] as number
    }
  }
  return byteString(bytes, end, value)
}

const spaceButBlank = /[\t-\r\x85\xa0]/

function isSpaceBehindC2(byte: number): boolean {
  return byte === 0x85 || byte === 0xa0
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

/** By the first two characters: 1 where a name that needs no semicolon begins with them. */
const looseBeginnings = new Uint8Array(0x10000)
for (const name of looseHtmlEntities) looseBeginnings[beginningAt(name, 0)] = 1

/** The two characters at `index` as a number; what stands behind the end counts as NUL. */
function beginningAt(text: ByteString, index: number): number {
  return (text.charCodeAt(index) << 8) | text.charCodeAt(index + 1)
}

/**
 * Whether there may be a reference in the value.
 * PERF(transformations): in a query string nearly every `&` is none.
 */
function mayRefer(value: ByteString): boolean {
  for (let at = value.indexOf('&'); at >= 0; at = value.indexOf('&', at + 1)) {
    if (value.charCodeAt(at + 1) === 0x23 || looseBeginnings[beginningAt(value, at + 1)] === 1) return true
    let end = at + 1
    while (isAlphanumeric(value.charCodeAt(end))) end++
    if (value.charCodeAt(end) === 0x3b) return true
  }
  return false
}

function isAlphanumeric(byte: number): boolean {
  const letter = byte | 0x20
  return (byte >= 0x30 && byte <= 0x39) || (letter >= 0x61 && letter <= 0x7a)
}

function decodeEntities(value: ByteString): ByteString {
  if (!mayRefer(value)) return value
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

/** How many times as long a value becomes where each byte is written as `%ufffd`. */
const longestEscape = 6

function escapeUnicode(value: ByteString): ByteString {
  if (!high.test(value)) return value
  const from = bytesToEdit(value)
  const to = borrowBytes(value.length * longestEscape)
  let end = 0
  for (let at = 0; at < value.length; ) {
    const byte = from[at] as number
    if (byte < 0x80) {
      to[end++] = byte
      at++
      continue
    }
    const point = pointIn(from, at)
    at += lengthOfPoint(point)
    end = writeEscape(to, end, point < 0 ? 0xfffd : point)
  }
  return byteString(to, end, value)
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
  if (path === '' || isClean(path)) return path
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

/** Whether there is nothing to clean away; false too for the root, and for some other paths. */
function isClean(path: ByteString): boolean {
  return path !== '/' && path.charCodeAt(0) !== 0x2e && !path.includes('//') && !path.includes('/.')
}

/** Backslashes are slashes; alternate data streams, and dots and blanks at the end of a segment, go. */
function cleanWindowsPath(path: ByteString): ByteString {
  const clean = withoutStream(cleanPath(path.includes('\\') ? path.replaceAll('\\', '/') : path))
  if (!mayEndLoosely(clean)) return clean
  const trimmed: ByteString[] = []
  for (const segment of clean.split('/')) {
    let end = segment.length
    while (end > 0 && isDotOrBlank(segment, end - 1)) end--
    if (end === segment.length || /^\.*$/.test(segment)) trimmed.push(segment)
    else if (end > 0) trimmed.push(segment.slice(0, end))
  }
  return trimmed.join('/')
}

function mayEndLoosely(path: ByteString): boolean {
  return (path !== '' && isDotOrBlank(path, path.length - 1)) || path.includes('./') || path.includes(' /')
}

function isDotOrBlank(path: ByteString, index: number): boolean {
  const byte = path.charCodeAt(index)
  return byte === 0x2e || byte === 0x20
}

/** The path without what follows a colon of its last segment; a drive letter stays. */
function withoutStream(path: ByteString): ByteString {
  if (!path.includes(':')) return path
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
    { changes: /[\t-\r \x85\xa0]/, yields: yielding(compressWhitespace, (byte) => `${byte} `) },
  ),
  instead(cssDecode, decodeCss),
  instead(hexDecode, decodeHex),
  instead(htmlEntityDecode, decodeEntities),
  instead(jsDecode, decodeJs),
  instead(lowercase, (value) => (high.test(value) ? mapPoints(value, lowerPoints) : value.toLowerCase()), {
    caseOnly: high,
    changes: /[A-Z\x80-\xff]/,
    // Of the Kelvin sign and of a capital I with a dot.
    yields: yielding(lowercase, () => `${highBytes}ki`),
  }),
  instead(normalizePath, cleanPath),
  instead(normalizePathWin, cleanWindowsPath, { changes: /[./\\: ]/ }),
  instead(
    removeWhitespace,
    (value) => (high.test(value) ? mapPoints(value, pointsButSpace) : removeWhitespace.apply(value)),
    { changes: /[\t-\r \x80-\xff]/, yields: yielding(removeWhitespace, (byte) => `${byte}${replacement}`) },
  ),
  instead(uppercase, (value) => (high.test(value) ? mapPoints(value, upperPoints) : value.toUpperCase()), {
    caseOnly: high,
    changes: /[a-z\x80-\xff]/,
    // Of a small i without a dot and of the long s.
    yields: yielding(uppercase, () => `${highBytes}IS`),
  }),
  instead(utf8toUnicode, escapeUnicode, { changes: high, yields: yielding(utf8toUnicode, () => '%u0123456789abcdef') }),
]
