/**
 * What a value must hold for a pattern to match it, read off the pattern's tree.
 *
 * For each node either the few texts it matches are known, or what every match holds is. A text is of folded bytes, and
 * of marks for what stands at its borders: a border of a word or line, or a byte of some set. LIMIT: where the texts
 * become too many, what is known of them so far becomes a requirement and the reading goes on behind it.
 */
import type { ByteString } from '../model/exchange.js'
import { allOf, anyOf, type Border, foldedBytes, literal, type Requirement } from '../model/requirement.js'
import { type ByteSet, bothCases, sharedSet } from './byte-set.js'
import type { PatternNode, PatternTree, Position } from './tree.js'

export interface LiteralOptions {
  /** False where a byte above 0x7F in the pattern may match other bytes: Go's regexp on UTF-8. */
  readonly highBytes: boolean
}

/** LIMIT: texts that are followed at a time. */
const mostTexts = 500
/** LIMIT: repetitions that are written out. */
const mostRepeats = 4
/** LIMIT: members of a set that count as so many texts; a larger one is a mark. */
const mostTextsOfSet = 3
/** LIMIT: members of a set that is required by itself. */
const mostBytesOfSet = 12

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

/** Marks are no bytes. Those of borders consume nothing; behind them come those of sets, which stand for a byte. */
const wordMark = '\u0100'
const lineMark = '\u0101'
const firstSetMark = 0x200
const firstMark = 0x100
const someMark = /[\u0100-\uffff]/
const allMarks = /[\u0100-\uffff]/g

const borderMarks: Readonly<Partial<Record<Position, string>>> = {
  end: lineMark,
  'end-or-last-newline': lineMark,
  'line-end': lineMark,
  'line-start': lineMark,
  start: lineMark,
  'word-border': wordMark,
}

/** Null where nothing is required. */
export function requiredLiterals(tree: PatternTree, options: LiteralOptions): Requirement | null {
  const reader = new LiteralReader(options)
  return reader.wholeOf(reader.know(tree.root))
}

class LiteralReader {
  readonly #sets: ByteSet[] = []
  readonly #marks = new Map<ByteSet, string>()

  constructor(private readonly options: LiteralOptions) {}

  know(node: PatternNode): Known {
    switch (node.kind) {
      case 'set':
        return this.#knowSet(node.set)
      case 'sequence':
        return this.#knowSequence(node.items)
      case 'choice':
        return this.#knowChoice(node.branches.map((branch) => this.know(branch)))
      case 'condition':
        return this.#knowChoice([this.know(node.yes), this.know(node.no)])
      case 'group':
      case 'atomic':
        return this.know(node.body)
      case 'repeat':
        return this.#knowRepeat(this.know(node.body), node.min, node.max)
      case 'reference':
        return unknown
      case 'position':
        return { ...nothing, texts: [borderMarks[node.at] ?? ''] }
      case 'look':
      case 'keep':
        return nothing
    }
  }

  /** What is required, `unless` taken in. */
  wholeOf(known: Known): Requirement | null {
    const needs = this.#needsOf(known)
    return known.unless === null ? needs : anyOf([needs, known.unless])
  }

  /** One of the texts, with what their marks say of their borders. */
  anyText(texts: readonly ByteString[]): Requirement | null {
    return anyOf(texts.map((text) => this.#textRequired(text)))
  }

  #textRequired(text: ByteString): Requirement | null {
    if (!someMark.test(text)) return literal(text)
    const bytes = text.replace(allMarks, '')
    if (bytes !== '') return literal(bytes, this.#borderOf(marksBefore(text)), this.#borderOf(marksBehind(text)))
    const set = this.#borderOf(text)
    if (typeof set === 'string') return null
    const members = foldedMembers(set)
    return members.length > mostBytesOfSet ? null : anyOf(members.map((byte) => literal(byte)))
  }

  #borderOf(marks: string): Border {
    for (const mark of marks) {
      const set = this.#sets[mark.charCodeAt(0) - firstSetMark]
      if (set !== undefined) return set
    }
    if (marks.includes(lineMark)) return 'line'
    return marks.includes(wordMark) ? 'word' : 'any'
  }

  #needsOf({ texts, needs }: Known): Requirement | null {
    return texts === null ? needs : this.anyText(texts)
  }

