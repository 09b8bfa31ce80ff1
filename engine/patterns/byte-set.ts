/**
 * Sets of bytes as patterns name them: `[a-z]`, `\s`, `[:alpha:]`, a literal. PCRE's "C" locale: letters are ASCII.
 */

/** 256 flags, 1 for a member. Never changed once it stands in a tree. */
export type ByteSet = Uint8Array

export function emptySet(): ByteSet {
  return new Uint8Array(256)
}

export function setOf(test: (code: number) => boolean): ByteSet {
  const set = emptySet()
  for (let code = 0; code < 256; code++) if (test(code)) set[code] = 1
  return set
}

export const anyByte = setOf(() => true)

const singles: (ByteSet | undefined)[] = []
const pairs: (ByteSet | undefined)[] = []

export function singleByte(code: number): ByteSet {
  singles[code] ??= emptySet().fill(1, code, code + 1)
  return singles[code]
}

/** The byte with the other case of an ASCII letter. */
export function eitherCase(code: number): ByteSet {
  pairs[code] ??= sharedSet(bothCases(singleByte(code)))
  return pairs[code]
}

/** LIMIT: sets that are remembered; patterns of requests' own making must not fill the memory. */
const mostShared = 10_000
const shared = new Map<string, ByteSet>()

/** The one set with these members, so that what is found out about it is found out once. */
export function sharedSet(set: ByteSet): ByteSet {
  const key = Buffer.from(set.buffer, set.byteOffset, set.length).toString('latin1')
  const known = shared.get(key)
  if (known !== undefined) return known
  if (shared.size >= mostShared) shared.clear()
  shared.set(key, set)
  return set
}

export function complement(set: ByteSet): ByteSet {
  return set.map((member) => 1 - member)
}

export function union(one: ByteSet, other: ByteSet): ByteSet {
  return one.map((member, code) => member | (other[code] ?? 0))
}

export function disjoint(one: ByteSet, other: ByteSet): boolean {
  return one.every((member, code) => member === 0 || other[code] === 0)
}

/** The set with the other case of its ASCII letters; é and É are two bytes without case. */
export function bothCases(set: ByteSet): ByteSet {
  const both = set.slice()
  for (let upper = 0x41; upper <= 0x5a; upper++)
    if (set[upper] === 1 || set[upper | 0x20] === 1) {
      both[upper] = 1
      both[upper | 0x20] = 1
    }
  return both
}

/** Members as [first, last] ranges. */
export function rangesOf(set: ByteSet): readonly (readonly [number, number])[] {
  const ranges: [number, number][] = []
  for (let code = 0; code < 256; code++) {
    if (set[code] === 0) continue
    const last = ranges.at(-1)
    if (last !== undefined && last[1] === code - 1) last[1] = code
    else ranges.push([code, code])
  }
  return ranges
}

const between = (low: number, high: number) => (code: number) => code >= low && code <= high
const lower = between(0x61, 0x7a)
const upper = between(0x41, 0x5a)
const digit = between(0x30, 0x39)
const alpha = (code: number): boolean => lower(code) || upper(code)
const graph = between(0x21, 0x7e)

/** `\s` holds the vertical tab, as in PCRE since 8.34. */
const space = (code: number): boolean => between(9, 13)(code) || code === 0x20

export const wordBytes = setOf((code) => alpha(code) || digit(code) || code === 0x5f)

/** Sets behind a backslash; the upper-case letter is the complement. */
export const escapeSets: Readonly<Record<string, ByteSet>> = {
  d: setOf(digit),
  h: setOf((code) => code === 9 || code === 0x20 || code === 0xa0),
  s: setOf(space),
  v: setOf((code) => between(10, 13)(code) || code === 0x85),
  w: wordBytes,
}

/** `[:name:]` inside a class. */
export const posixSets: Readonly<Record<string, ByteSet>> = {
  alnum: setOf((code) => alpha(code) || digit(code)),
  alpha: setOf(alpha),
  ascii: setOf((code) => code < 0x80),
  blank: setOf((code) => code === 9 || code === 0x20),
  cntrl: setOf((code) => code < 0x20 || code === 0x7f),
  digit: setOf(digit),
  graph: setOf(graph),
  lower: setOf(lower),
  print: setOf((code) => graph(code) || code === 0x20),
  punct: setOf((code) => graph(code) && !alpha(code) && !digit(code)),
  space: setOf(space),
  upper: setOf(upper),
  word: wordBytes,
  xdigit: setOf((code) => digit(code) || between(0x61, 0x66)(code) || between(0x41, 0x46)(code)),
}
