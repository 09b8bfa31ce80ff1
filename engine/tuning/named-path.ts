/**
 * A path that a log or a person names, as rules of phase 1 see it in REQUEST_FILENAME: what exclusions are scoped with.
 *
 * Platforms differ in what they decode, and in which phase: in Apache phase 1 sees a path as it was sent, and the log
 * of a rule of phase 2 has it decoded.
 */
import type { ByteString } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import { filenameOf } from '../transaction/request-view.js'

/** `sent`: from a request line. `seen`: as the engine had it when it wrote the log. */
export type PathIs = 'sent' | 'seen'

export function namedPath(path: ByteString, is: PathIs, platform: Platform): ByteString {
  if (is === 'sent') return filenameOf({ request: { method: 'GET', uri: path } }, platform)
  return platform.pathIsServers ? encoded(path) : path
}

/** What a person types: with bytes that no request line holds it is decoded, else as it is sent. */
export function typedPath(path: ByteString, platform: Platform): ByteString {
  return namedPath(path, /[^\x21-\x7e]/.test(path) ? 'seen' : 'sent', platform)
}

/** As clients commonly write it; how this one did is not in the log. */
function encoded(path: ByteString): ByteString {
  return path.replace(
    /%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&'()*+,;=:@/%[\]]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}
