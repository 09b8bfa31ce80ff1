/**
 * Well-formed requests, as a browser or an API client sends them: what carriers made up here have in common.
 */
import { type ByteString, type Header, lowerAscii, type TransactionRecord } from '../../model/exchange.js'

export interface RequestShape {
  readonly id: string
  readonly label: TransactionRecord['label']
  /** GET without a body and POST with one, unless it is given. */
  readonly method?: ByteString
  readonly uri?: ByteString
  readonly httpVersion?: ByteString
  /** Beside Host, User-Agent, Accept and Content-Length; in the place of one of these where it is of that name. */
  readonly headers?: readonly Header[]
  readonly body?: ByteString
}

const usual: readonly Header[] = [
  ['Host', 'www.example.com'],
  ['User-Agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'],
  ['Accept', '*/*'],
]

export function wellFormed(shape: RequestShape): TransactionRecord {
  const { id, label, uri = '/page', httpVersion = '1.1', headers = [], body = '' } = shape
  const method = shape.method ?? (body === '' ? 'GET' : 'POST')
  const given = new Set(headers.map(([name]) => lowerAscii(name)))
  const length: Header[] = body === '' ? [] : [['Content-Length', String(body.length)]]
  const own = [...usual.filter(([name]) => !given.has(lowerAscii(name))), ...headers, ...length]
  return { id, label, tags: [], request: { method, uri, httpVersion, headers: own, body }, evidence: 'complete' }
}
