/**
 * What libinjection knows by heart, ready to be asked without allocation: its words as a tree, its fingerprints as a set.
 */
import type { SqliDialect } from './sqli-dialect.js'
import { fingerprintPairs } from './sqli-fingerprints.js'
import { sqlWords } from './sqli-words.js'

/** No word begins so; every step from here stays here. */
export const deadNode = 0
export const rootNode = 1

/** What is a letter to Unicode where case is folded, in UTF-8. */
const unicodeLetters: Readonly<Record<string, string>> = { S: '\xc5\xbf', I: '\xc4\xb1' }

/** Words in a tree, upper and lower case alike: A-Z, with `unicode` also what Unicode folds to them. */
export class WordTree {
  /** Column of each byte, 0 for bytes in no word. */
  readonly #columns = new Uint8Array(256)
  readonly #width: number
  readonly #next: Uint16Array
  readonly #types: Uint8Array
  readonly #texts: string[]

  constructor(lists: Readonly<Record<string, readonly string[]>>, unicode: boolean) {
    const words = Object.entries(lists).flatMap(([type, lines]) =>
      lines.flatMap((line) => line.split(',')).map((word) => ({ word, type })),
    )
    const letters = unicode ? unicodeLetters : {}
    const alphabet = [...new Set(words.map(({ word }) => word).join('') + Object.values(letters).join(''))].sort()
    for (const [index, char] of alphabet.entries()) {
      this.#columns[char.charCodeAt(0)] = index + 1
      if (char >= 'A' && char <= 'Z') this.#columns[char.charCodeAt(0) + 0x20] = index + 1
    }
    this.#width = alphabet.length + 1
    // A letter of two bytes takes a node more.
    const nodes = words.reduce((sum, { word }) => sum + (unicode ? 2 : 1) * word.length, rootNode + 1)
    this.#next = new Uint16Array(nodes * this.#width)
    this.#types = new Uint8Array(nodes)
    this.#texts = new Array<string>(nodes).fill('')
    let used = rootNode + 1
    for (const { word, type } of words) {
      let node = rootNode
      for (let i = 0; i < word.length; i++) {
        const edge = node * this.#width + (this.#columns[word.charCodeAt(i)] as number)
        if (this.#next[edge] === deadNode) {
          this.#next[edge] = used++
          const letter = letters[word.charAt(i)]
          if (letter !== undefined) {
            this.#next[node * this.#width + (this.#columns[letter.charCodeAt(0)] as number)] = used
            this.#next[used * this.#width + (this.#columns[letter.charCodeAt(1)] as number)] = used - 1
            used++
          }
        }
        node = this.#next[edge] as number
      }
      this.#types[node] = type.charCodeAt(0)
      this.#texts[node] = word
    }
  }

  /** The node one byte further. */
  step(node: number, code: number): number {
    return this.#next[node * this.#width + (this.#columns[code] as number)] as number
  }

  /** The type of the word that ends here, 0 where none does. */
  typeAt(node: number): number {
    return this.#types[node] as number
  }

  /** The word that ends here. */
  textAt(node: number): string {
    return this.#texts[node] as string
  }

  /** Where a word ends, known or not. */
  nodeOf(word: string): number {
    let node = rootNode
    for (let i = 0; i < word.length; i++) node = this.step(node, word.charCodeAt(i))
    return node
  }
}

const plainWords = new WordTree(sqlWords, false)
let unicodeWords: WordTree | null = null

export function wordsOf(dialect: SqliDialect): WordTree {
  if (!dialect.unicodeWords) return plainWords
  unicodeWords ??= new WordTree(sqlWords, true)
  return unicodeWords
}

/** Bits a token's type takes in the key of a fingerprint; types are told apart in upper case only. */
const typeBits = 5
/** Of a type no fingerprint has. */
const foreignType = 31
const typeNumbers = new Uint8Array(256).fill(foreignType)

const fingerprints = new Set<number>()
const pairs = fingerprintPairs.flatMap((line) => line.split(' '))
for (const [index, char] of [...new Set(pairs.join(''))].sort().entries()) {
  typeNumbers[char.charCodeAt(0)] = index + 1
  typeNumbers[char.toLowerCase().charCodeAt(0)] = index + 1
}
for (let i = 0; i < pairs.length; i += 2)
  for (const last of pairs[i + 1] as string) fingerprints.add(keyOf(Buffer.from(`${pairs[i]}${last}`, 'latin1')))

function keyOf(types: Uint8Array): number {
  let key = 0
  for (const type of types) key = appendType(key, type)
  return key
}

/** The key of a sequence of types with one more; the key of none is 0. */
export function appendType(key: number, type: number): number {
  return (key << typeBits) | (typeNumbers[type] as number)
}

export function isFingerprint(key: number): boolean {
  return fingerprints.has(key)
}
