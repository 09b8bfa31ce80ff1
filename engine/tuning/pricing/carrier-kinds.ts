/**
 * Kinds of places that a payload is carried in, and a harmless request of each kind.
 *
 * The requests are those of a browser or an API client, well-formed, so that what fires on one that carries a payload
 * fires for the payload.
 */
import type { ByteString, Header, TransactionRecord } from '../../model/exchange.js'
import type { Ruleset } from '../../model/ruleset.js'
import { inspect } from '../../transaction/inspected-values.js'
import { type RequestShape, wellFormed } from './well-formed.js'

export type CarrierKind =
  | 'query'
  | 'form'
  | 'multipart'
  | 'json'
  | 'xml'
  | 'cookie'
  | 'file-name'
  | 'argument-name'
  | 'raw-body'
  | `header:${string}`

interface KindRequest extends Pick<RequestShape, 'uri' | 'headers' | 'body'> {
  /** Which target the payload is put at; a pattern where platforms name it each in its own way. */
  readonly target: RegExp
}

const form: Header = ['Content-Type', 'application/x-www-form-urlencoded']
const multipartType: Header = ['Content-Type', 'multipart/form-data; boundary=----FormBoundary7MA4YWxkTrZu0gW']

function multipart(disposition: string, value: string): ByteString {
  const boundary = '------FormBoundary7MA4YWxkTrZu0gW'
  return `${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${value}\r\n${boundary}--\r\n`
}

const requests: Readonly<Record<Exclude<CarrierKind, `header:${string}`>, KindRequest>> = {
  query: { uri: '/page?field=x', target: /^ARGS:field$/ },
  form: { headers: [form], body: 'field=x', target: /^ARGS:field$/ },
  multipart: { headers: [multipartType], body: multipart('name="field"', 'x'), target: /^ARGS:field$/ },
  json: { headers: [['Content-Type', 'application/json']], body: '{"field":"x"}', target: /^ARGS:(?:json\.)?field$/ },
  xml: {
    headers: [['Content-Type', 'text/xml']],
    body: '<?xml version="1.0"?><doc><field>x</field></doc>',
    target: /^XML:\/\*$/,
  },
  cookie: { headers: [['Cookie', 'field=x']], target: /^REQUEST_COOKIES:field$/ },
  'file-name': {
    headers: [multipartType],
    body: multipart('name="field"; filename="x"', 'x'),
    target: /^FILES:(?:field)?$/,
  },
  'argument-name': { headers: [form], body: 'field=x', target: /^ARGS_NAMES:field$/ },
  'raw-body': { headers: [form], body: 'field=x', target: /^REQUEST_BODY$/ },
}

function requestOf(kind: CarrierKind): KindRequest {
  if (!kind.startsWith('header:')) return requests[kind as keyof typeof requests]
  const name = kind.slice('header:'.length)
  return {
    headers: [[name, 'x']],
    target: new RegExp(`^REQUEST_HEADERS:${name.replace(/[^A-Za-z0-9]/g, '\\$&')}$`, 'i'),
  }
}

export interface KindCarrier {
  readonly record: TransactionRecord
  readonly target: ByteString
}

/** A harmless request of the kind, and where in it a payload goes; null where the platform inspects no such place. */
export function carrierOfKind(ruleset: Ruleset, kind: CarrierKind): KindCarrier | null {
  const { target, ...shape } = requestOf(kind)
  const record = wellFormed({ ...shape, id: `carrier ${kind}`, label: 'benign' })
  const found = inspect(ruleset, record).values.find((each) => target.test(each.target))
  return found === undefined ? null : { record, target: found.target }
}

/** The kind of the place that the target is in this record; null for places of no kind (path, method, whole line). */
export function kindOfTarget(ruleset: Ruleset, record: TransactionRecord, target: ByteString): CarrierKind | null {
  const colon = target.indexOf(':')
  const variable = colon < 0 ? target : target.slice(0, colon)
  const key = colon < 0 ? '' : target.slice(colon + 1)
  if (variable === 'REQUEST_HEADERS') return `header:${key}`
  if (variable === 'ARGS_GET') return 'query'
  if (variable === 'ARGS' || variable === 'ARGS_POST') return argumentKind(ruleset, record, key)
  return plainKinds[variable] ?? null
}

const plainKinds: Readonly<Record<string, CarrierKind>> = {
  ARGS_GET_NAMES: 'argument-name',
  ARGS_NAMES: 'argument-name',
  ARGS_POST_NAMES: 'argument-name',
  FILES: 'file-name',
  FILES_NAMES: 'argument-name',
  MULTIPART_FILENAME: 'file-name',
  MULTIPART_NAME: 'argument-name',
  QUERY_STRING: 'query',
  REQUEST_BODY: 'raw-body',
  REQUEST_COOKIES: 'cookie',
  REQUEST_COOKIES_NAMES: 'cookie',
  REQUEST_LINE: 'query',
  REQUEST_URI: 'query',
  REQUEST_URI_RAW: 'query',
  XML: 'xml',
}

const byProcessor: Readonly<Record<string, CarrierKind>> = { JSON: 'json', MULTIPART: 'multipart', URLENCODED: 'form' }

function argumentKind(ruleset: Ruleset, record: TransactionRecord, key: ByteString): CarrierKind {
  const { processor, values } = inspect(ruleset, record)
  const inQuery = values.some(({ target }) => target === `ARGS_GET:${key}`)
  return inQuery ? 'query' : (byProcessor[processor] ?? 'query')
}
