/**
 * Hostile requests: a hostile value in every place that carries one, and bodies, targets and headers that are hostile
 * by their structure or number. Any size, seeded.
 */
import type { ByteString, Header, TransactionRecord } from '../../engine/index.js'
import { requestWith } from '../peers/carriers.js'
import { type HostileValue, hostileValues } from './values.js'

export interface WorstCase {
  readonly name: string
  /** A record of about so many bytes. */
  make(bytes: number): TransactionRecord
}

function worstCase(name: string, make: (bytes: number) => TransactionRecord['request']): WorstCase {
  return {
    name,
    make: (bytes) => ({ id: name, label: 'unknown', tags: [], request: make(bytes), evidence: 'complete' }),
  }
}

/** The piece over and over, as often as fits. */
function filled(piece: ByteString, bytes: number): ByteString {
  return piece.repeat(Math.max(1, Math.floor(bytes / piece.length)))
}

/** What `make` gives for 0, 1, 2 … until there are so many bytes. */
function counted(bytes: number, make: (n: number) => ByteString): ByteString[] {
  const pieces: ByteString[] = []
  for (let length = 0, n = 0; length < bytes; n++) {
    const piece = make(n)
    pieces.push(piece)
    length += piece.length
  }
  return pieces
}

function post(uri: string, type: string, body: ByteString): TransactionRecord['request'] {
  return requestWith({ method: 'POST', uri, type, body })
}

const form = (body: ByteString): TransactionRecord['request'] => post('/a', 'application/x-www-form-urlencoded', body)
const json = (body: ByteString): TransactionRecord['request'] => post('/a', 'application/json', body)
const xml = (body: ByteString): TransactionRecord['request'] => post('/a', 'text/xml', body)

const boundary = '----limit'
const disposition = 'Content-Disposition: form-data; name='
const multipart = (parts: ByteString): TransactionRecord['request'] =>
  post('/a', `multipart/form-data; boundary=${boundary}`, `${parts}--${boundary}--\r\n`)
const part = (head: ByteString, value: ByteString): ByteString =>
  `--${boundary}\r\n${disposition}${head}\r\n\r\n${value}\r\n`

