/**
 * Transformations of plain text: letter case, blanks at the ends, NUL bytes, length, and the one that does nothing.
 *
 * Letters are the 26 of ASCII and white space is that of the C locale, whatever the platform's locale: bytes
 * above 0x7F are bytes. White space inside a value is in normalise.ts.
 */
import type { TransformationDefinition } from '../model/definitions.js'
import { lowerAscii } from '../model/exchange.js'
import { byteTable, isSpace, itself, keepBytes, mapBytes } from './bytes.js'

export const none: TransformationDefinition = {
  name: 'none',
  doc: 'Clears the transformations inherited from SecDefaultAction; changes nothing itself.',
  apply: (value) => value,
}

export const length: TransformationDefinition = {
  name: 'length',
  doc: 'The length of the value in bytes, as a decimal number.',
  apply: (value) => String(value.length),
}

const high = /[\x80-\xff]/
const lowerBytes = byteTable((byte) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte))
const upperBytes = byteTable((byte) => (byte >= 0x61 && byte <= 0x7a ? byte & ~0x20 : byte))

export const lowercase: TransformationDefinition = {
  name: 'lowercase',
  caseOnly: true,
  changes: /[A-Z]/,
  yields: lowerAscii,
  doc: 'ASCII letters to lower case.',
  platforms: 'Coraza changes letters of all scripts, and invalid UTF-8 to U+FFFD.',
  // String.toLowerCase would also change bytes above 0x7F as if they were Latin-1 letters.
  apply: (value) => (high.test(value) ? mapBytes(value, lowerBytes) : value.toLowerCase()),
}

export const uppercase: TransformationDefinition = {
  name: 'uppercase',
  caseOnly: true,
  changes: /[a-z]/,
  yields: (byte) => (byte < '\x80' ? byte.toUpperCase() : byte),
  doc: 'ASCII letters to upper case.',
  platforms: 'Coraza changes letters of all scripts, and invalid UTF-8 to U+FFFD.',
  apply: (value) => (high.test(value) ? mapBytes(value, upperBytes) : value.toUpperCase()),
}

export const trim: TransformationDefinition = {
  name: 'trim',
  changes: /[\t-\r ]/,
  yields: itself,
  doc: 'Removes white space from both ends.',
  apply: (value) => cut(value, leadingSpace(value), trailingSpace(value)),
}

export const trimLeft: TransformationDefinition = {
  name: 'trimLeft',
  changes: /[\t-\r ]/,
  yields: itself,
  doc: 'Removes white space from the start.',
  apply: (value) => cut(value, leadingSpace(value), value.length),
}

export const trimRight: TransformationDefinition = {
  name: 'trimRight',
  changes: /[\t-\r ]/,
  yields: itself,
  doc: 'Removes white space from the end.',
  apply: (value) => cut(value, 0, trailingSpace(value)),
}

export const removeNulls: TransformationDefinition = {
  name: 'removeNulls',
  changes: /\0/,
  yields: (byte) => (byte === '\0' ? '' : byte),
  doc: 'Removes NUL bytes.',
  apply: (value) => (value.indexOf('\0') === -1 ? value : keepBytes(value, noNul)),
}

const noNul = byteTable((byte) => (byte === 0 ? 0 : 1))

export const replaceNulls: TransformationDefinition = {
  name: 'replaceNulls',
  changes: /\0/,
  yields: (byte) => (byte === '\0' ? ' ' : byte),
  doc: 'Replaces each NUL byte by a blank.',
  apply: (value) => (value.indexOf('\0') === -1 ? value : value.replaceAll('\0', ' ')),
}

function leadingSpace(value: string): number {
  let start = 0
  while (start < value.length && isSpace(value.charCodeAt(start))) start++
  return start
}

/** Where the trailing white space starts. */
function trailingSpace(value: string): number {
  let end = value.length
  while (end > 0 && isSpace(value.charCodeAt(end - 1))) end--
  return end
}

function cut(value: string, start: number, end: number): string {
  if (start === 0 && end === value.length) return value
  return end <= start ? '' : value.slice(start, end)
}
