/**
 * Puts the request of a rule test together the way go-ftw does: defaults, automatic headers, form encoding,
 * CRLF in multipart bodies, whole requests in base64.
 */
import type { ByteString, Header, RecordedRequest } from '../../engine/model/exchange.js'
import { utf8Bytes } from '../record.js'
import { expandTemplate } from './ftw-template.js'
import { parseRawRequest } from './raw-request.js'

export interface StageInput {
  readonly method: string | null
  /** One request for each. */
  readonly uris: readonly string[]
  readonly version: string | null
  readonly port: number
  readonly headers: readonly (readonly [string, string])[]
  readonly data: string | null
  readonly encodedData: string | null
  readonly encodedRequest: string | null
  readonly autocomplete: boolean
  readonly followRedirect: boolean
}

export type StageRequest =
  | { readonly request: RecordedRequest; readonly port: number }
  | { readonly problem: string }

export function requestsOf(input: StageInput): readonly StageRequest[] {
  if (input.followRedirect)
    return [{ problem: 'follow_redirect needs the answer of a server; there is none in a replay' }]
  if (input.encodedRequest !== null && input.encodedRequest !== '') {
    const request = parseRawRequest(Buffer.from(input.encodedRequest, 'base64').toString('latin1'))
    return [request === null ? { problem: 'encoded_request holds no request line' } : { request, port: input.port }]
  }
  const body = bodyOf(input)
  if (body === null) return [{ problem: 'the template in data cannot be expanded' }]
  return input.uris.map((uri) => ({ request: requestFor(input, utf8Bytes(uri), body), port: input.port }))
}

function requestFor(input: StageInput, uri: ByteString, given: ByteString): RecordedRequest {
  const headers: Header[] = input.headers.map(([name, value]): Header => [utf8Bytes(name), utf8Bytes(value)])
  const method = utf8Bytes(input.method ?? 'GET')
  const version = utf8Bytes(input.version ?? 'HTTP/1.1')
  let body = given
  if (body !== '' && input.autocomplete) {
    addIfMissing(headers, 'Content-Type', 'application/x-www-form-urlencoded')
    if (valueOf(headers, 'content-type') === 'application/x-www-form-urlencoded') body = encodeForm(body)
  }
  if (valueOf(headers, 'content-type')?.startsWith('multipart/form-data;') === true) body = body.replace(/\n/g, '\r\n')
  if (input.autocomplete) {
    addIfMissing(headers, 'Connection', 'close')
    if (body !== '' || /^POST|PUT|PATCH|DELETE$/.test(method)) addIfMissing(headers, 'Content-Length', String(body.length))
  }
  const standard = /^HTTP\/(.*)$/.exec(version)
  return {
    method,
    uri,
    httpVersion: standard?.[1] ?? '',
    headers,
    body,
    ...(standard === null ? { line: `${method} ${uri} ${version}` } : {}),
  }
}

/** Null where the text holds a template that cannot be expanded. */
function bodyOf(input: StageInput): ByteString | null {
  if (input.data !== null) {
    const text = expandTemplate(input.data)
    return text === null ? null : utf8Bytes(text)
  }
  return input.encodedData === null ? '' : Buffer.from(input.encodedData, 'base64').toString('latin1')
}

function valueOf(headers: readonly Header[], lower: string): ByteString | undefined {
  return headers.find(([name]) => name.toLowerCase() === lower)?.[1]
}

function addIfMissing(headers: Header[], name: string, value: string): void {
  if (valueOf(headers, name.toLowerCase()) === undefined) headers.push([name, value])
}

/** Encodes names and values of a form that is not encoded yet: one that decoding would leave as it is. */
function encodeForm(data: ByteString): ByteString {
  if (/%|\+/.test(data)) return data
  return data
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
