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

/** The largest Content-Length, that of a signed number of 64 bits. */
const longestBody = 2n ** 63n - 1n

/** Chunks must be the last encoding; a Content-Length must be one number, also where chunks make it void. */
function framingFault({ headers }: RecordedRequest): string | null {
  const lengths = valuesOf(headers, 'content-length')
  if (lengths.length > 0) {
    const length = bare(lengths.join(', '))
    if (!/^\d+$/.test(length)) return 'Content-Length is no number'
    if (BigInt(length) > longestBody) return 'Content-Length is too large'
  }
  const encodings = valuesOf(headers, 'transfer-encoding')
  const last = bare(encodings.at(-1) ?? '')
  if (encodings.length > 0 && !/(?:^|,)[ \t]*chunked$/i.test(last)) return 'Transfer-Encoding does not end in chunked'
  return null
}

function valuesOf(headers: readonly Header[], lowerName: string): ByteString[] {
  return headers.filter(([name]) => name.toLowerCase() === lowerName).map(([, value]) => value)
}

/** Without the blanks around it. */
function bare(value: ByteString): ByteString {
  return value.replace(/^[ \t]+|(?<![ \t])[ \t]+$/g, '')
}

/**
 * The body as Apache hands it on: no byte beyond Content-Length. One that is shorter than announced stays as it is:
 * the capture has lost the rest (see the record's evidence), and one without Content-Length may be of HTTP/2.
 */
export function apacheBody({ headers, body }: RecordedRequest): ByteString {
  const length = valuesOf(headers, 'content-length')[0]
  if (length === undefined || valuesOf(headers, 'transfer-encoding').length > 0) return body
  return body.slice(0, Number(length))
}

function headerFault(request: RecordedRequest): string | null {
  const { headers, httpVersion } = request
  for (const [name, value] of headers) {
    if (!token.test(name)) return 'the name of a header is no token'
    if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value)) return 'a header holds a control character'
  }
  const framing = framingFault(request)
  if (framing !== null) return framing
  const host = headers.find(([name]) => name.toLowerCase() === 'host')?.[1]
  const needed = /^(?:1\.[1-9]|[2-9])/.test(httpVersion)
  if (host === undefined || host === '') return needed ? 'HTTP/1.1 needs a Host' : null
  return /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d*)?$/.test(host) ? null : 'the Host is no host name'
}

/**
 * What Apache answers by itself between phases 1 and 2: to `TRACE`, and to `OPTIONS *` as all of `*`, an answer that no
 * phase sees; 413 to a `TRACE` with a body; null where phase 2 runs.
 */
export function apacheAnswer({ method, uri, headers }: RecordedRequest): 'silent' | 413 | null {
  if (method !== 'TRACE') return uri === '*' ? 'silent' : null
  const length = Number(valuesOf(headers, 'content-length')[0] ?? 0)
  return length > 0 || valuesOf(headers, 'transfer-encoding').length > 0 ? 413 : 'silent'
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
    if (first === undefined) merged.set(lower, [name, bare(value)])
    else first[1] += `, ${bare(value)}`
  }
  if (merged.has('transfer-encoding')) merged.delete('content-length')
  if (host !== null) merged.set('host', [merged.get('host')?.[0] ?? 'Host', host])
  return [...merged.values()]
}
