/**
 * Lists of words, each with a number of its own kind, matched byte by byte against a stretch of a byte string.
 *
 * Upper and lower case are alike (A-Z only) and NULs inside the text are not counted, as libinjection compares names.
 * A word list is a tree in one typed array: nothing is allocated when it is asked. Words are in upper case; kinds
 * are 1 to 255, 0 stands for "not in the list".
 */
import type { ByteString } from '../../model/exchange.js'

/** The root of every tree. */
export const rootNode = 0
/** No word goes on this way. */
export const deadNode = -1

export class WordList {
  /** Column of each byte of the alphabet, 0 for bytes in no word. */
  readonly #columns = new Uint8Array(256)
  readonly #width: number
  readonly #next: Int16Array
  readonly #kinds: Uint8Array

  constructor(words: Readonly<Record<string, number>>) {
    const spellings = Object.keys(words)
    const alphabet = [...new Set(spellings.join(''))].sort()
    for (const [index, char] of alphabet.entries()) this.#columns[char.charCodeAt(0)] = index + 1
    this.#width = alphabet.length + 1
    const nodes = spellings.reduce((sum, word) => sum + word.length, 1)
    this.#next = new Int16Array(nodes * this.#width).fill(deadNode)
    this.#kinds = new Uint8Array(nodes)
    let used = 1
    for (const word of spellings) {
      let node = rootNode
      for (let i = 0; i < word.length; i++) {
        const edge = node * this.#width + (this.#columns[word.charCodeAt(i)] as number)
        if (this.#next[edge] === deadNode) this.#next[edge] = used++
        node = this.#next[edge] as number
      }
      this.#kinds[node] = words[word] as number
    }
  }

  /** The node one byte further. `code` is a byte in upper case. */
  step(node: number, code: number): number {
    const column = this.#columns[code] as number
    return column === 0 ? deadNode : (this.#next[node * this.#width + column] as number)
  }

  /** The kind of the word that ends at a node, or 0. */
  kindAt(node: number): number {
    return this.#kinds[node] as number
  }

  /** The kind of the word that text[start, end) spells, or 0. */
  kindOf(text: ByteString, start: number, end: number): number {
    let node = rootNode
    for (let at = start; at < end; at++) {
      const code = text.charCodeAt(at)
      if (code === 0) continue
      node = this.step(node, upperCase(code))
      if (node === deadNode) return 0
    }
    return this.kindAt(node)
  }

  /** The kind of the shortest word that text[start, end) begins with, or 0. */
  beginningOf(text: ByteString, start: number, end: number): number {
    let node = rootNode
    for (let at = start; at < end; at++) {
      const code = text.charCodeAt(at)
      if (code === 0) continue
      node = this.step(node, upperCase(code))
      if (node === deadNode) return 0
      if (this.kindAt(node) !== 0) return this.kindAt(node)
    }
    return 0
  }
}

/** The words of a text that blanks and newlines separate. */
export function listedWords(text: string): readonly string[] {
  return text.trim().split(/\s+/)
}

export function upperCase(code: number): number {
  return code >= 0x61 && code <= 0x7a ? code - 0x20 : code
}

/** Whether text[start, end) begins with a word in upper case; no NUL is skipped. */
export function beginsWith(text: ByteString, start: number, end: number, word: string): boolean {
  if (end - start < word.length) return false
  for (let i = 0; i < word.length; i++) if (upperCase(text.charCodeAt(start + i)) !== word.charCodeAt(i)) return false
  return true
}
