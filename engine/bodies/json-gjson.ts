/**
 * JSON as Coraza reads it with gjson: first every leaf that a lenient walk finds, then the judgement whether the
 * text is JSON at all. So a broken body still has arguments, also behind the place where it breaks.
 *
 * An array is an argument too, with its length as value. Not recursive; each open level is a slice of the text,
 * and where brackets close is found in one pass for all of them.
 */
import type { BodyInput, BodyResult, Entry } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { spend } from '../time-budget.js'
import { utf8 } from './json-lexer.js'

export function readJsonLeniently(input: BodyInput): BodyResult {
  const walk = new LenientWalk(input)
  const reason = walk.run() ?? judge(input.body, input.limits.depth)
  return { args: walk.args, argumentsOverLimit: walk.overLimit, error: reason === null ? null : `JSON: ${reason}` }
}

const tooDeep = 'max recursion reached while reading json object'

/** Why the text is not JSON that Coraza accepts; null where it is. */
function judge(text: ByteString, depthLimit: number): string | null {
  if (deepest(text) > depthLimit) return tooDeep
  try {
    JSON.parse(text)
    return null
  } catch {
    return 'invalid JSON'
  }
}

/** Greatest number of brackets open at once, strings left out. */
function deepest(text: ByteString): number {
  let depth = 0
  let most = 0
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)|[[\]{}]/g)) {
    if (token === '{' || token === '[') most = Math.max(most, ++depth)
    else if (token === '}' || token === ']') depth--
  }
  return most
}

/** LIMIT: names and values together, in bytes of them for each byte of the body, with a floor for small bodies. */
const flattenedBytesPerByte = 8
const flattenedBytesFloor = 4096

/** An object or array being walked: a slice of the text. */
interface Slice {
  readonly object: boolean
  readonly name: ByteString
  readonly end: number
  at: number
  /** Elements seen, for arrays. */
  length: number
  /** There were more lengths of arrays than SecArgumentsLimit in it. */
  cut: boolean
}

type Scalar = { readonly text: ByteString; readonly next: number }
type Found = { readonly opensAt: number } | Scalar

class LenientWalk {
  readonly args: Entry[] = []
  readonly #text: ByteString
  readonly #budget: number
  readonly #slices: Slice[] = []
  /** Positions of opening brackets to the positions behind what closes them. */
  readonly #ends = new Map<number, number>()
  #used = 0
  #leaves = 0
  #lengths = 0

  constructor(private readonly input: BodyInput) {
    this.#text = input.body
    this.#budget = Math.max(input.body.length * flattenedBytesPerByte, flattenedBytesFloor)
  }

  /** Whether SecArgumentsLimit ended the walk, or left out lengths of arrays. */
  overLimit = false

  /** Why the walk stopped before its end; null where it did not, or stopped at SecArgumentsLimit. */
  run(): string | null {
    let error = this.#root()
    while (error === null && this.#slices.length > 0) error = this.#step(this.#slices[this.#slices.length - 1] as Slice)
    if (error === stopped) this.overLimit = true
    return error === stopped ? null : error
  }

  #root(): string | null {
    const start = this.#text.search(/[^\x00-\x20]/)
    if (start < 0) return null
    const end = this.#text.length
    if (this.#text[start] === '{' || this.#text[start] === '[') return this.#open('json', start, end)
    const found = this.#scalarAt(start, end, true)
    if (found === null) return null
    return this.#leaf('json.0', found.text) ?? this.#add('json', '1')
  }

  #open(name: ByteString, start: number, end: number): string | null {
    if (this.#slices.length >= this.input.limits.depth) return tooDeep
    this.#slices.push({ object: this.#text[start] === '{', name, at: start + 1, end, length: 0, cut: false })
    return null
  }

  /** One member or element of the innermost slice, or its end. */
  #step(slice: Slice): string | null {
    const key = this.#keyOf(slice)
    const found = key === null ? null : this.#valueAt(slice)
    if (key === null || found === null) return this.#leave(slice)
    if (this.#leaves >= this.input.limits.args) return stopped
    const name = `${slice.name}.${key}`
    if (!slice.object) slice.length++
    if (!('opensAt' in found)) {
      slice.at = found.next + 1
      return this.#leaf(name, found.text)
    }
    const end = this.#closingOf(found.opensAt, slice.end)
    slice.at = end + 1
    return this.#open(name, found.opensAt, end)
  }

  #leave(slice: Slice): string | null {
    this.#slices.pop()
    const counts = slice.length > 0 && !slice.cut
    if (counts && this.#lengths >= this.input.limits.args) slice.cut = true
    if (slice.cut) this.#cutBehind()
    if (!counts || slice.cut) return null
    this.#lengths++
    return this.#add(slice.name, String(slice.length))
  }

  /** What holds a slice without its length has none either. */
  #cutBehind(): void {
    const parent = this.#slices[this.#slices.length - 1]
    if (parent === undefined) this.overLimit = true
    else parent.cut = true
  }

