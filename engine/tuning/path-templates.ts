/**
 * Templates of paths, learned from the paths of a corpus: `/user/1`, `/user/2` → `/user/{id}`.
 *
 * A segment is variable by its shape (numbers, uuids, dates, tokens), or where enough values of one kind stand between
 * the same neighbours; all else stays literal, since a template is the scope of an exclusion. No variable segment
 * crosses a slash or matches `..`, so that a template holds neither for PATH_INFO nor for a way out of its folder.
 */
import type { ByteString } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import { pathEscaper, pathOperator } from './config-text.js'
import { looksLikeSlug, looksLikeWord, numberedParts, ownShape, type SegmentShape, slugShapeOf } from './path-shapes.js'

export { filenameOf } from '../transaction/request-view.js'

export interface PathTemplate {
  /** For people: `/user/{id}`; of a literal path the path. */
  readonly text: string
  readonly literal: boolean
  /** Source of the anchored pattern, `\A/user/[0-9]+\z`; null where the template is literal. */
  readonly pattern: ByteString | null
  /** What stands between the quotes of a rule on REQUEST_FILENAME: `@streq /x`, `@rx \A/user/[0-9]+\z`. Tells templates apart. */
  readonly operator: ByteString
  matches(path: ByteString): boolean
}

export type TemplateOf = (path: ByteString) => PathTemplate

/** LIMIT: segments of a path that is looked at; a longer one stays literal. */
const mostSegments = 64

/** Values of a number, uuid or token from which on it is variable however often each was seen. */
const fewestShapedValues = 2
/** Requests with one value and no other that make it a constant. */
const constantRequests = 10
/** Digits of a number that is variable although it is the only one seen. */
const idDigits = 3
/** Numbers behind the same word (`page-1`). */
const fewestNumbers = 4
const fewestSlugs = 4
/** Single words between the same neighbours; not at the end of a path, where pages have their names. */
const fewestWords = 8
/** Values that are not rare for the requests: the most of them are seen once. */
const slugVariety = 0.5
const wordVariety = 0.8
/** So many values are variable even if each is seen often, where none of them has a large share. */
const manyValues = 50
const largeShare = 0.2
/** Share of the values between two neighbours that must look like slugs. */
const slugShare = 0.75

interface Path {
  readonly segments: readonly ByteString[]
  readonly requests: number
}

type Piece = { readonly literal: ByteString } | SegmentPattern

interface SegmentPattern extends SegmentShape {
  readonly before: ByteString
  readonly behind: ByteString
}

interface Slugs {
  readonly shape: SegmentShape
  /** Pages of their own, seen too often to be one of many. */
  readonly constants: ReadonlySet<ByteString>
}

/** What was learned of the segment behind a prefix. */
interface Place {
  /** What follows, by segment, and by key of a variable. */
  readonly literals: Map<ByteString, Place>
  readonly variables: Map<string, Place>
  /** Names of the shapes that are variable here. */
  readonly shapes: Set<string>
  /** What stands around a number that is variable here. */
  readonly numbers: Set<string>
  /** By what stands behind the segment. */
  readonly slugs: Map<string, Slugs>
}

/**
 * Learns from the paths of the whole corpus and how many requests each has. The paths are what REQUEST_FILENAME holds
 * on the platform (`filenameOf`). Deterministic: the order of the paths does not count.
 */
export function learnPathTemplates(
  paths: ReadonlyMap<ByteString, number>,
  platform: Pick<Platform, 'regexSubject'>,
): TemplateOf {
  const root = emptyPlace()
  const whole: Path[] = []
  for (const [path, requests] of paths) {
    const segments = path.split('/')
    if (path.startsWith('/') && segments.length <= mostSegments) whole.push({ segments, requests })
  }
  const open: { readonly place: Place; readonly paths: readonly Path[]; readonly at: number }[] = [
    { place: root, paths: whole, at: 0 },
  ]
  for (let job = open.pop(); job !== undefined; job = open.pop()) {
    const { place, at } = job
    const here = job.paths.filter(({ segments }) => segments.length > at)
    learnPlace(place, here, at)
    const below = new Map<Place, Path[]>()
    for (const path of here) {
      const { next } = step(place, path.segments, at, true)
      if (next === null) continue
      const list = below.get(next)
      if (list) list.push(path)
      else below.set(next, [path])
    }
    for (const [next, list] of below) open.push({ place: next, paths: list, at: at + 1 })
  }
  return (path) => templateOf(path, root, platform)
}

