/**
 * Ids for the rules that exclusions add: from the user's range, the same from run to run.
 *
 * An id follows from the exclusion's key, so that it depends neither on the order nor, but for collisions, on which
 * other exclusions there are.
 */
import { createHash } from 'node:crypto'
import { UsageError } from '../errors.js'

export interface IdBounds {
  readonly first: number
  readonly last: number
}

/** The field's range for local rules that stand before CRS. */
export const defaultIdBounds: IdBounds = { first: 10_000, last: 49_999 }

const advice = 'use one between 1 and 99999, which is free for local rules, e.g. 10000-49999'

/** Ranges that belong to others, as the engines' and the CRS documentation list them. */
const reserved: readonly (readonly [first: number, last: number, owner: string])[] = [
  [100_000, 899_999, 'publishers of rulesets, the engines among them'],
  [900_000, 999_999, 'OWASP CRS'],
  [1_000_000, 9_499_999, 'publishers of rulesets'],
  [9_500_000, 9_999_999, 'registered CRS plugins'],
]

/** LIMIT: greatest id that every engine keeps as it is (32 bits, signed). */
const greatestId = 2_147_483_647

/** Reads `A-B`. Throws UsageError where it is no range or overlaps one that belongs to others. */
export function parseIdBounds(text: string): IdBounds {
  const match = /^(\d{1,10})-(\d{1,10})$/.exec(text.trim())
  if (match === null) throw new UsageError(`"${shown(text)}" is no range of ids; write e.g. 10000-49999`)
  const bounds = { first: Number(match[1]), last: Number(match[2]) }
  checkIdBounds(bounds)
  return bounds
}

/** Throws UsageError where the range is upside down or overlaps one that belongs to others. */
export function checkIdBounds({ first, last }: IdBounds): void {
  const name = `the range of ids ${first}-${last}`
  if (!Number.isInteger(first) || !Number.isInteger(last) || first < 1 || last > greatestId)
    throw new UsageError(`${name} is not made of rule ids; ${advice}`)
  if (last < first) throw new UsageError(`${name} ends before it begins; write ${last}-${first}`)
  const foreign = reserved.find(([low, high]) => first <= high && last >= low)
  if (foreign !== undefined)
    throw new UsageError(`${name} overlaps ${foreign[0]}-${foreign[1]}, which belongs to ${foreign[2]}; ${advice}`)
}

/**
 * An id for each key. A key keeps its id of `previous` where that lies in the range and is not taken; ids of other keys
 * in `previous` are left alone while there are free ones. `taken`: ids of the ruleset, without those of a file that is
 * written anew. Throws UsageError where the range is full or may not be used.
 */
export function allocateIds(
  keys: readonly string[],
  bounds: IdBounds,
  taken: ReadonlySet<number>,
  previous: ReadonlyMap<string, number> = new Map(),
): ReadonlyMap<string, number> {
  checkIdBounds(bounds)
  const { first, last } = bounds
  const size = last - first + 1
  // In an order of their own, so that the caller's does not matter where two keys want the same id.
  const wanted = [...new Set(keys)].map((key) => ({ key, start: hashOf(key) % size })).sort(byStart)
  const given = new Map<string, number>()
  const used = new Set<number>()
  for (const { key } of wanted) {
    const id = previous.get(key)
    if (id === undefined || id < first || id > last || taken.has(id) || used.has(id)) continue
    given.set(key, id)
    used.add(id)
  }
  const left = new Set<number>()
  for (const [key, id] of previous) if (!given.has(key)) left.add(id)
  const isFree = (id: number): boolean => !taken.has(id) && !used.has(id)
  for (const { key, start } of wanted) {
    if (given.has(key)) continue
    const id =
      probe(bounds, start, (candidate) => isFree(candidate) && !left.has(candidate)) ?? probe(bounds, start, isFree)
    if (id === null) throw rangeIsFull(bounds, wanted.length)
    given.set(key, id)
    used.add(id)
  }
  return new Map(keys.map((key) => [key, given.get(key) ?? first]))
}

/** What ids are for: an exclusion and how many rules of its own it adds. */
export interface IdsWanted {
  readonly key: string
  readonly idsNeeded: number
}

/** The name by which `allocateIds` knows the `at`-th id of an exclusion, counted from 0. */
export function idName(key: string, at: number): string {
  return at === 0 ? key : `${key}#${at}`
}

/** `allocateIds` for exclusions that need none, one or several. */
export function allocateFor(
  wanted: readonly IdsWanted[],
  bounds: IdBounds,
  taken: ReadonlySet<number>,
  previous: ReadonlyMap<string, number> = new Map(),
): ReadonlyMap<string, readonly number[]> {
  const namesOf = ({ key, idsNeeded }: IdsWanted): string[] =>
    Array.from({ length: idsNeeded }, (_, at) => idName(key, at))
  const ids = allocateIds(wanted.flatMap(namesOf), bounds, taken, previous)
  return new Map(wanted.map((each) => [each.key, namesOf(each).map((name) => ids.get(name) ?? bounds.first)]))
}

/** The first id from `start` on, around the end of the range, that will do. */
function probe({ first, last }: IdBounds, start: number, fits: (id: number) => boolean): number | null {
  const size = last - first + 1
  for (let step = 0; step < size; step++) {
    const id = first + ((start + step) % size)
    if (fits(id)) return id
  }
  return null
}

function rangeIsFull({ first, last }: IdBounds, needed: number): UsageError {
  return new UsageError(
    `the range of ids ${first}-${last} has no room for ${needed} rules beside those already there; give a wider one with --id-range A-B`,
  )
}

function byStart(a: { key: string; start: number }, b: { key: string; start: number }): number {
  return a.start - b.start || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
}

/** 48 bits, which a number holds exactly. */
function hashOf(key: string): number {
  return Number.parseInt(createHash('sha256').update(key, 'utf8').digest('hex').slice(0, 12), 16)
}

function shown(text: string): string {
  return text.slice(0, 40).replace(/[^\x20-\x7e]/g, '?')
}
