/**
 * Normal forms: white space inside a value, shell command lines, file system paths.
 *
 * Each is one pass that follows the ModSecurity engines byte for byte. Comments are in comments.ts.
 */
import type { TransformationDefinition } from '../model/definitions.js'
import { type ByteString, lowerAscii } from '../model/exchange.js'
import { utf8LengthAt } from '../utf8.js'
import { byteString, bytesToEdit, byteTable, firstOf, isSpace, itself, keepBytes } from './bytes.js'
import { compressByteSpaces, compressCSpaces, removeByteSpaces, removeSpacesAndC2, untilNul } from './modsecurity.js'

const anySpace = /[\t-\r \xa0]/

/** 0 for what `removeWhitespace` drops, else 1. */
const notSpace = byteTable((byte) => (isSpace(byte) || byte === 0xa0 ? 0 : 1))

/**
 * COMPAT(modsec2): ModSecurity 2 leaves the C2 of a no-break space in UTF-8, libmodsecurity and Coraza do not.
 * COMPAT(modsec3): libmodsecurity removes every other C2 as well (of the UTF-8 pound sign A3 is left); the others do not.
 */
export const removeWhitespace: TransformationDefinition = {
  name: 'removeWhitespace',
  changes: /[\t-\r \xa0\xc2]/,
  yields: (byte) => (/[\t-\r ]/.test(byte) ? '' : byte),
  doc: 'Removes white space, the byte 0xA0 and the no-break space in UTF-8.',
  platforms: 'ModSecurity 2 also removes the byte 0xA0, libmodsecurity 3 0xA0 and 0xC2, Coraza white space of Unicode.',
  variants: { modsec2: removeByteSpaces, modsec3: removeSpacesAndC2 },
  apply: (value) => {
    if (!anySpace.test(value)) return value
    return keepBytes(value.indexOf('\xc2\xa0') === -1 ? value : value.replaceAll('\xc2\xa0', ''), notSpace)
  },
}

const spaceButBlank = /[\t-\r\xa0]/

/**
 * 0xA0 counts as white space unless it is part of a UTF-8 sequence.
 * COMPAT(modsec2): ModSecurity 2 takes every 0xA0 for white space, libmodsecurity 3 none, Coraza the lone ones and
 * the no-break space in UTF-8 (C2 A0); what two of the three do is done.
 */
export const compressWhitespace: TransformationDefinition = {
  name: 'compressWhitespace',
  changes: /[\t-\r \xa0]/,
  yields: (byte) => (/[\t-\r ]/.test(byte) ? ' ' : byte === '\xa0' ? ' \xa0' : byte),
  doc: 'Each run of white space becomes one blank.',
  platforms:
    'ModSecurity 2 takes the byte 0xA0 for white space, Coraza no-break spaces of UTF-8, libmodsecurity 3 neither.',
  variants: { modsec2: compressByteSpaces, modsec3: compressCSpaces },
  apply: (value) => {
    if (value.indexOf('  ') === -1 && !spaceButBlank.test(value)) return value
    const bytes = bytesToEdit(value)
    let end = 0
    let inSpace = false
    let i = 0
    while (i < value.length) {
      const byte = value.charCodeAt(i)
      if (isSpace(byte) || byte === 0xa0) {
        if (!inSpace) bytes[end++] = 0x20
        inSpace = true
        i++
        continue
      }
      inSpace = false
      for (const next = i + (utf8LengthAt(value, i) || 1); i < next; i++) bytes[end++] = value.charCodeAt(i)
    }
    return byteString(bytes, end, value)
  },
}

/** COMPAT(modsec2): ModSecurity 2 ends the value at a NUL; the two others keep it. */
export const cmdLine: TransformationDefinition = {
  name: 'cmdLine',
  changes: /[\0\t\n\r A-Z"'\\^,;]/,
  yields: (byte) => (/["'\\^]/.test(byte) ? '' : /[ ,;\t\r\n]/.test(byte) ? ' ' : lowerAscii(byte)),
  platforms: 'ModSecurity 2 ends the value at a NUL.',
  variants: { modsec2: (value) => untilNul(cmdLine.apply(value)) },
  doc: 'Deletes \\ " \' ^, makes one blank of , ; and white space, none before / and (, and lower-cases.',
  apply: (value) => {
    const bytes = bytesToEdit(value)
    let end = 0
    let inSpace = 0
    for (let i = 0; i < value.length; i++) {
      const entry = shellBytes[bytes[i] as number] as number
      // PERF(transformations): flags instead of branches, half of which would be mispredicted in prose.
      const deleted = (entry >> 8) & 1
      const blank = (entry >> 9) & 1
      const closing = entry >> 10
      end -= inSpace & closing
      bytes[end] = entry
      end += 1 - (deleted | (inSpace & blank))
      inSpace = (inSpace & deleted) | blank
    }
    return byteString(bytes, end, value)
  },
}

/**
 * What `cmdLine` makes of each byte, with flags: deleted (bit 8), blank (bit 9), swallows blanks before it (bit 10). VT and
 * FF are no blanks to it.
 */
const shellBytes = Uint16Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte)
  if ('"\'\\^'.includes(char)) return 0x100
  if (' ,;\t\r\n'.includes(char)) return 0x200 | 0x20
  if ('/('.includes(char)) return 0x400 | byte
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
})

