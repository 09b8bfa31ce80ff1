/**
 * Ways around the scope of an exclusion: the same attack at a path, under a name, method or host that is nearly the
 * one excluded. What then passes although the exclusion does not mean it is a hole wider than it looks.
 *
 * The variants are only made here; whether one passes is for an evaluation before and after to say.
 */
import { type ByteString, type Header, lowerAscii, type TransactionRecord } from '../../model/exchange.js'
import type { Ruleset } from '../../model/ruleset.js'
import { kindOfTarget } from './carrier-kinds.js'
import { neutral, placePayload } from './carriers.js'
import { withRequest } from './request-slots.js'
import { percentEncoded } from './slot.js'

/** What an exclusion says it is for; null: any. */
export interface WayScope {
  readonly path: string | null
  readonly host: string | null
  readonly method: string | null
  /** Whether it names targets, and so leaves other parameters alone. */
  readonly hasTargets: boolean
}

export interface Variant {
  /** What was done, for reports; holds nothing captured. */
  readonly name: string
  readonly record: TransactionRecord
  /** Whether a sensible reader of the exclusion expects it to hold for this too. */
  readonly sameScope: boolean
}

interface PathWay {
  readonly name: string
  readonly change: (path: ByteString) => ByteString
  /** Whether servers commonly take it for the same resource. */
  readonly sameResource: boolean
}

