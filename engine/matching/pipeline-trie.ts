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
/** LIMIT: kinds of bytes that are told apart; the last one stands for all further kinds. */
const mostKinds = 30
/** In place of a presence that nothing is known of. */
const unknown = 0

/**
 * Tells which kinds of bytes a value holds: a bit each, for bytes that change by the same transformations. What may come
 * of a kind is taken from the transformations, so that not every string has to be looked at; a bit may then be set where
 * no byte of the kind is left, which costs but a transformation that changes nothing.
 */
export class BytePresence {
  /** By byte: the bit of its kind. */
  readonly #bitOf: Int32Array

  constructor(transformations: Iterable<TransformationDefinition>) {
    const changes = [...new Set([...transformations].map((each) => each.changes))]
    const kinds = new Map<string, number>()
    this.#bitOf = Int32Array.from({ length: 256 }, (_, code) => {
      const key = changes.map((set) => Number(set?.test(String.fromCharCode(code)))).join()
      const kind = kinds.get(key) ?? Math.min(kinds.size, mostKinds - 1)
      kinds.set(key, kind)
      return 1 << kind
    })
  }

  /** The bits of which one must be present for the transformation to change a value. */
  bitsFor({ changes }: TransformationDefinition): number {
    if (changes === undefined) return always
    return this.#bitOf.reduce((bits, bit, code) => (changes.test(String.fromCharCode(code)) ? bits | bit : bits), 0)
  }

  /** By kind: the bits of what may come of it; null: any may. */
  comingOf({ yields }: TransformationDefinition): Int32Array | null {
    if (yields === undefined) return null
    const coming = new Int32Array(mostKinds)
    this.#bitOf.forEach((bit, code) => {
      const kind = kindOf(bit)
      coming[kind] = (coming[kind] as number) | this.of(yields(String.fromCharCode(code)))
    })
    return coming
  }

  of(value: ByteString): number {
    const bitOf = this.#bitOf
    let bits = always
    for (let i = 0; i < value.length; i++) bits |= bitOf[value.charCodeAt(i)] as number
    return bits
  }
}

function kindOf(bit: number): number {
  return 31 - Math.clz32(bit)
}

/** The presence behind a transformation, where `presence` stood before it. */
function presenceBehind(coming: Int32Array | null, presence: number): number {
  if (coming === null) return unknown
  let behind = always
  for (let bits = presence & ~always; bits !== 0; bits &= bits - 1) behind |= coming[kindOf(bits & -bits)] as number
  return behind
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
  /** By position in `active`: the presence of what comes of the value there, as far as it matters; else `unknown`. */
  readonly behind: readonly number[]
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
    readonly coming: Int32Array | null,
  ) {}

  outlook(present: number): Outlook {
    this.#relevant ??= this.#relevantBits()
    const presence = present & this.#relevant
    let found = this.#outlooks.get(presence)
    if (found === undefined) {
      const { ends, active } = this.#look(presence)
      found = { ends, active, behind: active.map(({ coming }) => presenceBehind(coming, presence)) }
      if (this.#outlooks.size >= mostOutlooks) this.#outlooks.clear()
      this.#outlooks.set(presence, found)
    }
    return found
  }

  #relevantBits(): number {
    let bits = 0
    for (const child of this.children.values()) {
      const behind = child.#relevantBits()
      bits |= child.bits | behind
      child.coming?.forEach((coming, kind) => {
        if ((coming & behind & ~always) !== 0) bits |= 1 << kind
      })
    }
    return bits
  }

  #look(presence: number): Pick<Outlook, 'ends' | 'active'> {
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
    this.#root = new Branch(new Step((value) => value), 0, false, null)
    const steps = new Map<TransformationDefinition, Step>()
    pipelines.forEach((pipeline, position) => {
      let at = this.#root
      for (const transformation of pipeline) {
        let next = at.children.get(transformation)
        if (next === undefined) {
          const step = steps.get(transformation) ?? new Step(transformation.apply)
          steps.set(transformation, step)
          const bits = presence.bitsFor(transformation)
          next = new Branch(step, bits, transformation.caseOnly === true, presence.comingOf(transformation))
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
    const { ends, active, behind } = at.outlook(presence)
    if (ends !== 0) this.#add(value, fold, ends)
    for (let i = 0; i < active.length; i++) {
      const child = active[i] as Branch
      const next = child.step.run(value)
      if (next === value) this.#walk(child, value, fold, presence)
      else {
        const known = behind[i] as number
        this.#walk(child, next, child.caseOnly ? fold : next, known === unknown ? this.#presence.of(next) : known)
      }
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
