/**
 * Content-Type and Content-Disposition as Go's mime.ParseMediaType reads them, and what Coraza 3.8 adds for file
 * names: `filename*` in any charset, and its numbered continuations as a sign of something odd.
 *
 * Followed: Go 1.26 mime/mediatype.go, Coraza's bodyprocessors/multipart.go.
 */
import type { ByteString } from '../model/exchange.js'
import { hasBrokenPercent, percentDecoded } from '../percent.js'

export interface MediaType {
  /** In lower case, without parameters. */
  readonly type: ByteString
  readonly parameters: ReadonlyMap<string, ByteString>
}

export interface FileName {
  readonly name: ByteString
  /** The other name a server may take from the same header; empty where there is none. */
  readonly alternative: ByteString
  readonly malformed: boolean
  readonly duplicateParameter: boolean
  readonly invalidQuoting: boolean
}

/** White space of Go's unicode.IsSpace, in UTF-8. */
const space =
  '(?:[\\t-\\r ]|\\xc2[\\x85\\xa0]|\\xe1\\x9a\\x80|\\xe2\\x80[\\x80-\\x8a\\xa8\\xa9\\xaf]|\\xe2\\x81\\x9f|\\xe3\\x80\\x80)'
const leadingSpace = new RegExp(`^${space}+`)
/** Looks at each run of white space once: a search that may begin inside one takes the square of its length. */
const trailingSpace = new RegExp(`(?<!${space})${space}+$`)
const token = /^[!#$%&'*+\-.^_`{|}~0-9A-Za-z]+/
const special = /[()<>@,;:\\"/[\]?=]/

function trimLeft(text: ByteString): ByteString {
  return text.replace(leadingSpace, '')
}

function trim(text: ByteString): ByteString {
  return trimLeft(text).replace(trailingSpace, '')
}

/** Null where Go reports an error. */
export function parseMediaType(header: ByteString): MediaType | null {
  const base = header.split(';', 1)[0] ?? ''
  const type = trim(base.toLowerCase())
  if (!/^[!#$%&'*+\-.^_`{|}~0-9a-z]+(?:\/[!#$%&'*+\-.^_`{|}~0-9a-z]+)?$/.test(type)) return null
  const plain = new Map<string, ByteString>()
  const pieces = new Map<string, Map<string, ByteString>>()
  let rest = trimLeft(header.slice(base.length))
  while (rest !== '') {
    const found = readParameter(rest)
    if (found === null) {
      if (trim(rest) === ';') break
      return null
    }
    const star = found.name.indexOf('*')
    const target = star < 0 ? plain : piecesOf(pieces, found.name.slice(0, star))
    const known = target.get(found.name)
    if (known !== undefined && known !== found.value) return null
    target.set(found.name, found.value)
    rest = trimLeft(found.rest)
  }
  for (const [name, parts] of pieces) {
    const value = joinPieces(name, parts)
    if (value !== null) plain.set(name, value)
  }
  return { type, parameters: plain }
}

function piecesOf(all: Map<string, Map<string, ByteString>>, name: string): Map<string, ByteString> {
  const known = all.get(name)
  if (known !== undefined) return known
  const made = new Map<string, ByteString>()
  all.set(name, made)
  return made
}

function readParameter(text: ByteString): { name: string; value: ByteString; rest: ByteString } | null {
  if (!text.startsWith(';')) return null
  let rest = trimLeft(text.slice(1))
  const name = token.exec(rest)?.[0] ?? ''
  if (name === '') return null
  rest = trimLeft(rest.slice(name.length))
  if (!rest.startsWith('=')) return null
  rest = trimLeft(rest.slice(1))
  const value = rest.startsWith('"') ? readQuoted(rest) : readToken(rest)
  return value === null ? null : { name: name.toLowerCase(), ...value }
}

function readToken(text: ByteString): { value: ByteString; rest: ByteString } | null {
  const value = token.exec(text)?.[0] ?? ''
  return value === '' ? null : { value, rest: text.slice(value.length) }
}

/** A backslash escapes special characters only. */
function readQuoted(text: ByteString): { value: ByteString; rest: ByteString } | null {
  let value = ''
  for (let i = 1; i < text.length; i++) {
    const char = text[i] as string
    if (char === '"') return { value, rest: text.slice(i + 1) }
    if (char === '\r' || char === '\n') return null
    if (char === '\\' && special.test(text[i + 1] ?? '')) {
      i++
      value += text[i]
    } else value += char
  }
  return null
}

/** A parameter in pieces (RFC 2231); null where they make none. */
function joinPieces(name: string, parts: ReadonlyMap<string, ByteString>): ByteString | null {
  const whole = parts.get(`${name}*`)
  if (whole !== undefined) return decodeExtended(whole)
  let joined: ByteString | null = null
  for (let n = 0; ; n++) {
    const simple = parts.get(`${name}*${n}`)
    const encoded = parts.get(`${name}*${n}*`)
    if (simple === undefined && encoded === undefined) return joined
    joined ??= ''
    joined += simple ?? (n === 0 ? decodeExtended(encoded ?? '') : unescapeStrictly(encoded ?? '')) ?? ''
  }
}

/** Go decodes two charsets only. */
function decodeExtended(value: ByteString): ByteString | null {
  const parts = /^([^']*)'[^']*'(.*)$/s.exec(value)
  if (parts === null || !/^(?:us-ascii|utf-8)$/i.test(parts[1] ?? '')) return null
  return unescapeStrictly(parts[2] ?? '')
}

function unescapeStrictly(text: ByteString): ByteString | null {
  return hasBrokenPercent(text) ? null : percentDecoded(text)
}

/** The file name that a Content-Disposition gives a part, as Coraza settles it. */
export function fileNameOf(header: ByteString): FileName {
  const parsed = parseMediaType(header)
  if (parsed === null)
    return {
      name: '',
      alternative: '',
      malformed: header !== '',
      duplicateParameter: repeatsParameter(header),
      invalidQuoting: false,
    }
  const plain = parsed.parameters.get('filename') ?? ''
  const facts = { alternative: '', malformed: false, duplicateParameter: false, invalidQuoting: false }
  const continued = segmentsOf(header).some(({ name }) => /^filename\*\d+$/.test(name.replace(/\*$/, '')))
  const extended = parameterOf(header, 'filename*')
  if (extended === null) {
    if (!continued) return { ...facts, name: plain }
    const written = parameterOf(header, 'filename')
    if (written === null) return { ...facts, name: plain, malformed: true }
    const name = unquoted(written) ?? written
    return { ...facts, name, malformed: true, alternative: plain !== name ? plain : '' }
  }
  const inner = unquoted(extended)
  const parts = /^([^']*)'([^']*)'(.*)$/s.exec(inner ?? extended)
  const invalidQuoting = inner !== null
  if (parts === null) return { ...facts, name: plain, malformed: true, invalidQuoting }
  const value = parts[3] ?? ''
  const written = parameterOf(header, 'filename')
  const name = percentDecoded(value)
  const other = written === null ? '' : (unquoted(written) ?? written)
  return {
    ...facts,
    name,
    alternative: other !== name ? other : '',
    malformed: continued || hasBrokenPercent(value),
    invalidQuoting,
  }
}

/** The text inside double quotes, each escaped character as it is; null where it is not quoted. */
function unquoted(text: ByteString): ByteString | null {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return null
  return text.slice(1, -1).replace(/\\(.)/gs, '$1')
}

function parameterOf(header: ByteString, name: string): ByteString | null {
  return segmentsOf(header).find((segment) => segment.name === name)?.value ?? null
}

function repeatsParameter(header: ByteString): boolean {
  const names = segmentsOf(header).map(({ name }) => name)
  return new Set(names).size < names.length
}

/** `name=value` between the semicolons that are not quoted. */
function segmentsOf(header: ByteString): { name: string; value: ByteString }[] {
  const segments: ByteString[] = []
  let start = 0
  let quoted = false
  for (let i = 0; i < header.length; i++) {
    const char = header[i]
    if (char === '\\' && quoted) i++
    else if (char === '"') quoted = !quoted
    else if (char === ';' && !quoted) {
      segments.push(header.slice(start, i))
      start = i + 1
    }
  }
  segments.push(header.slice(start))
  return segments.flatMap((segment) => {
    const equals = segment.indexOf('=')
    if (equals < 0) return []
    return [{ name: trim(segment.slice(0, equals)).toLowerCase(), value: trim(segment.slice(equals + 1)) }]
  })
}
