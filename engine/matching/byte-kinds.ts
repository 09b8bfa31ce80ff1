/**
 * Which bytes a value must hold one of to matter to a test, before and behind transformations: a look at the value's
 * bytes then spares the transformations, the prefilter and the test.
 *
 * Bytes that requirements take for each other are of one kind; there are 63 of them, a bit each of two numbers. One more
 * bit counts as held by every value, the empty one too.
 */
import { shareOf } from '../model/chance.js'
import type { TransformationDefinition } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { foldedBytes, type Requirement } from '../model/requirement.js'

export interface ByteKinds {
  readonly low: number
  readonly high: number
}

export const noKinds: ByteKinds = { low: 0, high: 0 }
export const allKinds: ByteKinds = { low: -1, high: -1 }

/** Kinds from here on are bits of `high`. */
const firstHigh = 32
/** Letters, then digits, blanks, line ends, NUL, and bytes that are neither these nor signs. */
const kindOfDigits = 26

/** What every value holds. */
export const inEvery: ByteKinds = { low: 1 << 31, high: 0 }

/** By byte: the bits of its kind. */
export const lowBits = new Int32Array(256)
export const highBits = new Int32Array(256)

const signs = new Map<ByteString, number>()
foldedBytes.forEach((folded, code) => {
  const kind = kindOf(folded)
  if (kind < firstHigh) lowBits[code] = 1 << kind
  else highBits[code] = 1 << (kind - firstHigh)
})

function kindOf(folded: ByteString): number {
  const code = folded.charCodeAt(0)
  if (code >= 0x61 && code <= 0x7a) return code - 0x61
  if (folded === '0') return kindOfDigits
  if (folded === ' ') return kindOfDigits + 1
  if (folded === '\n') return kindOfDigits + 2
  if (code === 0) return kindOfDigits + 3
  return code < 0x20 || code >= 0x7f ? kindOfDigits + 4 : kindOfSign(folded)
}

function kindOfSign(sign: ByteString): number {
  const kind = signs.get(sign) ?? firstHigh + signs.size
  signs.set(sign, kind)
  return kind
}

function kindsOf(code: number): ByteKinds {
  return { low: lowBits[code] as number, high: highBits[code] as number }
}

export function eitherOf(one: ByteKinds, other: ByteKinds): ByteKinds {
  return { low: one.low | other.low, high: one.high | other.high }
}

export function meet(one: ByteKinds, other: ByteKinds): boolean {
  return ((one.low & other.low) | (one.high & other.high)) !== 0
}

/** Of each of the two kinds a value holds one that meets a requirement; the second are the more frequent ones. */
export interface NeededKinds {
  readonly first: ByteKinds
  readonly second: ByteKinds
}

const nothingNeeded: NeededKinds = { first: allKinds, second: allKinds }
const needs = new WeakMap<Requirement, NeededKinds>()

/** All kinds where nothing is required. */
export function kindsNeeded(requirement: Requirement | null): NeededKinds {
  if (requirement === null) return nothingNeeded
  let needed = needs.get(requirement)
  if (needed === undefined) {
    const [first, second] = bytesNeeded(requirement)
    needed = { first: kindsOfAny(first), second: kindsOfAny(second) }
    needs.set(requirement, needed)
  }
  return needed
}

type Bytes = ReadonlySet<ByteString>

function kindsOfAny(bytes: Bytes): ByteKinds {
  let kinds = noKinds
  for (let code = 0; code < 256; code++)
    if (bytes.has(foldedBytes[code] as ByteString)) kinds = eitherOf(kinds, kindsOf(code))
  return kinds
}

/** Of both sets a value holds a byte that meets the requirement: the rarest, and the next; they may be the same. */
function bytesNeeded(requirement: Requirement): readonly [Bytes, Bytes] {
  switch (requirement.kind) {
    case 'literal':
      return rarestTwo([...new Set(requirement.text)].map((byte) => new Set([byte])))
    case 'all':
      return rarestTwo(requirement.of.flatMap(bytesNeeded))
    case 'any': {
      const parts = requirement.of.map(bytesNeeded)
      return [unionOf(parts.map(([first]) => first)), unionOf(parts.map(([, second]) => second))]
    }
  }
}

function rarestTwo(sets: readonly Bytes[]): readonly [Bytes, Bytes] {
  const [first = noBytes, second = first] = [...sets].sort((one, other) => shareOfAll(one) - shareOfAll(other))
  return [first, second]
}

const noBytes: Bytes = new Set()

function unionOf(sets: readonly Bytes[]): Bytes {
  return new Set(sets.flatMap((set) => [...set]))
}

function shareOfAll(bytes: Bytes): number {
  let sum = 0
  for (const byte of bytes) sum += shareOf(byte)
  return sum
}

/** What a transformation may make of each kind of bytes. */
export class KindsBehind {
  /** Kinds that stay what they are, or go. */
  readonly #plain: ByteKinds
  readonly #others: readonly { readonly from: ByteKinds; readonly to: ByteKinds }[]

  /** Null where anything may come of any value, and of none. */
  static of(transformation: TransformationDefinition): KindsBehind | null {
    const known = kindsBehind.get(transformation)
    if (known !== undefined) return known
    const { yields } = transformation
    const found = yields === undefined ? null : new KindsBehind(yields)
    kindsBehind.set(transformation, found)
    return found
  }

  private constructor(yields: (byte: ByteString) => ByteString) {
    const behind = new Map<string, { from: ByteKinds; to: ByteKinds }>()
    for (let code = 0; code < 256; code++) {
      const from = kindsOf(code)
      const key = `${from.low} ${from.high}`
      let to = behind.get(key)?.to ?? noKinds
      for (const byte of yields(String.fromCharCode(code))) to = eitherOf(to, kindsOf(byte.charCodeAt(0)))
      behind.set(key, { from, to })
    }
    const all = [...behind.values()]
    this.#plain = all.filter(isPlain).reduce((kinds, { from }) => eitherOf(kinds, from), inEvery)
    this.#others = all.filter((each) => !isPlain(each))
  }

  /** Kinds of which a value holds one where what comes of it holds one of `needed`. */
  before(needed: ByteKinds): ByteKinds {
    let kinds = { low: needed.low & this.#plain.low, high: needed.high & this.#plain.high }
    for (const { from, to } of this.#others) if (meet(to, needed)) kinds = eitherOf(kinds, from)
    return kinds
  }

  /** What may come of a value with these kinds. Null where that is as good as anything: it is better looked at. */
  after(low: number, high: number): ByteKinds | null {
    let nextLow = low & this.#plain.low
    let nextHigh = high & this.#plain.high
    for (const { from, to } of this.#others) {
      if (((from.low & low) | (from.high & high)) === 0) continue
      if (to.high === -1) return null
      nextLow |= to.low
      nextHigh |= to.high
    }
    return { low: nextLow, high: nextHigh }
  }
}

const kindsBehind = new WeakMap<TransformationDefinition, KindsBehind | null>()

function isPlain({ from, to }: { readonly from: ByteKinds; readonly to: ByteKinds }): boolean {
  return ((to.low & ~from.low) | (to.high & ~from.high)) === 0
}
