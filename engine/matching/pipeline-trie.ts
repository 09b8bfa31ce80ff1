/**
 * The pipelines of many tests as one tree: what they have in common is computed once, and what leaves a value as it is
 * is not run at all. Gives the distinct strings that a value becomes, each with the pipelines that end in it.
 */
import type { TransformationDefinition } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { allKinds, type ByteKinds, eitherOf, KindsBehind, KindsOfValue, noKinds } from './byte-kinds.js'

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
  /** Of which the value at this branch must hold one to matter to a pipeline that ends here. */
  needed: ByteKinds = noKinds
  /** Of which the value must hold one before the branch's transformation to matter behind it. */
  low = 0
  high = 0
  /** Bits that tell apart what is behind the branch; known once all children are. */
  #relevant: number | null = null
  readonly #outlooks = new Map<number, Outlook>()

  constructor(
    readonly step: Step,
    readonly bits: number,
    readonly caseOnly: boolean,
    readonly coming: Int32Array | null,
    readonly kinds: KindsBehind | null,
  ) {}

  /** To be called once, when all pipelines are in; returns what is needed at the branch. */
  settle(): ByteKinds {
    let needed = this.needed
    for (const child of this.children.values()) {
      const behind = child.settle()
      const before = child.kinds?.before(behind) ?? allKinds
      child.low = before.low
      child.high = before.high
      needed = eitherOf(needed, before)
    }
    return needed
  }

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
  /** Kinds of bytes that the string of that position may hold. */
  readonly lows: readonly number[]
  readonly highs: readonly number[]
}

export interface Pipeline {
  readonly transformations: readonly TransformationDefinition[]
  /** Strings without one of these kinds of bytes do not matter to those who look at what comes out. */
  readonly needed: ByteKinds
}

/** No transformation of which it is known what it yields makes a value more than so many times as long. */
export const mostGrowth = 8

export class PipelineTrie {
  readonly #root: Branch
  readonly #list: readonly Pipeline[]
  readonly #presence: BytePresence
  readonly #kinds = new KindsOfValue()
  /** Longest value, in bytes, of which pipelines are left out. */
  readonly #longest: number
  readonly #found = {
    count: 0,
    strings: [] as ByteString[],
    folds: [] as number[],
    ends: [] as number[],
    lows: [] as number[],
    highs: [] as number[],
  }
  /** What each string is but for case, as far as is known without looking. */
  readonly #foldTexts: ByteString[] = []

  /**
   * At most `mostPipelines`, each once; the power of two of each is its position. Every string that is longer than
   * `longest` bytes matters.
   */
  constructor(pipelines: readonly Pipeline[], presence: BytePresence, longest: number) {
    this.#list = pipelines
    this.#longest = longest / mostGrowth
    this.#presence = presence
    this.#root = new Branch(new Step((value) => value), 0, false, null, null)
    const steps = new Map<TransformationDefinition, Step>()
    pipelines.forEach(({ transformations, needed }, position) => {
      let at = this.#root
      for (const transformation of transformations) {
        let next = at.children.get(transformation)
        if (next === undefined) {
          const step = steps.get(transformation) ?? new Step(transformation.apply)
          steps.set(transformation, step)
          const bits = presence.bitsFor(transformation)
          const coming = presence.comingOf(transformation)
          next = new Branch(step, bits, transformation.caseOnly === true, coming, KindsBehind.of(transformation))
          at.children.set(transformation, next)
        }
        at = next
      }
      at.end += 2 ** position
      at.needed = eitherOf(at.needed, needed)
    })
    this.#root.settle()
  }

  transform(value: ByteString): TransformedStrings {
    this.#found.count = 0
    const { low, high } = this.#kindsOf(value)
    this.#walk(this.#root, value, value, this.#presence.of(value), low, high)
    return this.#found
  }

  /** The same without sharing: each pipeline from its start, each transformation run. */
  transformSingly(value: ByteString): TransformedStrings {
    this.#found.count = 0
    this.#list.forEach(({ transformations }, position) => {
      const text = transformations.reduce((before, { apply }) => apply(before), value)
      this.#add(text, text, 2 ** position, allKinds.low, allKinds.high)
    })
    return this.#found
  }

  #kindsOf(value: ByteString): ByteKinds {
    return value.length > this.#longest ? allKinds : this.#kinds.lookAt(value)
  }

  /** `fold` is a string that differs from the value in case alone; `low` and `high` are kinds that the value may hold. */
  #walk(at: Branch, value: ByteString, fold: ByteString, presence: number, low: number, high: number): void {
    const { ends, active, behind } = at.outlook(presence)
    if (ends !== 0) this.#add(value, fold, ends, low, high)
    for (let i = 0; i < active.length; i++) {
      const child = active[i] as Branch
      if (((low & child.low) | (high & child.high)) === 0) continue
      const next = child.step.run(value)
      if (next === value) {
        this.#walk(child, value, fold, presence, low, high)
        continue
      }
      const known = behind[i] as number
      const nextPresence = known === unknown ? this.#presence.of(next) : known
      const kinds = child.kinds?.after(low, high) ?? this.#kindsOf(next)
      this.#walk(child, next, child.caseOnly ? fold : next, nextPresence, kinds.low, kinds.high)
    }
  }

  #add(text: ByteString, fold: ByteString, ends: number, low: number, high: number): void {
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
    found.lows[found.count] = low
    found.highs[found.count] = high
    this.#foldTexts[found.count] = fold
    found.ends[found.count++] = ends
  }
}
