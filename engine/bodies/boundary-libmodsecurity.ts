/**
 * The boundary of a multipart body as libmodsecurity 3.0.9 finds it in a Content-Type: the parameter must come first,
 * its name in lower case, and all from `=` to a `;`, in quotes too, is the boundary.
 *
 * Seen on the engine, header by header (test/multipart.test.ts).
 */
import type { ByteString } from '../model/exchange.js'
import type { Boundary } from './multipart-boundary.js'

const start = 'multipart/form-data'

/** How often the word stands in the text with a `=` somewhere behind it. */
function countOf(text: ByteString): number {
  return [...text.matchAll(/boundary(?=.*=)/gis)].length
}

function malformed(reason: string): string {
  return `Multipart: Invalid boundary in C-T (${reason}).`
}

/** The boundary, the text of the engine's error, or null where the body is not read and that is no error. */
export function parseLibmodsecurityBoundary(contentType: ByteString): Boundary | string | null {
  if (contentType.length > 1024) return malformed('length')
  if (contentType.slice(0, start.length).toLowerCase() !== start) return 'Multipart: Invalid MIME type.'
  if (countOf(contentType) > 1) return 'Multipart: Multiple boundary parameters in C-T.'
  const at = contentType.indexOf('boundary')
  if (at < 0) return countOf(contentType) > 0 ? malformed('case sensitivity') : 'Multipart: Boundary not found in C-T.'
  const before = contentType.slice(start.length, at).replace(/[\t-\r ]+/g, '')
  if (before !== '' && before !== ';') return malformed('malformed')
  const rest = contentType.slice(at + 'boundary'.length)
  const equals = rest.indexOf('=')
  if (equals < 0) return malformed('malformed')
  if (/[^\t-\r ]/.test(rest.slice(0, equals))) return malformed('parameter name')
  const value = rest.slice(equals + 1)
  const quoted = value.length >= 2 && value.startsWith('"') && value.endsWith('"')
  if (!quoted && (value.startsWith('"') || (value.length >= 2 && value.endsWith('"')))) return malformed('quote')
  const boundary = (quoted ? value.slice(1, -1) : value).replace(/(?<=.);.*$/s, '')
  if (boundary === '') return null
  if (countOf(boundary) !== 0) return malformed('content')
  if (/[^0-9A-Za-z '()+_,\-./:=?]| $/.test(boundary)) return malformed('characters')
  return { boundary, quoted, whitespace: equals > 0 || /^[\t-\r ]/.test(value), missingSemicolon: before === '' }
}
