/**
 * What a value must hold for a pattern to match it, read off the pattern's tree.
 *
 * For each node either the few texts it matches are known, or what every match holds is. A text is of folded bytes, and
 * of marks for what stands at its borders: a border of a word or line, or a byte of some set. LIMIT: where the texts
 * become too many, what is known of them so far becomes a requirement and the reading goes on behind it.
 */
import { chanceOf, shareOf } from '../model/chance.js'
import type { ByteString } from '../model/exchange.js'
import { allOf, anyOf, type Border, foldedBytes, literal, type Requirement } from '../model/requirement.js'
import { type ByteSet, bothCases, sharedSet } from './byte-set.js'
import type { PatternNode, PatternTree, Position } from './tree.js'

export interface LiteralOptions {
  /** False where a byte above 0x7F in the pattern may match other bytes: Go's regexp on UTF-8. */
  readonly highBytes: boolean
}

/** LIMIT: texts that are followed at a time. */
const mostTexts = 1500
/** LIMIT: words of an optional part that are followed with and without it. */
const mostOptionalWords = 4
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
  /** How many sequences the reading is in. */
  #depth = 0

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
    this.#depth++
    const parts = items.map((item): Part => {
      const repeated = item.kind === 'repeat' && item.min > 0 && item.max > 1
      return repeated ? { known: this.know(item.body), min: item.min, max: item.max } : { known: this.know(item) }
    })
    this.#depth--
    const across = this.#read(parts)
    // Within another one, what texts hold for but in seldom values is shared with others, and costs nothing more.
    if (this.#depth > 0 || across.texts !== null || !parts.some(isLeftOut)) return across
    // What may stand between may also be taken for the end of a text.
    const apart = this.#read(parts.map((part) => (isLeftOut(part) ? { known: unknown } : part)))
    return this.#chance(apart) < this.#chance(across) / 2 ? apart : across
  }

  #read(parts: readonly Part[]): Known {
    const reading = new SequenceReading(this)
    for (const { known, min, max } of parts)
      if (min === undefined || max === undefined) reading.add(known)
      else reading.addRepeat(known, min, max)
    return reading.end()
  }

  #chance(known: Known): number {
    const whole = this.wholeOf(known)
    return whole === null ? 1 : chanceOf(whole)
  }

  #knowChoice(branches: readonly Known[]): Known {
    const texts = new Set<ByteString>()
    for (const branch of branches) for (const text of branch.texts ?? []) texts.add(text)
    const odd = branches.flatMap((branch) => branch.unless ?? [])
    const unless = odd.length === 0 ? null : anyOf(odd)
    if (branches.every((branch) => branch.texts !== null) && texts.size <= mostTexts)
      return { texts: [...texts], needs: null, unless }
    const broken = anyOf(branches.filter((branch) => branch.texts === null).map(({ needs }) => needs))
    if (broken !== null && chanceOf(broken) < oftenEnough && texts.size > 0 && texts.size <= mostTexts)
      return { texts: [...texts], needs: null, unless: unless === null ? broken : anyOf([unless, broken]) }
    return { texts: null, needs: anyOf(branches.map((branch) => this.#needsOf(branch))), unless }
  }

  #knowRepeat(body: Known, min: number, max: number): Known {
    if (min > 0) {
      const reading = new SequenceReading(this)
      reading.addRepeat(body, min, max)
      return reading.end()
    }
    const { texts } = body
    const optional = max === 1 && texts !== null ? texts : []
    const isWords = optional.length > 0 && optional.length <= mostOptionalWords && optional.every(isWord)
    // Left out, or something seldom stands in the value.
    const whole = this.wholeOf(body)
    if (!isWords && whole !== null && isSeldom(whole)) return { ...nothing, unless: whole }
    if (optional.length === 0 || optional.length >= mostTexts) return unknown
    return { texts: [...new Set([...optional, ''])], needs: null, unless: body.unless }
  }
}

/** An item of a sequence, and how often it is repeated where that is more than once. */
interface Part {
  readonly known: Known
  readonly min?: number
  readonly max?: number
}

/** Whether the item stands for nothing but in values that hold something seldom. */
function isLeftOut({ known: { texts, unless } }: Part): boolean {
  return unless !== null && (texts?.every(isEmpty) ?? false)
}

/** What is known of a sequence so far: texts that end where the reading stands, and what must stand before them. */
class SequenceReading {
  #texts: readonly ByteString[] = ['']
  /** What a value holds in which something else stands in place of the texts. */
  #unless: readonly Requirement[] = []
  #broken = false
  readonly #needs: (Requirement | null)[] = []

  constructor(private readonly reader: LiteralReader) {}

  add(known: Known): void {
    const { texts } = known
    if (texts === null) {
      this.#break([''], [])
      this.#needs.push(this.reader.wholeOf(known))
      return
    }
    const unless = known.unless === null ? [] : [known.unless]
    if (this.#texts.length * texts.length > mostTexts) this.#break(texts, unless)
    else if (canJoin(this.#texts, texts)) {
      this.#texts = joined(this.#texts, texts)
      this.#unless = [...this.#unless, ...unless]
    } else if (this.#texts.every(endsInSetMark)) this.#break(this.#behindMarks(texts), [...this.#unless, ...unless])
    else this.#break(texts, unless)
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
    this.#break(body.texts, body.unless === null ? [] : [body.unless])
    for (let n = 1; n < times; n++) this.add(body)
  }

  end(): Known {
    if (this.#broken) return { texts: null, needs: strongest([...this.#needs, this.#required()]), unless: null }
    return { texts: this.#texts, needs: null, unless: this.#unless.length === 0 ? null : anyOf(this.#unless) }
  }

  #required(): Requirement | null {
    return anyOf([this.reader.anyText(this.#texts), ...this.#unless])
  }

  #break(texts: readonly ByteString[], unless: readonly Requirement[]): void {
    this.#broken = true
    this.#needs.push(this.#required())
    this.#texts = texts
    this.#unless = unless
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

function isWord(text: string): boolean {
  return /^[a-z_]{2,}$/.test(text)
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
/** So seldom is seldom enough: no more parts are taken. */
const seldomEnough = 0.001

function strongest(needs: readonly (Requirement | null)[]): Requirement | null {
  const known = needs.filter((each) => each !== null).toSorted((one, other) => chanceOf(one) - chanceOf(other))
  const kept: Requirement[] = []
  let chance = 1
  for (const each of known) {
    const share = chanceOf(each)
    const isFirst = kept.length === 0
    const helps = chance > seldomEnough && share < oftenEnough && kept.length < mostParts
    if (isFirst || helps || isSigns(each)) {
      kept.push(each)
      chance *= share
    }
  }
  return allOf(kept)
}

/** Signs are at most so many of a hundred bytes. */
const signShare = 1

/** One of some single bytes that stand in few values: these are looked for at next to no cost. */
function isSigns(requirement: Requirement): boolean {
  if (requirement.kind === 'any') return requirement.of.every(isSigns)
  return requirement.kind === 'literal' && requirement.text.length === 1 && shareOf(requirement.text) <= signShare
}
