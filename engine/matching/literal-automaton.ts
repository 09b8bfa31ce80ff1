/**
 * Aho-Corasick over many literals, bytes folded as requirements fold them: all of those that stand in a value, in one pass over it.
 *
 * States are numbered so that those in which a literal ends come last: a pass tests one number a byte.
 */
import type { ByteString } from '../model/exchange.js'
import { type Border, foldedBytes, type Literal } from '../model/requirement.js'

export class LiteralAutomaton {
  /** Class of each byte; bytes that are folded into one share it. Class 0: in no literal. */
  readonly #classOf = new Uint8Array(256)
  readonly #classes: number
  /** Where to go from a state by class of the byte; a state is the offset of its row. */
  readonly #next: Int32Array
  /** Offset of the first state in which a literal ends. */
  readonly #firstEnd: number
  /** Where the literals of each ending state begin in `#ended`, by state less the first one; one more at the end. */
  readonly #endedFrom: Int32Array
  readonly #ended: Int32Array
  /** Row of what may follow one of the literals that end in the state. */
  readonly #followed: Int32Array

  readonly #borders: BorderTable
  /** Of each literal. */
  readonly #lengths: Int32Array
  readonly #before: Int32Array
  readonly #after: Int32Array

  constructor(literals: readonly Literal[]) {
    const borders = new BorderTable()
    this.#lengths = Int32Array.from(literals, ({ text }) => text.length)
    this.#before = Int32Array.from(literals, ({ before, text }) => borders.rowOf(before, text.charCodeAt(0)))
    this.#after = Int32Array.from(literals, ({ after, text }) => borders.rowOf(after, text.charCodeAt(text.length - 1)))
    this.#borders = borders
    const texts = literals.map(({ text }) => text)
    const classes = this.#classify(texts)
    this.#classes = classes
    const trie = new Trie(texts, this.#classOf, classes)
    const order = trie.endsLast()
    const states = order.length
    this.#next = new Int32Array(states * classes)
    const position = new Int32Array(states)
    order.forEach((state, at) => {
      position[state] = at
    })
    const plain = order.findIndex((state) => trie.endsOf(state).length > 0)
    const firstEnd = plain < 0 ? states : plain
    const ended: number[] = []
    const from: number[] = [0]
    order.forEach((state, at) => {
      for (let c = 0; c < classes; c++)
        this.#next[at * classes + c] = (position[trie.step(state, c)] as number) * classes
      if (at >= firstEnd) {
        ended.push(...trie.endsOf(state))
        from.push(ended.length)
      }
    })
    this.#firstEnd = firstEnd * classes
    this.#followed = Int32Array.from({ length: from.length - 1 }, (_, at) =>
      borders.unionOf(ended.slice(from[at], from[at + 1]).map((literal) => this.#after[literal] as number)),
    )
    this.#endedFrom = Int32Array.from(from)
    this.#ended = Int32Array.from(ended)
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
    let state = 0
    let count = 0
    for (let i = 0; i < value.length; i++) {
      state = next[state + (classOf[value.charCodeAt(i)] as number)] as number
      if (state < firstEnd) continue
      const behind = i + 1 < value.length ? value.charCodeAt(i + 1) : edge
      const at = (state - firstEnd) / this.#classes
      if (borders[(this.#followed[at] as number) + behind] === 0) continue
      const to = this.#endedFrom[at + 1] as number
      for (let e = this.#endedFrom[at] as number; e < to; e++) {
        const literal = this.#ended[e] as number
        if (seen[literal] === scan) continue
        const start = i - (this.#lengths[literal] as number)
        const ahead = start >= 0 ? value.charCodeAt(start) : edge
        if (borders[(this.#before[literal] as number) + ahead] === 0) continue
        if (borders[(this.#after[literal] as number) + behind] === 0) continue
        seen[literal] = scan
        found[count++] = literal
      }
    }
    return count
  }

  #classify(texts: readonly ByteString[]): number {
    let classes = 1
    for (const text of texts)
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i)
        if (this.#classOf[code] === 0) this.#classOf[code] = classes++
      }
    foldedBytes.forEach((byte, code) => {
      this.#classOf[code] = this.#classOf[byte.charCodeAt(0)] as number
    })
    return classes
  }
}

/** Stands for what is before the first and behind the last byte. */
const edge = 256
const rowLength = 257
const newline = 0x0a

/** What may stand next to a literal, as rows of flags by byte; equal rows are one. */
class BorderTable {
  /** One row behind the other. */
  flags: Uint8Array = new Uint8Array(rowLength).fill(1)
  readonly #rows = new Map<string, number>([[this.flags.join(''), 0]])
  readonly #known = new Map<Border, Map<number, number>>()

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
    return this.#keep(Uint8Array.from({ length: rowLength }, (_, code) => (mayBorder(border, inner, code) ? 1 : 0)))
  }

  /** Offset of the row of what one of the rows allows. */
  unionOf(offsets: readonly number[]): number {
    if (offsets.includes(0)) return 0
    const [first = 0, ...rest] = new Set(offsets)
    if (rest.length === 0) return first
    const any = Uint8Array.from({ length: rowLength }, (_, code) =>
      [first, ...rest].some((offset) => this.flags[offset + code] === 1) ? 1 : 0,
    )
    return this.#keep(any)
  }

  #keep(row: Uint8Array): number {
    const key = row.join('')
    const known = this.#rows.get(key)
    if (known !== undefined) return known
    const offset = this.flags.length
    const flags = new Uint8Array(offset + rowLength)
    flags.set(this.flags)
    flags.set(row, offset)
    this.flags = flags
    this.#rows.set(key, offset)
    return offset
  }
}

function mayBorder(border: Exclude<Border, 'any'>, inner: number, outer: number): boolean {
  if (border === 'word') return isWord(inner) !== isWord(outer)
  // Between a byte and a newline a line ends or begins, whichever of them is the literal's.
  if (border === 'line') return outer === edge || outer === newline || foldedBytes[inner] === foldedBytes[newline]
  return border[outer] === 1
}

function isWord(code: number): boolean {
  return code !== edge && /\w/.test(String.fromCharCode(code))
}

/** The states while they are being numbered. */
class Trie {
  readonly #next: Int32Array
  readonly #ends: number[][] = []
  readonly #states: number

  constructor(
    literals: readonly ByteString[],
    private readonly classOf: Uint8Array,
    private readonly classes: number,
  ) {
    const most = 1 + literals.reduce((sum, text) => sum + text.length, 0)
    this.#next = new Int32Array(most * classes).fill(-1)
    this.#states = this.#plant(literals)
    this.#complete()
  }

  step(state: number, byteClass: number): number {
    return this.#next[state * this.classes + byteClass] as number
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
        if (depth < each.text.length) return true
        const ends = this.#ends[each.state]
        if (ends === undefined) this.#ends[each.state] = [each.index]
        else ends.push(each.index)
        return false
      })
      for (const each of level) {
        const at = each.state * this.classes + (this.classOf[each.text.charCodeAt(depth)] as number)
        if ((this.#next[at] as number) < 0) this.#next[at] = used++
        each.state = this.#next[at] as number
      }
    }
    return used
  }

  #complete(): void {
    const next = this.#next
    const { classes } = this
    const failure = new Int32Array(this.#states)
    const queue: number[] = []
    for (let c = 0; c < classes; c++) {
      const to = next[c] as number
      if (to < 0) next[c] = 0
      else queue.push(to)
    }
    for (let head = 0; head < queue.length; head++) {
      const state = queue[head] as number
      const back = failure[state] as number
      const inherited = this.#ends[back]
      if (inherited !== undefined) this.#ends[state] = [...(this.#ends[state] ?? []), ...inherited]
      for (let c = 0; c < classes; c++) {
        const at = state * classes + c
        const to = next[at] as number
        const fallback = next[back * classes + c] as number
        if (to < 0) next[at] = fallback
        else {
          failure[to] = fallback
          queue.push(to)
        }
      }
    }
  }
}
