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
  readonly segments: readonly Segment[]
  readonly requests: number
}

/** A segment and what it looks like by itself. */
interface Segment {
  readonly text: ByteString
  readonly shape: SegmentShape | null
  /** Where it has no shape of its own. */
  readonly parts: readonly [ByteString, ByteString, ByteString] | null
}

/** LIMIT: segments whose looks are kept. */
const mostKeptSegments = 20_000

type Piece = { readonly literal: ByteString } | SegmentPattern

interface SegmentPattern extends SegmentShape {
  readonly before: ByteString
  readonly behind: ByteString
}

/** A variable of one place. */
interface Variable {
  readonly key: string
  readonly piece: SegmentPattern
}

interface Slugs {
  readonly variable: Variable
  /** Pages of their own, seen too often to be one of many. */
  readonly constants: ReadonlySet<ByteString>
}

/** What was learned of the segment behind a prefix. */
interface Place {
  /** What follows, by segment, and by key of a variable. */
  readonly literals: Map<ByteString, Place>
  readonly variables: Map<string, Place>
  /** What is variable here, by the name of a shape, and by what stands around a number. */
  readonly shapes: Map<string, Variable>
  readonly numbers: Map<string, Variable>
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
  const segmentsOf = segmenter()
  const root = emptyPlace()
  const whole: Path[] = []
  for (const [path, requests] of paths) {
    const segments = path.startsWith('/') ? segmentsOf(path) : []
    if (segments.length > 0) whole.push({ segments, requests })
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
  const known = new Map<string, PathTemplate>()
  return (path) => templateOf(path, segmentsOf(path), root, platform, known)
}

/** Cuts paths into segments; none of a path that is too long. */
function segmenter(): (path: ByteString) => readonly Segment[] {
  const known = new Map<ByteString, Segment>()
  const segmentOf = (text: ByteString): Segment => {
    let segment = known.get(text)
    if (segment === undefined) {
      const shape = ownShape(text)
      segment = { text, shape, parts: shape === null ? numberedParts(text) : null }
      if (known.size < mostKeptSegments) known.set(text, segment)
    }
    return segment
  }
  return (path) => {
    const texts = path.split('/')
    return texts.length > mostSegments ? [] : texts.map(segmentOf)
  }
}

/** What stands behind a segment, as far as shapes tell. */
function behind(segments: readonly Segment[], at: number): string {
  let text = ''
  for (let n = at + 1; n < segments.length; n++) {
    const segment = segments[n] as Segment
    text += `/${segment.shape === null ? `:${segment.text}` : segment.shape.name}`
  }
  return text
}

function emptyPlace(): Place {
  return { literals: new Map(), variables: new Map(), shapes: new Map(), numbers: new Map(), slugs: new Map() }
}

function learnPlace(place: Place, paths: readonly Path[], at: number): void {
  const shaped = new Map<string, Map<ByteString, number>>()
  const numbered = new Map<string, Map<ByteString, number>>()
  for (const { segments, requests } of paths) {
    const { text, shape, parts } = segments[at] as Segment
    if (shape !== null) count(shaped, shape.name, text, requests)
    else if (parts !== null) count(numbered, numberKey(parts), text, requests)
  }
  for (const [name, values] of shaped) {
    const shape = ownShape(values.keys().next().value ?? '')
    if (shape !== null && isVariable(name, values)) place.shapes.set(name, variable(`shape ${name}`, shape))
  }
  for (const [key, values] of numbered) {
    const parts = numberedParts(values.keys().next().value ?? '')
    if (parts !== null && values.size >= fewestNumbers) place.numbers.set(key, numberVariable(parts))
  }
  learnSlugs(place, paths, at)
}

function variable(key: string, shape: SegmentShape): Variable {
  return { key, piece: { ...shape, before: '', behind: '' } }
}

function numberVariable(parts: readonly [ByteString, ByteString, ByteString]): Variable {
  const [before, , behind] = parts
  const holds = (other: ByteString): boolean => {
    const its = numberedParts(other)
    return its !== null && its[0] === before && its[2] === behind
  }
  return { key: `number ${numberKey(parts)}`, piece: { name: 'id', pattern: '[0-9]+', holds, before, behind } }
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
    const segment = segments[at] as Segment
    if (segment.text === '' || shapedAt(place, segment) !== null) continue
    count(neighbours, behind(segments, at), segment.text, requests)
  }
  for (const [key, values] of neighbours) {
    const slugs = slugsAmong(values, key)
    if (slugs !== null) place.slugs.set(key, slugs)
  }
}

