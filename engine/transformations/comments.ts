/**
 * Comments of SQL, C and HTML: removed, replaced by a blank, or stripped of their marks.
 *
 * The engines look for the marks only: no strings, no nesting. One pass each.
 */
import type { TransformationDefinition } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { byteString, bytesToEdit, firstOf, itself } from './bytes.js'

/** `<!--` begins two bytes before the `--` in it. */
const startMarks = ['#', '--', '/*']
const marks = [...startMarks, '*/']

/**
 * Two habits of the engines: either end mark closes either kind of comment, and the byte behind an end mark is copied
 * unseen, a NUL where the value ends there. COMPAT(all): the three engines agree.
 */
export const removeComments: TransformationDefinition = {
  name: 'removeComments',
  changes: /[/#-]/,
  yields: (byte) => (byte === '*' || byte === '-' ? `${byte} \0` : byte),
  doc: 'Removes /* */ and <!-- --> comments, and all from -- or # on; an unclosed comment leaves a blank.',
  apply: (value) => {
    const first = firstOf(value, startMarks)
    if (first < 0) return value
    const { length } = value
    const bytes = bytesToEdit(value)
    let i = Math.max(0, first - 2)
    let end = i
    let inside = false
    while (i < length) {
      if (inside) {
        const closing = endLength(bytes, i)
        if (closing === 0) {
          i++
          continue
        }
        inside = false
        i += closing
        bytes[end++] = bytes[i++] as number
        continue
      }
      const mark = startLength(bytes, i)
      if (mark === untilEnd) break
      inside = mark > 0
      if (inside) i += mark
      else bytes[end++] = bytes[i++] as number
    }
    if (inside) bytes[end++] = 0x20
    return byteString(bytes, end, value)
  },
}

export const removeCommentsChar: TransformationDefinition = {
  name: 'removeCommentsChar',
  changes: /[/#-]/,
  yields: itself,
  doc: 'Removes the marks /* */ <!-- --> -- and #, and keeps what is between them.',
  apply: (value) => {
    const first = firstOf(value, marks)
    if (first < 0) return value
    const { length } = value
    const bytes = bytesToEdit(value)
    let i = Math.max(0, first - 2)
    let end = i
    while (i < length) {
      const mark = markLength(bytes, i)
      if (mark > 0) i += mark
      else bytes[end++] = bytes[i++] as number
    }
    return byteString(bytes, end, value)
  },
}

export const replaceComments: TransformationDefinition = {
  name: 'replaceComments',
  changes: /\//,
  yields: (byte) => (byte === '*' ? '* ' : byte),
  doc: 'Replaces each /* */ comment by one blank, an unclosed one too.',
  apply: (value) => {
    let start = value.indexOf('/*')
    if (start === -1) return value
    const kept: ByteString[] = []
    let from = 0
    while (start !== -1) {
      kept.push(value.slice(from, start))
      const close = value.indexOf('*/', start + 2)
      from = close === -1 ? value.length : close + 2
      start = close === -1 ? -1 : value.indexOf('/*', from)
      if (start === -1) kept.push(value.slice(from))
    }
    return kept.join(' ')
  },
}

/** In place of a length: the comment has no end. */
const untilEnd = -1

/** Length of the mark at `at` that begins a comment, 0 where there is none. Behind the value's end stand NULs. */
function startLength(bytes: Buffer, at: number): number {
  switch (bytes[at]) {
    case 0x2f:
      return bytes[at + 1] === 0x2a ? 2 : 0
    case 0x3c:
      return bytes[at + 1] === 0x21 && bytes[at + 2] === 0x2d && bytes[at + 3] === 0x2d ? 4 : 0
    case 0x2d:
      return bytes[at + 1] === 0x2d ? untilEnd : 0
    case 0x23:
      return untilEnd
    default:
      return 0
  }
}

/** Length of the mark at `at` that ends a comment, 0 where there is none. */
function endLength(bytes: Buffer, at: number): number {
  if (bytes[at] === 0x2a) return bytes[at + 1] === 0x2f ? 2 : 0
  return bytes[at] === 0x2d && bytes[at + 1] === 0x2d && bytes[at + 2] === 0x3e ? 3 : 0
}

/** Length of the mark at `at`, 0 where there is none. */
function markLength(bytes: Buffer, at: number): number {
  const length = endLength(bytes, at) || startLength(bytes, at)
  return length === untilEnd ? (bytes[at] === 0x23 ? 1 : 2) : length
}