  #knowSet(set: ByteSet): Known {
    const { highBytes } = this.options
    const members = foldedMembers(set)
    if (members.length === 0) return unknown
    if (!highBytes && members.some((byte) => byte >= '\x80')) return unknown
    if (members.length <= mostTextsOfSet) return { texts: members, needs: null, unless: null }
    return { texts: [this.#markOf(set)], needs: null, unless: null }
  }

  /** Literals are looked for without case, and so is what stands at their borders. */
  #markOf(set: ByteSet): string {
    const key = sharedSet(bothCases(set))
    const known = this.#marks.get(key)
    if (known !== undefined) return known
    const mark = String.fromCharCode(firstSetMark + this.#sets.length)
    this.#sets.push(key)
    this.#marks.set(key, mark)
    return mark
  }

  #knowSequence(items: readonly PatternNode[]): Known {
    const reading = new SequenceReading(this)
    for (const item of items) {
      if (item.kind === 'repeat' && item.min > 0 && item.max > 1)
        reading.addRepeat(this.know(item.body), item.min, item.max)
      else reading.add(this.know(item))
    }
    return reading.end()
  }

  #knowChoice(branches: readonly Known[]): Known {
    const texts = new Set<ByteString>()
    for (const branch of branches) for (const text of branch.texts ?? []) texts.add(text)
    const odd = branches.flatMap((branch) => branch.unless ?? [])
    const unless = odd.length === 0 ? null : anyOf(odd)
    if (branches.every((branch) => branch.texts !== null) && texts.size <= mostTexts)
      return { texts: [...texts], needs: null, unless }
    return { texts: null, needs: anyOf(branches.map((branch) => this.#needsOf(branch))), unless }
  }

  #knowRepeat(body: Known, min: number, max: number): Known {
    if (min > 0) {
      const reading = new SequenceReading(this)
      reading.addRepeat(body, min, max)
      return reading.end()
    }
    // Left out, or something seldom stands in the value.
    const whole = this.wholeOf(body)
    if (whole !== null && isSeldom(whole)) return { ...nothing, unless: whole }
    if (max > 1 || body.texts === null || body.texts.length >= mostTexts) return unknown
    return { texts: [...new Set([...body.texts, ''])], needs: null, unless: body.unless }
  }
}

/** What is known of a sequence so far: texts that end where the reading stands, and what must stand before them. */
class SequenceReading {
  #texts: readonly ByteString[] = ['']
  #broken = false
  readonly #needs: (Requirement | null)[] = []
  readonly #unless: Requirement[] = []

  constructor(private readonly reader: LiteralReader) {}

