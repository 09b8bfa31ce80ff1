/**
 * The pipelines of many tests as one tree: what they have in common is computed once, and what leaves a value as it is
 * is not run at all. Gives the distinct strings that a value becomes, each with the pipelines that end in it.
 *
 * The tree is made as values come: for the bytes that a value holds, it has a branch for each transformation that may
 * change the value first.
 */
import type { TransformationDefinition } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { allKinds, type ByteKinds, eitherOf, highBits, inEvery, KindsBehind, lowBits, noKinds } from './byte-kinds.js'
import { bytesOf } from './value-bytes.js'

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
export class BytePresence implements ByteKinds {
  /** Of the value looked at last. */
  bits = 0
  low = 0
  high = 0
  /** By byte: the bit of its kind. */
  readonly #bitOf: Int32Array

  constructor(transformations: Iterable<TransformationDefinition>) {
    const changes = [...new Set([...transformations].flatMap((each) => [each.changes, notCaseOnly(each)]))]
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
    return changes === undefined ? always : this.#bitsOf(changes)
  }

  /** The bits of which none may be present for the transformation to change nothing but the case of letters. */
  bitsBeyondCase(transformation: TransformationDefinition): number {
    const beyond = notCaseOnly(transformation)
    if (beyond !== undefined) return this.#bitsOf(beyond)
    return transformation.caseOnly ? 0 : always
  }

  #bitsOf(set: RegExp): number {
    return this.#bitOf.reduce((bits, bit, code) => (set.test(String.fromCharCode(code)) ? bits | bit : bits), 0)
  }

  /** By kind: the bits of what may come of it; null: any may. */
  comingOf({ yields }: TransformationDefinition): Int32Array | null {
    if (yields === undefined) return null
    const coming = new Int32Array(mostKinds)
    this.#bitOf.forEach((bit, code) => {
      const kind = kindOf(bit)
      this.lookAt(yields(String.fromCharCode(code)))
      coming[kind] = (coming[kind] as number) | this.bits
    })
    return coming
  }

  /** Sets `bits`, and the kinds of bytes that tests need. */
  lookAt(value: ByteString): void {
    const bitOf = this.#bitOf
    let bits = always
    let low = inEvery.low
    let high = inEvery.high
    const bytes = bytesOf(value)
    for (let i = 0; i < value.length; i++) {
      const code = bytes[i] as number
      bits |= bitOf[code] as number
      low |= lowBits[code] as number
      high |= highBits[code] as number
    }
    this.bits = bits
    this.low = low
    this.high = high
  }
}

