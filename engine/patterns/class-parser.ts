/**
 * Character classes and escapes that stand for one byte by number, as PCRE reads them.
 */
import { DefinitionError } from '../errors.js'
import type { ByteString } from '../model/exchange.js'
import { type ByteSet, bothCases, complement, emptySet, escapeSets, posixSets, sharedSet } from './byte-set.js'

/** A place in a pattern. */
export class Cursor {
  at = 0

  constructor(readonly pattern: ByteString) {}

  get atEnd(): boolean {
    return this.at >= this.pattern.length
  }

  /** The char at hand; empty at the end. */
  get next(): string {
    return this.pattern[this.at] ?? ''
  }

  take(text: string): boolean {
    if (!this.pattern.startsWith(text, this.at)) return false
    this.at += text.length
    return true
  }

  /** The text up to `\E`, or to the end; moves behind it. */
  quoted(): string {
    const end = this.pattern.indexOf('\\E', this.at)
    const text = this.pattern.slice(this.at, end < 0 ? undefined : end)
    this.at = end < 0 ? this.pattern.length : end + 2
    return text
  }

  /** `sticky` matched here, or null; does not move. */
  peek(sticky: RegExp): RegExpExecArray | null {
    sticky.lastIndex = this.at
    return sticky.exec(this.pattern)
  }

  /** As `peek`, and moves behind what matched. */
  match(sticky: RegExp): RegExpExecArray | null {
    const found = this.peek(sticky)
    if (found !== null) this.at += found[0].length
    return found
  }
}

const controls: Readonly<Record<string, number>> = { a: 7, e: 0x1b, f: 0x0c, n: 0x0a, r: 0x0d, t: 9 }

/** The code of `\x41`, `\101`, `\o{101}`, `\cA`, `\n` …; null where the escape is another. Moves behind it. */
export function readCode(cursor: Cursor): number | null {
  const hex = cursor.match(/\\x(?:\{([0-9a-fA-F]+)\}|([0-9a-fA-F]{0,2}))/y)
  if (hex !== null) return byteCode(Number.parseInt((hex[1] ?? hex[2]) || '0', 16), hex[0])
  const octal = cursor.match(/\\(?:o\{([0-7]+)\}|(0[0-7]{0,2}|[1-7][0-7]{0,2}))/y)
  if (octal !== null) return byteCode(Number.parseInt(octal[1] ?? octal[2] ?? '0', 8), octal[0])
  const control = cursor.match(/\\c([\x20-\x7e])/y)
  if (control !== null) return (control[1] ?? '').toUpperCase().charCodeAt(0) ^ 0x40
  const named = cursor.match(/\\([aefnrt])/y)
  return named === null ? null : (controls[named[1] ?? ''] ?? null)
}

function byteCode(code: number, text: string): number {
  if (code > 0xff) throw bad(`${text} is no byte; write the bytes of the character`)
  return code
}

/** The set of the class at the cursor's `[`. Throws DefinitionError. */
export function parseClass(cursor: Cursor, caseless: boolean): ByteSet {
  cursor.at++
  const negated = cursor.take('^')
  const set = emptySet()
  for (let first = true; first || cursor.next !== ']'; first = false) {
    if (cursor.atEnd) throw bad('a character class of the pattern is not closed')
    addItem(cursor, set)
  }
  cursor.at++
  const folded = caseless ? bothCases(set) : set
  return sharedSet(negated ? complement(folded) : folded)
}

function addItem(cursor: Cursor, set: ByteSet): void {
  if (cursor.take('\\Q')) {
    for (const char of cursor.quoted()) set[char.charCodeAt(0)] = 1
    return
  }
  if (cursor.take('\\E')) return
  const low = readItem(cursor)
  if (typeof low !== 'number') {
    addAll(set, low)
    return
  }
  const range = cursor.peek(/-(?!\]|\[:)/y) !== null && cursor.at + 1 < cursor.pattern.length
  if (!range) {
    set[low] = 1
    return
  }
  cursor.at++
  const high = readItem(cursor)
  if (typeof high !== 'number') {
    set[low] = 1
    set[0x2d] = 1
    addAll(set, high)
    return
  }
  if (high < low) throw bad('a range of a character class ends before it begins')
  set.fill(1, low, high + 1)
}

function addAll(set: ByteSet, members: ByteSet): void {
  for (let code = 0; code < 256; code++) if (members[code] === 1) set[code] = 1
}

/** One byte, or a set that stands for itself. */
function readItem(cursor: Cursor): number | ByteSet {
  const posix = cursor.match(/\[:(\^?)([a-z]+):\]/y)
  if (posix !== null) {
    const set = posixSets[posix[2] ?? '']
    if (set === undefined) throw bad(`the pattern names the class ${posix[0]}, which there is none of`)
    return posix[1] === '^' ? complement(set) : set
  }
  if (cursor.take('\\b')) return 8
  if (cursor.next !== '\\') {
    const code = cursor.next.charCodeAt(0)
    cursor.at++
    return code
  }
  const code = readCode(cursor)
  if (code !== null) return code
  const letter = cursor.pattern[cursor.at + 1]
  if (letter === undefined) throw bad('the pattern ends in a single backslash')
  cursor.at += 2
  const set = escapeSets[letter]
  if (set !== undefined) return set
  const inverse = escapeSets[letter.toLowerCase()]
  if (inverse !== undefined) return complement(inverse)
  if (/[A-Za-z]/.test(letter))
    throw new DefinitionError(`the pattern uses \\${letter} in a class, which is not supported`, 'regex-unsupported')
  return letter.charCodeAt(0)
}

function bad(message: string): DefinitionError {
  return new DefinitionError(message, 'bad-pattern')
}
