/**
 * What the web server in front of the engine makes of a request before any rule sees it: refusals, and headers
 * it merges or drops. A small model of Apache 2.4 with `HttpProtocolOptions Strict` (its default).
 *
 * COMPAT(modsec2): ModSecurity 2 lives inside Apache and never sees such requests. The other platforms are
 * libraries; what their server does in front of them is not modelled.
 */
import { type ByteString, type Header, lowerAscii, type RecordedRequest } from '../model/exchange.js'

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Why Apache answers 400; null where it goes on. */
export function apacheRefusal(request: RecordedRequest): string | null {
  return requestLineFault(request) ?? headerFault(request)
}

function requestLineFault(request: RecordedRequest): string | null {
  const { method, uri, httpVersion, line } = request
  if (!token.test(method)) return 'the method is no token'
  if (/[\x00-\x20\x7f]/.test(uri)) return 'the request target holds a blank or a control character'
  if (uri.includes('#')) return 'the request target holds a fragment'
  const protocol = line === undefined ? (httpVersion === '' ? '' : `HTTP/${httpVersion}`) : lastWordOf(line)
  if (protocol !== '' && !/^HTTP\/[1-9]\.\d$/.test(protocol)) return 'the protocol is not HTTP/1.0 or later'
  if (method === 'CONNECT') return /:\d+$/.test(uri) ? null : 'CONNECT needs a port'
  const known = uri.startsWith('/') || uri === '*' || /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\//.test(uri)
  return known ? null : 'the request target is no path'
}

/** Third word of a raw request line; empty for HTTP/0.9. */
function lastWordOf(line: ByteString): ByteString {
  return /^\S+ \S+ (\S*)$/.exec(line)?.[1] ?? ''
}

function headerFault({ headers, httpVersion }: RecordedRequest): string | null {
  for (const [name, value] of headers) {
    if (!token.test(name)) return 'the name of a header is no token'
    if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value)) return 'a header holds a control character'
    if (name.toLowerCase() === 'content-length' && !/^\d+$/.test(value.trim())) return 'Content-Length is no number'
  }
  const host = headers.find(([name]) => name.toLowerCase() === 'host')?.[1]
  const needed = /^(?:1\.[1-9]|[2-9])/.test(httpVersion)
  if (host === undefined || host === '') return needed ? 'HTTP/1.1 needs a Host' : null
  return /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d*)?$/.test(host) ? null : 'the Host is no host name'
}

/** Whether Apache answers by itself between phases 1 and 2: `TRACE`, and `OPTIONS *` as all of `*`. */
export function apacheAnswers({ method, uri }: RecordedRequest): boolean {
  return method === 'TRACE' || uri === '*'
}

/** Host and port that the request target names, the name in lower case; null where it names none. */
function targetHost({ method, uri }: RecordedRequest): ByteString | null {
  const host = method === 'CONNECT' ? uri : /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/(?:[^@/?]*@)?([^/?]+)/.exec(uri)?.[1]
  return host === undefined ? null : lowerAscii(host)
}

/**
 * Headers as Apache hands them on: without blanks around values; those of one name are merged, in
 * the place of the first, cookies too; Content-Length goes
 * where a Transfer-Encoding stands; the host of the request target takes the place of Host.
 */
export function apacheHeaders(request: RecordedRequest): readonly Header[] {
  const { headers } = request
  const host = targetHost(request)
  const merged = new Map<ByteString, [ByteString, ByteString]>()
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    const first = merged.get(lower)
    const bare = value.replace(/^[ \t]+|[ \t]+$/g, '')
    if (first === undefined) merged.set(lower, [name, bare])
    else first[1] += `, ${bare}`
  }
  if (merged.has('transfer-encoding')) merged.delete('content-length')
  if (host !== null) merged.set('host', [merged.get('host')?.[0] ?? 'Host', host])
  return [...merged.values()]
}
