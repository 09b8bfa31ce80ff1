/**
 * The mutation corpus: payloads carried elsewhere, and records with a few bytes changed. Seeded, so repeatable.
 */
import type { ByteString, Header, TransactionRecord } from '../../engine/index.js'
import { carriers } from './carriers.js'
import { Random } from './random.js'

type Request = TransactionRecord['request']

/** Byte sequences that parsers and rules treat in their own ways. */
const pieces: readonly ByteString[] = [
  '%00', '%', '%u0027', '%u002', '%2', '%25', '%0d%0a', '+', '&', '&&', '=', '==', ';', '[]', '[a]', '.', '..', '/',
  '//', '\\', '\\\\', '"', "'", '`', '<', '>', '</', '(', ')', '{', '}', '[', ']', '|', '||', '$', '${', '#', '--',
  '/*', '*/', '\t', '\x00', '\x7f', '\xc3\xa9', '\xe2\x80\x99', '\xff', '\xc0\xaf', '\xf0\x9f\x98\x80', ' ', '  ',
  '\\u0041', '\\n', '\\x3c', '&lt;', '&#x27;', '&#39', ',', ':', '@', '!', '~', '^', '*', '?', '\r\n', '\n',
] // biome-ignore format: a list of pieces

/** A few changes at random places: a piece put in, a byte lost, doubled, its case turned, percent-encoded or cut off. */
export function mutatedText(text: ByteString, random: Random): ByteString {
  let result = text
  for (let left = 1 + random.below(3); left > 0; left--) {
    const at = random.below(result.length + 1)
    const byte = result.charAt(at)
    const head = result.slice(0, at)
    const tail = result.slice(at + 1)
    const how = random.below(7)
    if (how <= 2) result = head + random.pick(pieces) + result.slice(at)
    else if (how === 3) result = head + tail
    else if (how === 4) result = head + byte + byte + tail
    else if (how === 5) result = head + (/[a-z]/.test(byte) ? byte.toUpperCase() : byte.toLowerCase()) + tail
    else if (byte !== '')
      result = `${head}%${byte.charCodeAt(0).toString(16).padStart(2, '0')}${random.chance(0.1) ? '' : tail}`
  }
  return result
}

const types: readonly ByteString[] = [
  'application/x-www-form-urlencoded',
  'application/x-www-form-urlencoded; charset=utf-8',
  'application/json',
  'application/json; charset=utf-8',
  'text/plain',
  'text/xml',
  'multipart/form-data',
  'application/octet-stream',
]

const lineSafe = (text: ByteString): ByteString => text.replace(/[\r\n\0]/g, '')
const targetSafe = (text: ByteString): ByteString => text.replace(/[\x00-\x20]/g, '%20')

function withHeader(headers: readonly Header[], index: number, value: ByteString): Header[] {
  return headers.map((header, at) => (at === index ? [header[0], value] : header))
}

/** Content-Length tells the truth; what lies in it is the business of the bundled records. */
function withBody(request: Request, body: ByteString): Request {
  const headers = request.headers.map(
    ([name, value]): Header => (name.toLowerCase() === 'content-length' ? [name, String(body.length)] : [name, value]),
  )
  return { ...request, headers, body }
}

function mutatedRequest(request: Request, random: Random): Request {
  const how = random.below(10)
  if (request.body !== '' && how <= 5) return withBody(request, mutatedText(request.body, random))
  if (request.body !== '' && how === 6) {
    const at = request.headers.findIndex(([name]) => name.toLowerCase() === 'content-type')
    if (at >= 0) return { ...request, headers: withHeader(request.headers, at, random.pick(types)) }
  }
  if (how === 7 && request.headers.length > 0) {
    const at = random.below(request.headers.length)
    const [name, value] = request.headers[at] ?? ['', '']
    if (!/^(?:host|content-length|transfer-encoding|connection)$/i.test(name))
      return { ...request, headers: withHeader(request.headers, at, lineSafe(mutatedText(value, random))) }
  }
  return { ...request, uri: `/${targetSafe(mutatedText(request.uri.slice(1), random))}` }
}

/** Values that a record's query, form and cookies hold, decoded. */
export function payloadsOf(record: TransactionRecord): ByteString[] {
  const { uri, body, headers } = record.request
  const query = uri.includes('?') ? uri.slice(uri.indexOf('?') + 1) : ''
  const texts = [query, body.length < 4096 ? body : '']
  const pairs = texts.flatMap((text) => text.split('&')).map((pair) => pair.slice(pair.indexOf('=') + 1))
  const values = headers.flatMap(([name, value]) => (/^(?:cookie|referer|user-agent)$/i.test(name) ? [value] : []))
  return [...pairs, ...values].map(decoded).filter((value) => value.length >= 3 && value.length <= 2048)
}

function decoded(text: ByteString): ByteString {
  return text
    .replace(/\+/g, ' ')
    .replace(/%([0-9a-fA-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/**
 * `count` records made of `seeds`: half of them payloads in a random carrier (one in three changed a little), half
 * seeds with a few bytes changed.
 */
export function mutationCorpus(seeds: readonly TransactionRecord[], count: number, seed: number): TransactionRecord[] {
  const random = new Random(seed)
  const readable = seeds.filter(({ request }) => request.line === undefined && request.uri.startsWith('/'))
  const payloads = [...new Set(readable.flatMap(payloadsOf))]
  return Array.from({ length: count }, (_unused, index): TransactionRecord => {
    const number = String(index + 1).padStart(6, '0')
    const base = { label: 'unknown', tags: [], evidence: 'complete' } as const
    if (random.chance(0.5)) {
      const carrier = random.pick(carriers)
      const payload = random.pick(payloads)
      const value = random.chance(0.33) ? mutatedText(payload, random) : payload
      return { ...base, id: `mutation-${number}-${carrier.name}`, request: carrier.carry(value, random) }
    }
    const origin = random.pick(readable)
    return { ...base, id: `mutation-${number}-of-${origin.id}`, request: mutatedRequest(origin.request, random) }
  })
}
