/**
 * PCRE pattern syntax to RE2's, on byte strings: what PCRE writes otherwise is rewritten so that its meaning holds,
 * what RE2 cannot express is named. Patterns with such names are parsed to a tree instead.
 *
 * Each char of a pattern is a byte. RE2 sees the bytes as code points U+0000-U+00FF, as it sees those of values.
 */
import { DefinitionError } from '../errors.js'
import type { ByteString } from '../model/exchange.js'

export interface RewrittenPattern {
  /** Source for RE2; of no use where `needs` is not empty. */
  readonly source: ByteString
  /** Constructs that are not written for RE2 here: `look-around`, `back-reference`, `atomic group` … */
  readonly needs: readonly string[]
}

const spaceClass = '\\x09-\\x0d\\x20'
const notSpaceClass = '\\x00-\\x08\\x0e-\\x1f\\x21-\\xff'
/** PCRE's \v is all vertical space, RE2's the vertical tab alone. */
const verticalClass = '\\x0a-\\x0d\\x85'
const notVerticalClass = '\\x00-\\x09\\x0e-\\x84\\x86-\\xff'
const horizontalClass = '\\x09\\x20\\xa0'
const notHorizontalClass = '\\x00-\\x08\\x0a-\\x1f\\x21-\\x9f\\xa1-\\xff'

/** Escapes that mean the same in both. */
const sharedEscapes = 'aftnrdDwWbAz'

/** Throws DefinitionError where the pattern is no valid PCRE pattern of those the engines accept. */
export function rewritePattern(pattern: ByteString, startsCaseless: boolean): RewrittenPattern {
  return new Rewriter(pattern, startsCaseless).run()
}

class Rewriter {
  #at = 0
  #out = ''
  #caseless: boolean
  readonly #outerCaseless: boolean[] = []
  readonly #needs = new Set<string>()

  constructor(
    private readonly pattern: ByteString,
    startsCaseless: boolean,
  ) {
    this.#caseless = startsCaseless
  }

  run(): RewrittenPattern {
    while (this.#at < this.pattern.length) this.#step()
    return { source: this.#out, needs: [...this.#needs] }
  }

  #step(): void {
    const char = this.pattern[this.#at] as string
    switch (char) {
      case '\\':
        this.#escape()
        return
      case '[':
        this.#class()
        return
      case '(':
        this.#open()
        return
      case ')':
        this.#caseless = this.#outerCaseless.pop() ?? this.#caseless
        this.#copy(1)
        return
      case '*':
      case '+':
      case '?':
      case '{':
        this.#quantifier()
        return
      default:
        this.#literal(char)
        this.#at++
    }
  }

  #copy(length: number): void {
    this.#out += this.pattern.slice(this.#at, this.#at + length)
    this.#at += length
  }

  /** RE2 folds é and É; PCRE on bytes does not. */
  #literal(char: string): void {
    if (char.charCodeAt(0) >= 0x80) this.#byte(char.charCodeAt(0))
    else this.#out += char
  }

