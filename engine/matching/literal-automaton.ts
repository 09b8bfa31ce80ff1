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

  /** Length of each literal where its borders matter, else 0. */
  readonly #bordered: Int32Array
  readonly #literals: readonly Literal[]

  constructor(literals: readonly Literal[]) {
    this.#literals = literals
    this.#bordered = Int32Array.from(literals, ({ text, before, after }) =>
      before === 'any' && after === 'any' ? 0 : text.length,
    )
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
    let state = 0
    let count = 0
    for (let i = 0; i < value.length; i++) {
      state = next[state + (classOf[value.charCodeAt(i)] as number)] as number
      if (state < firstEnd) continue
      const at = (state - firstEnd) / this.#classes
      const to = this.#endedFrom[at + 1] as number
      for (let e = this.#endedFrom[at] as number; e < to; e++) {
        const literal = this.#ended[e] as number
        if (seen[literal] === scan) continue
        const length = this.#bordered[literal] as number
        if (length !== 0 && !hasBorders(value, i + 1 - length, i + 1, this.#literals[literal] as Literal)) continue
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

function hasBorders(value: ByteString, from: number, to: number, { before, after }: Literal): boolean {
  return isBorder(value, from, before) && isBorder(value, to, after)
}

function isBorder(value: ByteString, at: number, border: Border): boolean {
  if (border === 'any') return true
  if (border === 'word') return isWord(value, at - 1) !== isWord(value, at)
  return at === 0 || at === value.length || value.charCodeAt(at - 1) === newline || value.charCodeAt(at) === newline
}

const newline = 0x0a

function isWord(value: ByteString, at: number): boolean {
  return at >= 0 && at < value.length && wordBytes[value.charCodeAt(at)] === 1
}

const wordBytes = Uint8Array.from({ length: 256 }, (_, code) => (/\w/.test(String.fromCharCode(code)) ? 1 : 0))

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
