/**
 * libinjection's verdict on the tokens of a piece of HTML: which tags, attributes, URLs and comments it takes for XSS.
 *
 * One judge holds one dialect, the rules of one implementation as data; the lists come from measurement.
 * A tag, a comment or a doctype is judged alone; an attribute's value by what its name made of it.
 * Nothing is allocated while judging.
 */
import type { ByteString } from '../../model/exchange.js'
import * as token from './html5-tokens.js'
import { type Html5Reading, Html5Tokens, type HtmlPlace } from './html5-tokens.js'
import { beginsWith, deadNode, rootNode, upperCase, WordList } from './xss-words.js'

/** What an attribute's name makes of its value. */
const attributeKinds = {
  /** Any value is a hit: event handlers and the like. */
  script: 1,
  /** A value that begins with one of the schemes is a hit. */
  url: 2,
  /** A value that is itself such a name is a hit. */
  name: 3,
  /** Any value is a hit, as for `script`; told apart only where a dialect does. */
  style: 4,
} as const

export type AttributeKind = keyof typeof attributeKinds
const kindNames = Object.keys(attributeKinds) as AttributeKind[]

/** The rules of one implementation. */
export interface XssDialect extends Html5Reading {
  /** In upper case, as all names here. */
  readonly tags: readonly string[]
  /** Every tag that begins so is a hit. */
  readonly tagPrefixes: readonly string[]
  /** Where the prefixes are looked for: in the tag's bytes, or without its NULs and in names up to 64 bytes only. */
  readonly tagPrefixIn: 'bytes' | 'short-name'
  readonly attributes: Readonly<Record<AttributeKind, readonly string[]>>
  /** An attribute of five bytes or more that begins so is of kind `script`. */
  readonly scriptPrefixes: readonly string[]
  /** Which kinds a value of kind `name` may name. */
  readonly namedKinds: 'all' | 'script'
  readonly schemes: readonly string[]
  /** Where IMPORT and ENTITY are looked for: in a comment's first six bytes, or in its beginning without its NULs. */
  readonly commentWordIn: 'six-bytes' | 'comment'
}

const minTagBytes = 3
const minAttributeBytes = 2
const minPrefixedAttributeBytes = 5
const maxShortName = 64
/** A comment shorter than this is judged by its back quotes alone. */
const minCommentBytes = 4
const backQuote = 0x60
const commentWords = new WordList({ IMPORT: 1, ENTITY: 1 })
const commentWordBytes = 6

export class XssJudge {
  readonly #tokens: Html5Tokens
  readonly #dialect: XssDialect
  readonly #tags: WordList
  readonly #attributes: WordList
  readonly #schemes: WordList
  /** Of the URL that is read. */
  readonly #entity: Entity = { code: 0, next: 0 }

