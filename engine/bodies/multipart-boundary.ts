/**
 * The boundary of a multipart body, from its Content-Type; with the flags for what is odd about it.
 *
 * As ModSecurity 2.9.7 was seen to read it: nothing but one `;` and blanks may stand before `boundary`, in lower case,
 * and all behind its `=` is the boundary, blanks too.
 */
import type { ByteString } from '../model/exchange.js'

export interface Boundary {
  readonly boundary: ByteString
  readonly quoted: boolean
  readonly whitespace: boolean
  readonly missingSemicolon: boolean
}

/** The boundary, or the text of ModSecurity's error. */
export function parseBoundary(contentType: ByteString): Boundary | string {
  if (contentType.length > 1024) return 'Multipart: Invalid boundary in C-T (length).'
  const type = /^[\t-\r ]*multipart\/form-data/i.exec(contentType)?.[0]
  if (type === undefined) return 'Multipart: Invalid MIME type.'
  // ModSecurity counts the word wherever a `=` follows it somewhere.
  const names = [...contentType.matchAll(/boundary(?=.*=)/gis)]
  const [first] = names
  if (first === undefined) return 'Multipart: Boundary not found in C-T.'
  if (names.length > 1) return 'Multipart: Multiple boundary parameters in C-T.'
  const before = contentType.slice(type.length, first.index)
  if (!/^\s*;?\s*$/.test(before)) return 'Multipart: Invalid boundary in C-T (malformed).'
  if (first[0] !== 'boundary') return 'Multipart: Invalid boundary in C-T (case sensitivity).'
  const after = contentType.slice(first.index + 'boundary'.length)
  const equals = after.indexOf('=')
  if (after.slice(0, equals).trim() !== '') return 'Multipart: Invalid boundary in C-T (parameter name).'
  return judged(after.slice(equals + 1), equals > 0, !before.includes(';'))
}

function judged(value: ByteString, whitespaceBefore: boolean, missingSemicolon: boolean): Boundary | string {
  const quoted = value.startsWith('"')
  if (quoted && (value.length < 2 || !value.endsWith('"'))) return 'Multipart: Invalid boundary in C-T (quote).'
  const boundary = quoted ? value.slice(1, -1) : value
  if (boundary.includes('"')) return 'Multipart: Invalid boundary in C-T (quote).'
  if (boundary === '') return 'Multipart: Invalid boundary in C-T (empty).'
  if (/[^0-9A-Za-z'()+_,\-./:=?\t-\r ]/.test(boundary)) return 'Multipart: Invalid boundary in C-T (characters).'
  return { boundary, quoted, whitespace: whitespaceBefore || /\s/.test(boundary), missingSemicolon }
}
