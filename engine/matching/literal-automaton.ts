/**
 * Aho-Corasick over many literals, bytes folded as requirements fold them: all of those that stand in a value, in one pass over it.
 *
 * States are numbered so that those in which a literal ends come last: a pass tests one number a byte.
 */
import { InternalError } from '../errors.js'
import type { ByteString } from '../model/exchange.js'
import { type Border, foldedBytes, type Literal } from '../model/requirement.js'
import { offsets } from './flat-lists.js'
import { bytesOf } from './value-bytes.js'

/**
 * LIMIT: bytes of a literal that the automaton reads; the rest is compared where they stand. A table of longer ones
 * would not fit the processor's cache, and each byte of a value would wait for memory.
 */
const headLength = 4
/** log2 of the classes of bytes that are told apart; bytes beyond that share one, and are compared. */
const classBits = 6
const sharedClass = (1 << classBits) - 1

/** LIMIT: bytes that are looked for by themselves. */
const mostBytes = 31

export class LiteralAutomaton {
  /** Literals of a single byte whatever stands beside it; a bit each in `#bitsOf`. */
  readonly #singles: number[] = []
  readonly #bitsOf = new Int32Array(256)
  /** Class of each byte; bytes that are folded into one share it. Class 0: in no literal. */
  readonly #classOf: Uint8Array
  /** Where to go from a state by class of the byte. */
  readonly #next: Uint16Array
  /** The first state in which a literal's head ends. */
  readonly #firstEnd: number
  /** Where the literals of each ending state begin in `#ended`, by state less the first one; one more at the end. */
  readonly #endedFrom: Int32Array
  readonly #ended: Int32Array
  /** Row of what may follow the head of one of the literals of the state. */
  readonly #followed: Int32Array
  readonly #borders: BorderTable
  /** Of each literal: length, first byte to be compared, and the rows of its borders. */
  readonly #lengths: Int32Array
  readonly #comparedFrom: Int32Array
  readonly #before: Int32Array
  readonly #after: Int32Array
  /** All texts, one behind the other, and where each begins. */
  readonly #bytes: Uint8Array
  readonly #bytesFrom: Int32Array

