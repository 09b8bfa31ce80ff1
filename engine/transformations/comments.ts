/**
 * Comments of SQL, C and HTML: removed, replaced by a blank, or stripped of their marks.
 *
 * The engines look for the marks only: no strings, no nesting. One pass each.
 */
import type { TransformationDefinition } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { borrowBytes, byteString } from './bytes.js'

const commentStart = /\/\*|<!--|--|#/

/**
 * Two habits of the engines: either end mark closes either kind of comment, and the byte behind an end mark is copied
 * unseen, a NUL where the value ends there. COMPAT(all): the three engines agree.
 */
export const removeComments: TransformationDefinition = {
  name: 'removeComments',
  changes: /[/<#-]/,
  doc: 'Removes /* */ and <!-- --> comments, and all from -- or # on; an unclosed comment leaves a blank.',
  apply: (value) => {
    if (!commentStart.test(value)) return value
    const bytes = borrowBytes(value.length + 1)
    let end = 0
    let i = 0
    let inside = false
    while (i < value.length) {
      if (inside) {
        const closing = endMarkLength(value, i)
        if (closing === 0) {
          i++
          continue
        }
        inside = false
        i += closing
        bytes[end++] = i < value.length ? value.charCodeAt(i) : 0
        i++
      } else if (value.startsWith('/*', i)) {
        inside = true
        i += 2
      } else if (value.startsWith('<!--', i)) {
        inside = true
        i += 4
      } else if (value.startsWith('--', i) || value.charCodeAt(i) === 0x23) {
        break
      } else {
        bytes[end++] = value.charCodeAt(i++)
      }
    }
    if (inside) bytes[end++] = 0x20
    return byteString(bytes, end, value)
  },
}

const commentMark = /\/\*|\*\/|<!--|-->|--|#/

export const removeCommentsChar: TransformationDefinition = {
  name: 'removeCommentsChar',
  changes: /[/*<#-]/,
  doc: 'Removes the marks /* */ <!-- --> -- and #, and keeps what is between them.',
  apply: (value) => {
    if (!commentMark.test(value)) return value
    const bytes = borrowBytes(value.length)
    let end = 0
    let i = 0
    while (i < value.length) {
      const mark = markLength(value, i)
      if (mark > 0) i += mark
      else bytes[end++] = value.charCodeAt(i++)
    }
    return byteString(bytes, end, value)
  },
}

export const replaceComments: TransformationDefinition = {
  name: 'replaceComments',
  changes: /\//,
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

function endMarkLength(value: ByteString, index: number): number {
  if (value.startsWith('*/', index)) return 2
  return value.startsWith('-->', index) ? 3 : 0
}

/** Length of the comment mark at `index`, 0 where there is none. */
function markLength(value: ByteString, index: number): number {
  switch (value.charCodeAt(index)) {
    case 0x2f:
      return value.startsWith('/*', index) ? 2 : 0
    case 0x2a:
      return value.startsWith('*/', index) ? 2 : 0
    case 0x3c:
      return value.startsWith('<!--', index) ? 4 : 0
    case 0x2d:
      return value.startsWith('-->', index) ? 3 : value.startsWith('--', index) ? 2 : 0
    case 0x23:
      return 1
    default:
      return 0
  }
}