  constructor(dialect: XssDialect) {
    this.#dialect = dialect
    this.#tokens = new Html5Tokens(dialect)
    this.#tags = listOf(dialect.tags)
    this.#schemes = listOf(dialect.schemes)
    this.#attributes = new WordList(
      Object.fromEntries(
        kindNames.flatMap((kind) => dialect.attributes[kind].map((name) => [name, attributeKinds[kind]])),
      ),
    )
  }

  /** Whether the value is a hit where a page has it at this place. */
  hits(value: ByteString, place: HtmlPlace): boolean {
    const tokens = this.#tokens
    tokens.open(value, place)
    let kind = 0
    for (;;) {
      const found = tokens.next()
      switch (found) {
        case token.noToken:
          return false
        case token.doctypeToken:
          return true
        case token.attributeNameToken:
          kind = this.#attributeKind(value, tokens.start, tokens.end)
          continue
        case token.attributeValueToken:
          if (kind !== 0 && this.#isValueHit(kind, value, tokens.start, tokens.end)) return true
          break
        case token.tagNameToken:
          if (this.#isTagHit(value, tokens.start, tokens.end)) return true
          break
        default:
          if (this.#isCommentHit(value, tokens.start, tokens.end)) return true
      }
      kind = 0
    }
  }

  #isTagHit(text: ByteString, start: number, end: number): boolean {
    if (end - start < minTagBytes) return false
    if (this.#tags.kindOf(text, start, end) !== 0) return true
    const { tagPrefixes, tagPrefixIn } = this.#dialect
    for (const prefix of tagPrefixes)
      if (tagPrefixIn === 'bytes' ? beginsWith(text, start, end, prefix) : beginsShortName(text, start, end, prefix))
        return true
    return false
  }

  #isCommentHit(text: ByteString, start: number, end: number): boolean {
    for (let at = start; at < end; at++) if (text.charCodeAt(at) === backQuote) return true
    if (end - start < minCommentBytes) return false
    if (beginsWith(text, start, end, '[IF') || beginsWith(text, start, end, 'XML')) return true
    if (end - start < commentWordBytes) return false
    if (this.#dialect.commentWordIn === 'comment') return commentWords.beginningOf(text, start, end) !== 0
    return commentWords.kindOf(text, start, start + commentWordBytes) !== 0
  }

  /** 0 where the name is harmless. */
  #attributeKind(text: ByteString, start: number, end: number): number {
    if (end - start < minAttributeBytes) return 0
    if (end - start >= minPrefixedAttributeBytes)
      for (const prefix of this.#dialect.scriptPrefixes)
        if (beginsWith(text, start, end, prefix)) return attributeKinds.script
    return this.#attributes.kindOf(text, start, end)
  }

  #isValueHit(kind: number, text: ByteString, start: number, end: number): boolean {
    if (kind === attributeKinds.url) return this.#isUrlHit(text, start, end)
    if (kind !== attributeKinds.name) return true
    const named = this.#attributeKind(text, start, end)
    return this.#dialect.namedKinds === 'all' ? named !== 0 : named === attributeKinds.script
  }

  /** Whether a URL begins with one of the schemes, entities decoded, NULs and line feeds inside not counted. */
  #isUrlHit(text: ByteString, start: number, end: number): boolean {
    let from = start
    while (from < end && !isPrintable(text.charCodeAt(from))) from++
    const entity = this.#entity
    entity.next = from
    let node = rootNode
    for (let first = true; entity.next < end; ) {
      decode(text, entity.next, end, entity)
      const code = upperCase(entity.code)
      if (first && code <= 0x20) continue
      first = false
      if (code === 0x00 || code === 0x0a) continue
      // COMPAT(libmodsecurity): a code is cut to its low byte after A-Z are folded, so &#x14a; passes for a J.
      const byte = code & 0xff
      if (byte !== upperCase(byte)) return false
      node = this.#schemes.step(node, byte)
      if (node === deadNode) return false
      if (this.#schemes.kindAt(node) !== 0) return true
    }
    return false
  }
}

function listOf(words: readonly string[]): WordList {
  return new WordList(Object.fromEntries(words.map((word) => [word, 1])))
}

function beginsShortName(text: ByteString, start: number, end: number, prefix: string): boolean {
  let length = 0
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at)
    if (code === 0) continue
    if (length < prefix.length && upperCase(code) !== prefix.charCodeAt(length)) return false
    length++
  }
  return length >= prefix.length && length <= maxShortName
}

function isPrintable(code: number): boolean {
  return code > 0x20 && code < 0x7f
}

interface Entity {
  /** What the next character is. */
  code: number
  /** Where the one after it begins. */
  next: number
}

const maxCode = 0x1000ff
const ampersand = 0x26
const semicolon = 0x3b

/** Reads one character: a byte, or a numeric entity; an `&` that begins no sound one is itself. */
function decode(text: ByteString, at: number, end: number, into: Entity): void {
  const code = text.charCodeAt(at)
  into.code = code
  into.next = at + 1
  if (code !== ampersand || at + 2 >= end || text.charCodeAt(at + 1) !== 0x23) return
  const base = (text.charCodeAt(at + 2) & 0xdf) === 0x58 ? 16 : 10
  let i = base === 16 ? at + 3 : at + 2
  const digits = i
  let sum = 0
  for (; i < end; i++) {
    const digit = digitOf(text.charCodeAt(i), base)
    if (digit < 0) break
    sum = sum * base + digit
    // The first digit is never too much.
    if (sum > maxCode) return
  }
  if (i === digits) return
  into.code = sum
  into.next = i < end && text.charCodeAt(i) === semicolon ? i + 1 : i
}

function digitOf(code: number, base: 10 | 16): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  if (base === 10) return -1
  const upper = code & 0xdf
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x37 : -1
}
