/**
 * What the CRS test backend (albedo) answers: an empty 200, or at `/reflect` what the request's JSON asks for.
 *
 * Content types that the request does not name are sniffed as Go's net/http does, because the engine's list of
 * inspected types decides on them.
 */
import type { ByteString, Header, RecordedRequest, RecordedResponse } from '../../engine/model/exchange.js'
import { base64Bytes, utf8Bytes } from '../bytes.js'

/** A response as a test or a request to `/reflect` describes it. */
export interface ResponseWish {
  readonly status: number
  readonly headers: readonly Header[]
  readonly body: ByteString
}

export function answerOf(request: RecordedRequest): RecordedResponse {
  const path = request.uri.split('?')[0] ?? ''
  if (request.method !== 'POST' || (path !== '/reflect' && !path.startsWith('/reflect/')))
    return respond({ status: 200, headers: [], body: '' })
  const wish = reflectionOf(request.body)
  return typeof wish === 'string' ? respond({ status: 400, headers: [], body: wish }) : respond(wish)
}

/** The response as it goes over the wire: what the server adds is added. */
export function respond(wish: ResponseWish): RecordedResponse {
  const status = wish.status === 0 ? 200 : wish.status
  const body = status < 200 || status === 204 || status === 304 ? '' : wish.body
  const headers = [...wish.headers]
  const has = (lower: string): boolean => headers.some(([name]) => name.toLowerCase() === lower)
  if (body !== '' && !has('content-type')) headers.push(['Content-Type', sniffType(body)])
  if (!has('content-length') && status >= 200 && status !== 204) headers.push(['Content-Length', String(body.length)])
  return { status, httpVersion: '1.1', headers, body }
}

/** What the JSON asks for, or the text of the refusal. Go matches the names of the fields in any case. */
function reflectionOf(json: ByteString): ResponseWish | string {
  const invalid = 'Invalid JSON in request body'
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(json, 'latin1').toString('utf8'))
  } catch {
    return invalid
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return invalid
  const fields = new Map(Object.entries(parsed).map(([name, value]) => [name.toLowerCase(), value as unknown]))
  const status = fields.get('status') ?? 0
  const headers = fields.get('headers') ?? {}
  const body = fields.get('body') ?? ''
  const encoded = fields.get('encodedbody') ?? ''
  if (typeof status !== 'number' || !Number.isInteger(status)) return invalid
  if (typeof headers !== 'object' || Array.isArray(headers)) return invalid
  if (typeof body !== 'string' || typeof encoded !== 'string') return invalid
  if ((status > 0 && status < 100) || status >= 600) return `Invalid status code: ${status}`
  const pairs = Object.entries(headers)
  if (pairs.some(([, value]) => typeof value !== 'string')) return invalid
  return {
    status: Math.max(0, status),
    headers: pairs.map(([name, value]): Header => [utf8Bytes(name), utf8Bytes(value as string)]),
    body: body !== '' ? utf8Bytes(body) : (base64Bytes(encoded) ?? 'invalid base64 encoding of response body'),
  }
}

const htmlTags =
  /^(?:<!DOCTYPE HTML|<HTML|<HEAD|<SCRIPT|<IFRAME|<H1|<DIV|<FONT|<TABLE|<A|<STYLE|<TITLE|<B|<BODY|<BR|<P|<!--)[ >]/i

const marks: readonly (readonly [start: string, type: string])[] = [
  ['%PDF-', 'application/pdf'],
  ['%!PS-Adobe-', 'application/postscript'],
  ['\xfe\xff', 'text/plain; charset=utf-16be'],
  ['\xff\xfe', 'text/plain; charset=utf-16le'],
  ['\xef\xbb\xbf', 'text/plain; charset=utf-8'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['\xff\xd8\xff', 'image/jpeg'],
  ['\x1f\x8b\x08', 'application/x-gzip'],
  ['PK\x03\x04', 'application/zip'],
]

/** The part of the WHATWG MIME sniffing standard that decides between what is inspected and what is not. */
function sniffType(body: ByteString): string {
  const head = body.slice(0, 512)
  const text = head.replace(/^[\t\n\f\r ]+/, '')
  if (htmlTags.test(text)) return 'text/html; charset=utf-8'
  if (text.startsWith('<?xml')) return 'text/xml; charset=utf-8'
  const mark = marks.find(([start]) => head.startsWith(start))
  if (mark !== undefined) return mark[1]
  return /[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]/.test(head) ? 'application/octet-stream' : 'text/plain; charset=utf-8'
}