function emptyPlace(): Place {
  return { literals: new Map(), variables: new Map(), shapes: new Set(), numbers: new Set(), slugs: new Map() }
}

function learnPlace(place: Place, paths: readonly Path[], at: number): void {
  const shaped = new Map<string, Map<ByteString, number>>()
  const numbered = new Map<string, Map<ByteString, number>>()
  for (const { segments, requests } of paths) {
    const segment = segments[at] ?? ''
    const shape = ownShape(segment)
    if (shape !== null) count(shaped, shape.name, segment, requests)
    else {
      const parts = numberedParts(segment)
      if (parts !== null) count(numbered, numberKey(parts), segment, requests)
    }
  }
  for (const [name, values] of shaped) if (isVariable(name, values)) place.shapes.add(name)
  for (const [key, values] of numbered) if (values.size >= fewestNumbers) place.numbers.add(key)
  learnSlugs(place, paths, at)
}

function count(groups: Map<string, Map<ByteString, number>>, key: string, value: ByteString, requests: number): void {
  let values = groups.get(key)
  if (values === undefined) {
    values = new Map()
    groups.set(key, values)
  }
  values.set(value, (values.get(value) ?? 0) + requests)
}

function isVariable(name: string, values: ReadonlyMap<ByteString, number>): boolean {
  if (values.size >= fewestShapedValues) return true
  const [[value, requests] = ['', 0]] = values
  return requests < constantRequests && (name !== 'id' || value.length >= idDigits)
}

/** Never of the first segment: a template `/{slug}` would be nearly the whole site. */
function learnSlugs(place: Place, paths: readonly Path[], at: number): void {
  if (at < 2) return
  const neighbours = new Map<string, Map<ByteString, number>>()
  for (const { segments, requests } of paths) {
    const segment = segments[at] ?? ''
    if (segment === '' || shapeKey(place, segment) !== null) continue
    count(neighbours, behind(segments, at), segment, requests)
  }
  for (const [key, values] of neighbours) {
    const slugs = slugsAmong(values, key === '')
    if (slugs !== null) place.slugs.set(key, slugs)
  }
}

/** The shape of the values between two neighbours that stand for many; null where they are names of pages. */
function slugsAmong(values: ReadonlyMap<ByteString, number>, isLast: boolean): Slugs | null {
  const slugs = [...values].filter(([value]) => looksLikeSlug(value))
  if (slugs.length >= fewestSlugs && slugs.length >= slugShare * values.size) {
    const found = variedAmong(slugs, 'slug', fewestSlugs, slugVariety)
    if (found !== null) return found
  }
  if (isLast) return null
  const words = [...values].filter(([value]) => looksLikeSlug(value) || looksLikeWord(value))
  return variedAmong(words, 'name', fewestWords, wordVariety)
}

/** Null where fewer values than that are left beside the constants, or each is seen again and again. */
function variedAmong(
  values: readonly (readonly [ByteString, number])[],
  name: string,
  fewest: number,
  variety: number,
): Slugs | null {
  if (values.length < fewest) return null
  const sorted = [...values].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  let sum = values.reduce((all, [, requests]) => all + requests, 0)
  let from = 0
  for (const [, requests] of sorted) {
    if (requests < constantRequests || requests <= largeShare * sum) break
    sum -= requests
    from++
  }
  const rest = sorted.slice(from)
  if (rest.length < fewest || (rest.length < variety * sum && rest.length < manyValues)) return null
  const shape = slugShapeOf(rest.map(([value]) => value))
  return shape === null
    ? null
    : { shape: { ...shape, name }, constants: new Set(sorted.slice(0, from).map(([value]) => value)) }
}

/** What stands behind a segment, as far as its shape tells. */
function behind(segments: readonly ByteString[], at: number): string {
  return segments
    .slice(at + 1)
    .map((segment) => `/${ownShape(segment)?.name ?? ''}:${ownShape(segment) === null ? segment : ''}`)
    .join('')
}

function numberKey([before, , after]: readonly [ByteString, ByteString, ByteString]): string {
  return `${before}/${after}`
}

