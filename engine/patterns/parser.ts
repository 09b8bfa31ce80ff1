/**
 * PCRE pattern syntax to a tree. What is not supported, or no pattern, is a DefinitionError.
 *
 * Source: the syntax PCRE2 documents (pcre2pattern), without UTF: a character is a byte.
 * LIMIT: no recursion, no verbs `(*…)`, no callouts, no `\X`, `\C` and `\p`.
 */
import { DefinitionError } from '../errors.js'
import type { ByteString } from '../model/exchange.js'
import { anyByte, complement, eitherCase, escapeSets, setOf, sharedSet, singleByte } from './byte-set.js'
import { Cursor, parseClass, readCode } from './class-parser.js'
import { type LookNode, lengthOf, type PatternNode, type PatternTree, type RepeatMode } from './tree.js'

export interface ParseOptions {
  readonly caseless: boolean
  /** Whether `^` and `$` also match at line ends. `.` matches every byte: all engines set that option. */
  readonly multiLine: boolean
}

interface Options {
  readonly caseless: boolean
  readonly multiLine: boolean
  readonly dotAll: boolean
  readonly extended: boolean
  readonly ungreedy: boolean
}

const empty: PatternNode = { kind: 'sequence', items: [] }

/** Throws DefinitionError. */
export function parsePattern(pattern: ByteString, options: ParseOptions): PatternTree {
  // How many groups there are tells \12 from an octal code, so it is found first.
  const first = new Parser(pattern, options, null)
  const tree = first.run()
  return first.sawHighNumber ? new Parser(pattern, options, tree.groups).run() : tree
}

class Parser {
  sawHighNumber = false
  readonly #cursor: Cursor
  readonly #names = new Map<string, number[]>()
  readonly #references: number[] = []
  #groups = 0
  #options: Options

  constructor(
    pattern: ByteString,
    options: ParseOptions,
    private readonly totalGroups: number | null,
  ) {
    this.#cursor = new Cursor(pattern)
    this.#options = { ...options, dotAll: true, extended: false, ungreedy: false }
  }

