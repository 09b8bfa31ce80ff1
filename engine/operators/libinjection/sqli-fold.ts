/**
 * libinjection's folding: of the tokens of a value, the first five that matter.
 *
 * Tokens are read two or three at a time behind `left`, the place up to which they are settled, and merged, dropped
 * or renamed where SQL would mean the same; what changes sends `left` back. Nothing is allocated.
 */
import type { SqliDialect } from './sqli-dialect.js'
import { deadNode, type WordTree } from './sqli-lexicon.js'
import type { SqlTokens } from './sqli-tokens.js'
import * as type from './sqli-types.js'

/** What a step made of the tokens at hand. */
const nothing = 0
const changed = 1
const finished = 2

function setOf(...types: number[]): Uint8Array {
  const set = new Uint8Array(256)
  for (const each of types) set[each] = 1
  return set
}

const mergeableTypes = [
  type.keyword,
  type.bareword,
  type.operator,
  type.union,
  type.func,
  type.expression,
  type.tsql,
  type.sqlType,
]
const mergeable = setOf(...mergeableTypes)
const mergeableBehind = setOf(...mergeableTypes, type.logic)
const typedBehind = setOf(
  type.bareword,
  type.number,
  type.sqlType,
  type.leftParenthesis,
  type.func,
  type.variable,
  type.string,
)
const values = setOf(type.number, type.bareword, type.variable, type.string)
const names = setOf(type.number, type.bareword)
const operands = setOf(type.number, type.bareword, type.variable)
const listHeads = setOf(type.expression, type.group, type.comma)
const clauseHeads = setOf(type.keyword, type.expression, type.group)
const skippedFirst = setOf(type.comment, type.leftParenthesis, type.sqlType)

/** Names that are functions where a parenthesis follows. */
const callableNames = [
  'USER_ID',
  'USER_NAME',
  'DATABASE',
  'PASSWORD',
  'USER',
  'CURRENT_USER',
  'CURRENT_DATE',
  'CURRENT_TIME',
  'CURRENT_TIMESTAMP',
  'LOCALTIME',
  'LOCALTIMESTAMP',
]

export class SqlFold {
  readonly #tokens: SqlTokens
  readonly #words: WordTree
  readonly #dialect: SqliDialect
  /** Where words with a meaning of their own end. */
  readonly #callable: ReadonlySet<number>
  readonly #user: number
  readonly #in: number
  readonly #notIn: number
  readonly #like: number
  readonly #notLike: number
  readonly #not: number
  readonly #bangBang: number
  readonly #cast: number
  /** Where the next token goes. */
  #next = 0
  /** How many tokens are settled. */
  #left = 0
  #more = true

  constructor(tokens: SqlTokens, dialect: SqliDialect) {
    this.#tokens = tokens
    this.#words = tokens.words
    this.#dialect = dialect
    const node = (word: string): number => tokens.words.nodeOf(word)
    this.#callable = new Set(callableNames.map(node))
    this.#user = node('USER')
    this.#in = node('IN')
    this.#notIn = node('NOT IN')
    this.#like = node('LIKE')
    this.#notLike = node('NOT LIKE')
    this.#not = node('NOT')
    this.#bangBang = node('!!')
    this.#cast = node('::')
  }

