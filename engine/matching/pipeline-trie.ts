/**
 * The pipelines of many tests as one tree: what they have in common is computed once, and what leaves a value as it is
 * is not run at all. Gives the distinct strings that a value becomes, each with the pipelines that end in it.
 */
import type { TransformationDefinition } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'

/** LIMIT: pipelines of one tree; a set of them is a sum of powers of two, and a number holds that many exactly. */
export const mostPipelines = 53

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

/** A transformation that knows what it did last: the same value comes by several ways. */
class Step {
  #before: ByteString = ''
  #after: ByteString = ''

  constructor(readonly apply: (value: ByteString) => ByteString) {
    this.#after = apply('')
  }

  run(value: ByteString): ByteString {
    if (value !== this.#before) {
      this.#after = this.apply(value)
      this.#before = value
    }
    return this.#after
  }
}

/** What a value of some presence meets behind a branch. */
interface Outlook {
  /** Sum of the pipelines that end without having changed it. */
  readonly ends: number
  /** Branches whose transformation may change it, the first on their way. */
  readonly active: readonly Branch[]
}

/** LIMIT: outlooks that a branch keeps. */
const mostOutlooks = 256

class Branch {
  readonly children = new Map<TransformationDefinition, Branch>()
  /** Sum of the pipelines that end here, as powers of two. */
  end = 0
  /** Bits that tell apart what is behind the branch; known once all children are. */
  #relevant: number | null = null
  readonly #outlooks = new Map<number, Outlook>()

  constructor(
    readonly step: Step,
    readonly bits: number,
    readonly caseOnly: boolean,
  ) {}

  outlook(present: number): Outlook {
    this.#relevant ??= this.#relevantBits()
    const presence = present & this.#relevant
    let found = this.#outlooks.get(presence)
    if (found === undefined) {
      found = this.#look(presence)
      if (this.#outlooks.size >= mostOutlooks) this.#outlooks.clear()
      this.#outlooks.set(presence, found)
    }
    return found
  }

  #relevantBits(): number {
    let bits = 0
    for (const child of this.children.values()) bits |= child.bits | child.#relevantBits()
    return bits
  }

  #look(presence: number): Outlook {
    let ends = this.end
    const active: Branch[] = []
    for (const child of this.children.values()) {
      if ((child.bits & presence) !== 0) {
        active.push(child)
        continue
      }
      const behind = child.#look(presence)
      ends += behind.ends
      active.push(...behind.active)
    }
    return { ends, active }
  }
}

/** The strings a value became; good until the next value. */
export interface TransformedStrings {
  readonly count: number
  readonly strings: readonly ByteString[]
  /** Position of the first string that differs from the one of that position in case alone; often its own. */
  readonly folds: readonly number[]
  /** Sum of the pipelines that end in the string of that position. */
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

  /** At most `mostPipelines`, each once; the power of two of each is its position. */
  constructor(pipelines: readonly (readonly TransformationDefinition[])[], presence: BytePresence) {
    this.#list = pipelines
    this.#presence = presence
    this.#root = new Branch(new Step((value) => value), 0, false)
    const steps = new Map<TransformationDefinition, Step>()
    pipelines.forEach((pipeline, position) => {
      let at = this.#root
      for (const transformation of pipeline) {
        let next = at.children.get(transformation)
        if (next === undefined) {
          const step = steps.get(transformation) ?? new Step(transformation.apply)
          steps.set(transformation, step)
          next = new Branch(step, presence.bitsFor(transformation), transformation.caseOnly === true)
          at.children.set(transformation, next)
        }
        at = next
      }
      at.end += 2 ** position
    })
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
      this.#add(text, text, 2 ** position)
    })
    return this.#found
  }

  /** `fold` is a string that differs from the value in case alone. */
  #walk(at: Branch, value: ByteString, fold: ByteString, presence: number): void {
    const { ends, active } = at.outlook(presence)
    if (ends !== 0) this.#add(value, fold, ends)
    for (let i = 0; i < active.length; i++) {
      const child = active[i] as Branch
      const next = child.step.run(value)
      if (next === value) this.#walk(child, value, fold, presence)
      else this.#walk(child, next, child.caseOnly ? fold : next, this.#presence.of(next))
    }
  }

  #add(text: ByteString, fold: ByteString, ends: number): void {
    const found = this.#found
    let same = found.count
    for (let i = 0; i < found.count; i++) {
      if (found.strings[i] === text) {
        found.ends[i] = (found.ends[i] as number) + ends
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
