/**
 * The request of a record as its variables see it: line, URI parts, headers, cookies, query arguments.
 *
 * Computed lazily and kept for the transaction. Nothing is decoded here but what the engines decode
 * (arguments and cookie framing); bytes stay as they were on the wire.
 */
import { dialectOf, parseCookies, parseUrlEncoded } from '../bodies/index.js'
import type { Collection, Entry, RequestView } from '../model/definitions.js'
import { type ByteString, type Header, lowerAscii, type RecordedRequest } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import type { EngineSettings } from '../model/ruleset.js'
import { collectionOf } from '../variables/index.js'
import { apachePath } from './apache-path.js'
import { type SplitTarget, splitAsSent, splitDecoded, withoutOrigin } from './request-target.js'
import { apacheHeaders } from './server.js'
import { splitGo } from './uri-go.js'

export function headerCollection(headers: readonly Header[], platform: Platform): Collection {
  return collectionOf(
    headers.map(([key, value]): Entry => ({ key, value })),
    platform,
  )
}

/** The path as Apache parses it: not decoded, one slash for all it begins with; empty where the target has none. */
function serverPath({ method, uri }: Pick<RecordedRequest, 'method' | 'uri'>): ByteString {
  if (method === 'CONNECT') return ''
  return (withoutOrigin(uri).split('?')[0] ?? '').replace(/^\/{2,}/, '/')
}

/** HTTP/0.9 has no version in its line; libmodsecurity, which puts the line together itself, names it all the same. */
function lineOf({ method, uri, httpVersion }: RecordedRequest, namesVersion: boolean): ByteString {
  if (httpVersion === '' && namesVersion) return `${method} ${uri} HTTP/0.9`
  return httpVersion === '' ? `${method} ${uri}` : `${method} ${uri} HTTP/${httpVersion}`
}

/** The third word of the request line; `HTTP/` and the version where the capture kept no raw line. */
function protocolOf(request: RecordedRequest): ByteString {
  if (request.line !== undefined) return /^\S* .* (\S+)$/s.exec(request.line)?.[1] ?? 'HTTP/0.9'
  return `HTTP/${request.httpVersion === '' ? '0.9' : request.httpVersion}`
}

const splitters: Readonly<Record<Platform['requestTarget'], (target: ByteString) => SplitTarget>> = {
  'as-sent': splitAsSent,
  decoded: splitDecoded,
  go: splitGo,
}

/** Whether rules see the path as Apache has it, not as the engine splits the request target. */
function hasServerPath({ server, pathIsServers }: Platform): boolean {
  return server === 'apache' && pathIsServers
}

/** REQUEST_FILENAME as a rule of phase 1 sees it. */
export function filenameOf(
  { request }: { readonly request: Pick<RecordedRequest, 'method' | 'uri'> },
  platform: Platform,
): ByteString {
  return hasServerPath(platform) ? serverPath(request) : splitters[platform.requestTarget](request.uri).path
}

interface ParsedQuery {
  readonly args: Collection
  readonly error: boolean
  /** Whether there are more arguments than SecArgumentsLimit. */
  readonly overLimit: boolean
}

export class RecordedRequestView implements RequestView {
  readonly line: ByteString
  readonly method: ByteString
  readonly uriRaw: ByteString
  /** As `filename`: changes once, where the server takes the request. */
  uri: ByteString
  filename: ByteString
  readonly queryString: ByteString
  readonly uriError: boolean
  readonly protocol: ByteString
  readonly headers: Collection
  readonly #sentPath: ByteString
  #cookies: Collection | null = null
  #query: ParsedQuery | null = null

  constructor(
    request: RecordedRequest,
    private readonly settings: Pick<EngineSettings, 'argumentSeparator' | 'bodyLimits'>,
    private readonly platform: Platform,
  ) {
    this.method = request.method
    this.uriRaw = request.uri
    this.protocol = protocolOf(request)
    const { requestTarget } = platform
    const asGo = requestTarget === 'go'
    this.line = asGo
      ? `${this.method} ${this.uriRaw} ${this.protocol}`
      : (request.line ?? lineOf(request, requestTarget === 'decoded'))
    const split = splitters[requestTarget](request.uri)
    this.uri = split.uri
    this.filename = split.path
    this.queryString = split.query
    this.uriError = split.error
    this.headers = headerCollection(platform.server === 'apache' ? apacheHeaders(request) : request.headers, platform)
    this.#sentPath = serverPath(request)
    if (hasServerPath(platform)) this.#setPath(this.#sentPath)
  }

  /**
   * The server takes the request: from here on rules see its form of the path. Returns the status with which it
   * refuses the path, or null.
   */
  translate(): 400 | 404 | null {
    if (this.platform.server !== 'apache') return null
    const { path, refusal } = apachePath(this.#sentPath)
    if (this.platform.pathIsServers) this.#setPath(path)
    return refusal
  }

  #setPath(path: ByteString): void {
    const mark = this.uriRaw.indexOf('?')
    this.filename = path
    this.uri = path === '' || mark < 0 ? path : path + this.uriRaw.slice(mark)
  }

  get basename(): ByteString {
    if (this.platform.requestTarget === 'go' && /[/\\]$/.test(this.filename)) return this.filename
    if (this.platform.requestTarget === 'decoded' && !/[/\\]/.test(this.filename)) return ''
    return this.filename.slice(Math.max(this.filename.lastIndexOf('/'), this.filename.lastIndexOf('\\')) + 1)
  }

  get cookies(): Collection {
    this.#cookies ??= collectionOf(
      this.headers
        .inserted()
        .filter(({ key }) => key?.length === 6 && lowerAscii(key) === 'cookie')
        .flatMap((header) => parseCookies(header.value, this.platform)),
      this.platform,
    )
    return this.#cookies
  }

  get argsGet(): Collection {
    return this.#parsedQuery().args
  }

  get queryError(): boolean {
    return this.#parsedQuery().error
  }

  get argumentsOverLimit(): boolean {
    return this.#parsedQuery().overLimit
  }

  #parsedQuery(): ParsedQuery {
    if (this.#query === null) {
      const { argumentSeparator, bodyLimits } = this.settings
      const { entries, error } = parseUrlEncoded(this.queryString, argumentSeparator, this.platform)
      const overLimit = entries.length > bodyLimits.args
      const kept = overLimit && dialectOf(this.platform).limitsQuery ? entries.slice(0, bodyLimits.args) : entries
      this.#query = { args: collectionOf(kept, this.platform), error, overLimit }
    }
    return this.#query
  }
}

/** Media type of a Content-Type header, lower case, without parameters. */
export function mediaType(contentType: ByteString): ByteString {
  return lowerAscii(contentType.split(';')[0] ?? '').trim()
}