  run(): PatternTree {
    const root = this.#choice()
    if (!this.#cursor.atEnd) throw bad('a closing parenthesis of the pattern has no opening one')
    const lost = this.#references.find((index) => index > this.#groups || index < 1)
    if (lost !== undefined) throw bad(`the pattern refers to group ${lost}, which it does not have`)
    return { root, groups: this.#groups }
  }

  #choice(resetGroups = false): PatternNode {
    const outer = this.#options
    const before = this.#groups
    let most = before
    const branches = [this.#sequence()]
    while (this.#cursor.take('|')) {
      most = Math.max(most, this.#groups)
      if (resetGroups) this.#groups = before
      branches.push(this.#sequence())
    }
    this.#groups = Math.max(most, this.#groups)
    this.#options = outer
    return branches.length === 1 ? (branches[0] ?? empty) : { kind: 'choice', branches }
  }

  #sequence(): PatternNode {
    const items: PatternNode[] = []
    const cursor = this.#cursor
    while (!cursor.atEnd && cursor.next !== '|' && cursor.next !== ')') {
      if (this.#options.extended && this.#skipBlank()) continue
      if (cursor.take('\\Q')) {
        const parts = [...cursor.quoted()].map((char) => this.#byte(char.charCodeAt(0)))
        const last = parts.pop()
        items.push(...parts)
        if (last !== undefined) items.push(this.#quantified(last))
        continue
      }
      if (cursor.take('\\E')) continue
      const atom = this.#atom()
      if (atom !== null) items.push(this.#quantified(atom))
    }
    return items.length === 1 ? (items[0] ?? empty) : { kind: 'sequence', items }
  }

  #skipBlank(): boolean {
    const cursor = this.#cursor
    if (cursor.match(/[\t-\r ]+/y) !== null) return true
    return cursor.match(/#[^\n]*\n?/y) !== null
  }

  #byte(code: number): PatternNode {
    return { kind: 'set', set: this.#options.caseless ? eitherCase(code) : singleByte(code) }
  }

  #quantified(atom: PatternNode): PatternNode {
    const cursor = this.#cursor
    if (this.#options.extended) while (this.#skipBlank());
    if (!'*+?{'.includes(cursor.next) || cursor.atEnd) return atom
    const found = cursor.match(/([*+?])|\{(\d+)(?:(,)(\d*))?\}/y)
    if (found === null) return atom
    const [, sign, low, comma, high] = found
    const min = sign === undefined ? Number(low) : sign === '+' ? 1 : 0
    const max = sign === undefined ? upperBound(min, comma, high) : sign === '?' ? 1 : Number.POSITIVE_INFINITY
    if (max < min) throw bad('the numbers of a quantifier of the pattern are out of order')
    if (min > 65_535 || (max > 65_535 && max !== Number.POSITIVE_INFINITY))
      throw bad('a number of a quantifier of the pattern is above 65535')
    const repeat: PatternNode = { kind: 'repeat', body: atom, min, max, mode: this.#mode() }
    // PCRE takes `a{2}{3}`; a third sign behind `a+` is an error.
    return sign === undefined ? this.#quantified(repeat) : this.#unquantified(repeat)
  }

  #mode(): RepeatMode {
    if (this.#cursor.take('+')) return 'possessive'
    const lazy = this.#cursor.take('?') !== this.#options.ungreedy
    return lazy ? 'lazy' : 'greedy'
  }

  #unquantified(repeat: PatternNode): PatternNode {
    if (/[*+?]/.test(this.#cursor.next)) throw bad('a quantifier of the pattern has nothing to repeat')
    return this.#quantified(repeat)
  }

  /** Null where the text stands for nothing (comments, options). */
  #atom(): PatternNode | null {
    const cursor = this.#cursor
    const char = cursor.next
    switch (char) {
      case '\\':
        return this.#escape()
      case '[':
        return { kind: 'set', set: parseClass(cursor, this.#options.caseless) }
      case '(':
        return this.#open()
      case '*':
      case '+':
      case '?':
        throw bad('a quantifier of the pattern has nothing to repeat')
      case '.':
        cursor.at++
        return { kind: 'set', set: this.#options.dotAll ? anyByte : setOf((code) => code !== 0x0a) }
      case '^':
        cursor.at++
        return { kind: 'position', at: this.#options.multiLine ? 'line-start' : 'start' }
      case '$':
        cursor.at++
        return { kind: 'position', at: this.#options.multiLine ? 'line-end' : 'end' }
      default:
        cursor.at++
        return this.#byte(char.charCodeAt(0))
    }
  }

  #open(): PatternNode | null {
    const cursor = this.#cursor
    if (cursor.match(/\(\*/y) !== null) throw unsupported('verbs such as (*FAIL)')
    if (cursor.match(/\(\?#/y) !== null) {
      if (cursor.match(/[^)]*\)/y) === null) throw bad('a comment in the pattern is not closed')
      return null
    }
    const look = cursor.match(/\(\?(<?)([=!])/y)
    if (look !== null) return this.#look(look[1] === '<', look[2] === '!')
    if (cursor.match(/\(\?>/y) !== null) return { kind: 'atomic', body: this.#body() }
    if (cursor.match(/\(\?\|/y) !== null) return this.#body(true)
    const named = cursor.match(/\(\?(?:P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')/y)
    if (named !== null) return this.#group(named[1] ?? named[2])
    const reference = cursor.match(/\(\?P=([A-Za-z_]\w*)\)/y)
    if (reference !== null) return this.#namedReference(reference[1] ?? '')
    if (cursor.match(/\(\?(?=\()/y) !== null) return this.#condition()
    if (cursor.match(/\(\?(?:R\)|[+-]?\d|&|P>|C)/y) !== null) throw unsupported('recursion and callouts')
    const options = cursor.match(/\(\?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])/y)
    if (options !== null) return this.#setOptions(options[1] ?? '', options[2] ?? '', options[3] === ':')
    if (cursor.match(/\(\?/y) !== null) throw bad('what follows (? in the pattern is unknown')
    cursor.at++
    return this.#group(undefined)
  }

  #body(resetGroups = false): PatternNode {
    const outer = this.#options
    const body = this.#choice(resetGroups)
    this.#options = outer
    if (!this.#cursor.take(')')) throw bad('a parenthesis of the pattern is not closed')
    return body
  }

  #group(name: string | undefined): PatternNode {
    const index = ++this.#groups
    if (name !== undefined) this.#names.set(name, [...(this.#names.get(name) ?? []), index])
    return { kind: 'group', index, body: this.#body() }
  }

  #look(behind: boolean, negated: boolean): LookNode {
    const body = this.#body()
    if (behind)
      for (const branch of body.kind === 'choice' ? body.branches : [body]) {
        const { min, max } = lengthOf(branch)
        if (min !== max) throw bad('a look-behind of the pattern has no fixed length')
      }
    return { kind: 'look', behind, negated, body }
  }

  #setOptions(on: string, off: string, scoped: boolean): PatternNode | null {
    if (/[^imsxU]/.test(on + off)) throw unsupported(`the option (?${on}${off === '' ? '' : `-${off}`})`)
    const outer = this.#options
    const value = (letter: string, now: boolean): boolean => !off.includes(letter) && (on.includes(letter) || now)
    this.#options = {
      caseless: value('i', outer.caseless),
      multiLine: value('m', outer.multiLine),
      dotAll: value('s', outer.dotAll),
      extended: value('x', outer.extended),
      ungreedy: value('U', outer.ungreedy),
    }
    if (!scoped) return null
    const body = this.#choice()
    this.#options = outer
    if (!this.#cursor.take(')')) throw bad('a parenthesis of the pattern is not closed')
    return body
  }

  #condition(): PatternNode {
    const cursor = this.#cursor
    const look = cursor.match(/\(\?(<?)([=!])/y)
    const test = look === null ? this.#conditionGroups() : this.#look(look[1] === '<', look[2] === '!')
    const body = this.#body()
    const branches = body.kind === 'choice' ? body.branches : [body]
    if (branches.length > 2) throw bad('a conditional of the pattern has more than two branches')
    return { kind: 'condition', test, yes: branches[0] ?? empty, no: branches[1] ?? empty }
  }

  #conditionGroups(): readonly number[] {
    const found = this.#cursor.match(/\((?:([+-]?)(\d+)|<(\w+)>|'(\w+)'|([A-Za-z_]\w*))\)/y)
    if (found === null) throw unsupported('this kind of conditional')
    if (found[2] !== undefined) return [this.#referTo(this.#relative(found[1] ?? '', Number(found[2])))]
    return this.#groupsNamed(found[3] ?? found[4] ?? found[5] ?? '')
  }

  #relative(sign: string, number: number): number {
    if (sign === '-') return this.#groups + 1 - number
    return sign === '+' ? this.#groups + number : number
  }

  #referTo(index: number): number {
    this.#references.push(index)
    return index
  }

  #groupsNamed(name: string): readonly number[] {
    const groups = this.#names.get(name)
    if (groups === undefined) throw bad(`the pattern refers to the group "${name}", which it does not have`)
    return groups
  }

  #namedReference(name: string): PatternNode {
    return { kind: 'reference', groups: this.#groupsNamed(name), caseless: this.#options.caseless }
  }

  #escape(): PatternNode {
    const cursor = this.#cursor
    const named = cursor.match(/\\k(?:<(\w+)>|'(\w+)'|\{(\w+)\})|\\g\{([A-Za-z_]\w*)\}/y)
    if (named !== null) return this.#namedReference(named[1] ?? named[2] ?? named[3] ?? named[4] ?? '')
    const numbered = cursor.match(/\\g(?:([+-]?)(\d+)|\{([+-]?)(\d+)\})/y)
    if (numbered !== null)
      return this.#reference(this.#relative(numbered[1] ?? numbered[3] ?? '', Number(numbered[2] ?? numbered[4])))
    const plain = this.#plainReference()
    if (plain !== null) return this.#reference(plain)
    const code = readCode(cursor)
    if (code !== null) return this.#byte(code)
    const letter = cursor.pattern[cursor.at + 1]
    if (letter === undefined) throw bad('the pattern ends in a single backslash')
    cursor.at += 2
    const set = escapeSets[letter] ?? escapeSets[letter.toLowerCase()]
    if (set !== undefined)
      return { kind: 'set', set: escapeSets[letter] === undefined ? sharedSet(complement(set)) : set }
    return this.#special(letter)
  }

  #special(letter: string): PatternNode {
    const at = positions[letter]
    if (at !== undefined) return { kind: 'position', at }
    if (letter === 'K') return { kind: 'keep' }
    if (letter === 'N') return { kind: 'set', set: setOf((code) => code !== 0x0a) }
    if (letter === 'R') return newline
    if (/[CLPUXlpugk]/.test(letter)) throw unsupported(`\\${letter}`)
    if (/[A-Za-z0-9]/.test(letter)) throw bad(`the pattern's \\${letter} means nothing`)
    return this.#byte(letter.charCodeAt(0))
  }

  #reference(index: number): PatternNode {
    return { kind: 'reference', groups: [this.#referTo(index)], caseless: this.#options.caseless }
  }

  /** `\1` to `\9` always refer to a group; a greater number does where there are so many, and is a code otherwise. */
  #plainReference(): number | null {
    const cursor = this.#cursor
    const number = Number(cursor.peek(/\\([1-9]\d*)/y)?.[1] ?? 0)
    if (number === 0) return null
    if (number >= 10) {
      this.sawHighNumber = true
      if (number > (this.totalGroups ?? 0)) {
        if (this.totalGroups !== null || cursor.peek(/\\[1-7]/y) !== null) return null
      }
    }
    cursor.at += String(number).length + 1
    return number
  }
}

function upperBound(min: number, comma: string | undefined, high: string | undefined): number {
  if (comma === undefined) return min
  return high === undefined || high === '' ? Number.POSITIVE_INFINITY : Number(high)
}

const positions: Readonly<Record<string, Extract<PatternNode, { kind: 'position' }>['at']>> = {
  A: 'start',
  B: 'no-word-border',
  G: 'search-start',
  Z: 'end-or-last-newline',
  b: 'word-border',
  z: 'end',
}

/** `\R`: it never gives back half of CRLF. */
const newline: PatternNode = {
  kind: 'atomic',
  body: {
    kind: 'choice',
    branches: [
      {
        kind: 'sequence',
        items: [
          { kind: 'set', set: singleByte(0x0d) },
          { kind: 'set', set: singleByte(0x0a) },
        ],
      },
      { kind: 'set', set: escapeSets.v ?? anyByte },
    ],
  },
}

function bad(message: string): DefinitionError {
  return new DefinitionError(message, 'bad-pattern')
}

function unsupported(what: string): DefinitionError {
  return new DefinitionError(`the pattern uses ${what}, which is not supported`, 'regex-unsupported')
}
