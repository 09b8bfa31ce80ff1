/**
 * Puts the request of a rule test together the way go-ftw does: defaults, automatic headers, form encoding,
 * CRLF in multipart bodies, whole requests in base64.
 */
import type { ByteString, Header, RecordedRequest } from '../../engine/model/exchange.js'
import { base64Bytes, utf8Bytes } from '../bytes.js'
import { expandTemplate } from './ftw-template.js'
import { framedBody, parseRawRequest } from './raw-request.js'

export interface StageInput {
  readonly method: string | null
  /** One request for each. */
  readonly uris: readonly string[]
  readonly version: string | null
  /** In the order in which they are sent. */
  readonly headers: readonly (readonly [string, string])[]
  readonly data: string | null
  readonly encodedData: string | null
  /** The whole request, in base64. */
  readonly encodedRequest: string | null
  /** The whole request as text, of schema 2. */
  readonly rawRequest: string | null
  readonly autocomplete: boolean
}

export type StageRequest = { readonly request: RecordedRequest } | { readonly problem: string }

/** The requests of a stage; a problem where one cannot be built as it is written. */
export function requestsOf(input: StageInput): readonly StageRequest[] {
  const whole = input.encodedRequest || input.rawRequest
  if (whole !== null && whole !== '') {
    if (input.data !== null || input.encodedData !== null)
      return [{ problem: 'data and a whole request are both given; give one' }]
    const raw = input.encodedRequest ? base64Bytes(whole) : utf8Bytes(whole)
    if (raw === null) return [{ problem: 'encoded_request is not base64' }]
    const request = parseRawRequest(raw)
    return [request === null ? { problem: 'the whole request has no request line' } : { request }]
  }
  const data = dataOf(input)
  if ('problem' in data) return [data]
  return input.uris.map((uri) => ({ request: requestFor(input, utf8Bytes(uri), data.bytes) }))
}

function requestFor(input: StageInput, uri: ByteString, data: ByteString): RecordedRequest {
  const headers: Header[] = input.headers.map(([name, value]): Header => [utf8Bytes(name), utf8Bytes(value)])
  const method = utf8Bytes(input.method ?? 'GET')
  const version = utf8Bytes(input.version ?? 'HTTP/1.1')
  let sent = data
  if (sent !== '' && input.autocomplete) {
    addIfMissing(headers, 'Content-Type', 'application/x-www-form-urlencoded')
    if (hasValue(headers, 'content-type', (type) => type === 'application/x-www-form-urlencoded'))
      sent = encodeForm(sent)
  }
  if (hasValue(headers, 'content-type', (type) => type.includes('multipart/form-data;')))
    sent = sent.replaceAll('\n', '\r\n')
  if (input.autocomplete) {
    addIfMissing(headers, 'Connection', 'close')
    // The pattern is go-ftw's: it also finds PUT and PATCH inside longer words.
    if (sent !== '' || /^POST|PUT|PATCH|DELETE$/.test(method))
      addIfMissing(headers, 'Content-Length', String(sent.length))
  }
  const standard = /^HTTP\/(.+)$/.exec(version)
  return {
    method,
    uri,
    httpVersion: standard?.[1] ?? '',
    headers,
    body: framedBody(headers, sent),
    ...(standard === null ? { line: `${method} ${uri} ${version}` } : {}),
  }
}

function dataOf(input: StageInput): { readonly bytes: ByteString } | { readonly problem: string } {
  if (input.data !== null) {
    const text = expandTemplate(input.data)
    return text === null
      ? { problem: 'data holds a template that cannot be expanded; known are "text" and repeat' }
      : { bytes: utf8Bytes(text) }
  }
  const bytes = base64Bytes(input.encodedData ?? '')
  return bytes === null ? { problem: 'encoded_data is not base64' } : { bytes }
}

/** Names compare without case; the test sees the value in lower case. */
function hasValue(headers: readonly Header[], lowerName: string, test: (lowerValue: string) => boolean): boolean {
  return headers.some(([name, value]) => name.toLowerCase() === lowerName && test(value.toLowerCase()))
}

function addIfMissing(headers: Header[], name: string, value: string): void {
  if (!hasValue(headers, name.toLowerCase(), () => true)) headers.push([name, value])
}

/**
 * Encodes names and values of a form that is not encoded yet: one that decoding would leave as it is. A `&` at the
 * end is lost, as in go-ftw.
 */
function encodeForm(data: ByteString): ByteString {
  if (/[%+]/.test(data)) return data
  return data
    .replace(/&$/, '')
    .split('&')
    .map((token) => {
      const equals = token.indexOf('=')
      if (equals < 0) return queryEscape(token)
      return `${queryEscape(token.slice(0, equals))}=${queryEscape(token.slice(equals + 1))}`
    })
    .join('&')
}

/** Go's url.QueryEscape on bytes. */
function queryEscape(text: ByteString): ByteString {
  return text.replace(/[^A-Za-z0-9\-_.~]/g, (c) =>
    c === ' ' ? '+' : `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}
