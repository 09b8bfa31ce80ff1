/**
 * What a value must hold for a pattern to match it, read off the pattern's tree.
 *
 * For each node either the few texts it matches are known exactly, or what they all must hold is. Texts are in lower
 * case throughout. LIMIT: where the texts become too many, what is known of them so far becomes a requirement and the
 * reading goes on behind it.
 */
import type { ByteString } from '../model/exchange.js'
import { allOf, anyOf, type Border, foldedBytes, literal, type Requirement } from '../model/requirement.js'
import type { ByteSet } from './byte-set.js'
import type { PatternNode, PatternTree, Position } from './tree.js'

export interface LiteralOptions {
  /** False where a byte above 0x7F in the pattern may match other bytes: Go's regexp on UTF-8. */
  readonly highBytes: boolean
}

/** LIMIT: texts that are followed at a time. */
const mostTexts = 500
/** LIMIT: repetitions that are written out. */
const mostRepeats = 4
/** LIMIT: members of a class that count as alternatives. */
const mostMembers = 12

/** Stand in texts for what consumes nothing; no bytes. What is between two bytes of a text is passed over. */
const wordMark = '\u0100'
const lineMark = '\u0101'

const borderMarks: Readonly<Partial<Record<Position, string>>> = {
  end: lineMark,
  'end-or-last-newline': lineMark,
  'line-end': lineMark,
  'line-start': lineMark,
  start: lineMark,
  'word-border': wordMark,
}

interface Known {
  /** All the texts the node can match, or null where they are not known. */
  readonly texts: readonly ByteString[] | null
  /** What every match holds; used where `texts` is null. */
  readonly needs: Requirement | null
  /** What a value holds in which the node matches something else than `texts` or `needs` say; null: there is no such. */
  readonly unless: Requirement | null
}

const nothing: Known = { texts: [''], needs: null, unless: null }
const unknown: Known = { texts: null, needs: null, unless: null }

/** Null where nothing is required. */
export function requiredLiterals(tree: PatternTree, options: LiteralOptions): Requirement | null {
  return wholeOf(know(tree.root, options))
}

function wholeOf(known: Known): Requirement | null {
  const needs = needsOf(known)
  return known.unless === null ? needs : anyOf([needs, known.unless])
}

function needsOf({ texts, needs }: Known): Requirement | null {
  return texts === null ? needs : anyText(texts)
}

function know(node: PatternNode, options: LiteralOptions): Known {
  switch (node.kind) {
    case 'set':
      return knowSet(node.set, options)
    case 'sequence':
      return knowSequence(node.items, options)
    case 'choice':
      return knowChoice(node.branches.map((branch) => know(branch, options)))
    case 'condition':
      return knowChoice([know(node.yes, options), know(node.no, options)])
    case 'group':
    case 'atomic':
      return know(node.body, options)
    case 'repeat':
      return knowRepeat(know(node.body, options), node.min, node.max)
    case 'reference':
      return unknown
    case 'position':
      return { ...nothing, texts: [borderMarks[node.at] ?? ''] }
    case 'look':
    case 'keep':
      return nothing
  }
}

function knowSet(set: ByteSet, { highBytes }: LiteralOptions): Known {
  const texts = new Set<ByteString>()
  for (let code = 0; code < 256; code++) {
    if (set[code] === 0) continue
    if (code >= 0x80 && !highBytes) return unknown
    texts.add(foldedBytes[code] as string)
    if (texts.size > mostMembers) return unknown
  }
  return texts.size === 0 ? unknown : { texts: [...texts], needs: null, unless: null }
}

function knowSequence(items: readonly PatternNode[], options: LiteralOptions): Known {
  const reading = new SequenceReading()
  for (const item of items) {
    if (item.kind === 'repeat' && item.min > 0 && item.max > 1)
      reading.addRepeat(know(item.body, options), item.min, item.max)
    else reading.add(know(item, options))
  }
  return reading.end()
}

/** What is known of a sequence so far: texts that end where the reading stands, and what must stand before them. */
class SequenceReading {
  #texts: readonly ByteString[] = ['']
  #broken = false
  readonly #needs: (Requirement | null)[] = []
  readonly #unless: Requirement[] = []

  add(known: Known): void {
    if (known.unless !== null) this.#unless.push(known.unless)
    if (known.texts !== null && this.#texts.length * known.texts.length <= mostTexts) {
      this.#texts = joined(this.#texts, known.texts)
      return
    }
    this.#break(known.texts ?? [''])
    if (known.texts === null) this.#needs.push(known.needs)
  }

  /** The least number of times on either side of the unknown one. */
  addRepeat(body: Known, min: number, max: number): void {
    const times = Math.min(min, mostRepeats)
    for (let n = 0; n < times; n++) this.add(body)
    if (times === max || body.texts === null) {
      if (body.texts === null) this.#break([''])
      return
    }
    this.#break(body.texts)
    for (let n = 1; n < times; n++) this.add({ ...body, unless: null })
  }