  /** Reads and folds; the tokens are in the first slots, as many as returned, five at most. */
  fold(): number {
    const { type: types } = this.#tokens
    this.#next = 0
    this.#left = 0
    types[type.commentSlot] = type.none
    do {
      this.#more = this.#tokens.next(0)
    } while (this.#more && (skippedFirst[types[0] as number] === 1 || this.#isUnary(0)))
    if (!this.#more) return 0
    this.#next = 1
    while (true) {
      if (this.#next >= type.maxTokens) this.#foldFive()
      if (!this.#more || this.#left >= type.maxTokens) {
        this.#left = this.#next
        break
      }
      this.#fetch(2)
      if (this.#next - this.#left < 2) {
        this.#left = this.#next
        continue
      }
      const pair = this.#foldPair(this.#left)
      if (pair === finished) return this.#left
      if (pair === changed) continue
      this.#fetch(3)
      if (this.#next - this.#left < 3) {
        this.#left = this.#next
        continue
      }
      if (this.#foldThree(this.#left)) continue
      this.#left++
    }
    if (this.#left < type.maxTokens && types[type.commentSlot] === type.comment) {
      this.#tokens.copy(this.#left, type.commentSlot)
      this.#left++
    }
    return Math.min(this.#left, type.maxTokens)
  }

  /** Reads on until so many tokens are unsettled. A comment is kept aside: only the last one may count. */
  #fetch(wanted: number): void {
    const tokens = this.#tokens
    while (this.#more && this.#next <= type.maxTokens && this.#next - this.#left < wanted) {
      this.#more = tokens.next(this.#next)
      if (!this.#more) return
      if (tokens.type[this.#next] === type.comment) tokens.copy(type.commentSlot, this.#next)
      else {
        tokens.type[type.commentSlot] = type.none
        this.#next++
      }
    }
  }

  /** Five tokens that are one value to SQL make place for more. */
  #foldFive(): void {
    const types = this.#tokens.type
    const isCall =
      types[2] === type.leftParenthesis &&
      types[4] === type.rightParenthesis &&
      ((types[0] === type.number &&
        (types[1] === type.operator || types[1] === type.comma) &&
        types[3] === type.number) ||
        (types[0] === type.bareword && types[1] === type.operator && names[types[3] as number] === 1))
    const isList =
      types[1] === type.rightParenthesis &&
      types[3] === type.leftParenthesis &&
      ((types[0] === type.number && types[2] === type.comma && types[4] === type.number) ||
        (types[0] === type.bareword && types[2] === type.operator && types[4] === type.bareword))
    if (!isCall && !isList) return
    if (this.#next > type.maxTokens) {
      this.#tokens.copy(1, type.maxTokens)
      this.#next = 2
      this.#left = this.#dialect.leftBehindFive
    } else {
      this.#next = 1
      this.#left = 0
    }
  }

  /** Drops so many tokens at the end and looks again from the first. */
  #drop(count: number): typeof changed {
    this.#next -= count
    this.#left = 0
    return changed
  }

  /** Drops one token at the end and looks again from the one before. */
  #dropBack(): typeof changed {
    this.#next--
    if (this.#left > 0) this.#left--
    return changed
  }

  #foldPair(left: number): typeof nothing | typeof changed | typeof finished {
    const tokens = this.#tokens
    const types = tokens.type
    const first = types[left] as number
    const second = types[left + 1] as number
    if ((first === type.string && second === type.string) || (first === type.semicolon && second === type.semicolon)) {
      this.#next--
      return changed
    }
    if ((first === type.operator || first === type.logic) && (second === type.sqlType || this.#isUnary(left + 1)))
      return this.#drop(1)
    if (first === type.leftParenthesis && this.#isUnary(left + 1)) return this.#dropBack()
    if (this.#mergeWords(left)) return this.#dropBack()
    if (first === type.semicolon && second === type.func && this.#beginsWithIf(left + 1)) {
      types[left + 1] = type.tsql
      return changed
    }
    return this.#foldKnown(left, first, second)
  }

  /** A pair whose first token decides. */
  #foldKnown(left: number, first: number, second: number): typeof nothing | typeof changed | typeof finished {
    const tokens = this.#tokens
    const types = tokens.type
    switch (first) {
      case type.bareword:
      case type.variable:
        if (second === type.leftParenthesis && this.#callable.has(this.#plainNode(left))) {
          types[left] = type.func
          return changed
        }
        break
      case type.keyword:
        if (this.#plainNode(left) === this.#in || this.#plainNode(left) === this.#notIn) {
          types[left] = second === type.leftParenthesis ? type.operator : type.bareword
          return changed
        }
        break
      case type.operator:
        if (this.#plainNode(left) === this.#like || this.#plainNode(left) === this.#notLike) {
          if (second === type.leftParenthesis) types[left] = type.func
          return nothing
        }
        break
      case type.sqlType:
        if (typedBehind[second] === 1) {
          tokens.copy(left, left + 1)
          return this.#drop(1)
        }
        break
      case type.collate:
        if (second === type.bareword) return this.#foldCollation(left)
        break
      case type.backslash:
        return this.#foldBackslash(left)
      case type.leftParenthesis:
      case type.rightParenthesis:
        if (second === first) return this.#drop(1)
        break
      case type.leftBrace:
        if (second === type.bareword) return this.#foldBrace(left)
        break
    }
    return second === type.rightBrace ? this.#drop(1) : nothing
  }

  /** There are too many collations to know: a name with an underscore is one. */
  #foldCollation(left: number): typeof nothing {
    if (this.#hasUnderscore(left + 1)) {
      this.#tokens.type[left + 1] = type.sqlType
      this.#left = 0
    }
    return nothing
  }

  /** SQL Server reads `\%1` as `0 % 1` and `\1` as `1`. */
  #foldBackslash(left: number): typeof changed {
    const tokens = this.#tokens
    if (this.#isArithmetic(left + 1)) {
      tokens.type[left] = type.number
      return this.#drop(0)
    }
    tokens.copy(left, left + 1)
    return this.#drop(1)
  }

  /** ODBC's `{name value}` is the value; an empty name is MySQL's `` {``.``.id} ``, taken for evil. */
  #foldBrace(left: number): typeof changed | typeof finished {
    const tokens = this.#tokens
    if (tokens.length[left + 1] !== 0) return this.#drop(2)
    tokens.type[left + 1] = type.evil
    this.#left = left + 2
    return finished
  }

  /** Whether three tokens were folded. */
  #foldThree(left: number): boolean {
    const tokens = this.#tokens
    const types = tokens.type
    const first = types[left] as number
    const second = types[left + 1] as number
    const third = types[left + 2] as number
    if (this.#isOneValue(left, first, second, third)) {
      this.#drop(2)
      return true
    }
    if (second === type.operator && this.#isUnary(left + 1)) return this.#foldUnary(left, first, third)
    if (first === type.expression && second === type.dot && third === type.bareword) {
      tokens.copy(left + 1, left + 2)
      this.#drop(1)
      return true
    }
    // USER takes no argument: with one it is a name.
    if (first === type.func && second === type.leftParenthesis && third !== type.rightParenthesis)
      if (this.#plainNode(left) === this.#user) types[left] = type.bareword
    return false
  }

  /** Whether the second and third token add nothing to the first. */
  #isOneValue(left: number, first: number, second: number, third: number): boolean {
    switch (second) {
      case type.operator:
        if (first === type.operator) return third === type.operator
        if (first === type.logic) return third === type.logic
        if (first === type.number || first === type.bareword) {
          if (names[third] === 1) return true
        } else if (first === type.variable && operands[third] === 1) return true
        return values[first] === 1 && third === type.sqlType && this.#tokens.node[left + 1] === this.#cast
      case type.comma:
        if (values[first] === 1 && values[third] === 1) return true
        break
      case type.dot:
        if (first === type.bareword && third === type.bareword) return true
        break
    }
    if (first === type.operator) return second !== type.leftParenthesis && third === type.operator
    return first === type.logic && third === type.logic
  }

  /** A sign before a value behind a word or a comma goes. */
  #foldUnary(left: number, first: number, third: number): boolean {
    const behindList = listHeads[first] === 1 && third === type.leftParenthesis
    const behindClause = clauseHeads[first] === 1 && (values[third] === 1 || third === type.func)
    const behindComma = first === type.comma && (values[third] === 1 || third === type.func)
    if (!behindList && !behindClause && !behindComma) return false
    this.#tokens.copy(left + 1, left + 2)
    // Behind a comma the value before may fold with this one.
    this.#drop(behindComma && third !== type.func ? 3 : 1)
    return true
  }

  /** Makes one token of two that are a phrase together. */
  #mergeWords(left: number): boolean {
    const tokens = this.#tokens
    const right = left + 1
    if (mergeable[tokens.type[left] as number] !== 1 || mergeableBehind[tokens.type[right] as number] !== 1)
      return false
    const first = tokens.node[left] as number
    // No phrase begins so: most pairs end here.
    let node = this.#words.step(first, 0x20)
    if (node === deadNode) return false
    const length = (tokens.length[left] as number) + 1 + (tokens.length[right] as number)
    if (length > type.maxTokenBytes) return false
    const isPhrase = tokens.merged[right] === 1
    const text = isPhrase ? this.#words.textAt(tokens.node[right] as number) : tokens.value
    const start = isPhrase ? 0 : (tokens.start[right] as number)
    const end = isPhrase ? text.length : start + (tokens.length[right] as number)
    for (let at = start; at < end; at++) node = this.#words.step(node, text.charCodeAt(at))
    const found = this.#words.typeAt(node)
    if (found === type.none) return false
    tokens.type[left] = found
    tokens.length[left] = length
    tokens.node[left] = node
    tokens.merged[left] = 1
    return true
  }

  #isUnary(slot: number): boolean {
    const tokens = this.#tokens
    if (tokens.type[slot] !== type.operator) return false
    if (tokens.length[slot] !== 1) return tokens.node[slot] === this.#not || tokens.node[slot] === this.#bangBang
    const code = tokens.value.charCodeAt(tokens.start[slot] as number)
    return code === 0x2b || code === 0x2d || code === 0x21 || code === 0x7e
  }

  /** Where the tree is behind a word that is spelt in A-Z, 0 behind others. */
  #plainNode(slot: number): number {
    const tokens = this.#tokens
    const node = tokens.node[slot] as number
    return this.#words.textAt(node).length === tokens.length[slot] ? node : deadNode
  }

  #isArithmetic(slot: number): boolean {
    const tokens = this.#tokens
    if (tokens.type[slot] !== type.operator || tokens.length[slot] !== 1) return false
    const code = tokens.value.charCodeAt(tokens.start[slot] as number)
    return code === 0x2a || code === 0x2f || code === 0x2d || code === 0x2b || code === 0x25
  }

  #beginsWithIf(slot: number): boolean {
    const { start, value } = this.#tokens
    const at = start[slot] as number
    return (value.charCodeAt(at) | 0x20) === 0x69 && (value.charCodeAt(at + 1) | 0x20) === 0x66
  }

  #hasUnderscore(slot: number): boolean {
    const { start, length, merged, value } = this.#tokens
    // No phrase that is a name has one.
    if (merged[slot] === 1) return false
    const from = start[slot] as number
    for (let at = from; at < from + (length[slot] as number); at++) {
      const code = value.charCodeAt(at)
      if (code === 0 && this.#dialect.namesEndAtNul) return false
      if (code === 0x5f) return true
    }
    return false
  }
}