/**
 * A segment that merely ends in two dots (`a../`) counts as a back reference, as in both ModSecurity engines.
 */
export const normalizePath: TransformationDefinition = {
  name: 'normalizePath',
  changes: /[./]/,
  yields: itself,
  doc: 'Removes repeated slashes and self references of a path, and back references with what they undo.',
  platforms: 'Coraza makes // of the root.',
  apply: (value) => normalise(value, firstReducible(value, reducible), false),
}

export const normalizePathWin: TransformationDefinition = {
  name: 'normalizePathWin',
  changes: /[./\\]/,
  yields: (byte) => (byte === '\\' ? '/\\' : byte),
  doc: 'The same as normalizePath with backslashes taken for slashes.',
  platforms: 'Coraza also drops names of streams, and dots and blanks behind a part.',
  apply: (value) => normalise(value, firstReducible(value, windowsReducible), true),
}

/** Before it no segment is removed; -1 where none is. */
function firstReducible(path: ByteString, marks: readonly ByteString[]): number {
  return path.charCodeAt(0) === dot ? 0 : firstOf(path, marks)
}

const reducible = ['..', '//', '/.']
const windowsReducible = [...reducible, '\\']

const slash = 0x2f
const backslash = 0x5c
const dot = 0x2e

/** By byte: 1 where it ends no segment. */
const isPlain = byteTable((byte) => (byte === slash || byte === backslash ? 0 : 1))

/** A path being rewritten in place: what stands before `end` is the result so far. */
interface Rewriting {
  readonly bytes: Buffer
  readonly relative: boolean
  end: number
  /** A back reference has led above the start; those that follow are kept where the path is relative. */
  aboveStart: boolean
}

/**
 * The engines' rules, one byte at a time. Where a segment ends (at a slash or at the end of the value) and its last
 * byte is a dot, it is a reference. Backslashes are taken for slashes two bytes ahead only, so that one behind two
 * slashes stays. What stands before `first`, and not next to it, stays.
 */
function normalise(value: ByteString, first: number, windows: boolean): ByteString {
  if (first < 0) return value
  const bytes = bytesToEdit(value)
  const last = value.length - 1
  const start = Math.max(0, first - 1)
  const endsInSlash = isSlash(bytes[last], windows)
  const path: Rewriting = { bytes, relative: !isSlash(bytes[0], windows), end: start, aboveStart: false }
  let i = start
  while (i <= last) {
    i = copyPlain(path, i, last)
    if (windows) turnBackslashes(bytes, i, last)
    const atEnd = i === last
    if ((atEnd || bytes[i + 1] === slash) && endSegment(path, bytes[i] as number, atEnd)) {
      if (atEnd) break
      i++
    }
    if (bytes[i] === slash) {
      while (i < last && isSlash(bytes[i + 1], windows)) i++
      if (path.relative && path.end === 0) {
        i++
        continue
      }
    }
    bytes[path.end++] = bytes[i++] as number
  }
  if (!endsInSlash && path.end > 0 && bytes[path.end - 1] === slash) path.end--
  return byteString(bytes, path.end, value)
}

/** Copies what neither ends a segment nor stands before such a byte; gives the position of what follows. */
function copyPlain(path: Rewriting, from: number, last: number): number {
  const { bytes, end } = path
  if (isPlain[bytes[from] as number] === 0) return from
  let to = from
  while (to < last && isPlain[bytes[to + 1] as number] === 1) to++
  if (end !== from) bytes.copyWithin(end, from, to)
  path.end = end + to - from
  return to
}

function turnBackslashes(bytes: Buffer, index: number, last: number): void {
  if (bytes[index] === backslash) bytes[index] = slash
  if (index < last && bytes[index + 1] === backslash) bytes[index + 1] = slash
}

/** Looks at the last byte of a segment; true where it is dropped. */
function endSegment(path: Rewriting, byte: number, atEnd: boolean): boolean {
  if (byte === dot) return resolveReference(path, atEnd)
  if (path.end > 0 && (atEnd || byte !== slash)) path.aboveStart = false
  return false
}

/**
 * Handles a segment's last byte that is a dot; true where it is dropped. What was written before decides: a slash or
 * nothing makes it a self reference, another dot a back reference, which takes the segment before it along.
 */
function resolveReference(path: Rewriting, atEnd: boolean): boolean {
  const before = path.end === 0 ? slash : path.bytes[path.end - 1]
  if (before === slash) {
    if (!atEnd && path.end > 0) path.end--
    return true
  }
  if (before !== dot) return false
  if (path.relative && (path.aboveStart || path.end <= 2)) {
    path.aboveStart = true
    return false
  }
  path.end = segmentBefore(path.bytes, path.end)
  if (path.end === 0) {
    path.aboveStart = true
    if (atEnd && !path.relative) path.end = 1
  }
  return true
}

function isSlash(byte: number | undefined, windows: boolean): boolean {
  return byte === slash || (windows && byte === backslash)
}

/** Where the slash before the segment stands that the back reference ending at `end` undoes; 0 at the start. */
function segmentBefore(bytes: Buffer, end: number): number {
  let at = end - 3
  while (at > 0 && bytes[at] !== slash) at--
  return Math.max(at, 0)
}
