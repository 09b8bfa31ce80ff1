/**
 * The JSON form of a record (docs/formats.md) to the engine's form and back.
 *
 * The JSON form holds text: `body` is UTF-8, other bytes are base64, URIs and headers hold bytes as code points.
 * The engine's form holds bytes only. Nothing is normalised on the way.
 */
import type {
  ByteString,
  CorpusItem,
  Endpoint,
  Evidence,
  Header,
  Label,
  RecordedRequest,
  RecordedResponse,
  TransactionRecord,
  UnreadableRecord,
} from '../engine/model/exchange.js'
import { base64Bytes, base64Text, bytesOfCodePoints, isWellFormed, utf8Bytes, utf8Text } from './bytes.js'

/** Where a record came from: names the id of records that have none, and errors. */
export interface RecordOrigin {
  readonly file: string
  /** Line of a text file, or position in a binary one; counts from 1. */
  readonly line: number
}

/** Why something is not a record. The message says which field and what it should be. */
export class RecordError extends Error {
  override readonly name = 'RecordError'
}

const labels: readonly string[] = ['benign', 'attack', 'unknown'] satisfies Label[]
const evidences: readonly string[] = ['complete', 'no-body', 'truncated', 'sanitised', 'rebuilt'] satisfies Evidence[]

type Fields = Readonly<Record<string, unknown>>

/** Throws RecordError where `value` is not a record. */
export function recordOf(value: unknown, origin: RecordOrigin): TransactionRecord {
  const fields = objectAt(value, 'the record')
  const request = requestOf(objectAt(fields.request, 'request'))
  const given = oneOf(fields.evidence, evidences, 'evidence')
  const record: TransactionRecord = {
    id: optionalText(fields.id, 'id') || `${origin.file}:${origin.line}`,
    label: (oneOf(fields.label, labels, 'label') ?? 'unknown') as Label,
    tags: textList(fields.tags, 'tags'),
    request,
    evidence: (given ?? 'complete') as Evidence,
    source: sourceOf(fields.source) ?? origin,
    ...present('time', timeOf(fields.time)),
    ...present('client', endpointOf(fields.client, 'client')),
    ...present('server', endpointOf(fields.server, 'server')),
    ...present('response', responseOf(fields.response)),
  }
  return record.evidence === 'complete' ? { ...record, evidence: evidenceOf(request) } : record
}

/** The record that a parsed value is, or the entry that says why it is none: never dropped, never thrown. */
export function itemOf(value: unknown, origin: RecordOrigin): CorpusItem {
  try {
    return recordOf(value, origin)
  } catch (error) {
    if (error instanceof RecordError) return unreadableAt(origin, `not a record: ${error.message}`)
    throw error
  }
}

/** What stands in a corpus for a place that cannot be read. */
export function unreadableAt(origin: RecordOrigin, reason: string): UnreadableRecord {
  const place = `${origin.file}:${origin.line}`
  return { id: place, unreadable: `${place}: ${reason}`, source: { file: origin.file, line: origin.line } }
}

/** The JSON form of a record. Bodies that are valid UTF-8 become text, others base64. */
export function jsonOf(record: TransactionRecord): Fields {
  const { request, response } = record
  return {
    id: record.id,
    label: record.label,
    ...(record.tags.length > 0 ? { tags: record.tags } : {}),
    ...present('time', record.time),
    ...present('client', record.client),
    ...present('server', record.server),
    request: {
      method: request.method,
      uri: request.uri,
      httpVersion: request.httpVersion,
      headers: request.headers,
      ...present('line', request.line),
      ...bodyFields(request.body),
    },
    ...(response === undefined
      ? {}
      : {
          response: {
            status: response.status,
            ...present('httpVersion', response.httpVersion),
            headers: response.headers,
            ...bodyFields(response.body),
          },
        }),
    ...(record.evidence === 'complete' ? {} : { evidence: record.evidence }),
    ...present('source', record.source),
  }
}

/**
 * Found out from the request itself: a Content-Length above the bytes present, without a transfer or content
 * encoding that would explain it, means that the capture lost some of the body.
 */
export function evidenceOf(request: RecordedRequest): Evidence {
  let length: number | null = null
  for (const [name, value] of request.headers) {
    const lower = name.toLowerCase()
    if (lower === 'transfer-encoding') return 'complete'
    if (lower === 'content-encoding' && value.trim().toLowerCase() !== 'identity') return 'complete'
    if (lower === 'content-length' && /^\d{1,15}$/.test(value.trim())) length ??= Number(value)
  }
  if (length === null || length <= request.body.length) return 'complete'
  return request.body === '' ? 'no-body' : 'truncated'
}