/** Undefined where the transformation is always one of case, or never. */
function notCaseOnly({ caseOnly }: TransformationDefinition): RegExp | undefined {
  return caseOnly === true ? undefined : caseOnly
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

/** A transformation as it stands in pipelines. */
interface Link {
  readonly apply: (value: ByteString) => ByteString
  /** Of these bits one must be present for it to change a value. */
  readonly bits: number
  /** See `BytePresence.bitsBeyondCase`. */
  readonly beyondCase: number
  /** See `BytePresence.comingOf`. */
  readonly coming: Int32Array | null
  readonly kinds: KindsBehind | null
}

/** What is left of a pipeline from some link on. */
interface Rest {
  readonly links: readonly Link[]
  readonly from: number
  /** By link, and at the end: kinds of bytes of which the value must hold one there to matter at the end. */
  readonly needed: readonly ByteKinds[]
  /** The power of two that stands for the pipeline. */
  readonly power: number
}

/** What becomes of a value of some presence. */
interface Outlook {
  /** Sum of the pipelines that end without having changed it. */
  readonly ends: number
  readonly branches: readonly Branch[]
}

/** Pipelines that go on with the same transformation, which may change the value. */
interface Branch {
  readonly link: Link
  readonly next: Node
  /** Of these kinds of bytes the value must hold one to matter ahead. */
  readonly needed: ByteKinds
  /** The presence of what comes of the value, as far as it matters; else `unknown`. */
  readonly behind: number
}

/** A place in pipelines that a value comes to. */
class Node {
  readonly outlooks = new Map<number, Outlook>()
  /** Bits that tell apart what is ahead. */
  readonly relevant: number

  constructor(readonly rests: readonly Rest[]) {
    this.relevant = rests.reduce((bits, { links, from }) => bits | relevantBits(links.slice(from)), 0)
  }
}

/** Bits that tell apart, at the start of the links, what becomes of a value in them. */
function relevantBits(links: readonly Link[]): number {
  return links.reduceRight((ahead, { bits, coming }) => {
    let relevant = bits | ahead
    coming?.forEach((comes, kind) => {
      if ((comes & ahead & ~always) !== 0) relevant |= 1 << kind
    })
    return relevant
  }, 0)
}

/** What `Rest.needed` says, for pipelines of which `atEnd` is needed at their end. */
function neededAlong(links: readonly Link[], atEnd: ByteKinds): ByteKinds[] {
  const needed = [atEnd]
  for (const { kinds } of [...links].reverse()) needed.unshift(kinds?.before(needed[0] as ByteKinds) ?? allKinds)
  return needed
}

/** LIMIT: outlooks that are kept; then all are made anew. */
const mostOutlooks = 4096

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
  #root: Node
  /** By what is left of which pipelines. */
  readonly #nodes = new Map<string, Node>()
  #outlooks = 0
  readonly #list: readonly Pipeline[]
  readonly #presence: BytePresence
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
    const links = new Map<TransformationDefinition, Link>()
    const linkOf = (transformation: TransformationDefinition): Link => {
      const known = links.get(transformation)
      if (known !== undefined) return known
      const { apply } = transformation
      const [bits, coming] = [presence.bitsFor(transformation), presence.comingOf(transformation)]
      const beyondCase = presence.bitsBeyondCase(transformation)
      const link = { apply, bits, beyondCase, coming, kinds: KindsBehind.of(transformation) }
      links.set(transformation, link)
      return link
    }
    this.#root = new Node(
      pipelines.map(({ transformations, needed }, position) => {
        const links = transformations.map(linkOf)
        return { links, from: 0, needed: neededAlong(links, needed), power: 2 ** position }
      }),
    )
  }

  transform(value: ByteString): TransformedStrings {
    this.#found.count = 0
    const presence = this.#presence
    presence.lookAt(value)
    const { low, high } = this.#kindsSeen(value)
    this.#walk(this.#root, value, value, presence.bits, low, high)
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

  /** Kinds of bytes of the value looked at last. */
  #kindsSeen(value: ByteString): ByteKinds {
    return value.length > this.#longest ? allKinds : this.#presence
  }

  /** `fold` is a string that differs from the value in case alone; `low` and `high` are kinds that the value may hold. */
  #walk(at: Node, value: ByteString, fold: ByteString, presence: number, low: number, high: number): void {
    const relevant = presence & at.relevant
    const { ends, branches } = at.outlooks.get(relevant) ?? this.#look(at, relevant)
    if (ends !== 0) this.#add(value, fold, ends, low, high)
    for (let i = 0; i < branches.length; i++) {
      const { link, next, needed, behind } = branches[i] as Branch
      if (((low & needed.low) | (high & needed.high)) === 0) continue
      const text = link.apply(value)
      if (text === value) {
        this.#walk(next, value, fold, presence, low, high)
        continue
      }
      const known = link.kinds?.after(low, high) ?? null
      if (behind === unknown || known === null) this.#presence.lookAt(text)
      const textPresence = behind === unknown ? this.#presence.bits : behind
      const kinds = known ?? this.#kindsSeen(text)
      this.#walk(next, text, (link.beyondCase & presence) === 0 ? fold : text, textPresence, kinds.low, kinds.high)
    }
  }

  #look(at: Node, presence: number): Outlook {
    if (++this.#outlooks > mostOutlooks) this.#forget()
    let ends = 0
    const ahead = new Map<Link, Rest[]>()
    for (const rest of at.rests) {
      const { links, from, power } = rest
      let to = from
      while (to < links.length && ((links[to] as Link).bits & presence) === 0) to++
      const link = links[to]
      if (link === undefined) ends += power
      else ahead.set(link, [...(ahead.get(link) ?? []), { ...rest, from: to + 1 }])
    }
    const branches = Array.from(ahead, ([link, rests]) => ({
      link,
      next: this.#nodeOf(rests),
      needed: rests.reduce((all, { needed, from }) => eitherOf(all, needed[from - 1] as ByteKinds), noKinds),
      behind: presenceBehind(link.coming, presence),
    }))
    const outlook = { ends, branches }
    at.outlooks.set(presence, outlook)
    return outlook
  }

  #nodeOf(rests: readonly Rest[]): Node {
    const key = rests.map(({ power, from }) => `${power} ${from}`).join()
    const node = this.#nodes.get(key) ?? new Node(rests)
    this.#nodes.set(key, node)
    return node
  }

  #forget(): void {
    this.#outlooks = 0
    this.#nodes.clear()
    this.#root = new Node(this.#root.rests)
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
