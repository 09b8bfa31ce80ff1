/**
 * What Apache 2.4 makes of the path of a request between phases 1 and 2: normalised, then decoded, or refused.
 *
 * Follows the defaults: slashes merge, encoded slashes are not allowed. Seen on Apache 2.4.71.
 */
import type { ByteString } from '../model/exchange.js'
import { hasBrokenPercent, percentDecoded } from '../percent.js'

export interface ApachePath {
  readonly path: ByteString
  /** 400: a broken %-sequence or a way above the root; 404: an encoded slash or NUL; null: Apache goes on. */
  readonly refusal: 400 | 404 | null
}

export function apachePath(path: ByteString): ApachePath {
  if (!path.startsWith('/')) return { path, refusal: null }
  if (hasBrokenPercent(path)) return { path, refusal: 400 }
  const normal = withoutDots(unreservedDecoded(path))
  if (normal === null) return { path, refusal: 400 }
  return { path: percentDecoded(normal), refusal: /%(?:2f|00)/i.test(normal) ? 404 : null }
}

/** Letters, digits and `-._~` need no escape; they are decoded before dots are looked at. */
function unreservedDecoded(path: ByteString): ByteString {
  if (!path.includes('%')) return path
  return path.replace(/%([0-9a-fA-F]{2})/g, (whole, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16))
    return /[-A-Za-z0-9._~]/.test(char) ? char : whole
  })
}

/** Slashes merged, `.` and `..` resolved; null where the path leaves the root. */
function withoutDots(path: ByteString): ByteString | null {
  const segments = path.split('/')
  const last = segments[segments.length - 1]
  const kept: ByteString[] = []
  for (const segment of segments) {
    if (segment === '' || segment === '.') continue
    if (segment !== '..') kept.push(segment)
    else if (kept.pop() === undefined) return null
  }
  const isFolder = last === '' || last === '.' || last === '..'
  return `/${kept.join('/')}${isFolder && kept.length > 0 ? '/' : ''}`
}
