/**
 * The request target as libmodsecurity 3.0.9 splits it: the fragment is cut off, the whole is decoded once, and only
 * then the path ends at a `?`; scheme and host are taken off REQUEST_URI alone.
 *
 * Seen on the engine, target by target (test/uri.test.ts).
 */
import type { ByteString } from '../model/exchange.js'
import type { SplitTarget } from './uri-go.js'

/** `decode` takes the %-sequences out once; broken ones stay. */
export function splitDecodedTarget(target: ByteString, decode: (text: ByteString) => ByteString): SplitTarget {
  const sent = target.replace(/#.*$/s, '')
  const mark = sent.indexOf('?')
  const decoded = decode(sent)
  return {
    uri: decoded.startsWith('/') ? decoded : (/^[^:]*:\/\/[^/]*(\/.*)$/s.exec(decoded)?.[1] ?? decoded),
    path: decoded.split('?', 1)[0] ?? '',
    query: mark < 0 ? '' : sent.slice(mark + 1),
    error: false,
  }
}