/** The shape of the values between two neighbours that stand for many; null where they are names of pages. */
function slugsAmong(values: ReadonlyMap<ByteString, number>, behind: string): Slugs | null {
  const slugs = [...values].filter(([value]) => looksLikeSlug(value))
  if (slugs.length >= fewestSlugs && slugs.length >= slugShare * values.size) {
    const found = variedAmong(slugs, `slug ${behind}`, fewestSlugs, slugVariety)
    if (found !== null) return found
  }
  if (behind === '') return null
  const words = [...values].filter(([value]) => looksLikeSlug(value) || looksLikeWord(value))
  return variedAmong(words, `name ${behind}`, fewestWords, wordVariety)
}

/** Null where fewer values than that are left beside the constants, or each is seen again and again. */
function variedAmong(
  values: readonly (readonly [ByteString, number])[],
  key: string,
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
  if (shape === null) return null
  const name = key.slice(0, key.indexOf(' '))
  return {
    variable: variable(key, { ...shape, name }),
    constants: new Set(sorted.slice(0, from).map(([value]) => value)),
  }
}

function numberKey([before, , after]: readonly [ByteString, ByteString, ByteString]): string {
  return `${before}/${after}`
}

/** The variable that the segment is by its shape or by its number; null where it is none. */
function shapedAt(place: Place, { shape, parts }: Segment): Variable | null {
  if (shape !== null) return place.shapes.get(shape.name) ?? null
  return parts === null || place.numbers.size === 0 ? null : (place.numbers.get(numberKey(parts)) ?? null)
}

interface Step {
  readonly piece: Piece
  /** The same for equal pieces of one place. */
  readonly key: string
  /** Null where nothing is known of what follows. */
  readonly next: Place | null
}

/** The segment at its place. `learning` makes the places behind it. */
function step(place: Place, segments: readonly Segment[], at: number, learning = false): Step {
  const segment = segments[at] as Segment
  const found = variableAt(place, segments, at)
  const places: Map<string, Place> = found === null ? place.literals : place.variables
  const key = found === null ? segment.text : found.key
  let next = places.get(key)
  if (next === undefined && learning) {
    next = emptyPlace()
    places.set(key, next)
  }
  return found === null ? literalStep(segment, next ?? null) : { key, piece: found.piece, next: next ?? null }
}

function literalStep({ text }: Segment, next: Place | null): Step {
  return { key: `: ${text}`, piece: { literal: text }, next }
}

function variableAt(place: Place, segments: readonly Segment[], at: number): Variable | null {
  const segment = segments[at] as Segment
  const shaped = shapedAt(place, segment)
  if (shaped !== null || place.slugs.size === 0) return shaped
  const slugs = place.slugs.get(behind(segments, at))
  if (slugs === undefined) return null
  const { text } = segment
  const { piece } = slugs.variable
  if (!piece.holds(text) || slugs.constants.has(text)) return null
  if (!looksLikeSlug(text) && (piece.name === 'slug' || !looksLikeWord(text))) return null
  return slugs.variable
}

/** LIMIT: templates that are kept, each once for all its paths. */
const mostKept = 10_000

function templateOf(
  path: ByteString,
  segments: readonly Segment[],
  root: Place,
  platform: Pick<Platform, 'regexSubject'>,
  known: Map<string, PathTemplate>,
): PathTemplate {
  const steps: Step[] = []
  let place: Place | null = root
  for (const [at, segment] of segments.entries()) {
    const taken: Step = place === null ? literalStep(segment, null) : step(place, segments, at)
    steps.push(taken)
    place = taken.next
  }
  if (steps.every(({ piece }) => 'literal' in piece))
    return {
      text: path,
      literal: true,
      pattern: null,
      operator: pathOperator(path, platform),
      matches: (other) => other === path,
    }
  const key = JSON.stringify(steps.map((each) => each.key))
  const kept = known.get(key)
  if (kept !== undefined) return kept
  const template = templateFrom(
    steps.map(({ piece }) => piece),
    platform,
  )
  if (known.size < mostKept) known.set(key, template)
  return template
}

function templateFrom(pieces: readonly Piece[], platform: Pick<Platform, 'regexSubject'>): PathTemplate {
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