  #byte(code: number): void {
    const escaped = `\\x${code.toString(16).padStart(2, '0')}`
    this.#out += this.#caseless && code >= 0x80 ? `(?-i:${escaped})` : escaped
  }

  #open(): void {
    const rest = this.pattern.slice(this.#at)
    if (rest.startsWith('(?#')) {
      const end = rest.indexOf(')')
      if (end < 0) throw new DefinitionError('a comment in the pattern is not closed', 'bad-pattern')
      this.#at += end + 1
      return
    }
    const look = /^\(\?(?:<?[=!])/.exec(rest)
    if (look !== null) this.#needs.add('look-around')
    else if (rest.startsWith('(?>')) this.#needs.add('atomic group')
    else if (/^\(\?(?:R|\d|&|P>|P=|\(|\|)/.test(rest)) this.#needs.add('recursion or conditional')
    const flags = /^\(\?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])/.exec(rest)
    if (flags === null) {
      this.#outerCaseless.push(this.#caseless)
      this.#copy(look?.[0].length ?? 1)
      return
    }
    this.#flags(flags)
  }

  #flags([whole, on = '', off = '', end = '']: RegExpExecArray): void {
    if (/[^imsU]/.test(on + off)) this.#needs.add(`option (?${on})`)
    if (end === ':') this.#outerCaseless.push(this.#caseless)
    if (on.includes('i')) this.#caseless = true
    if (off.includes('i')) this.#caseless = false
    this.#copy(whole.length)
  }

  #quantifier(): void {
    const rest = this.pattern.slice(this.#at, this.#at + 16)
    const found = /^(?:[*+?]|\{\d+(?:,\d*)?\})/.exec(rest)
    if (found === null) {
      this.#out += '\\{'
      this.#at++
      return
    }
    this.#copy(found[0].length)
    if (this.pattern[this.#at] === '+') {
      this.#needs.add('possessive quantifier')
      this.#at++
    } else if (this.pattern[this.#at] === '?') this.#copy(1)
  }

  #escape(): void {
    const next = this.pattern[this.#at + 1]
    if (next === undefined) throw new DefinitionError('the pattern ends in a single backslash', 'bad-pattern')
    if (/[1-9]/.test(next)) {
      this.#digits()
      return
    }
    const code = this.#codeEscape()
    if (code !== null) {
      this.#byte(code)
      return
    }
    this.#at += 2
    if (next === 's') this.#out += `[${spaceClass}]`
    else if (next === 'S') this.#out += `[^${spaceClass}]`
    else if (next === 'v') this.#out += `[${verticalClass}]`
    else if (next === 'V') this.#out += `[^${verticalClass}]`
    else if (next === 'h') this.#out += `[${horizontalClass}]`
    else if (next === 'H') this.#out += `[^${horizontalClass}]`
    else if (next === 'R') this.#needs.add('\\R')
    // RE2 finds \B inside the two bytes that stand for é.
    else if (next === 'B') this.#needs.add('\\B')
    else if (next === 'N') this.#out += '[^\\n]'
    else if (next === 'Z') this.#needs.add('\\Z')
    else if (next === 'k' || next === 'g') this.#needs.add('back-reference')
    else if (next === 'K' || next === 'G') this.#needs.add(`\\${next}`)
    else if (next === 'Q') this.#quoted()
    else if (next === 'E') return
    else if (next === 'p' || next === 'P') this.#property(next)
    else if (sharedEscapes.includes(next)) this.#out += `\\${next}`
    else this.#plainEscape(next)
  }

  /** A backslash before a character without a meaning of its own. */
  #plainEscape(next: string): void {
    if (/[XCLlUu]/.test(next))
      throw new DefinitionError(`the pattern's \\${next} is not supported`, 'regex-unsupported')
    if (/[A-Za-z]/.test(next)) this.#out += next
    else if (next.charCodeAt(0) >= 0x80) this.#byte(next.charCodeAt(0))
    else this.#out += next === '_' ? next : `\\${next}`
  }

  #property(letter: string): void {
    const name = /^(?:\{[^}]*\}|[A-Za-z])/.exec(this.pattern.slice(this.#at, this.#at + 40))
    this.#out += `\\${letter}${name?.[0] ?? ''}`
    this.#at += name?.[0].length ?? 0
  }

  #quoted(): void {
    const end = this.pattern.indexOf('\\E', this.#at)
    const text = this.pattern.slice(this.#at, end < 0 ? undefined : end)
    for (const char of text) this.#out += /[A-Za-z0-9_]/.test(char) ? char : hexEscape(char)
    this.#at = end < 0 ? this.pattern.length : end + 2
  }

  /** `\1` is a back-reference; `\123` an octal code. */
  #digits(): void {
    const octal = /^\\([1-3][0-7]{2})/.exec(this.pattern.slice(this.#at, this.#at + 4))
    if (octal !== null) {
      this.#at += 4
      this.#byte(Number.parseInt(octal[1] ?? '0', 8))
      return
    }
    const reference = /^\\\d+/.exec(this.pattern.slice(this.#at))?.[0] ?? '\\1'
    this.#needs.add('back-reference')
    this.#copy(reference.length)
  }

  /** The code of an escape that stands for one byte by number; null where this is none. Moves behind it. */
  #codeEscape(): number | null {
    const rest = this.pattern.slice(this.#at, this.#at + 12)
    const hex = /^\\x(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{0,2}))/.exec(rest)
    if (hex !== null) {
      this.#at += hex[0].length
      const code = Number.parseInt((hex[1] ?? hex[2]) || '0', 16)
      if (code > 0xff)
        throw new DefinitionError(`${hex[0]} is no byte; write the bytes of the character`, 'bad-pattern')
      return code
    }
    const octal = /^\\0([0-7]{0,2})/.exec(rest)
    if (octal !== null) {
      this.#at += octal[0].length
      return Number.parseInt(octal[1] || '0', 8)
    }
    const control = /^\\c([\x20-\x7e])/.exec(rest)
    if (control !== null) {
      this.#at += 3
      return (control[1] ?? '').toUpperCase().charCodeAt(0) ^ 0x40
    }
    if (rest.startsWith('\\e')) {
      this.#at += 2
      return 0x1b
    }
    return null
  }

  #class(): void {
    const negated = this.pattern[this.#at + 1] === '^'
    this.#at += negated ? 2 : 1
    const body = this.#classBody()
    const high = this.#caseless && !negated ? splitHigh(body) : null
    if (high === null) this.#out += `[${negated ? '^' : ''}${body.join('')}]`
    else if (high.low.length === 0) this.#out += `(?-i:[${high.high.join('')}])`
    else this.#out += `(?:[${high.low.join('')}]|(?-i:[${high.high.join('')}]))`
  }

  /** Items of the class, each as RE2 writes it. */
  #classBody(): string[] {
    const items: string[] = []
    for (let first = true; ; first = false) {
      const char = this.pattern[this.#at]
      if (char === undefined) throw new DefinitionError('a character class of the pattern is not closed', 'bad-pattern')
      if (char === ']' && !first) {
        this.#at++
        return items
      }
      items.push(this.#classItem())
    }
  }

  #classItem(): string {
    const posix = /^\[:\^?[a-z]+:\]/.exec(this.pattern.slice(this.#at, this.#at + 14))
    if (posix !== null) {
      this.#at += posix[0].length
      return posix[0]
    }
    const low = this.#classChar()
    if (low.length > 1 || this.pattern[this.#at] !== '-') return low.length > 1 ? low : classEscape(low)
    const next = this.pattern[this.#at + 1]
    if (next === undefined || next === ']' || next === '[') return classEscape(low)
    const back = this.#at
    this.#at++
    const high = this.#classChar()
    if (high.length > 1) {
      this.#at = back
      return classEscape(low)
    }
    if (high < low) throw new DefinitionError('a range of a character class ends before it begins', 'bad-pattern')
    return `${classEscape(low)}-${classEscape(high)}`
  }

  /** One char, or (longer) a set that stands for itself. Moves behind it. */
  #classChar(): string {
    const char = this.pattern[this.#at] as string
    if (char !== '\\') {
      this.#at++
      return char
    }
    const code = this.#codeEscape()
    if (code !== null) return String.fromCharCode(code)
    const octal = /^\\([0-7]{1,3})/.exec(this.pattern.slice(this.#at, this.#at + 4))
    if (octal !== null) {
      this.#at += octal[0].length
      return String.fromCharCode(Number.parseInt(octal[1] ?? '0', 8) & 0xff)
    }
    const next = this.pattern[this.#at + 1]
    if (next === undefined) throw new DefinitionError('the pattern ends in a single backslash', 'bad-pattern')
    this.#at += 2
    const controls: Record<string, string> = { a: '\x07', b: '\x08', f: '\f', n: '\n', r: '\r', t: '\t' }
    const sets: Record<string, string> = {
      v: verticalClass,
      V: notVerticalClass,
      s: spaceClass,
      S: notSpaceClass,
      h: horizontalClass,
      H: notHorizontalClass,
    }
    if (/[dDwW]/.test(next)) return `\\${next}`
    if (next === 'p' || next === 'P')
      throw new DefinitionError(`\\${next} in a class is not supported`, 'regex-unsupported')
    return controls[next] ?? sets[next] ?? next
  }
}

function hexEscape(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
}

function classEscape(char: string): string {
  return /[A-Za-z0-9]/.test(char) ? char : hexEscape(char)
}

/** Items above 0x7F apart from the others; null where there are none (or a range spans the border). */
function splitHigh(items: readonly string[]): { low: string[]; high: string[] } | null {
  const high = items.filter((item) => /^\\x[89a-f][0-9a-f](?:-|$)/.test(item))
  if (high.length === 0) return null
  return { low: items.filter((item) => !high.includes(item)), high }
}
