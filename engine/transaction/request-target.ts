/**
 * The request target split into REQUEST_URI, REQUEST_FILENAME and QUERY_STRING, as ModSecurity 2 and libmodsecurity
 * do; Coraza's way is in `uri-go.ts`. Seen on the engines, target by target (test/uri.test.ts).
 */
import type { ByteString } from '../model/exchange.js'
import { hasBrokenPercent, percentDecoded } from '../percent.js'

export interface SplitTarget {
  /** REQUEST_URI. */
  readonly uri: ByteString
  /** REQUEST_FILENAME. */
  readonly path: ByteString
  readonly query: ByteString
  /** URI_PARSE_ERROR. */
  readonly error: boolean
}

/** The target without the scheme and host of its absolute form (`http://host/path?q`); may be empty. */
export function withoutOrigin(target: ByteString): ByteString {
  return target.replace(/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]*/, '')
}

/** Scheme and host taken off, the fragment kept; only the path is decoded (CRS 933160 relies on it). */
export function splitAsSent(target: ByteString): SplitTarget {
  const rest = withoutOrigin(target)
  const uri = rest === target || rest.startsWith('/') ? rest : `/${rest}`
  const mark = uri.indexOf('?')
  const sentPath = target.split('?')[0] ?? ''
  return {
    uri,
    path: percentDecoded(mark < 0 ? uri : uri.slice(0, mark)),
    query: mark < 0 ? '' : uri.slice(mark + 1),
    error: hasBrokenPercent(sentPath) || /[\x00-\x1f\x7f]/.test(sentPath),
  }
}

/**
 * The fragment is cut off, the whole is decoded once, and only then the path ends at a `?`; scheme and host are taken
 * off REQUEST_URI alone. Seen on libmodsecurity 3.0.9.
 */
export function splitDecoded(target: ByteString): SplitTarget {
  const sent = target.replace(/#.*$/s, '')
  const mark = sent.indexOf('?')
  const decoded = percentDecoded(sent)
  return {
    uri: decoded.startsWith('/') ? decoded : (/^[^:]*:\/\/[^/]*(\/.*)$/s.exec(decoded)?.[1] ?? decoded),
    path: decoded.split('?', 1)[0] ?? '',
    query: mark < 0 ? '' : sent.slice(mark + 1),
    error: false,
  }
}
