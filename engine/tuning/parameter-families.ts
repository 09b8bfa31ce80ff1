/**
 * Families of parameter names, learned from the names of a corpus: `items[0][name]` → `items[*][name]`, the elements
 * of JSON arrays as the platform spells them, and numbered names (`field_12`) where several numbers are seen.
 *
 * A family is written as a `/regex/` key. No name can leave it: all but letters, digits, `_` and `-` is escaped.
 */
import { type ByteString, lowerAscii } from '../model/exchange.js'
import type { Platform, PlatformName } from '../model/platform.js'
import { escapedPattern } from './config-text.js'

export interface KeyFamily {
  /** For people: `items[*][name]`; of a name without a family the name. */
  readonly text: string
  readonly literal: boolean
  /** What stands between the slashes of a regex key, anchored; null where the family is literal. */
  readonly regex: ByteString | null
  /** Without regard to case, as the engines compare names. */
  matches(name: ByteString): boolean
  /** Names of the family in the corpus, sorted, at most 64; the name itself where none was seen. */
  readonly seen: readonly ByteString[]
}

export type FamilyOf = (name: ByteString) => KeyFamily

const keptNames = 64
/** LIMIT: names that are learned from. */
const mostNames = 100_000
/** LIMIT: bytes of a name that is looked at; a longer one is literal. */
const longestName = 512
/** Numbers in one place of a name that make it variable. */
const fewestNumbers = 3

interface Spelling {
  /** Numbers and ids in this place of a name are indexes by its syntax: group 1 stands before, then the index. */
  readonly indexes: readonly RegExp[]
  /** Anchors of a regex key that hold at the ends of the name only. */
  readonly anchors: readonly [ByteString, ByteString]
  /** Whether the engine makes the key lower case before it compares. */
  readonly lower: boolean
  /** Whether bytes above 0x7F can be written in a regex key. */
  readonly highBytes: boolean
}

const brackets = /(\[)([0-9]+|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})(?=\])/g

const spellings: Readonly<Record<PlatformName, Spelling>> = {
  // Array elements of JSON bodies have no index.
  modsec2: { indexes: [brackets], anchors: ['^', '$'], lower: false, highBytes: true },
  // `$` also stands before line ends, and names may hold them.
  modsec3: {
    indexes: [brackets, /(^json.*\.array_)([0-9]+)(?=\.|$)/gs],
    anchors: ['\\A', '\\z'],
    lower: false,
    highBytes: true,
  },
  // The pattern itself is made lower case, `\A` too.
  coraza: { indexes: [brackets, /(^json.*\.)([0-9]+)(?=\.|$)/gs], anchors: ['^', '$'], lower: true, highBytes: false },
}

/** A name in pieces: what is the same in all of its family, and what stands for the numbers and ids between. */
interface Skeleton {
  readonly literals: readonly ByteString[]
  readonly variables: readonly Variable[]
}

type Variable = 'number' | 'uuid'
const patterns: Readonly<Record<Variable, ByteString>> = {
  number: '[0-9]+',
  uuid: '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
}

/** Deterministic: the order of the names does not count, but for those beyond the first 100,000. */
export function learnFamilies(names: Iterable<ByteString>, platform: Pick<Platform, 'name'>): FamilyOf {
  const spelling = spellings[platform.name]
  const known = new Set<ByteString>()
  const numbers = new Map<string, Set<ByteString>[]>()
  for (const name of names) {
    if (known.size >= mostNames) break
    if (name.length > longestName || known.has(name)) continue
    known.add(name)
    if (!mayVary(name)) continue
    const { frame, runs } = digitRuns(markIndexes(name, spelling))
    if (runs.length === 0) continue
    let places = numbers.get(frame)
    if (places === undefined) {
      places = runs.map(() => new Set())
      numbers.set(frame, places)
    }
    for (const [at, run] of runs.entries()) {
      const place = places[at]
      if (place !== undefined && place.size < fewestNumbers) place.add(run)
    }
  }
  const skeletonOf = (name: ByteString): Skeleton | null => {
    if (name.length > longestName || !mayVary(name) || (!spelling.highBytes && /[\x80-\xff]/.test(name))) return null
    return skeleton(name, spelling, numbers)
  }
  const members = new Map<string, ByteString[]>()
  for (const name of [...known].sort()) {
    const found = skeletonOf(name)
    if (found === null) continue
    const list = members.get(keyOf(found))
    if (list === undefined) members.set(keyOf(found), [name])
    else if (list.length < keptNames) list.push(name)
  }
  const families = new Map<string, KeyFamily>()
  return (name) => {
    const found = skeletonOf(name)
    if (found === null) return literalFamily(name)
    const key = keyOf(found)
    const seen = members.get(key)
    // A family of the corpus is made once for all its names.
    if (seen === undefined) return family(found, spelling, [name])
    let made = families.get(key)
    if (made === undefined) {
      // Spelled as its first name is, whichever is asked for first.
      made = family(skeletonOf(seen[0] ?? name) ?? found, spelling, seen)
      families.set(key, made)
    }
    return made
  }
}

