/**
 * The pipelines of many tests as one tree: what they have in common is computed once, and what leaves a value as it is
 * is not run at all. Gives the distinct strings that a value becomes, each with the pipelines that end in it.
 */
import type { TransformationDefinition } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'

/** LIMIT: pipelines of one tree; their sets are bits of a number. */
export const mostPipelines = 31

/** Set in the presence of every value: asks for transformations that any value may need. */
const always = 1 << 30
/** LIMIT: kinds of bytes that are told apart; further kinds count as always present. */
const mostKinds = 30

/** Tells which of the bytes that transformations look for a value holds. */
export class BytePresence {
  readonly #bitsOf = new Int32Array(256)
  readonly #bySet = new Map<string, number>()

  /** The bits of which one must be present for the transformation to change a value. */
  bitsFor({ changes }: TransformationDefinition): number {
    if (changes === undefined) return always
    const members = Array.from({ length: 256 }, (_, code) => changes.test(String.fromCharCode(code)))
    const key = members.map(Number).join('')
    const known = this.#bySet.get(key)
    if (known !== undefined) return known
    if (this.#bySet.size >= mostKinds) return always
    const bit = 1 << this.#bySet.size
    this.#bySet.set(key, bit)
    members.forEach((member, code) => {
      if (member) this.#bitsOf[code] = (this.#bitsOf[code] as number) | bit
    })
    return bit
  }

  of(value: ByteString): number {
    const bitsOf = this.#bitsOf
    let bits = always
    for (let i = 0; i < value.length; i++) bits |= bitsOf[value.charCodeAt(i)] as number
    return bits
  }
}

interface Branch {
  readonly caseOnly: boolean
  readonly apply: (value: ByteString) => ByteString
  readonly bits: number
  readonly children: Map<TransformationDefinition, Branch>
  /** The pipeline that ends here as a bit; 0: none. */
  end: number
  /** What of the branch and all behind it may change a value, and the pipelines that end there. */
  bitsBelow: number
  endsBelow: number
}

/** The strings a value became; good until the next value. */
export interface TransformedStrings {
  readonly count: number
  readonly strings: readonly ByteString[]
  /** Position of the first string that differs from the one of that position in case alone; often its own. */
  readonly folds: readonly number[]
  /** Bits of the pipelines that end in the string of that position. */
  readonly ends: readonly number[]
}

export class PipelineTrie {
  readonly #root: Branch
  readonly #list: readonly (readonly TransformationDefinition[])[]
  readonly #presence: BytePresence
  readonly #found: { count: number; strings: ByteString[]; folds: number[]; ends: number[] } = {
    count: 0,
    strings: [],
    folds: [],
    ends: [],
  }
  /** What each string is but for case, as far as is known without looking. */
  readonly #foldTexts: ByteString[] = []

  /** At most `mostPipelines`; the bit of each is its position. */
  constructor(pipelines: readonly (readonly TransformationDefinition[])[], presence: BytePresence) {
    this.#list = pipelines
    this.#presence = presence
    this.#root = branch((value) => value, 0, false)
    pipelines.forEach((pipeline, position) => {
      let at = this.#root
      for (const transformation of pipeline) {
        let next = at.children.get(transformation)
        if (next === undefined) {
          next = branch(transformation.apply, presence.bitsFor(transformation), transformation.caseOnly === true)
          at.children.set(transformation, next)
        }
        at = next
      }
      at.end |= 1 << position
    })
    sumUp(this.#root)
  }

  transform(value: ByteString): TransformedStrings {
    this.#found.count = 0
    this.#walk(this.#root, value, value, this.#presence.of(value))
    return this.#found
  }

  /** The same without sharing: each pipeline from its start, each transformation run. */
  transformSingly(value: ByteString): TransformedStrings {
    this.#found.count = 0
    this.#list.forEach((pipeline, position) => {
      const text = pipeline.reduce((before, { apply }) => apply(before), value)
      this.#add(text, text, 1 << position)
    })
    return this.#found
  }

  /** `fold` is a string that differs from the value in case alone. */
  #walk(at: Branch, value: ByteString, fold: ByteString, presence: number): void {
    if ((at.bitsBelow & presence) === 0) {
      this.#add(value, fold, at.endsBelow)
      return
    }
    if (at.end !== 0) this.#add(value, fold, at.end)
    for (const child of at.children.values()) {
      if ((child.bits & presence) === 0) {
        this.#walk(child, value, fold, presence)
        continue
      }
      const next = child.apply(value)
      if (next === value) this.#walk(child, value, fold, presence)
      else this.#walk(child, next, child.caseOnly ? fold : next, this.#presence.of(next))
    }
  }

  #add(text: ByteString, fold: ByteString, ends: number): void {
    const found = this.#found
    let same = found.count
    for (let i = 0; i < found.count; i++) {
      if (found.strings[i] === text) {
        found.ends[i] = (found.ends[i] as number) | ends
        return
      }
      if (same === found.count && this.#foldTexts[i] === fold) same = i
    }
    found.strings[found.count] = text
    found.folds[found.count] = same
    this.#foldTexts[found.count] = fold
    found.ends[found.count++] = ends
  }
}

function branch(apply: (value: ByteString) => ByteString, bits: number, caseOnly: boolean): Branch {
  return { caseOnly, apply, bits, children: new Map(), end: 0, bitsBelow: 0, endsBelow: 0 }
}

/** `bitsBelow` of a branch is of what follows it: it has been run itself. */
function sumUp(at: Branch): void {
  at.endsBelow = at.end
  for (const child of at.children.values()) {
    sumUp(child)
    at.bitsBelow |= child.bits | child.bitsBelow
    at.endsBelow |= child.endsBelow
  }
}
