/**
 * libinjection's SQL tokeniser: one token after the other of a byte string, into slots of typed arrays.
 *
 * Tokens are stretches of the value; a token of several merged words is where its first word is. Nothing is
 * allocated while reading. Each reader is given where its token begins, fills the slot in work and returns where
 * the next token begins.
 */
import type { ByteString } from '../../model/exchange.js'
import * as bytes from './sqli-bytes.js'
import type { SqliDialect } from './sqli-dialect.js'
import { deadNode, rootNode, type WordTree, wordsOf } from './sqli-lexicon.js'
import * as type from './sqli-types.js'

const singleQuote = 0x27
const doubleQuote = 0x22
const backQuote = 0x60
const dollar = 0x24

export class SqlTokens {
  value: ByteString = ''
  /** Whether `#` begins a comment, and `--` only with white space behind it. */
  mysql = false
  /** Tokens read so far, those folded away too. */
  count = 0
  /** Comments that MySQL reads otherwise: `#`, and `--` right before something. */
  hasForeignComment = false

  readonly type = new Uint8Array(type.slots)
  readonly start = new Int32Array(type.slots)
  readonly length = new Int32Array(type.slots)
  /** The quotes of a string, 0 for one that is not there. */
  readonly open = new Uint8Array(type.slots)
  readonly close = new Uint8Array(type.slots)
  /** Where the tree of words is behind the token's text. */
  readonly node = new Int32Array(type.slots)
  /** Whether the token is several words in one. */
  readonly merged = new Uint8Array(type.slots)

  readonly words: WordTree
  readonly #dialect: SqliDialect
  readonly #sets: bytes.ByteSets
  #quote: type.Quote = 0
  #at = 0
  #slot = 0

  constructor(dialect: SqliDialect) {
    this.words = wordsOf(dialect)
    this.#dialect = dialect
    this.#sets = new bytes.ByteSets(dialect.nulInSets)
  }

  /** Begins to read a value as if it stood behind a quote. */
  begin(value: ByteString, quote: type.Quote, mysql: boolean): void {
    this.value = value
    this.mysql = mysql
    this.count = 0
    this.hasForeignComment = false
    this.#quote = quote
    this.#at = 0
  }

  copy(to: number, from: number): void {
    this.type[to] = this.type[from] as number
    this.start[to] = this.start[from] as number
    this.length[to] = this.length[from] as number
    this.open[to] = this.open[from] as number
    this.close[to] = this.close[from] as number
    this.node[to] = this.node[from] as number
    this.merged[to] = this.merged[from] as number
  }

  /** Reads the next token into a slot; false at the end, with type 0 in the slot. */
  next(slot: number): boolean {
    this.#slot = slot
    this.type[slot] = type.none
    this.open[slot] = 0
    this.close[slot] = 0
    const { value } = this
    const end = value.length
    if (end === 0) return false
    if (this.#at === 0 && this.#quote !== 0) {
      this.#at = this.#string(0, 0, this.#quote)
      this.count++
      return true
    }
    while (this.#at < end) {
      const code = value.charCodeAt(this.#at)
      this.#at = this.#read(this.#at, code)
      if (this.type[slot] !== type.none) {
        this.count++
        return true
      }
    }
    return false
  }

  #read(at: number, code: number): number {
    switch (bytes.readerOf[code]) {
      case bytes.white:
        return at + 1
      case bytes.word:
        return this.#word(at)
      case bytes.digit:
        return this.#number(at)
      case bytes.single:
        return this.#set(code, at, 1, at + 1)
      case bytes.operator1:
        return this.#operator(at, 1)
      case bytes.operator2:
        return this.#operator2(at, code)
      case bytes.quote:
        return this.#string(at, 1, code)
      case bytes.hash:
        this.hasForeignComment = true
        return this.mysql ? this.#lineComment(at) : this.#operator(at, 1)
      case bytes.dash:
        return this.#dash(at)
      case bytes.slash:
        return this.#slash(at)
      case bytes.money:
        return this.#money(at)
      case bytes.at:
        return this.#variable(at)
      case bytes.tick:
        return this.#tick(at)
      case bytes.bracket:
        return this.#bracket(at)
      case bytes.backslash:
        if (this.value.charCodeAt(at + 1) === 0x4e) return this.#set(type.number, at, 2, at + 2)
        return this.#set(type.backslash, at, 1, at + 1)
      case bytes.unknown:
        return this.#set(type.unknown, at, 1, at + 1)
      default:
        return this.#prefixed(at, code)
    }
  }

