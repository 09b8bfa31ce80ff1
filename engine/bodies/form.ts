/**
 * URLENCODED bodies, query strings and cookies.
 *
 * `+` is a blank, %XX a byte, a broken %-sequence stays as it is; values of cookies are not decoded. Bytes are
 * never anything but bytes. COMPAT: which pairs and cookies count differs, see `dialect.ts`.
 */
import type { BodyProcessorDefinition, Entry } from '../model/definitions.js'
import { type ByteString, lowerAscii } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import { hexByte } from '../percent.js'
import { spend } from '../time-budget.js'
import { dialectOf } from './dialect.js'

export interface ParsedForm {
  readonly entries: readonly Entry[]
  /** Whether a %-sequence was broken (URLENCODED_ERROR). */
  readonly error: boolean
}

export const formProcessor: BodyProcessorDefinition = {
  name: 'URLENCODED',
  doc: 'application/x-www-form-urlencoded: names and values become ARGS_POST.',
  process: ({ body, argumentSeparator, limits, platform }) => {
    const { entries, error } = parseUrlEncoded(body, argumentSeparator, platform)
    const tooMany = entries.length > limits.args
    const { argumentLimitError, lastSpellingWins } = dialectOf(platform)
    const args = tooMany ? entries.slice(0, limits.args) : entries
    return {
      args: lastSpellingWins ? lastSpellings(args) : args,
      argumentsOverLimit: tooMany,
      error: tooMany ? argumentLimitError : null,
      urlencodedError: error,
    }
  },
}

/**
 * COMPAT(coraza): one spelling after the other becomes the values of a name, in the order in which the spellings came
 * (mostly: it is that of a Go map); `a=1&A=2&a=3` is A=2.
 */
function lastSpellings(args: readonly Entry[]): readonly Entry[] {
  const spelling = new Map<ByteString, ByteString>()
  const seen = new Set<ByteString>()
  for (const { key } of args) {
    const name = key ?? ''
    if (!seen.has(name)) spelling.set(lowerAscii(name), name)
    seen.add(name)
  }
  return spelling.size === seen.size ? args : args.filter(({ key }) => spelling.get(lowerAscii(key ?? '')) === key)
}

/**
 * The pairs of a form or a query string, in order.
 * `separator` is SecArgumentSeparator; its first char counts, `&` where it is empty.
 */
export function parseUrlEncoded(text: ByteString, separator: ByteString, platform: Platform): ParsedForm {
  if (text === '') return { entries: [], error: false }
  const { keepsEmptyPairs, flagsBrokenEscapes, argumentSeparator } = dialectOf(platform)
  const split = ((argumentSeparator ? separator : '') || '&').charCodeAt(0)
  spend(text.length)
  const { length, borders, broken } = decodedPairs(text, split)
  const whole = length <= longestShared ? bytes.toString('latin1', 0, length) : null
  const piece = (start: number, end: number): ByteString =>
    whole === null ? bytes.toString('latin1', start, end) : whole.slice(start, end)
  const entries: Entry[] = []
  let from = 0
  for (let n = 0; n < borders.length; n += 3) {
    const equals = borders[n] as number
    const to = borders[n + 1] as number
    if (keepsEmptyPairs || borders[n + 2] === 1)
      entries.push(
        equals < 0 ? { key: piece(from, to), value: '' } : { key: piece(from, equals), value: piece(equals, to) },
      )
    from = to
  }
  return { entries, error: broken && flagsBrokenEscapes }
}

/** LIMIT: length in bytes up to which names and values are cut from one text; whoever keeps one of them keeps it all. */
const longestShared = 4096

interface DecodedPairs {
  /** Of what stands in `bytes`: all names and values, decoded, without what separates them. */
  readonly length: number
  /** For each pair: where its name ends (-1: it has no `=`), where it ends, and 1 where anything was written for it. */
  readonly borders: readonly number[]
  readonly broken: boolean
}

/** PERF(parse): room for one text, kept from call to call. */
let bytes = Buffer.alloc(4096)

/** PERF(parse): the text is decoded as a whole, where it stands: a string for each step of each pair costs more. */
function decodedPairs(text: ByteString, separator: number): DecodedPairs {
  const { length } = text
  if (length > bytes.length) bytes = Buffer.alloc(2 * length)
  bytes.write(text, 'latin1')
  const borders: number[] = []
  let broken = false
  let end = 0
  let equals = -1
  let from = 0
  for (let at = 0; at < length; at++) {
    const byte = bytes[at] as number
    if (byte === separator) {
      borders.push(equals, end, at > from ? 1 : 0)
      equals = -1
      from = at + 1
    } else if (byte === 0x3d && equals < 0) equals = end
    else if (byte === 0x25) {
      const value = at + 2 < length ? escapedByte(at, separator) : -1
      if (value < 0) broken = true
      else at += 2
      bytes[end++] = value < 0 ? byte : value
    } else bytes[end++] = byte === 0x2b ? 0x20 : byte
  }
  // What ends in a separator ends there: no empty pair behind it.
  if (from < length) borders.push(equals, end, 1)
  return { length: end, borders, broken }
}

/** What the `%` there begins; -1 where its digits are none, or one of them separates. */
function escapedByte(at: number, separator: number): number {
  const first = bytes[at + 1] as number
  const second = bytes[at + 2] as number
  return first === separator || second === separator ? -1 : hexByte(first, second)
}

const leadingSpace = /^[ \t\r\n\f\v]+/

/**
 * Version 0 cookies of one Cookie header, in order: split at `;` (or `,`), blanks before a name dropped, the name up to
 * the first `=`, the value as it is.
 */
export function parseCookies(header: ByteString, platform: Platform): Entry[] {
  const { cookieTrim, commaSeparatesCookies, keepsNamelessCookies } = dialectOf(platform)
  const separator = commaSeparatesCookies && /^[^;,]*, [^;]*$/.test(header) ? ',' : ';'
  const trim = cookieTrim === 'controls' ? trimControls : (text: ByteString) => text
  const cookies: Entry[] = []
  for (const part of (cookieTrim === 'leading-and-end' ? trimLast(header) : header).split(separator)) {
    const text = cookieTrim === 'controls' ? trimControls(part) : part.replace(leadingSpace, '')
    if (text === '') continue
    const equals = text.indexOf('=')
    const key = trim(equals < 0 ? text : text.slice(0, equals))
    const value = equals < 0 ? '' : trim(text.slice(equals + 1))
    if (key === '' && (!keepsNamelessCookies || value === '')) continue
    cookies.push({ key, value })
  }
  return cookies
}

/** COMPAT(modsec3): blanks behind the last cookie are dropped, also where a single `;` follows them. */
function trimLast(header: ByteString): ByteString {
  let end = header.endsWith(';') ? header.length - 1 : header.length
  while (end > 0 && leadingSpace.test(header[end - 1] as string)) end--
  return header.slice(0, end)
}

function trimControls(text: ByteString): ByteString {
  let start = 0
  let end = text.length
  while (start < end && isControl(text.charCodeAt(start))) start++
  while (end > start && isControl(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

/** Blanks count as controls here, and so does DEL. */
function isControl(code: number): boolean {
  return code <= 0x20 || code === 0x7f
}