const lineSafe = (text: ByteString): ByteString => text.replace(/[\0\r\n]/g, ' ')
const targetSafe = (text: ByteString): ByteString => text.replace(/[\0-\x20#]/g, '+')

/** Names of which all letters add up to the same: one bucket of libmodsecurity's hash table. */
function collidingName(n: number): ByteString {
  const high = Math.floor(n / 12) % 12
  const low = n % 12
  const more = Math.floor(n / 144) % 12
  return [low, 11 - low, high, 11 - high, more, 11 - more, Math.floor(n / 1728) % 12, 11 - (Math.floor(n / 1728) % 12)]
    .map((step) => String.fromCharCode(0x61 + step))
    .join('')
}

/** A value as the one argument of a form, as it is. */
export const valueCases: readonly WorstCase[] = hostileValues.map(({ name, make }) =>
  worstCase(`form: ${name}`, (bytes) => form(`a=${make(bytes)}`)),
)

function valueNamed(name: string): HostileValue {
  const found = hostileValues.find((each) => each.name === name)
  if (found === undefined) throw new Error(`no hostile value ${name}`)
  return found
}

const places: readonly (readonly [name: string, request: (value: ByteString) => TransactionRecord['request']])[] = [
  ['request target', (value) => requestWith({ uri: `/a?a=${targetSafe(value)}` })],
  ['path', (value) => requestWith({ uri: `/${targetSafe(value).replace(/\?/g, '!')}` })],
  ['header', (value) => requestWith({ headers: [['X-Note', lineSafe(value)]] })],
  ['User-Agent', (value) => requestWith({ headers: [['User-Agent', lineSafe(value)]] })],
  ['cookie', (value) => requestWith({ headers: [['Cookie', `a=${lineSafe(value).replace(/;/g, ',')}`]] })],
  ['argument name', (value) => form(`${value.replace(/[&=]/g, '!')}=1`)],
  ['JSON string', (value) => json(JSON.stringify({ a: value.replace(/[\x80-\xff]/g, 'x') }))],
  ['multipart field', (value) => multipart(part('"a"', value))],
  ['multipart file', (value) => multipart(part('"a"; filename="b.txt"', value))],
  ['XML text', (value) => xml(`<a>${value.replace(/[<&\0-\x1f\x80-\xff]/g, 'x')}</a>`)],
  ['body without a type', (value) => post('/a', 'text/plain', value)],
]

/** A value of its own making in each place. */
export function casesOf(name: string, make: (bytes: number) => ByteString): readonly WorstCase[] {
  return places.map(([place, request]) => worstCase(`${place}: ${name}`, (bytes) => request(make(bytes))))
}

/** A mix that meets most patterns, and the plainest flood, in each place. */
export const placeCases: readonly WorstCase[] = ['everything', '..%2f'].flatMap((name) =>
  casesOf(name, valueNamed(name).make),
)

export const structureCases: readonly WorstCase[] = [
  worstCase('parameters: distinct names', (bytes) => form(counted(bytes, (n) => `name${n}=1&`).join(''))),
  worstCase('parameters: 10,000 of equal length', (bytes) =>
    form(
      Array.from({ length: 10_000 }, (_, n) => filled(`x${n} `, bytes / 10_000 - 7))
        .map((value, n) => `n${n}=${value}`)
        .join('&'),
    ),
  ),
  worstCase('parameters: one name', (bytes) => form(filled('name=1&', bytes))),
  worstCase('parameters: names of one hash', (bytes) => form(counted(bytes, (n) => `${collidingName(n)}=1&`).join(''))),
  worstCase('parameters: attacks', (bytes) => form(counted(bytes, (n) => `n${n}=%27+or+1%3D1--${n}&`).join(''))),
  worstCase('parameters: in the query', (bytes) =>
    requestWith({ uri: `/a?${counted(bytes, (n) => `name${n}=1&`).join('')}` }),
  ),
  worstCase('cookies: distinct', (bytes) =>
    requestWith({ headers: [['Cookie', counted(bytes, (n) => `name${n}=1; `).join('')]] }),
  ),
  worstCase('cookies: one name', (bytes) => requestWith({ headers: [['Cookie', filled('name=1; ', bytes)]] })),
  worstCase('cookies: one header each', (bytes) =>
    requestWith({ headers: counted(bytes, (n) => `name${n}=1`).map((cookie): Header => ['Cookie', cookie]) }),
  ),
  worstCase('headers: distinct', (bytes) =>
    requestWith({ headers: counted(bytes, (n) => `X-Name-${n}`).map((name): Header => [name, '1']) }),
  ),
  worstCase('headers: one name', (bytes) =>
    requestWith({ headers: counted(bytes, () => 'X-Name').map((name, n): Header => [name, String(n)]) }),
  ),
  worstCase('JSON: wide list', (bytes) => json(`[${filled('1,', bytes)}1]`)),
  worstCase('JSON: wide object', (bytes) => json(`{${counted(bytes, (n) => `"name${n}":1,`).join('')}"a":1}`)),
  worstCase('JSON: deep', (bytes) => json(filled('[', bytes / 2) + filled(']', bytes / 2))),
  worstCase('JSON: deep objects', (bytes) => json(filled('{"a":', bytes))),
  worstCase('JSON: escapes', (bytes) => json(`{"a":"${filled('\\u0027\\n', bytes)}"}`)),
  worstCase('JSON: never ends', (bytes) => json(filled('["a', bytes))),
  worstCase('multipart: many fields', (bytes) => multipart(counted(bytes, (n) => part(`"name${n}"`, '1')).join(''))),
  worstCase('multipart: many files', (bytes) =>
    multipart(counted(bytes, (n) => part(`"name${n}"; filename="file${n}.txt"`, '1')).join('')),
  ),
  worstCase('multipart: boundary-like lines', (bytes) => multipart(part('"a"', filled(`--${boundary}x\r\n`, bytes)))),
  worstCase('multipart: boundaries in lines', (bytes) => multipart(part('"a"', filled(`x--${boundary}`, bytes)))),
  worstCase('multipart: one long line', (bytes) => multipart(part('"a"; filename="b"', filled('a', bytes)))),
  worstCase('multipart: lines of a file', (bytes) => multipart(part('"a"; filename="b"', filled('a\r\n', bytes)))),
  worstCase('multipart: headers of a part', (bytes) =>
    multipart(part(`"a"${counted(bytes, (n) => `\r\nX-Name-${n}: 1`).join('')}`, '1')),
  ),
  worstCase('XML: wide', (bytes) => xml(`<a>${filled('<b c="1">x</b>', bytes)}</a>`)),
  worstCase('XML: deep', (bytes) => xml(filled('<a>', bytes / 2) + filled('</a>', bytes / 2))),
  worstCase('XML: attributes', (bytes) => xml(`<a ${counted(bytes, (n) => `b${n}="1"`).join(' ')}/>`)),
  worstCase('XML: entities', (bytes) => xml(`<!DOCTYPE a [<!ENTITY e "x">]><a>${filled('&e;', bytes)}</a>`)),
  worstCase('XML: comments', (bytes) => xml(`${filled('<!---->', bytes)}<a/>`)),
]
