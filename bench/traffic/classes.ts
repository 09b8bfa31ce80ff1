/**
 * Classes of generated transactions. Seeded, so the same on every machine; no record is like another.
 */
import type { ByteString, Header, TransactionRecord } from '../../engine/index.js'
import { jsonString, multipartBody, percentEncoded, requestWith } from '../peers/carriers.js'
import { mutationCorpus } from '../peers/mutations.js'
import { Random } from '../peers/random.js'
import { contents } from './vocabulary.js'
import { address, code, date, fullName, prose, shortSentence, token, value } from './writer.js'

type Request = TransactionRecord['request']

export interface TrafficClass {
  readonly name: string
  readonly doc: string
  /** `attacks`: recorded ones to make some from. */
  records(count: number, seed: number, attacks: readonly TransactionRecord[]): readonly TransactionRecord[]
}

const form = 'application/x-www-form-urlencoded'

/** What a browser sends besides; a tenth of it new with every request. */
function headers(random: Random): Header[] {
  const major = 90 + random.below(50)
  return [
    ['User-Agent', `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${major}.0.${random.below(10_000)}.${random.below(100)} Safari/537.36`],
    ['Accept-Language', random.pick(['en-GB,en;q=0.9', 'de-DE,de;q=0.9,en;q=0.8', 'fr-FR,fr;q=0.8', 'es-ES,es;q=0.9,en;q=0.5'])],
    ['Accept-Encoding', 'gzip, deflate, br'],
    ['Cookie', `session=${token(random, 32)}; _ga=GA1.2.${random.below(1e9)}.${random.below(1e9)}; cart=${random.below(100)}; lang=en`],
    ['Referer', `https://shop.example.org/${random.pick(contents)}/${random.below(100_000)}?page=${random.below(50)}`],
    ['Origin', 'https://shop.example.org'],
  ] // biome-ignore format: a header a line
}

function path(random: Random): ByteString {
  return `/${random.pick(contents)}/${random.pick(contents)}/${random.below(100_000)}`
}

function post(random: Random, type: ByteString, body: ByteString): Request {
  return requestWith({ method: 'POST', uri: path(random), headers: headers(random), type, body })
}

function pair(name: ByteString, text: ByteString): ByteString {
  return `${percentEncoded(name, true)}=${percentEncoded(text, true)}`
}

const fieldNames = ['name', 'email', 'street', 'city', 'phone', 'company', 'subject', 'comment', 'quantity', 'sku', 'date', 'token', 'note', 'items[]', 'user[name]'] as const // biome-ignore format: a list of names

function smallForm(random: Random): Request {
  const pairs = [
    pair('name', fullName(random)),
    pair('email', address(random)),
    pair('subject', shortSentence(random)),
    pair('csrf', token(random, 32)),
  ]
  return post(random, form, pairs.join('&'))
}

/** About 1.2 KB: some fields, one of them text. */
function commentForm(random: Random): Request {
  const pairs = [
    ...random.many(5, 9, () => pair(random.pick(fieldNames), value(random))),
    pair('comment', prose(random, 450 + random.below(250))),
    pair('csrf', token(random, 32)),
  ]
  return post(random, form, pairs.join('&'))
}

function largeForm(random: Random): Request {
  return post(random, form, random.many(40, 90, () => pair(random.pick(fieldNames), value(random))).join('&'))
}

function member(random: Random, depth: number): ByteString {
  const kind = depth === 0 ? random.below(8) : random.below(11)
  if (kind < 5) return jsonString(value(random))
  if (kind < 7) return String(random.below(100_000) / (random.chance(0.5) ? 1 : 100))
  if (kind < 8) return random.pick(['true', 'false', 'null'])
  if (kind < 9) return `[${random.many(1, 4, () => member(random, depth - 1)).join(',')}]`
  return `{${random.many(2, 5, () => `${jsonString(random.pick(contents))}:${member(random, depth - 1)}`).join(',')}}`
}

function json(random: Random): Request {
  const members = random.many(8, 16, () => `${jsonString(random.pick(contents))}:${member(random, 2)}`)
  return post(random, 'application/json', `{"id":${random.below(1e9)},${members.join(',')}}`)
}

function graphql(random: Random): Request {
  const field = (): ByteString => random.pick(contents)
  const fields = random.many(4, 10, () => `${field()}(first: ${random.below(100)}) { id ${field()} ${field()} }`)
  const operation = field()
  const query = `query ${operation}${random.below(1000)}($id: ID!, $filter: ${field()}Input) {\n  ${field()}(id: $id, filter: $filter) {\n    ${fields.join('\n    ')}\n  }\n}`
  const variables = `{"id":"${token(random, 16)}","filter":{"after":${jsonString(date(random))},"text":${jsonString(shortSentence(random))}}}`
  return post(
    random,
    'application/json',
    `{"operationName":"${operation}","query":${jsonString(query)},"variables":${variables}}`,
  )
}

function noise(random: Random, length: number): ByteString {
  const buffer = Buffer.alloc(length)
  for (let at = 0; at + 4 <= length; at += 4) buffer.writeUInt32LE(random.below(0x1_0000_0000), at)
  return buffer.toString('latin1')
}

