/**
 * libinjection's verdict on the folded tokens of a value: whether their fingerprint is that of an attack, and whether
 * it is nevertheless harmless.
 */
import type { ByteString } from '../../model/exchange.js'
import type { SqliDialect } from './sqli-dialect.js'
import { SqlFold } from './sqli-fold.js'
import { appendType, isFingerprint } from './sqli-lexicon.js'
import { SqlTokens } from './sqli-tokens.js'
import * as type from './sqli-types.js'

const slash = 0x2f
const dash = 0x2d
const hash = 0x23
const backQuote = 0x60
/** Nothing behind this word is logged by SQL Server. */
const silencer = 'sp_password'

export class SqlJudge {
  readonly #dialect: SqliDialect
  readonly #tokens: SqlTokens
  readonly #fold: SqlFold
  /** The keywords that do harm between two tokens. */
  readonly #harmful: ReadonlySet<number>
  #length = 0
  #key = 0

  constructor(dialect: SqliDialect) {
    this.#dialect = dialect
    this.#tokens = new SqlTokens(dialect)
    this.#fold = new SqlFold(this.#tokens, dialect)
    this.#harmful = new Set(['INTO OUTFILE', 'INTO DUMPFILE'].map((word) => this.#tokens.words.nodeOf(word)))
  }

  /** The types of the folded tokens, as last read. */
  get fingerprint(): string {
    return String.fromCharCode(...this.#tokens.type.subarray(0, this.#length))
  }

  /** Whether what was last read holds comments that MySQL reads otherwise. */
  get hasForeignComment(): boolean {
    return this.#tokens.hasForeignComment
  }

  /** Whether the value is an attack where it stands behind a quote. */
  hits(value: ByteString, quote: type.Quote, mysql: boolean): boolean {
    this.read(value, quote, mysql)
    return isFingerprint(this.#key) && !this.#isHarmless(value)
  }

  /** Reads and folds a value; `fingerprint` is what it comes to. */
  read(value: ByteString, quote: type.Quote, mysql: boolean): void {
    const tokens = this.#tokens
    tokens.begin(value, quote, mysql)
    let length = this.#fold.fold()
    const last = length - 1
    // PHP takes a single back quote at the end for the beginning of a comment.
    if (
      length > 2 &&
      tokens.type[last] === type.bareword &&
      tokens.open[last] === backQuote &&
      tokens.length[last] === 0 &&
      tokens.close[last] === 0
    )
      tokens.type[last] = type.comment
    let key = 0
    for (let slot = 0; slot < length; slot++) {
      const each = tokens.type[slot] as number
      if (each === type.evil) {
        tokens.type[0] = type.evil
        length = 1
        key = appendType(0, type.evil)
        break
      }
      key = appendType(key, each)
    }
    this.#length = length
    this.#key = key
  }

  #isHarmless(value: ByteString): boolean {
    const types = this.#tokens.type
    const length = this.#length
    if (length > 1 && types[length - 1] === type.comment && value.includes(silencer)) return false
    if (length === 2) return this.#isHarmlessPair(value)
    return length === 3 && this.#isHarmlessThree()
  }

  #isHarmlessPair(value: ByteString): boolean {
    const tokens = this.#tokens
    const first = tokens.type[0]
    const second = tokens.type[1]
    if (second === type.union) return tokens.count === 2
    const behind = tokens.length[1] === 0 ? 0 : value.charCodeAt(tokens.start[1] as number)
    if (behind === hash) return true
    if (second === type.comment) {
      if (first === type.bareword && behind !== slash) return true
      if (first === type.number) return !this.#isHarmfulComment(behind) && tokens.count <= 2 && !this.#endsNumber(value)
    }
    return behind === dash && (tokens.length[1] as number) > 2
  }

  #isHarmfulComment(begin: number): boolean {
    return (begin === slash) === (this.#dialect.numberComments === 'slash-star')
  }

  /**
   * Whether the number of a number and a comment is one: a blank, `--` or a comment comes next.
   * COMPAT(libinjection): the number is taken to be where the value begins.
   */
  #endsNumber(value: ByteString): boolean {
    const next = this.#tokens.length[0] as number
    const code = value.charCodeAt(next)
    if (code <= 0x20 || (code > 0x7f && this.#dialect.highBlanks)) return true
    if (code === slash) return value.charCodeAt(next + 1) === 0x2a
    return code === dash && value.charCodeAt(next + 1) === dash
  }

  #isHarmlessThree(): boolean {
    const { type: types, open, close, count, node } = this.#tokens
    const first = types[0] as number
    const second = types[1] as number
    const third = types[2] as number
    if (first === type.string && third === type.string && (second === type.operator || second === type.logic))
      // Text outside the strings around one between: ...foo' + 'bar...
      return open[0] !== 0 || close[2] !== 0 || close[0] !== open[2]
    if (second === type.logic && isPlainPair(first, third)) return count === 3
    return second === type.keyword && !(this.#harmful.has(node[1] as number) && isLetterI(this.#tokens, 1))
  }
}

/** Whether a token begins with the letter, not with what Unicode folds to it. */
function isLetterI(tokens: SqlTokens, slot: number): boolean {
  return (tokens.value.charCodeAt(tokens.start[slot] as number) | 0x20) === 0x69
}

/** What prose puts on both sides of AND. */
function isPlainPair(first: number, third: number): boolean {
  if (third === type.number) return first === type.bareword || first === type.number
  if (first === type.string) return third === type.bareword
  return first === type.number && (third === type.variable || third === type.string)
}