/** Indexes hold a digit; a uuid of letters alone hardly comes up. */
function mayVary(name: ByteString): boolean {
  return /[0-9]/.test(name)
}

/** Stands for an index while the digits around it are looked at; no digit. */
const mark = '\u0100'

interface Marked {
  /** The name with a mark for each index. */
  readonly text: string
  readonly variables: readonly Variable[]
}

function markIndexes(name: ByteString, { indexes }: Spelling): Marked {
  let text: string = name
  // An index ends where the next begins, so a pattern that is bound to the start is asked again.
  for (const pattern of indexes)
    for (let before = ''; before !== text; ) {
      before = text
      text = text.replace(
        pattern,
        (_whole, lead: string, index: string) => `${lead}${mark}${index.length === 36 ? 'u' : 'n'}`,
      )
    }
  const variables: Variable[] = []
  text = text.replace(/\u0100([un])/g, (_whole, kind: string) => {
    variables.push(kind === 'u' ? 'uuid' : 'number')
    return mark
  })
  return { text, variables }
}

/** The name without its numbers, and these. */
function digitRuns({ text }: Marked): { readonly frame: string; readonly runs: readonly ByteString[] } {
  return { frame: text.replace(/[0-9]+/g, '0'), runs: text.match(/[0-9]+/g) ?? [] }
}

/** Null where nothing in the name is variable. */
function skeleton(
  name: ByteString,
  spelling: Spelling,
  numbers: ReadonlyMap<string, readonly ReadonlySet<ByteString>[]>,
): Skeleton | null {
  const marked = markIndexes(name, spelling)
  const { text, variables: indexes } = marked
  const { frame } = digitRuns(marked)
  const places = numbers.get(frame) ?? []
  const literals: ByteString[] = []
  const variables: Variable[] = []
  let literal = ''
  let run = 0
  let index = 0
  for (const part of text.split(/(\u0100|[0-9]+)/)) {
    const isIndex = part === mark
    const isNumber = !isIndex && /^[0-9]/.test(part)
    if (isIndex || (isNumber && (places[run]?.size ?? 0) >= fewestNumbers)) {
      literals.push(literal)
      literal = ''
      variables.push(isIndex ? (indexes[index] ?? 'number') : 'number')
    } else literal += part
    if (isIndex) index++
    if (isNumber) run++
  }
  literals.push(literal)
  return variables.length === 0 ? null : { literals, variables }
}

function keyOf({ literals, variables }: Skeleton): string {
  return lowerAscii(JSON.stringify([literals, variables]))
}

/** The name as a `/regex/` key, without the slashes; null where the platform cannot be given it. */
export function exactKey(name: ByteString, platform: Pick<Platform, 'name'>): ByteString | null {
  const { anchors, lower, highBytes } = spellings[platform.name]
  if (!highBytes && /[\x80-\xff]/.test(name)) return null
  return anchors[0] + escapedPattern(lower ? lowerAscii(name) : name) + anchors[1]
}

/** One name and no other, in any case, as engines compare names of targets. */
export function literalFamily(name: ByteString): KeyFamily {
  const lower = lowerAscii(name)
  return { text: name, literal: true, regex: null, matches: (other) => lowerAscii(other) === lower, seen: [name] }
}

function family({ literals, variables }: Skeleton, spelling: Spelling, seen: readonly ByteString[]): KeyFamily {
  const [start, end] = spelling.anchors
  const written = (text: ByteString): ByteString => escapedPattern(spelling.lower ? lowerAscii(text) : text)
  const source = (parts: readonly ByteString[]): ByteString =>
    parts.map((part, at) => part + (at < variables.length ? patterns[variables[at] as Variable] : '')).join('')
  const compiled = new RegExp(`^${source(literals.map((part) => escapedPattern(lowerAscii(part))))}$`)
  return {
    text: literals.map((part, at) => part + (at < variables.length ? '*' : '')).join(''),
    literal: false,
    regex: `${start}${source(literals.map(written))}${end}`,
    matches: (name) => compiled.test(lowerAscii(name)),
    seen,
  }
}