const hex = (char: string): string => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`

/** The last letter or digit of the path, written another way. */
function lastChar(path: ByteString, write: (char: string) => string): ByteString {
  return path.replace(/[A-Za-z0-9](?=[^A-Za-z0-9]*$)/, write)
}

function otherCase(path: ByteString): ByteString {
  return lastChar(path, (char) => (char === char.toUpperCase() ? char.toLowerCase() : char.toUpperCase()))
}

const pathWays: readonly PathWay[] = [
  { name: 'path info behind the path', change: (path) => `${path}/x`, sameResource: false },
  { name: 'slash behind the path', change: (path) => `${path}/`, sameResource: false },
  { name: 'prefix before the path', change: (path) => `/x${path}`, sameResource: false },
  { name: 'suffix behind the path', change: (path) => `${path}x`, sameResource: false },
  { name: 'way out of the path', change: (path) => `${path}/../x`, sameResource: false },
  { name: 'path parameter behind the path', change: (path) => `${path};x`, sameResource: false },
  { name: 'line end behind the path', change: (path) => `${path}%0ax`, sameResource: false },
  { name: 'line before the path', change: (path) => `/x%0a${path}`, sameResource: false },
  { name: 'zero byte behind the path', change: (path) => `${path}%00x`, sameResource: false },
  { name: 'path in the query string', change: (path) => `/x?y=${path}&z=`, sameResource: false },
  { name: 'another case', change: otherCase, sameResource: false },
  { name: 'one char encoded', change: (path) => lastChar(path, hex), sameResource: true },
  {
    name: 'one char encoded twice',
    change: (path) => lastChar(path, (char) => hex(char).replace('%', '%25')),
    sameResource: false,
  },
  { name: 'two slashes', change: (path) => `/${path}`, sameResource: true },
  { name: 'a dot segment', change: (path) => `/.${path}`, sameResource: true },
  { name: 'an encoded dot segment', change: (path) => `/%2e${path}`, sameResource: true },
]

/** The attack's variants; none where the carrier cannot carry the payload at the target. */
export function waysAround(
  ruleset: Ruleset,
  carrier: TransactionRecord,
  target: ByteString,
  payload: ByteString,
  scope: WayScope,
): readonly Variant[] {
  const carried = placePayload(ruleset, carrier, target, payload)
  if ('refused' in carried) return []
  const attack = carried.record
  const variants = [
    ...pathVariants(attack, scope),
    ...parameterVariants(ruleset, carrier, target, payload, scope),
    ...methodVariants(attack, scope),
    ...hostVariants(attack, scope),
  ]
  return variants.map((variant) => ({
    ...variant,
    record: { ...variant.record, id: `${carrier.id} (${variant.name})`, label: 'attack' },
  }))
}

function pathVariants(attack: TransactionRecord, { path: scopePath }: WayScope): readonly Variant[] {
  const { uri } = attack.request
  if (!uri.startsWith('/')) return []
  const end = /[?#]/.exec(uri)?.index ?? uri.length
  const path = uri.slice(0, end)
  return pathWays.flatMap(({ name, change, sameResource }) => {
    const changed = change(path)
    if (changed === path) return []
    // A path that became a part of the query string has brought its own `?`.
    const rest = changed.includes('?') ? uri.slice(end).replace(/^\?/, '&') : uri.slice(end)
    const record = withRequest(attack, { uri: changed + rest })
    return [{ name, record, sameScope: scopePath === null || sameResource }]
  })
}

/** Where a pair of name and value is added. */
interface PairPlace {
  readonly part: 'uri' | 'body'
  readonly end: 'first' | 'last'
}

function parameterVariants(
  ruleset: Ruleset,
  carrier: TransactionRecord,
  target: ByteString,
  payload: ByteString,
  { hasTargets }: WayScope,
): readonly Variant[] {
  const found = /^(ARGS(?:_GET|_POST)?):(.*)$/s.exec(target)
  if (found === null) return cookieVariants(ruleset, carrier, target, payload)
  const name = found[2] as string
  const kind = kindOfTarget(ruleset, carrier, target)
  const harmless = neutral(ruleset, carrier, [target])
  const own: PairPlace['part'] = kind === 'form' ? 'body' : 'uri'
  const put = (variant: string, sameScope: boolean, key: ByteString, place: PairPlace): Variant[] => {
    const record = withPair(harmless, key, payload, place)
    return record === null ? [] : [{ name: variant, record, sameScope }]
  }
  const last: PairPlace = { part: own, end: 'last' }
  const isPair = kind === 'form' || kind === 'query'
  return [
    ...(isPair ? put('payload in a second parameter of the name', true, name, last) : []),
    ...(isPair ? put('payload in the first of two parameters of the name', true, name, { ...last, end: 'first' }) : []),
    ...(own === 'uri' && isPair
      ? put('same parameter in the body', !hasTargets, name, { part: 'body', end: 'last' })
      : put('same parameter in the query string', !hasTargets, name, { part: 'uri', end: 'last' })),
    ...put('line end behind the name', !hasTargets, `${name}\n`, last),
    ...put('line end before the name', !hasTargets, `\n${name}`, last),
    ...put('line behind the name', !hasTargets, `${name}\nx`, last),
    ...put('line before the name', !hasTargets, `x\n${name}`, last),
    ...put('suffix behind the name', !hasTargets, `${name}x`, last),
    ...put('prefix before the name', !hasTargets, `x${name}`, last),
    ...put('zero byte behind the name', !hasTargets, `${name}\0x`, last),
    ...put('another parameter', !hasTargets, otherName(name), last),
    // Engines compare names without case, whatever an exclusion says.
    ...put('name in another case', true, otherCase(name), last),
  ]
}

function otherName(name: ByteString): ByteString {
  return lowerAscii(name) === 'other' ? 'another' : 'other'
}

/** Cookies that name the same one twice. */
function cookieVariants(
  ruleset: Ruleset,
  carrier: TransactionRecord,
  target: ByteString,
  payload: ByteString,
): readonly Variant[] {
  const name = /^REQUEST_COOKIES:(.*)$/s.exec(target)?.[1]
  if (name === undefined || /[\0\r\n;=]/.test(name)) return []
  const value = /[\0\r\n;]/.test(payload) ? percentEncoded(payload) : payload
  const harmless = neutral(ruleset, carrier, [target])
  const position = harmless.request.headers.findIndex(([each]) => lowerAscii(each) === 'cookie')
  if (position < 0) return []
  const headers = harmless.request.headers.map(
    (header, n): Header => (n === position ? [header[0], `${header[1]}; ${name}=${value}`] : header),
  )
  return [
    { name: 'payload in a second cookie of the name', record: withRequest(harmless, { headers }), sameScope: true },
  ]
}

/** The record with one more pair; null where its body is no form. */
function withPair(
  record: TransactionRecord,
  name: ByteString,
  value: ByteString,
  { part, end }: PairPlace,
): TransactionRecord | null {
  const pair = `${percentEncoded(name)}=${percentEncoded(value)}`
  const joined = (pairs: ByteString): ByteString =>
    pairs === '' ? pair : end === 'first' ? `${pair}&${pairs}` : `${pairs}&${pair}`
  const { uri, body, headers, method } = record.request
  if (part === 'uri') {
    const bare = uri.replace(/#.*$/s, '')
    const mark = bare.indexOf('?')
    const [path, query] = mark < 0 ? [bare, ''] : [bare.slice(0, mark), bare.slice(mark + 1)]
    return withRequest(record, { uri: `${path}?${joined(query)}` })
  }
  const type = headers.find(([each]) => lowerAscii(each) === 'content-type')?.[1]
  if (body !== '') return isForm(type) ? withRequest(record, { body: joined(body) }) : null
  const kept = headers.filter(([each]) => !/^content-(?:type|length)$/i.test(each))
  const made: Header[] = [
    ['Content-Type', 'application/x-www-form-urlencoded'],
    ['Content-Length', String(pair.length)],
  ]
  const sent = method === 'GET' || method === 'HEAD' ? 'POST' : method
  return withRequest(record, { method: sent, headers: [...kept, ...made], body: pair })
}

function isForm(type: ByteString | undefined): boolean {
  return type !== undefined && lowerAscii(type).startsWith('application/x-www-form-urlencoded')
}

function methodVariants(attack: TransactionRecord, { method: scopeMethod }: WayScope): readonly Variant[] {
  const { method, body } = attack.request
  const others = body === '' ? ['GET', 'POST'] : ['POST', 'PUT']
  const other = others.find((each) => each !== method) as string
  return [
    { name: 'another method', record: withRequest(attack, { method: other }), sameScope: scopeMethod === null },
    {
      name: 'method in another case',
      record: withRequest(attack, { method: method.toLowerCase() }),
      sameScope: scopeMethod === null,
    },
  ].filter(({ record }) => record.request.method !== method)
}

function hostVariants(attack: TransactionRecord, { host: scopeHost }: WayScope): readonly Variant[] {
  const { headers } = attack.request
  const withHost = (change: (host: ByteString) => ByteString): TransactionRecord =>
    withRequest(attack, {
      headers: headers.map(([name, value]): Header => [name, lowerAscii(name) === 'host' ? change(value) : value]),
    })
  if (!headers.some(([name]) => lowerAscii(name) === 'host')) return []
  const sameScope = scopeHost === null
  return [
    { name: 'another host', record: withHost(() => 'other.example'), sameScope },
    {
      name: 'suffix behind the host',
      record: withHost((host) => `${host.replace(/:\d*$/, '')}.other.example`),
      sameScope,
    },
    { name: 'prefix before the host', record: withHost((host) => `x${host}`), sameScope },
  ]
}