  constructor(literals: readonly Literal[]) {
    const borders = new BorderTable()
    const texts = literals.map(({ text }) => text)
    this.#classOf = classify(texts)
    this.#lengths = Int32Array.from(texts, (text) => text.length)
    this.#comparedFrom = Int32Array.from(texts, (text) => firstCompared(text, this.#classOf))
    this.#before = Int32Array.from(literals, ({ before, text }) => borders.rowOf(before, text.charCodeAt(0)))
    this.#after = Int32Array.from(literals, ({ after, text }) => borders.rowOf(after, text.charCodeAt(text.length - 1)))
    this.#bytes = Buffer.from(texts.join(''), 'latin1')
    this.#bytesFrom = offsets(this.#lengths)
    this.#borders = borders

    const trie = new Trie(this.#withoutSingles(literals), this.#classOf)
    const order = trie.endsLast()
    this.#next = trie.renumbered(order)
    const ending = order.filter((state) => trie.endsOf(state).length > 0).map((state) => trie.endsOf(state))
    this.#firstEnd = order.length - ending.length
    this.#endedFrom = offsets(ending.map((ends) => ends.length))
    this.#ended = Int32Array.from(ending.flat())
    this.#followed = Int32Array.from(ending, (ends) =>
      borders.unionOf(ends.map((literal) => this.#rowBehindHead(literal, texts[literal] as ByteString))),
    )
  }

  /** Empty texts in place of those that a bit stands for. */
  #withoutSingles(literals: readonly Literal[]): ByteString[] {
    return literals.map(({ text, before, after }, literal) => {
      const alone = text.length === 1 && before === 'any' && after === 'any'
      if (!alone || this.#singles.length >= mostBytes) return text
      const bit = 1 << this.#singles.length
      this.#singles.push(literal)
      foldedBytes.forEach((byte, code) => {
        if (byte === text) this.#bitsOf[code] = (this.#bitsOf[code] as number) | bit
      })
      return ''
    })
  }

  #rowBehindHead(literal: number, text: ByteString): number {
    if (text.length <= headLength) return this.#after[literal] as number
    return this.#borders.rowOfByte(text[headLength] as string)
  }

  /**
   * Writes the numbers of the literals that stand in the value to `found`, each once, and returns how many.
   * `seen` holds for each literal the number of the last scan that met it; `scan` is this one's.
   */
  scan(value: ByteString, found: Int32Array, seen: Int32Array, scan: number): number {
    const classOf = this.#classOf
    const next = this.#next
    const firstEnd = this.#firstEnd
    const borders = this.#borders.flags
    const last = value.length - 1
    const bytes = bytesOf(value)
    const bitsOf = this.#bitsOf
    let state = 0
    let count = 0
    let bits = 0
    for (let i = 0; i <= last; i++) {
      const code = bytes[i] as number
      bits |= bitsOf[code] as number
      state = next[(state << classBits) | (classOf[code] as number)] as number
      if (state < firstEnd) continue
      const at = state - firstEnd
      const behind = i < last ? (bytes[i + 1] as number) : edge
      if (borders[(this.#followed[at] as number) + behind] === 0) continue
      const to = this.#endedFrom[at + 1] as number
      for (let e = this.#endedFrom[at] as number; e < to; e++) {
        const literal = this.#ended[e] as number
        if (seen[literal] === scan || !this.#standsAt(bytes, last + 1, i, literal)) continue
        seen[literal] = scan
        found[count++] = literal
      }
    }
    for (let single = 0; bits !== 0; single++, bits >>>= 1)
      if ((bits & 1) === 1) found[count++] = this.#singles[single] as number
    return count
  }

  /** Whether the literal whose head ends at `at` stands there whole, and with its borders. */
  #standsAt(bytes: Uint8Array, size: number, at: number, literal: number): boolean {
    const borders = this.#borders.flags
    const length = this.#lengths[literal] as number
    const start = at + 1 - Math.min(length, headLength)
    const end = start + length
    if (end > size) return false
    if (borders[(this.#before[literal] as number) + (start > 0 ? (bytes[start - 1] as number) : edge)] === 0)
      return false
    if (borders[(this.#after[literal] as number) + (end < size ? (bytes[end] as number) : edge)] === 0) return false
    const from = this.#bytesFrom[literal] as number
    for (let i = this.#comparedFrom[literal] as number; i < length; i++)
      if (foldedCodes[bytes[start + i] as number] !== this.#bytes[from + i]) return false
    return true
  }
}

const foldedCodes = Uint8Array.from(foldedBytes, (byte) => byte.charCodeAt(0))

/** The bytes that stand in most heads get classes of their own. */
function classify(texts: readonly ByteString[]): Uint8Array {
  const uses = new Int32Array(256)
  const codes: number[] = []
  for (const text of texts)
    for (let i = 0; i < text.length && i < headLength; i++) {
      const code = text.charCodeAt(i)
      if (uses[code] === 0) codes.push(code)
      uses[code] = (uses[code] as number) + 1
    }
  codes.sort((one, other) => (uses[other] as number) - (uses[one] as number))
  const classOf = new Uint8Array(256)
  let classes = 1
  for (const code of codes) classOf[code] = classes < sharedClass ? classes++ : sharedClass
  return classOf.map((_, code) => classOf[foldedCodes[code] as number] as number)
}

/** The head is known from the state, but for bytes of the shared class. */
function firstCompared(text: ByteString, classOf: Uint8Array): number {
  for (let i = 0; i < text.length && i < headLength; i++) if (classOf[text.charCodeAt(i)] === sharedClass) return i
  return Math.min(text.length, headLength)
}

/** Stands for what is before the first and behind the last byte. */
const edge = 256
const rowLength = 257
const newline = 0x0a

/** What may stand next to a literal, as rows of flags by byte; equal rows are one. */
class BorderTable {
  /** One row behind the other, and room for more. */
  flags: Uint8Array = new Uint8Array(64 * rowLength).fill(1, 0, rowLength)
  #used = rowLength
  readonly #rows = new Map<string, number>([[keyOfRow(this.flags.subarray(0, rowLength)), 0]])
  readonly #known = new Map<Border, Map<number, number>>()
  readonly #bytes = new Map<ByteString, number>()

  /** Offset of the row; `inner` is the literal's own byte at the border. */
  rowOf(border: Border, inner: number): number {
    if (border === 'any') return 0
    let known = this.#known.get(border)
    if (known === undefined) {
      known = new Map()
      this.#known.set(border, known)
    }
    let offset = known.get(inner)
    if (offset === undefined) {
      offset = this.#makeRow(border, inner)
      known.set(inner, offset)
    }
    return offset
  }

  #makeRow(border: Exclude<Border, 'any'>, inner: number): number {
    const row = new Uint8Array(rowLength)
    for (let code = 0; code < rowLength; code++) if (mayBorder(border, inner, code)) row[code] = 1
    return this.#keep(row)
  }

  /** The row of the bytes that count as this one; a value does not end before them. */
  rowOfByte(byte: ByteString): number {
    let offset = this.#bytes.get(byte)
    if (offset === undefined) {
      const row = new Uint8Array(rowLength)
      for (let code = 0; code < edge; code++) if (foldedBytes[code] === byte) row[code] = 1
      offset = this.#keep(row)
      this.#bytes.set(byte, offset)
    }
    return offset
  }

  /** Offset of the row of what one of the rows allows. */
  unionOf(offsets: readonly number[]): number {
    if (offsets.includes(0)) return 0
    const [first = 0, ...rest] = new Set(offsets)
    if (rest.length === 0) return first
    const any = this.flags.slice(first, first + rowLength)
    for (const offset of rest)
      for (let code = 0; code < rowLength; code++)
        any[code] = (any[code] as number) | (this.flags[offset + code] as number)
    return this.#keep(any)
  }

  #keep(row: Uint8Array): number {
    const key = keyOfRow(row)
    const known = this.#rows.get(key)
    if (known !== undefined) return known
    const offset = this.#used
    this.#used += rowLength
    if (this.#used > this.flags.length) {
      const flags = new Uint8Array(2 * this.flags.length)
      flags.set(this.flags)
      this.flags = flags
    }
    this.flags.set(row, offset)
    this.#rows.set(key, offset)
    return offset
  }
}

function keyOfRow(row: Uint8Array): string {
  return Buffer.from(row.buffer, row.byteOffset, row.length).toString('latin1')
}

function mayBorder(border: Exclude<Border, 'any'>, inner: number, outer: number): boolean {
  if (border === 'word') return isWord(inner) !== isWord(outer)
  // Between a byte and a newline a line ends or begins, whichever of them is the literal's.
  if (border === 'line') return outer === edge || outer === newline || foldedBytes[inner] === foldedBytes[newline]
  return border[outer] === 1
}

const wordCodes = Uint8Array.from({ length: edge }, (_, code) => (/\w/.test(String.fromCharCode(code)) ? 1 : 0))

function isWord(code: number): boolean {
  return wordCodes[code] === 1
}

/** The states while they are being numbered. */
class Trie {
  /** 0, where none begins again, stands for no step until the trie is complete. */
  readonly #next: Uint16Array
  readonly #ends: number[][] = []
  readonly #states: number

  constructor(
    literals: readonly ByteString[],
    private readonly classOf: Uint8Array,
  ) {
    let most = 1
    for (const text of literals) most += Math.min(text.length, headLength)
    this.#next = new Uint16Array(most << classBits)
    this.#states = this.#plant(literals)
    this.#complete()
  }

  /** The steps of all states by the positions that they have in the order. */
  renumbered(order: readonly number[]): Uint16Array {
    const position = new Uint16Array(order.length)
    for (let at = 0; at < order.length; at++) position[order[at] as number] = at
    const steps = new Uint16Array(order.length << classBits)
    for (let at = 0; at < order.length; at++) {
      const from = (order[at] as number) << classBits
      const to = at << classBits
      for (let c = 0; c <= sharedClass; c++) steps[to | c] = position[this.#next[from | c] as number] as number
    }
    return steps
  }

  endsOf(state: number): readonly number[] {
    return this.#ends[state] ?? []
  }

  /** All states, those near the start first, those in which nothing ends before the others. */
  endsLast(): number[] {
    const all = Array.from({ length: this.#states }, (_, state) => state)
    return [...all.filter((s) => this.endsOf(s).length === 0), ...all.filter((s) => this.endsOf(s).length > 0)]
  }

  /** Breadth first, so that states near the start are near each other. */
  #plant(literals: readonly ByteString[]): number {
    let used = 1
    let level = literals.map((text, index) => ({ text, index, state: 0 }))
    for (let depth = 0; level.length > 0; depth++) {
      level = level.filter((each) => {
        if (each.text === '') return false
        if (depth < each.text.length && depth < headLength) return true
        const ends = this.#ends[each.state]
        if (ends === undefined) this.#ends[each.state] = [each.index]
        else ends.push(each.index)
        return false
      })
      for (const each of level) {
        const at = (each.state << classBits) | (this.classOf[each.text.charCodeAt(depth)] as number)
        if (this.#next[at] === 0) {
          if (used > 0xffff) throw new InternalError('too many states of a literal automaton')
          this.#next[at] = used++
        }
        each.state = this.#next[at] as number
      }
    }
    return used
  }

  #complete(): void {
    const next = this.#next
    const failure = new Int32Array(this.#states)
    const queue: number[] = []
    for (let c = 0; c <= sharedClass; c++) {
      const to = next[c] as number
      if (to !== 0) queue.push(to)
    }
    for (let head = 0; head < queue.length; head++) {
      const state = queue[head] as number
      const back = failure[state] as number
      const inherited = this.#ends[back]
      if (inherited !== undefined) this.#ends[state] = [...(this.#ends[state] ?? []), ...inherited]
      for (let c = 0; c <= sharedClass; c++) {
        const at = (state << classBits) | c
        const to = next[at] as number
        const fallback = next[(back << classBits) | c] as number
        if (to === 0) next[at] = fallback
        else {
          failure[to] = fallback
          queue.push(to)
        }
      }
    }
  }
}
