/**
 * Aho-Corasick over bytes without ASCII case: finds which of many phrases stands first in a value.
 *
 * One table of transitions over classes of bytes that the phrases tell apart; a value is read once, whatever
 * the number of phrases.
 */
import { type ByteString, lowerAscii } from '../model/exchange.js'

/**
 * How the search goes on where a phrase breaks off: `complete` never misses a phrase. `acmp` is the matcher of both
 * ModSecurities, which looks for a place to go on below its parent's only, else begins anew, and so misses some.
 */
export type PhraseSearch = 'complete' | 'acmp'

export class PhraseAutomaton {
  /** Class of each byte; upper case letters share the class of lower case ones. */
  readonly #classOf = new Uint16Array(256)
  readonly #classes: number
  readonly #next: Int32Array
  /** Phrase that ends in a state, or -1. */
  readonly #ends: Int32Array
  readonly #phrases: readonly ByteString[]

  constructor(
    phrases: readonly ByteString[],
    private readonly search: PhraseSearch,
  ) {
    this.#phrases = phrases
    this.#classes = this.#classify(phrases)
    const states = 1 + phrases.reduce((sum, phrase) => sum + phrase.length, 0)
    const next = new Int32Array(states * this.#classes).fill(-1)
    const ends = new Int32Array(states).fill(-1)
    const used = this.#plant(next, ends)
    this.#next = next.slice(0, used * this.#classes)
    this.#ends = ends.slice(0, used)
    this.#complete(used)
  }

  /** The phrase (as written) whose occurrence ends first, or null. */
  find(value: ByteString): ByteString | null {
    const classOf = this.#classOf
    const next = this.#next
    const ends = this.#ends
    const classes = this.#classes
    let state = 0
    for (let i = 0; i < value.length; i++) {
      state = next[state * classes + (classOf[value.charCodeAt(i) & 0xff] as number)] as number
      const end = ends[state] as number
      if (end >= 0) return this.#phrases[end] ?? null
    }
    return null
  }

  #classify(phrases: readonly ByteString[]): number {
    let classes = 1
    for (const phrase of phrases)
      for (const char of lowerAscii(phrase)) {
        const code = char.charCodeAt(0)
        if (this.#classOf[code] === 0) this.#classOf[code] = classes++
      }
    for (let code = 0x41; code <= 0x5a; code++) this.#classOf[code] = this.#classOf[code + 0x20] as number
    return classes
  }

  /** Builds the trie; returns the number of states used. */
  #plant(next: Int32Array, ends: Int32Array): number {
    let used = 1
    this.#phrases.forEach((phrase, index) => {
      let state = 0
      for (let i = 0; i < phrase.length; i++) {
        const at = state * this.#classes + (this.#classOf[phrase.charCodeAt(i)] as number)
        if ((next[at] as number) < 0) next[at] = used++
        state = next[at] as number
      }
      if ((ends[state] as number) < 0) ends[state] = index
    })
    return used
  }

  /** Fills in where to go on from when a phrase breaks off. */
  #complete(used: number): void {
    const next = this.#next
    const classes = this.#classes
    const failure = new Int32Array(used)
    const planted = this.search === 'acmp' ? next.slice() : next
    const queue: number[] = []
    for (let c = 0; c < classes; c++) {
      const to = next[c] as number
      if (to < 0) next[c] = 0
      else queue.push(to)
    }
    for (let head = 0; head < queue.length; head++) {
      const state = queue[head] as number
      const back = failure[state] as number
      if ((this.#ends[state] as number) < 0) this.#ends[state] = this.#ends[back] as number
      for (let c = 0; c < classes; c++) {
        const at = state * classes + c
        const to = next[at] as number
        const fallback = next[back * classes + c] as number
        if (to < 0) next[at] = fallback
        else {
          failure[to] = Math.max(0, planted[back * classes + c] as number)
          queue.push(to)
        }
      }
    }
  }
}