function bodyFields(body: ByteString): Fields {
  if (body === '') return {}
  const text = utf8Text(body)
  return text === null ? { bodyBase64: base64Text(body) } : { body: text }
}

function requestOf(fields: Fields): RecordedRequest {
  return {
    method: bytesOfCodePoints(text(fields.method, 'request.method')),
    uri: bytesOfCodePoints(text(fields.uri, 'request.uri')),
    httpVersion: bytesOfCodePoints(optionalText(fields.httpVersion, 'request.httpVersion') ?? '1.1'),
    headers: headersOf(fields.headers, 'request.headers'),
    body: bodyOf(fields, 'request'),
    ...present('line', optionalText(fields.line, 'request.line')),
  }
}

function responseOf(value: unknown): RecordedResponse | undefined {
  if (value === undefined || value === null) return undefined
  const fields = objectAt(value, 'response')
  const { status } = fields
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 100 || status > 999)
    throw new RecordError('response.status must be a number from 100 to 999')
  return {
    status,
    headers: headersOf(fields.headers, 'response.headers'),
    body: bodyOf(fields, 'response'),
    ...present('httpVersion', optionalText(fields.httpVersion, 'response.httpVersion')),
  }
}

function bodyOf(fields: Fields, of: string): ByteString {
  const { body, bodyBase64 } = fields
  if (bodyBase64 !== undefined && bodyBase64 !== null) {
    if (body !== undefined && body !== null) throw new RecordError(`${of} has both body and bodyBase64; give one`)
    const bytes = base64Bytes(text(bodyBase64, `${of}.bodyBase64`))
    if (bytes === null) throw new RecordError(`${of}.bodyBase64 is not base64`)
    return bytes
  }
  return body === undefined || body === null ? '' : utf8Bytes(text(body, `${of}.body`))
}

function headersOf(value: unknown, name: string): readonly Header[] {
  if (value === undefined || value === null) return []
  const shape = `${name} must be a list of [name, value] pairs`
  if (!Array.isArray(value)) throw new RecordError(shape)
  return value.map((pair: unknown): Header => {
    if (!Array.isArray(pair) || pair.length !== 2) throw new RecordError(shape)
    return [bytesOfCodePoints(text(pair[0], name)), bytesOfCodePoints(text(pair[1], name))]
  })
}

function endpointOf(value: unknown, name: string): Endpoint | undefined {
  if (value === undefined || value === null) return undefined
  const fields = objectAt(value, name)
  const { port } = fields
  if (port === undefined || port === null) return { ip: text(fields.ip, `${name}.ip`), port: 0 }
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65_535)
    throw new RecordError(`${name}.port must be a whole number from 0 to 65535`)
  return { ip: text(fields.ip, `${name}.ip`), port }
}

/** Only what a clock can be set to: rules read it. */
function timeOf(value: unknown): string | undefined {
  const time = optionalText(value, 'time')
  if (time !== undefined && (!/^\d{4}-\d\d-\d\d/.test(time) || Number.isNaN(Date.parse(time))))
    throw new RecordError('time must be ISO 8601, like 2026-11-23T12:00:00Z')
  return time
}

function sourceOf(value: unknown): TransactionRecord['source'] {
  if (value === undefined || value === null) return undefined
  const fields = objectAt(value, 'source')
  const file = text(fields.file, 'source.file')
  return typeof fields.line === 'number' && Number.isInteger(fields.line) ? { file, line: fields.line } : { file }
}

function objectAt(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RecordError(`${name} must be an object${value === undefined ? ', and is missing' : ''}`)
  return value as Fields
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string')
    throw new RecordError(`${name} must be a string${value === undefined ? ', and is missing' : ''}`)
  if (!isWellFormed(value)) throw new RecordError(`${name} holds half a surrogate pair, which stands for no bytes`)
  return value
}

function optionalText(value: unknown, name: string): string | undefined {
  return value === undefined || value === null ? undefined : text(value, name)
}

function textList(value: unknown, name: string): readonly string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string'))
    throw new RecordError(`${name} must be a list of strings`)
  return value as string[]
}

function oneOf(value: unknown, known: readonly string[], name: string): string | undefined {
  const given = optionalText(value, name)
  if (given !== undefined && !known.includes(given)) throw new RecordError(`${name} must be one of ${known.join(', ')}`)
  return given
}

function present<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V })
}