  add(known: Known): void {
    if (known.unless !== null) this.#unless.push(known.unless)
    if (known.texts === null) {
      this.#break([''])
      this.#needs.push(known.needs)
    } else if (this.#texts.length * known.texts.length > mostTexts) this.#break(known.texts)
    else if (canJoin(this.#texts, known.texts)) this.#texts = joined(this.#texts, known.texts)
    else this.#break(this.#texts.every(endsInSetMark) ? this.#behindMarks(known.texts) : known.texts)
  }

  /** The least number of times on either side of the unknown one. */
  addRepeat(body: Known, min: number, max: number): void {
    if (body.texts === null) {
      this.add(body)
      return
    }
    const times = Math.min(min, mostRepeats)
    for (let n = 0; n < times; n++) this.add(body)
    if (times === max) return
    this.#break(body.texts)
    for (let n = 1; n < times; n++) this.add({ ...body, unless: null })
  }

  end(): Known {
    const unless = this.#unless.length === 0 ? null : anyOf(this.#unless)
    if (!this.#broken) return { texts: this.#texts, needs: null, unless }
    return { texts: null, needs: strongest([...this.#needs, this.reader.anyText(this.#texts)]), unless }
  }

  #break(texts: readonly ByteString[]): void {
    this.#broken = true
    this.#needs.push(this.reader.anyText(this.#texts))
    this.#texts = texts
  }

  /** The texts behind the byte that the mark at the end of what was read stands for. */
  #behindMarks(texts: readonly ByteString[]): readonly ByteString[] {
    const marks = [...new Set(this.#texts.map(markOfSetAtEnd))]
    return marks.length * texts.length <= mostTexts && canJoin(marks, texts) ? joined(marks, texts) : texts
  }
}

/** A mark of a set stands at the start or the end of a text, never between bytes or beside another one. */
function canJoin(heads: readonly ByteString[], tails: readonly ByteString[]): boolean {
  if (heads.every(isEmpty) || tails.every(isEmpty)) return true
  const marked = heads.filter(endsInSetMark)
  if (!marked.every(isOneSetMark)) return false
  const marking = tails.filter(startsWithSetMark)
  return marking.length === 0 || (marked.length === 0 && marking.every(isOneSetMark))
}

function isEmpty(text: string): boolean {
  return onlyBorders(text, 0, text.length)
}

function isOneSetMark(text: string): boolean {
  return endsInSetMark(text) && onlyBorders(text, 0, beforeBorders(text) - 1)
}

function isBorder(code: number): boolean {
  return code >= firstMark && code < firstSetMark
}

function onlyBorders(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (!isBorder(text.charCodeAt(i))) return false
  return true
}

/** Where the marks of borders at the end of the text begin. */
function beforeBorders(text: string): number {
  let end = text.length
  while (end > 0 && isBorder(text.charCodeAt(end - 1))) end--
  return end
}

function endsInSetMark(text: string): boolean {
  const end = beforeBorders(text)
  return end > 0 && text.charCodeAt(end - 1) >= firstSetMark
}

/** The mark of a set at the end, with the borders behind it; empty where there is none. */
function markOfSetAtEnd(text: string): string {
  return endsInSetMark(text) ? text.slice(beforeBorders(text) - 1) : ''
}

function startsWithSetMark(text: string): boolean {
  let start = 0
  while (start < text.length && isBorder(text.charCodeAt(start))) start++
  return start < text.length && text.charCodeAt(start) >= firstSetMark
}

function marksBefore(text: string): string {
  let end = 0
  while (end < text.length && text.charCodeAt(end) >= firstMark) end++
  return text.slice(0, end)
}

function marksBehind(text: string): string {
  let start = text.length
  while (start > 0 && text.charCodeAt(start - 1) >= firstMark) start--
  return text.slice(start)
}

function joined(heads: readonly ByteString[], tails: readonly ByteString[]): readonly ByteString[] {
  if (heads.length === 1) return heads[0] === '' ? tails : tails.map((tail) => heads[0] + tail)
  if (tails.length === 1) return tails[0] === '' ? heads : heads.map((head) => head + tails[0])
  const texts = new Set<ByteString>()
  for (const head of heads) for (const tail of tails) texts.add(head + tail)
  return [...texts]
}

const membersOf = new WeakMap<ByteSet, readonly ByteString[]>()

function foldedMembers(set: ByteSet): readonly ByteString[] {
  const known = membersOf.get(set)
  if (known !== undefined) return known
  const members = new Set<ByteString>()
  for (let code = 0; code < 256; code++) if (set[code] === 1) members.add(foldedBytes[code] as string)
  const all = [...members]
  membersOf.set(set, all)
  return all
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

/** About how many of a hundred bytes of text are this one. */
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
/** How much a border lowers the chance. */
const borderShare = 0.3

/** About how likely a value holds it, from 0 to 1. */
function chanceOf(requirement: Requirement): number {
  switch (requirement.kind) {
    case 'literal': {
      let share = 1
      for (const byte of requirement.text) share *= (shares[byte] ?? otherShare) / 100
      if (requirement.before !== 'any') share *= borderShare
      if (requirement.after !== 'any') share *= borderShare
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
