/**
 * Transformations of plain text: letter case, blanks at the ends, NUL bytes, length, and the one that does nothing.
 *
 * Letters are the 26 of ASCII and white space is that of the C locale, whatever the platform's locale: bytes
 * above 0x7F are bytes. White space inside a value is in normalise.ts.
 */
import type { TransformationDefinition } from '../model/definitions.js'
import { lowerAscii } from '../model/exchange.js'
import { borrowBytes, byteString, isSpace } from './bytes.js'

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

const lower = /[a-z]/
const high = /[\x80-\xff]/

export const lowercase: TransformationDefinition = {
  name: 'lowercase',
  caseOnly: true,
  changes: /[A-Z\x80-\xff]/,
  doc: 'ASCII letters to lower case.',
  platforms: 'Coraza changes letters of all scripts, and invalid UTF-8 to U+FFFD.',
  apply: lowerAscii,
}

export const uppercase: TransformationDefinition = {
  name: 'uppercase',
  caseOnly: true,
  changes: /[a-z\x80-\xff]/,
  doc: 'ASCII letters to upper case.',
  platforms: 'Coraza changes letters of all scripts, and invalid UTF-8 to U+FFFD.',
  apply: (value) => {
    if (!lower.test(value)) return value
    // String.toUpperCase would also change bytes above 0x7F as if they were Latin-1 letters.
    return high.test(value) ? value.replace(/[a-z]+/g, (run) => run.toUpperCase()) : value.toUpperCase()
  },
}

export const trim: TransformationDefinition = {
  name: 'trim',
  changes: /[\0-\x20\x80-\xff]/,
  doc: 'Removes white space from both ends.',
  apply: (value) => cut(value, leadingSpace(value), trailingSpace(value)),
}

export const trimLeft: TransformationDefinition = {
  name: 'trimLeft',
  changes: /[\0-\x20\x80-\xff]/,
  doc: 'Removes white space from the start.',
  apply: (value) => cut(value, leadingSpace(value), value.length),
}

export const trimRight: TransformationDefinition = {
  name: 'trimRight',
  changes: /[\0-\x20\x80-\xff]/,
  doc: 'Removes white space from the end.',
  apply: (value) => cut(value, 0, trailingSpace(value)),
}

export const removeNulls: TransformationDefinition = {
  name: 'removeNulls',
  changes: /\0/,
  doc: 'Removes NUL bytes.',
  apply: (value) => {
    const first = value.indexOf('\0')
    if (first === -1) return value
    const bytes = borrowBytes(value.length)
    bytes.write(value, 'latin1')
    let end = first
    for (let i = first + 1; i < value.length; i++) {
      const byte = bytes[i] as number
      if (byte !== 0) bytes[end++] = byte
    }
    return byteString(bytes, end, value)
  },
}

export const replaceNulls: TransformationDefinition = {
  name: 'replaceNulls',
  changes: /\0/,
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
