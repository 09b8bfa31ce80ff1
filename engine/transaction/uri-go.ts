/**
 * The request target as Coraza splits it, with Go's url.ParseRequestURI: what stands behind `#` goes, the path is
 * decoded, and REQUEST_URI is the target written anew, its path escaped again where it held what a path may not.
 *
 * Followed: Go 1.26 net/url, Coraza 3.8 transaction.go (ProcessURI). Host names are not checked one by one.
 */
import type { ByteString } from '../model/exchange.js'
import { hasBrokenPercent, percentDecoded } from '../percent.js'
import type { SplitTarget } from './request-target.js'

/** `error`: Go could not read the target, and it is split at the first `?`. */
export function splitGo(target: ByteString): SplitTarget {
  const uri = target.split('#', 1)[0] ?? ''
  const parsed = parse(uri)
  if (parsed !== null) return parsed
  const [path, query] = cut(uri, '?')
  return { uri, path, query, error: true }
}

/** Null where Go reports an error. */
function parse(uri: ByteString): SplitTarget | null {
  if (uri === '' || /[\x00-\x1f\x7f]/.test(uri)) return null
  if (uri === '*') return { uri, path: '*', query: '', error: false }
  if (uri.startsWith(':')) return null
  const named = /^[A-Za-z][A-Za-z0-9+.-]*(?=:)/.exec(uri)?.[0]
  const scheme = named === undefined ? '' : `${named.toLowerCase()}:`
  const [rest, query] = cut(uri.slice(scheme.length), '?')
  const tail = query !== '' || uri.endsWith('?') ? `?${query}` : ''
  if (!rest.startsWith('/'))
    return scheme === '' ? null : { uri: `${scheme}${rest}${tail}`, path: '', query, error: false }
  const slash = rest.indexOf('/', 2)
  const hasAuthority = scheme !== '' && rest.startsWith('//')
  const authority = hasAuthority ? (slash < 0 ? rest.slice(2) : rest.slice(2, slash)) : ''
  const written = rest.slice(hasAuthority ? authority.length + 2 : 0)
  const host = hostOf(authority)
  if (host === null || hasBrokenPercent(written)) return null
  const path = percentDecoded(written)
  const slashes = hasAuthority && (host !== '' || path !== '') ? '//' : ''
  return { uri: `${scheme}${slashes}${host}${escapedPath(written, path)}${tail}`, path, query, error: false }
}

/** The authority as Go writes it again; null where it is none. */
function hostOf(authority: ByteString): ByteString | null {
  if (
    !/^(?:[A-Za-z0-9\-._:~!$&'()*+,;=%@]*@)?(?:\[[0-9A-Fa-f:.%]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=<>"\x80-\xff]|%[89A-Fa-f][0-9A-Fa-f])*)(?::\d*)?$/.test(
      authority,
    )
  )
    return null
  if (hasBrokenPercent(authority)) return null
  return percentEncoded(percentDecoded(authority), /[\x80-\xff]/g)
}

/** The path as it was where it holds only what a path may hold. */
function escapedPath(written: ByteString, path: ByteString): ByteString {
  if (/^[A-Za-z0-9\-._~!$&'()*+,;=:@[\]%/]*$/.test(written)) return written
  return percentEncoded(path, /[^A-Za-z0-9\-._~$&+,/:;=@]/g)
}

function percentEncoded(text: ByteString, what: RegExp): ByteString {
  return text.replace(what, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}

function cut(text: ByteString, at: string): [ByteString, ByteString] {
  const index = text.indexOf(at)
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)]
}
