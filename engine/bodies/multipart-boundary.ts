/**
 * The boundary of a multipart body, from its Content-Type; with the flags for what is odd about it.
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
  if (!/^multipart\/form-data/i.test(contentType)) return 'Multipart: Invalid MIME type.'
  // ModSecurity counts the word wherever a `=` follows it somewhere.
  const names = [...contentType.matchAll(/boundary(?=.*=)/gis)]
  const [first] = names
  if (first === undefined) return 'Multipart: Boundary not found in C-T.'
  if (names.length > 1) return 'Multipart: Multiple boundary parameters in C-T.'
  const before = contentType.slice('multipart/form-data'.length, first.index)
  const after = contentType.slice(first.index + 'boundary'.length)
  const missingSemicolon = !before.includes(';')
  if (/[^;\s]/.test(before.replace(/;[^;]*=[^;]*(?=;|$)/g, '')))
    return 'Multipart: Invalid boundary in C-T (malformed).'
  const equals = after.indexOf('=')
  if (equals < 0) return 'Multipart: Invalid boundary in C-T (malformed).'
  let whitespace = equals > 0
  if (after.slice(0, equals).trim() !== '') return 'Multipart: Invalid boundary in C-T (parameter name).'
  let value = after.slice(equals + 1)
  const end = value.search(/[;,]/)
  if (end >= 0) value = value.slice(0, end)
  const trimmed = value.trim()
  if (trimmed !== value) whitespace = true
  if (trimmed.startsWith('"')) {
    if (trimmed.length < 2 || !trimmed.endsWith('"')) return 'Multipart: Invalid boundary in C-T (quote).'
    const inner = trimmed.slice(1, -1)
    if (inner.includes('"')) return 'Multipart: Invalid boundary in C-T (quote).'
    return checked({ boundary: inner, quoted: true, whitespace, missingSemicolon })
  }
  if (trimmed.includes('"')) return 'Multipart: Invalid boundary in C-T (quote).'
  return checked({ boundary: trimmed, quoted: false, whitespace, missingSemicolon })
}

function checked(found: Boundary): Boundary | string {
  if (found.boundary === '') return 'Multipart: Invalid boundary in C-T (empty).'
  if (/[^\x20-\x7e]|[()<>@,;:\\"/[\]?]/.test(found.boundary.replace(/[()+,\-./:=?'_ ]/g, '')))
    return 'Multipart: Invalid boundary in C-T (characters).'
  return { ...found, whitespace: found.whitespace || /\s/.test(found.boundary) }
}