  /** Fills the slot; returns `next`. */
  #set(tokenType: number, start: number, length: number, next: number): number {
    const slot = this.#slot
    this.type[slot] = tokenType
    this.start[slot] = start
    this.length[slot] = Math.min(length, type.maxTokenBytes)
    this.node[slot] = deadNode
    this.merged[slot] = 0
    return next
  }

  #operator(at: number, length: number): number {
    return this.#set(type.operator, at, length, at + length)
  }

  #operator2(at: number, code: number): number {
    const { value } = this
    const end = value.length
    if (at + 1 >= end) return this.#operator(at, 1)
    const second = value.charCodeAt(at + 1)
    if (code === 0x3c && second === 0x3d && at + 2 < end && value.charCodeAt(at + 2) === 0x3e)
      return this.#operator(at, 3)
    const node = this.words.step(this.words.step(rootNode, code), second)
    const found = this.words.typeAt(node)
    if (found !== type.none) {
      this.#set(found, at, 2, at + 2)
      this.node[this.#slot] = node
      return at + 2
    }
    return code === type.colon ? this.#set(type.colon, at, 1, at + 1) : this.#operator(at, 1)
  }

  #lineComment(at: number): number {
    const newline = this.value.indexOf('\n', at)
    if (newline < 0) return this.#set(type.comment, at, this.value.length - at, this.value.length)
    return this.#set(type.comment, at, newline - at, newline + 1)
  }

  #dash(at: number): number {
    const { value } = this
    const end = value.length
    if (at + 1 >= end || value.charCodeAt(at + 1) !== 0x2d) return this.#operator(at, 1)
    if (at + 2 === end || bytes.isBlank(value.charCodeAt(at + 2))) return this.#lineComment(at)
    if (this.mysql) return this.#operator(at, 1)
    this.hasForeignComment = true
    return this.#lineComment(at)
  }

  /** A comment, or the operator. Nested comments and MySQL's `/*!` make the value evil as a whole. */
  #slash(at: number): number {
    const { value } = this
    const end = value.length
    if (at + 1 === end || value.charCodeAt(at + 1) !== 0x2a) return this.#operator(at, 1)
    const close = value.indexOf('*/', at + 2)
    const next = close < 0 ? end : close + 2
    let found = type.comment
    if (close >= 0) {
      const inner = value.indexOf('/*', at + 2)
      if (inner >= 0 && inner < close) found = type.evil
    }
    if (value.charCodeAt(at + 2) === 0x21) found = type.evil
    return this.#set(found, at, next - at, next)
  }

  /** A string whose opening quote takes `skip` bytes; 0 where it stands before the value. */
  #string(at: number, skip: number, quote: number): number {
    const { value } = this
    const end = value.length
    const from = at + skip
    this.open[this.#slot] = skip > 0 ? quote : 0
    const mark = quote === singleQuote ? "'" : quote === doubleQuote ? '"' : '`'
    const first = value.indexOf(mark, from)
    let found = first
    let escapes: boolean | null = null
    while (found >= 0) {
      let isPlain = found === first || this.#dialect.escapesAt === 'quote'
      if (!isPlain) {
        // Without a backslash nothing is escaped, wherever it is looked for.
        escapes ??= value.includes('\\', from)
        isPlain = !escapes
      }
      const place = isPlain ? found : bytes.firstAlike(value, from, found)
      if (bytes.isEscaped(value, from, place)) found = value.indexOf(mark, found + 1)
      else if (found + 1 < end && value.charCodeAt(found + 1) === quote) found = value.indexOf(mark, found + 2)
      else {
        this.close[this.#slot] = quote
        return this.#set(type.string, from, found - from, found + 1)
      }
    }
    this.close[this.#slot] = 0
    return this.#set(type.string, from, end - from, end)
  }

  /** Walks the tree of words over the kept text of the slot. */
  #findNode(): void {
    const slot = this.#slot
    const start = this.start[slot] as number
    const end = start + (this.length[slot] as number)
    let node = rootNode
    for (let at = start; at < end && node !== deadNode; at++) node = this.words.step(node, this.value.charCodeAt(at))
    this.node[slot] = node
  }

  #word(at: number): number {
    const { value } = this
    const end = value.length
    const kept = at + type.maxTokenBytes
    let node = rootNode
    let next = at
    for (; next < end; next++) {
      const code = value.charCodeAt(next)
      if (bytes.endsWord[code] === 1) break
      if (next >= kept) continue
      if (code === type.dot || code === backQuote) {
        // A word that is known may end before a dot or a back quote.
        const found = this.words.typeAt(node)
        if (found !== type.none && found !== type.bareword) {
          this.#set(found, at, next - at, next)
          this.node[this.#slot] = node
          return next
        }
      }
      node = this.words.step(node, code)
    }
    const length = next - at
    if (length > type.maxTokenBytes) node = deadNode
    const found = this.words.typeAt(node)
    this.#set(found === type.none ? type.bareword : found, at, length, next)
    this.node[this.#slot] = node
    return next
  }

  #tick(at: number): number {
    const next = this.#string(at, 1, backQuote)
    const slot = this.#slot
    this.#findNode()
    this.type[slot] = this.words.typeAt(this.node[slot] as number) === type.func ? type.func : type.bareword
    return next
  }

  #variable(at: number): number {
    const { value } = this
    const end = value.length
    let from = at + 1
    if (from < end && value.charCodeAt(from) === bytes.atSign) from++
    const code = from < end ? value.charCodeAt(from) : 0
    if (code === backQuote || code === singleQuote || code === doubleQuote) {
      const next = this.#string(from, 1, code)
      this.type[this.#slot] = type.variable
      this.#findNode()
      return next
    }
    let next = from
    while (next < end && this.#sets.endsVariable[value.charCodeAt(next)] !== 1) next++
    this.#set(type.variable, from, next - from, next)
    this.#findNode()
    return next
  }

  #bracket(at: number): number {
    const close = this.value.indexOf(']', at)
    const next = close < 0 ? this.value.length : close + 1
    return this.#set(type.bareword, at, next - at, next)
  }

  /** Words that may be the mark of a string or number: b'', e'', n'', q'', u&'', x''. */
  #prefixed(at: number, code: number): number {
    const { value } = this
    const end = value.length
    const quoted = at + 2 < end && value.charCodeAt(at + 1) === singleQuote
    switch (bytes.readerOf[code]) {
      case bytes.bitString:
        return quoted ? this.#digits(at, this.#sets.isBit) : this.#word(at)
      case bytes.hexString:
        return quoted ? this.#digits(at, this.#sets.isHex) : this.#word(at)
      case bytes.escapeString:
        return quoted ? this.#string(at, 2, singleQuote) : this.#word(at)
      case bytes.nationalString:
        return quoted ? this.#string(at, 2, singleQuote) : this.#quoteString(at, 1)
      case bytes.quoteString:
        return this.#quoteString(at, 0)
      default:
        return this.#unicodeString(at)
    }
  }

  #digits(at: number, accepted: Uint8Array): number {
    const { value } = this
    const end = value.length
    let close = at + 2
    while (close < end && accepted[value.charCodeAt(close)] === 1) close++
    if (close >= end || value.charCodeAt(close) !== singleQuote) return this.#word(at)
    return this.#set(type.number, at, close + 1 - at, close + 1)
  }

  #unicodeString(at: number): number {
    const { value } = this
    if (at + 2 >= value.length || value.charCodeAt(at + 1) !== 0x26 || value.charCodeAt(at + 2) !== singleQuote)
      return this.#word(at)
    const next = this.#string(at + 2, 1, singleQuote)
    this.open[this.#slot] = bytes.unicodeMark
    if (this.close[this.#slot] === singleQuote) this.close[this.#slot] = bytes.unicodeMark
    return next
  }

  /** Oracle's q'(...)', `skip` bytes behind where the word begins. */
  #quoteString(at: number, skip: number): number {
    const { value } = this
    const end = value.length
    const mark = at + skip
    if (mark + 2 >= end || (value.charCodeAt(mark) | 0x20) !== bytes.quoteMark) return this.#word(at)
    if (value.charCodeAt(mark + 1) !== singleQuote) return this.#word(at)
    const opening = value.charCodeAt(mark + 2)
    if (opening < 0x21 || (opening > 0x7f && this.#dialect.highQuotes === 'none')) return this.#word(at)
    const closing = bytes.closing(opening)
    const width = opening > 0x7f ? 2 : 1
    const from = mark + 3
    let found = value.indexOf("'", from + width)
    while (found >= 0 && !bytes.endsWith(value, found, closing)) found = value.indexOf("'", found + 1)
    this.open[this.#slot] = bytes.quoteMark
    if (found < 0) return this.#set(type.string, from, end - from, end)
    this.close[this.#slot] = bytes.quoteMark
    // COMPAT(libinjection-go): behind a character of two bytes the closing quote is read once more.
    return this.#set(type.string, from, found - width - from, found - width + 2)
  }

  #money(at: number): number {
    const { value } = this
    const end = value.length
    if (at + 1 === end) return this.#set(type.bareword, at, 1, end)
    let next = at + 1
    while (next < end && this.#sets.isAmount[value.charCodeAt(next)] === 1) next++
    if (next === at + 2 && value.charCodeAt(at + 1) === type.dot) return this.#word(at)
    if (next > at + 1) return this.#set(type.number, at, next - at, next)
    if (value.charCodeAt(next) === dollar) {
      const close = value.indexOf('$$', at + 2)
      return this.#dollarString(at + 2, close, 2)
    }
    while (next < end && this.#sets.isTag[value.charCodeAt(next)] === 1) next++
    if (next === at + 1 || next === end || value.charCodeAt(next) !== dollar)
      return this.#set(type.bareword, at, 1, at + 1)
    return this.#dollarString(next + 1, this.#closingTag(at, next + 1 - at), next + 1 - at)
  }

  #dollarString(from: number, close: number, tagBytes: number): number {
    const end = this.value.length
    this.open[this.#slot] = dollar
    if (close < 0) return this.#set(type.string, from, end - from, end)
    this.close[this.#slot] = dollar
    return this.#set(type.string, from, close - from, close + tagBytes)
  }

  /** Where the tag at a place comes again, or -1. */
  #closingTag(at: number, length: number): number {
    const { value } = this
    const asValue = this.#dialect.closingTagFrom === 'value'
    const first = asValue ? length : at + length
    const end = asValue ? value.length - at : value.length
    for (let from = value.indexOf('$', first); from >= 0 && from + length <= end; from = value.indexOf('$', from + 1)) {
      let same = 0
      while (same < length && value.charCodeAt(from + same) === value.charCodeAt(at + same)) same++
      // COMPAT(modsec2): what is found before the tag's end is taken for nothing found.
      if (same === length) return from < at + length ? -1 : from
    }
    return -1
  }

  #number(at: number): number {
    const { value } = this
    const end = value.length
    if (value.charCodeAt(at) === 0x30 && at + 1 < end) {
      const mark = value.charCodeAt(at + 1) | 0x20
      if (mark === 0x78) return this.#prefixedNumber(at, this.#sets.isHex)
      if (mark === 0x62) return this.#prefixedNumber(at, this.#sets.isBit)
    }
    let next = bytes.skipDigits(value, at)
    if (next < end && value.charCodeAt(next) === type.dot) {
      next = bytes.skipDigits(value, next + 1)
      if (next - at === 1) return this.#set(type.dot, at, 1, next)
    }
    let isWord = false
    if (next < end && (value.charCodeAt(next) | 0x20) === 0x65) {
      const exponent = bytes.skipSign(value, next + 1)
      next = bytes.skipDigits(value, exponent)
      isWord = next === exponent
    }
    if (bytes.isFloatMark(value, next)) next++
    if (isWord && this.#dialect.emptyExponent === 'nothing') return next
    return this.#set(isWord ? type.bareword : type.number, at, next - at, next)
  }

  #prefixedNumber(at: number, accepted: Uint8Array): number {
    const { value } = this
    let next = at + 2
    while (next < value.length && accepted[value.charCodeAt(next)] === 1) next++
    return this.#set(next === at + 2 ? type.bareword : type.number, at, next - at, next)
  }
}