  end(): Known {
    const unless = this.#unless.length === 0 ? null : anyOf(this.#unless)
    if (!this.#broken) return { texts: this.#texts, needs: null, unless }
    return { texts: null, needs: strongest([...this.#needs, anyText(this.#texts)]), unless }
  }

  #break(texts: readonly ByteString[]): void {
    this.#broken = true
    this.#needs.push(anyText(this.#texts))
    this.#texts = texts
  }
}

function joined(heads: readonly ByteString[], tails: readonly ByteString[]): readonly ByteString[] {
  return [...new Set(heads.flatMap((head) => tails.map((tail) => head + tail)))]
}

function knowChoice(branches: readonly Known[]): Known {
  const texts = new Set<ByteString>()
  for (const branch of branches) for (const text of branch.texts ?? []) texts.add(text)
  const odd = branches.flatMap((branch) => branch.unless ?? [])
  const unless = odd.length === 0 ? null : anyOf(odd)
  if (branches.every((branch) => branch.texts !== null) && texts.size <= mostTexts)
    return { texts: [...texts], needs: null, unless }
  return { texts: null, needs: anyOf(branches.map(needsOf)), unless }
}

function knowRepeat(body: Known, min: number, max: number): Known {
  if (min > 0) {
    const reading = new SequenceReading()
    reading.addRepeat(body, min, max)
    return reading.end()
  }
  // Left out, or something seldom stands in the value.
  const whole = wholeOf(body)
  if (whole !== null && isSeldom(whole)) return { ...nothing, unless: whole }
  if (max > 1 || body.texts === null || body.texts.length >= mostTexts) return unknown
  return { texts: [...new Set([...body.texts, ''])], needs: null, unless: body.unless }
}

/** Bytes that stand in few values of forms: quotes, brackets, shell syntax. */
const seldom = /[()"'`\\^$@[\]{}<>|*!~\x80-\xff]/

function isSeldom(requirement: Requirement): boolean {
  switch (requirement.kind) {
    case 'literal':
      return seldom.test(requirement.text) || requirement.text.length >= 4
    case 'all':
      return requirement.of.some(isSeldom)
    case 'any':
      return requirement.of.every(isSeldom)
  }
}

/** LIMIT: parts of "all of" that are kept: the rarest. Each costs time where it stands in a value. */
const mostParts = 4
/** A part that stands in more values than this share is kept only where there is no other. */
const oftenEnough = 0.2

function strongest(needs: readonly (Requirement | null)[]): Requirement | null {
  const known = needs.filter((each) => each !== null).toSorted((one, other) => chanceOf(one) - chanceOf(other))
  const rare = known.filter((each) => chanceOf(each) < oftenEnough).slice(0, mostParts)
  return allOf(rare.length > 0 ? rare : known.slice(0, 1))
}

/** About how many of a hundred English letters are this one. */
const shares: Readonly<Record<string, number>> = {
  e: 12,
  t: 9,
  a: 8,
  o: 8,
  i: 7,
  n: 7,
  s: 6,
  r: 6,
  h: 6,
  l: 4,
  d: 4,
  c: 3,
  u: 3,
  m: 3,
  f: 2,
  p: 2,
  g: 2,
  w: 2,
  y: 2,
  b: 1.5,
  v: 1,
  k: 0.8,
  ' ': 18,
  '0': 8,
  '-': 2,
  '.': 2,
  '/': 2,
  ',': 1.5,
  '=': 1,
  _: 1,
  '\n': 1,
}
const otherShare = 0.3
/** Bytes of a value, for the estimate. */
const valueLength = 40

/** About how likely a value holds it, from 0 to 1. */
function chanceOf(requirement: Requirement): number {
  switch (requirement.kind) {
    case 'literal': {
      let share = 1
      for (const byte of requirement.text) share *= (shares[byte] ?? otherShare) / 100
      return Math.min(1, share * valueLength)
    }
    case 'all':
      return Math.min(...requirement.of.map(chanceOf))
    case 'any':
      return Math.min(
        1,
        requirement.of.reduce((sum, part) => sum + chanceOf(part), 0),
      )
  }
}

/** One of the texts, with what their marks say of their borders. */
function anyText(texts: readonly ByteString[]): Requirement | null {
  return anyOf(
    texts.map((text) => {
      const before = /^[\u0100-\u01ff]*/.exec(text)?.[0] ?? ''
      const after = /[\u0100-\u01ff]*$/.exec(text)?.[0] ?? ''
      return literal(text.replace(/[\u0100-\u01ff]/g, ''), borderOf(before), borderOf(after))
    }),
  )
}

function borderOf(marks: string): Border {
  if (marks.includes(lineMark)) return 'line'
  return marks.includes(wordMark) ? 'word' : 'any'
}
