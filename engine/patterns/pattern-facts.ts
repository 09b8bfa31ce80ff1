/**
 * What has been found out about patterns: that RE2 takes them as they are, and what a value must hold for them to match.
 * Both follow from the pattern's text and flags alone, so another thread or a later run need not find them out again.
 *
 * The packed form is JSON: borders and literals once each, then a requirement for each pattern. It is only good for the
 * code that wrote it.
 */
import { type Border, type Literal, literalKey, type Requirement } from '../model/requirement.js'
import { type ByteSet, emptySet, rangesOf, sharedSet } from './byte-set.js'

/** LIMIT: patterns that are remembered: a request may make new ones through macros. */
const mostPatterns = 5000

/** Undefined: nobody has asked yet. */
type Required = Requirement | null | undefined

interface Fact {
  required: Required
  /** Makes it of the packed form; null where that does not have it. */
  readonly unpack: (() => Requirement | null) | null
  /** Whether a pattern of this process has asked. */
  used: boolean
}

const facts = new Map<string, Fact>()
/** Facts found out here, not learnt. */
let found = 0

/** Whether RE2 is known to take the pattern. */
export function isPlainPattern(key: string): boolean {
  const fact = facts.get(key)
  if (fact === undefined) return false
  fact.used = true
  return true
}

export function notePlainPattern(key: string): void {
  if (facts.has(key) || facts.size >= mostPatterns) return
  facts.set(key, { required: undefined, unpack: null, used: true })
  found++
}

/** What the pattern requires, found out by `read` where it is not known. */
export function requirementOnce(key: string, read: () => Requirement | null): Requirement | null {
  const fact = facts.get(key)
  if (fact === undefined) return read()
  if (fact.required === undefined) {
    fact.required = (fact.unpack ?? read)()
    if (fact.unpack === null) found++
  }
  return fact.required
}

/** Number of facts that have been found out in this process. */
export function factsFound(): number {
  return found
}

type PackedBorder = 'any' | 'word' | 'line' | number
/** A number is a literal's position; `[0, …]` any of, `[1, …]` all of; null: nothing is required. */
type PackedNode = number | null | readonly [0 | 1, ...PackedNode[]]

interface PackedFacts {
  /** Ranges of members, first and last, one after the other. */
  readonly sets: readonly (readonly number[])[]
  readonly literals: readonly (readonly [text: string, before: PackedBorder, after: PackedBorder])[]
  /** False in place of a requirement that nobody has asked for. */
  readonly patterns: readonly (readonly [key: string, required: PackedNode | false])[]
}

/** LIMIT: where there are more, those of other rulesets are left out. */
const mostPacked = 2000

export function packFacts(): string {
  const packer = new Packer()
  const all = [...facts]
  const kept = all.length > mostPacked ? all.filter(([, { used }]) => used) : all
  const patterns = kept.map(([key, { required, unpack }]): readonly [string, PackedNode | false] => {
    const known = required === undefined ? unpack?.() : required
    return [key, known === undefined ? false : packer.node(known)]
  })
  const { sets, literals } = packer
  return JSON.stringify({ sets, literals, patterns } satisfies PackedFacts)
}

class Packer {
  readonly sets: (readonly number[])[] = []
  readonly literals: (readonly [string, PackedBorder, PackedBorder])[] = []
  readonly #setNumbers = new Map<ByteSet, number>()
  readonly #literalNumbers = new Map<string, number>()

  node(requirement: Requirement | null): PackedNode {
    if (requirement === null) return null
    if (requirement.kind === 'literal') return this.#literal(requirement)
    return [requirement.kind === 'all' ? 1 : 0, ...requirement.of.map((part) => this.node(part))]
  }

  #literal(literal: Literal): number {
    const key = literalKey(literal)
    let number = this.#literalNumbers.get(key)
    if (number === undefined) {
      number = this.literals.push([literal.text, this.#border(literal.before), this.#border(literal.after)]) - 1
      this.#literalNumbers.set(key, number)
    }
    return number
  }

  #border(border: Border): PackedBorder {
    if (typeof border === 'string') return border
    const set = sharedSet(border)
    let number = this.#setNumbers.get(set)
    if (number === undefined) {
      number = this.sets.push(rangesOf(set).flat()) - 1
      this.#setNumbers.set(set, number)
    }
    return number
  }
}

/** Takes over what `packFacts` of the same code gave, before patterns are compiled. */
export function learnFacts(text: string): void {
  const { sets, literals, patterns } = JSON.parse(text) as PackedFacts
  const unpackedSets = sets.map(setOfRanges)
  const border = (packed: PackedBorder): Border =>
    typeof packed === 'number' ? (unpackedSets[packed] as ByteSet) : packed
  const unpacked: (Literal | undefined)[] = []
  const literalAt = (index: number): Literal => {
    const [text, before, after] = literals[index] ?? ['', 'any', 'any']
    unpacked[index] ??= { kind: 'literal', text, before: border(before), after: border(after) }
    return unpacked[index]
  }
  for (const [key, packed] of patterns) {
    const unpack = packed === false ? null : () => unpackedNode(packed, literalAt)
    if (!facts.has(key)) facts.set(key, { required: undefined, unpack, used: false })
  }
}

function unpackedNode(packed: PackedNode, literalAt: (index: number) => Literal): Requirement | null {
  if (packed === null) return null
  if (typeof packed === 'number') return literalAt(packed)
  const of: Requirement[] = []
  for (let at = 1; at < packed.length; at++) {
    const part = unpackedNode(packed[at] as PackedNode, literalAt)
    if (part !== null) of.push(part)
  }
  return { kind: packed[0] === 1 ? 'all' : 'any', of }
}

function setOfRanges(ranges: readonly number[]): ByteSet {
  const set = emptySet()
  for (let at = 0; at < ranges.length; at += 2) set.fill(1, ranges[at], (ranges[at + 1] as number) + 1)
  return sharedSet(set)
}