  #leaf(name: ByteString, value: ByteString): string | null {
    this.#leaves++
    return this.#add(name, value)
  }

  #add(key: ByteString, value: ByteString): string | null {
    spend(key.length + value.length)
    this.#used += key.length + value.length
    if (this.#used > this.#budget)
      return `flattened form exceeds the ${this.#budget} byte budget for a ${this.#text.length} byte body`
    this.args.push({ key, value })
    return null
  }

  /** The next key of an object, whatever stands before it; the number of an array's next element. */
  #keyOf(slice: Slice): ByteString | null {
    if (slice.at >= slice.end) return null
    if (!slice.object) return String(slice.length)
    const quote = this.#text.indexOf('"', slice.at)
    if (quote < 0 || quote >= slice.end) return null
    const key = this.#stringAt(quote, slice.end, false)
    if (key === null) return null
    slice.at = key.next
    return key.text
  }

  #valueAt(slice: Slice): Found | null {
    for (let at = slice.at; at < slice.end; at++) {
      const char = this.#text[at] as string
      if (char === '{' || char === '[') return { opensAt: at }
      if (char === '"') return this.#stringAt(at, slice.end, false)
      const found = this.#scalarAt(at, slice.end, false)
      if (found !== null) return found
    }
    return null
  }

  /** The literal, number or (at the root) string that begins here; null where nothing does. */
  #scalarAt(at: number, end: number, root: boolean): Scalar | null {
    const char = this.#text[at] as string
    if (root && char === '"') return this.#stringAt(at, end, true)
    const literal = char === 't' || char === 'f' || (char === 'n' && (at + 1 >= end || this.#text[at + 1] === 'u'))
    if (!literal && !/[-+\diInN]/.test(char)) return null
    const stop = literal ? /[^a-z]/g : /[\x00-\x20,\]}]/g
    stop.lastIndex = at + 1
    const next = Math.min(stop.exec(this.#text)?.index ?? end, end)
    const text = this.#text.slice(at, next)
    return { text: literal && char === 'n' ? '' : text, next }
  }

  /** The string that begins with the quote here; null where it does not end, unless it may. */
  #stringAt(quote: number, end: number, mayEnd: boolean): Scalar | null {
    const pattern = /["\\]/g
    pattern.lastIndex = quote + 1
    let escaped = false
    for (let match = pattern.exec(this.#text); match !== null && match.index < end; match = pattern.exec(this.#text)) {
      if (match[0] === '"') {
        const raw = this.#text.slice(quote + 1, match.index)
        return { text: escaped ? unescapeLeniently(raw) : raw, next: match.index + 1 }
      }
      escaped = true
      pattern.lastIndex = match.index + 2
    }
    if (!mayEnd) return null
    const raw = this.#text.slice(quote + 1, end)
    return { text: escaped ? unescapeLeniently(raw) : raw, next: end }
  }

  /** The position behind the bracket that closes the one here, any kind closing any, or the slice's end. */
  #closingOf(start: number, end: number): number {
    if (!this.#ends.has(start)) this.#findEnds(start)
    return Math.min(this.#ends.get(start) ?? end, end)
  }

  #findEnds(from: number): void {
    const open: number[] = []
    const pattern = /"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)|[[\](){}]/g
    pattern.lastIndex = from
    for (let match = pattern.exec(this.#text); match !== null; match = pattern.exec(this.#text)) {
      const [token] = match
      if (token === '{' || token === '[' || token === '(') open.push(match.index)
      else if (token === '}' || token === ']' || token === ')') {
        this.#ends.set(open.pop() as number, match.index + 1)
        if (open.length === 0) break
      }
    }
    for (const start of open) this.#ends.set(start, this.#text.length)
  }
}

/** Not an error: SecArgumentsLimit ends the walk quietly. */
const stopped = ''

const simpleEscapes: Readonly<Record<string, string>> = {
  '"': '"',
  '/': '/',
  '\\': '\\',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

/** Escapes to bytes; what follows a control char or an escape that is none is lost, as gjson loses it. */
function unescapeLeniently(raw: ByteString): ByteString {
  let text = ''
  for (let at = 0; at < raw.length; ) {
    const plain = /[\x00-\x1f\\]/g
    plain.lastIndex = at
    const special = plain.exec(raw)?.index ?? raw.length
    text += raw.slice(at, special)
    if (special >= raw.length || raw[special] !== '\\') return text
    const found = raw[special + 1] === 'u' ? unicodeEscape(raw, special) : simpleEscape(raw, special)
    if (found === null) return text
    text += found.text
    at = found.next
  }
  return text
}

function simpleEscape(raw: ByteString, at: number): Scalar | null {
  const text = simpleEscapes[raw[at + 1] ?? '']
  return text === undefined ? null : { text, next: at + 2 }
}

/** A \u escape, with the one behind it where the first is half of a pair; a half without its other is U+FFFD. */
function unicodeEscape(raw: ByteString, at: number): Scalar | null {
  if (at + 6 > raw.length) return null
  const first = codeUnit(raw, at + 2)
  if (first < 0xd800 || first > 0xdfff) return { text: utf8(first), next: at + 6 }
  if (raw.length - at < 12 || !raw.startsWith('\\u', at + 6)) return { text: utf8(0xfffd), next: at + 6 }
  const second = codeUnit(raw, at + 8)
  const paired = first <= 0xdbff && second >= 0xdc00 && second <= 0xdfff
  const code = paired ? 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00) : 0xfffd
  return { text: utf8(code), next: at + 12 }
}

/** Four hexadecimal digits, or 0 where they are none. */
function codeUnit(raw: ByteString, at: number): number {
  const digits = raw.slice(at, at + 4)
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : 0
}
