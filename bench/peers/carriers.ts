/**
 * Ways to carry a value in a request: query, form, cookie, header, path, JSON, multipart, XML, as value and as name.
 *
 * Values and what is made of them are byte strings. A carrier escapes no more than clients do, so that what it sends
 * is also what hand-made attacks look like.
 */
import type { ByteString, Header, TransactionRecord } from '../../engine/index.js'
import type { Random } from './random.js'

export interface Carrier {
  readonly name: string
  carry(value: ByteString, random: Random): TransactionRecord['request']
}

const standardHeaders: readonly Header[] = [
  ['Host', 'shop.example.org'],
  ['User-Agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'],
  ['Accept', 'text/html,application/json;q=0.9,*/*;q=0.8'],
]

/** A request with the headers that every client sends. */
export function requestWith(
  parts: { method?: string; uri?: ByteString; headers?: readonly Header[]; body?: ByteString; type?: ByteString } = {},
): TransactionRecord['request'] {
  const body = parts.body ?? ''
  const headers: Header[] = [...standardHeaders, ...(parts.headers ?? [])]
  if (parts.type !== undefined) headers.push(['Content-Type', parts.type])
  if (body !== '' || parts.method === 'POST') headers.push(['Content-Length', String(body.length)])
  return { method: parts.method ?? 'GET', uri: parts.uri ?? '/', httpVersion: '1.1', headers, body }
}

/** encodeURIComponent on bytes; blanks as `+` where `plus` says so. */
export function percentEncoded(text: ByteString, plus: boolean): ByteString {
  return text.replace(/[^A-Za-z0-9\-_.!~*'()]/g, (c) =>
    plus && c === ' ' ? '+' : `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

/** Bytes as a JSON string: bytes above 0x7F stay as they are. */
export function jsonString(text: ByteString): ByteString {
  return JSON.stringify(text)
}

const form = 'application/x-www-form-urlencoded'
const boundary = '----WebKitFormBoundary7MA4YWxkTrZu0gW'
const multipart = `multipart/form-data; boundary=${boundary}`

export function multipartBody(parts: readonly (readonly [head: ByteString, value: ByteString])[]): ByteString {
  const written = parts.map(([head, value]) => `--${boundary}\r\n${head}\r\n\r\n${value}\r\n`)
  return `${written.join('')}--${boundary}--\r\n`
}

function multipartRequest(
  parts: readonly (readonly [head: ByteString, value: ByteString])[],
): TransactionRecord['request'] {
  return requestWith({ method: 'POST', uri: '/upload', type: multipart, body: multipartBody(parts) })
}

function json(body: ByteString): TransactionRecord['request'] {
  return requestWith({ method: 'POST', uri: '/api/items', type: 'application/json', body })
}

const field = 'Content-Disposition: form-data; name='
/** What no client puts into a header or a request line: it would end them. */
const lineSafe = (text: ByteString): ByteString => text.replace(/[\r\n\0]/g, ' ')
const targetSafe = (text: ByteString): ByteString => text.replace(/[\x00-\x20]/g, (c) => percentEncoded(c, false))

export const carriers: readonly Carrier[] = [
  {
    name: 'query',
    carry: (value, random) => requestWith({ uri: `/search?page=2&q=${percentEncoded(value, random.chance(0.5))}` }),
  },
  { name: 'query-raw', carry: (value) => requestWith({ uri: `/search?q=${targetSafe(value)}` }) },
  { name: 'query-name', carry: (value) => requestWith({ uri: `/search?${percentEncoded(value, true)}=1` }) },
  {
    name: 'form',
    carry: (value, random) =>
      requestWith({
        method: 'POST',
        uri: '/comment',
        type: form,
        body: `title=hello&text=${percentEncoded(value, random.chance(0.5))}&send=1`,
      }),
  },
  {
    name: 'form-raw',
    carry: (value) => requestWith({ method: 'POST', uri: '/comment', type: form, body: `text=${value}&send=1` }),
  },
  {
    name: 'form-name',
    carry: (value) =>
      requestWith({ method: 'POST', uri: '/comment', type: form, body: `${percentEncoded(value, true)}=x` }),
  },
  {
    name: 'cookie',
    carry: (value) => requestWith({ headers: [['Cookie', `sid=4f2a; theme=${lineSafe(value)}; lang=en`]] }),
  },
  {
    name: 'cookie-encoded',
    carry: (value) => requestWith({ headers: [['Cookie', `sid=4f2a; theme=${percentEncoded(value, false)}`]] }),
  },
  { name: 'cookie-name', carry: (value) => requestWith({ headers: [['Cookie', `${lineSafe(value)}=1; lang=en`]] }) },
  { name: 'referer', carry: (value) => requestWith({ headers: [['Referer', lineSafe(value)]] }) },
  { name: 'header', carry: (value) => requestWith({ headers: [['X-Note', lineSafe(value)]] }) },
  { name: 'path', carry: (value) => requestWith({ uri: `/docs/${percentEncoded(value, false)}/edit` }) },
  { name: 'path-raw', carry: (value) => requestWith({ uri: `/docs/${targetSafe(value)}` }) },
  { name: 'json', carry: (value) => json(`{"title":"hello","text":${jsonString(value)}}`) },
  { name: 'json-name', carry: (value) => json(`{${jsonString(value)}:"x","n":1}`) },
  { name: 'json-nested', carry: (value) => json(`{"items":[{"id":7,"tags":["a",${jsonString(value)}]}]}`) },
  { name: 'json-list', carry: (value) => json(`[1,true,null,${jsonString(value)}]`) },
  {
    name: 'json-escaped',
    carry: (value) =>
      json(`{"text":"${value.replace(/./gs, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}"}`),
  },
  {
    name: 'multipart',
    carry: (value) =>
      multipartRequest([
        [`${field}"title"`, 'hello'],
        [`${field}"text"`, value],
      ]),
  },
  { name: 'multipart-name', carry: (value) => multipartRequest([[`${field}"${lineSafe(value)}"`, 'x']]) },
  {
    name: 'multipart-filename',
    carry: (value) =>
      multipartRequest([
        [
          `${field}"file"; filename="${lineSafe(value).replace(/"/g, '%22')}"\r\nContent-Type: text/plain`,
          'some text\r\nin a file',
        ],
      ]),
  },
  {
    name: 'multipart-file',
    carry: (value) => multipartRequest([[`${field}"file"; filename="notes.txt"\r\nContent-Type: text/plain`, value]]),
  },
  {
    name: 'xml',
    carry: (value) =>
      requestWith({
        method: 'POST',
        uri: '/soap',
        type: 'text/xml',
        body: `<?xml version="1.0"?><a><b c="1">${value.replace(/[<&]/g, (c) => (c === '<' ? '&lt;' : '&amp;'))}</b></a>`,
      }),
  },
  {
    name: 'plain',
    carry: (value) => requestWith({ method: 'POST', uri: '/hook', type: 'text/plain', body: value }),
  },
]