/** Key of the variable that the segment is by its shape or by its number; null where it is none. */
function shapeKey(place: Place, segment: ByteString): string | null {
  const shape = ownShape(segment)
  if (shape !== null) return place.shapes.has(shape.name) ? `shape ${shape.name}` : null
  const parts = numberedParts(segment)
  if (parts === null || !place.numbers.has(numberKey(parts))) return null
  return `number ${numberKey(parts)}`
}

interface Step {
  readonly piece: Piece
  /** Null where nothing is known of what follows. */
  readonly next: Place | null
}

/** The segment at its place. `learning` makes the places behind it. */
function step(place: Place, segments: readonly ByteString[], at: number, learning = false): Step {
  const segment = segments[at] ?? ''
  const found = variableAt(place, segments, at)
  const places: Map<string, Place> = found === null ? place.literals : place.variables
  const key = found === null ? segment : found.key
  let next = places.get(key)
  if (next === undefined && learning) {
    next = emptyPlace()
    places.set(key, next)
  }
  return { piece: found === null ? { literal: segment } : found.piece, next: next ?? null }
}

const plain = { before: '', behind: '' }

function variableAt(
  place: Place,
  segments: readonly ByteString[],
  at: number,
): { readonly key: string; readonly piece: SegmentPattern } | null {
  const segment = segments[at] ?? ''
  const key = shapeKey(place, segment)
  const own = ownShape(segment)
  if (key !== null && own !== null) return { key, piece: { ...own, ...plain } }
  if (key !== null) {
    const [before, , after] = numberedParts(segment) ?? ['', '', '']
    const holds = (other: ByteString): boolean => {
      const parts = numberedParts(other)
      return parts !== null && parts[0] === before && parts[2] === after
    }
    return { key, piece: { name: 'id', pattern: '[0-9]+', holds, before, behind: after } }
  }
  if (place.slugs.size === 0) return null
  const what = behind(segments, at)
  const slugs = place.slugs.get(what)
  if (slugs === undefined || !slugs.shape.holds(segment) || slugs.constants.has(segment)) return null
  if (!looksLikeSlug(segment) && (slugs.shape.name === 'slug' || !looksLikeWord(segment))) return null
  return { key: `slug ${what}`, piece: { ...slugs.shape, ...plain } }
}

function templateOf(path: ByteString, root: Place, platform: Pick<Platform, 'regexSubject'>): PathTemplate {
  const segments = path.split('/')
  const pieces: Piece[] = []
  if (segments.length <= mostSegments) {
    let place: Place | null = root
    for (let at = 0; at < segments.length; at++) {
      const taken: Step =
        place === null ? { piece: { literal: segments[at] ?? '' }, next: null } : step(place, segments, at)
      pieces.push(taken.piece)
      place = taken.next
    }
  }
  if (pieces.every((piece) => 'literal' in piece))
    return {
      text: path,
      literal: true,
      pattern: null,
      operator: pathOperator(path, platform),
      matches: (other) => other === path,
    }
  const escaped = pathEscaper(
    pieces.map((piece) => ('literal' in piece ? piece.literal : `${piece.before}/${piece.behind}`)),
    platform,
  )
  const pattern = `\\A${pieces.map((piece) => patternOf(piece, escaped)).join('/')}\\z`
  return {
    text: pieces.map(textOf).join('/'),
    literal: false,
    pattern,
    operator: `@rx ${pattern}`,
    matches: (other) => holds(pieces, other),
  }
}

function patternOf(piece: Piece, escaped: (text: ByteString) => ByteString): ByteString {
  return 'literal' in piece
    ? escaped(piece.literal)
    : `${escaped(piece.before)}${piece.pattern}${escaped(piece.behind)}`
}

/** A literal brace is written with a backslash: `{id}` is a variable. */
function textOf(piece: Piece): string {
  const written = (text: ByteString): string => text.replace(/[\\{}]/g, '\\$&')
  if ('literal' in piece) return written(piece.literal)
  return `${written(piece.before)}{${piece.name}}${written(piece.behind)}`
}

function holds(pieces: readonly Piece[], path: ByteString): boolean {
  const segments = path.split('/')
  return (
    segments.length === pieces.length &&
    pieces.every((piece, at) => {
      const segment = segments[at] ?? ''
      return 'literal' in piece ? segment === piece.literal : piece.holds(segment)
    })
  )
}
