/**
 * What the CRS test backend answers: an empty 200, or at `/reflect` what the request's JSON asks for.
 *
 * Content types that the request does not name are sniffed as Go's net/http does, because the engine's list of
 * inspected types decides on them.
 */
import type { ByteString, Header, RecordedRequest, RecordedResponse } from '../../engine/model/exchange.js'
import { utf8Bytes } from '../record.js'

export function answerOf(request: RecordedRequest): RecordedResponse {
  const path = request.uri.split('?')[0] ?? ''
  if (request.method === 'POST' && (path === '/reflect' || path.startsWith('/reflect/'))) return reflect(request.body)
  return respond(200, [], '')
}

interface Specification {
  readonly status: number
  readonly headers: readonly Header[]
  readonly body: ByteString
}

function reflect(json: ByteString): RecordedResponse {
  const wanted = specificationOf(json)
  if (typeof wanted === 'string') return respond(400, [], wanted)
  return respond(wanted.status, wanted.headers, wanted.body)
}

/** The specification, or the message of the refusal. */
function specificationOf(json: ByteString): Specification | string {
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(json, 'latin1').toString('utf8'))
  } catch {
    return 'Invalid JSON in request body'
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return 'Invalid JSON in request body'
  const fields = parsed as Record<string, unknown>
  const status = typeof fields.status === 'number' ? fields.status : 0
  if ((status > 0 && status < 100) || status >= 600) return `Invalid status code: ${status}`
  const headers = typeof fields.headers === 'object' && fields.headers !== null ? Object.entries(fields.headers) : []
  return {
    status: status === 0 ? 200 : status,
    headers: headers.map(([name, value]): Header => [utf8Bytes(name), utf8Bytes(String(value))]),
    body: bodyOf(fields),
  }
}

function bodyOf(fields: Readonly<Record<string, unknown>>): ByteString {
  if (typeof fields.body === 'string' && fields.body !== '') return utf8Bytes(fields.body)
  return typeof fields.encodedBody === 'string' ? Buffer.from(fields.encodedBody, 'base64').toString('latin1') : ''
}

function respond(status: number, given: readonly Header[], body: ByteString): RecordedResponse {
  const headers = [...given]
  const has = (lower: string): boolean => headers.some(([name]) => name.toLowerCase() === lower)
  if (body !== '' && !has('content-type')) headers.push(['Content-Type', sniffType(body)])
  if (!has('content-length')) headers.push(['Content-Length', String(body.length)])
  return { status, httpVersion: '1.1', headers, body }
}

const htmlTags =
  /^(?:<!DOCTYPE HTML|<HTML|<HEAD|<SCRIPT|<IFRAME|<H1|<DIV|<FONT|<TABLE|<A|<STYLE|<TITLE|<B|<BODY|<BR|<P|<!--)[ >]/i

/** The part of the WHATWG MIME sniffing standard that text responses need. */
function sniffType(body: ByteString): string {
  const head = body.slice(0, 512)
  const text = head.replace(/^[\t\n\f\r ]+/, '')
  if (htmlTags.test(text)) return 'text/html; charset=utf-8'
  if (text.startsWith('<?xml')) return 'text/xml; charset=utf-8'
  if (head.startsWith('%PDF-')) return 'application/pdf'
  if (head.startsWith('\x1f\x8b\x08')) return 'application/x-gzip'
  if (head.startsWith('PK\x03\x04')) return 'application/zip'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the standard's binary data bytes
  return /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/.test(head) ? 'application/octet-stream' : 'text/plain; charset=utf-8'
}