function upload(random: Random): Request {
  const disposition = 'Content-Disposition: form-data; name='
  const file = `${random.pick(contents)}-${random.below(10_000)}`
  const body = multipartBody([
    [`${disposition}"title"`, shortSentence(random)],
    [`${disposition}"description"`, prose(random, 200)],
    [`${disposition}"file"; filename="${file}.jpg"\r\nContent-Type: image/jpeg`, `\xff\xd8\xff\xe0${noise(random, 8192 + 4 * random.below(6000))}`],
  ]) // biome-ignore format: a part a line
  return post(random, 'multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW', body)
}

function longProse(random: Random): Request {
  const text = random.chance(0.2) ? `${prose(random, 2000)}\n${code(random)}\n` : ''
  return post(
    random,
    form,
    `${pair('title', shortSentence(random))}&${pair('text', text + prose(random, 2000 + random.below(8000)))}`,
  )
}

function sentenceQuery(random: Random): Request {
  return requestWith({ uri: `/search?q=${percentEncoded(shortSentence(random), true)}`, headers: headers(random) })
}

/** A form of about so many bytes, in fields of up to 1,500. */
function formOfSize(random: Random, size: number): Request {
  const pairs: ByteString[] = []
  for (let left = size, n = 0; left > 0; n++) {
    const text = pair(`field${n}`, prose(random, Math.min(left, 1500) * 0.75)).slice(0, Math.max(left, 10))
    pairs.push(text.replace(/%.?$/, ''))
    left -= text.length + 1
  }
  return post(random, form, pairs.join('&'))
}

function recordsOf(name: string, count: number, seed: number, make: (random: Random) => Request): TransactionRecord[] {
  const random = new Random(seed)
  return Array.from(
    { length: count },
    (_unused, index): TransactionRecord => ({
      id: `${name}-${index + 1}`,
      label: 'benign',
      tags: [],
      evidence: 'complete',
      request: make(random),
    }),
  )
}

function benign(name: string, doc: string, make: (random: Random) => Request): TrafficClass {
  return { name, doc, records: (count, seed) => recordsOf(name, count, seed, make) }
}

/** Benign classes that a site gets, in about the proportions in which it gets them. */
const everyday: readonly ((random: Random) => Request)[] = [
  sentenceQuery, sentenceQuery, sentenceQuery, smallForm, commentForm, json, json, graphql, largeForm, longProse,
] // biome-ignore format: a list of classes

/** Attacks with something changed in each, so that none is like another. */
function attackMix(count: number, seed: number, attacks: readonly TransactionRecord[]): readonly TransactionRecord[] {
  const seen = new Set<string>()
  const found: TransactionRecord[] = []
  for (let round = 0; found.length < count; round++)
    for (const record of mutationCorpus(attacks, 2 * count, seed + round)) {
      const { method, uri, headers: sent, body } = record.request
      const key = JSON.stringify([method, uri, sent, body])
      if (seen.has(key) || found.length === count) continue
      seen.add(key)
      found.push({ ...record, id: `attack-${found.length + 1}`, label: 'attack' })
    }
  return found
}

function mix(count: number, seed: number, attacks: readonly TransactionRecord[]): readonly TransactionRecord[] {
  const bad = attackMix(Math.floor(count / 10), seed, attacks)
  const good = recordsOf('everyday', count - bad.length, seed + 1, (random) => random.pick(everyday)(random))
  return good.flatMap((record, at) => {
    const attack = at % 9 === 8 ? bad[(at - 8) / 9] : undefined
    return attack === undefined ? [record] : [record, attack]
  })
}

export const trafficClasses: readonly TrafficClass[] = [
  benign('comment-form', 'benign form posts of about 1.2 KB, one field of them text', commentForm),
  benign('small-form', 'contact forms of four fields', smallForm),
  benign('large-form', 'forms of 40 to 90 fields', largeForm),
  benign('json', 'API calls with a nested object', json),
  benign('graphql', 'GraphQL queries with variables', graphql),
  benign('upload', 'multipart uploads of a picture of 8 to 32 KB', upload),
  benign('long-prose', 'texts of 2 to 10 KB in a form', longProse),
  { name: 'attacks', doc: 'recorded attacks, changed a little or carried elsewhere', records: attackMix },
  { name: 'mix', doc: 'nine in ten everyday requests, one in ten an attack', records: mix },
]

/** Throws where there is no such class. */
export function trafficClassNamed(name: string): TrafficClass {
  const found = trafficClasses.find((each) => each.name === name)
  if (found === undefined) throw new Error(`there is no class of traffic named ${name}`)
  return found
}

/** Short sentences as GET parameters. */
export const sentenceRequests = benign('sentence', 'a short sentence as a GET parameter', sentenceQuery)

/** Forms of a size in bytes. */
export function sizedForms(size: number): TrafficClass {
  return benign(`form-${size}`, `forms of ${size} bytes`, (random) => formOfSize(random, size))
}
