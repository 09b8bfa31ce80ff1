/**
 * The ladder by hand: for a rule, a parameter and a path that somebody names, every exclusion from broad to narrow, and
 * why a rung is not there. Nothing is replayed, so all of it is unproven.
 */
import type { ByteString } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import type { Rule, Ruleset } from '../model/ruleset.js'
import {
  type Candidate,
  type CandidateInput,
  eligible,
  exclusionFrom,
  exclusionKinds,
  isAvailable,
  ladder,
  type Unavailable,
} from './candidates.js'
import type { Exclusion, ExclusionKind } from './exclusion.js'
import { allocateFor, type IdBounds } from './ids.js'
import { typedPath } from './named-path.js'
import { type KeyFamily, literalFamily } from './parameter-families.js'
import { literalTemplate, type Spot, splitTarget } from './place.js'

export interface HandInput extends CandidateInput {
  readonly ruleId: number
  /** Name of a parameter, or a target as logs name it (`REQUEST_COOKIES:sid`); null where the caller names none. */
  readonly parameter: ByteString | null
  /** Path of the requests as it is sent or, with blanks and the like in it, decoded; null where the caller names none. */
  readonly path: ByteString | null
  /** What the rule compared, for rules that a setting drives: the method, the content type. */
  readonly compared?: readonly ByteString[]
  readonly ids: { readonly bounds: IdBounds; readonly taken: ReadonlySet<number> }
}

export interface Rung {
  readonly kind: ExclusionKind
  /** What this kind does. */
  readonly doc: string
  /** Null where it is not to be had. */
  readonly exclusion: Exclusion | null
  /** Why not. */
  readonly unavailable: string | null
  /** Whether it is the one that would be chosen. */
  readonly preferred: boolean
}

export interface HandLadder {
  readonly ruleId: number
  /** The target as the rule reads it; null where none was named or the rule reads no such thing. */
  readonly target: ByteString | null
  /** What the rule reads, as written in it, where the named target is not among that. */
  readonly reads: readonly string[] | null
  readonly rungs: readonly Rung[]
}

/** One ladder; several where the rule reads the parameter in several variables. */
export function laddersByHand(input: HandInput): readonly HandLadder[] {
  const rule = input.ruleset.rules.find(({ id }) => id === input.ruleId)
  const places = rule === undefined || input.parameter === null ? [] : placesOf(rule, input.parameter)
  const { platform } = input.ruleset
  const template = literalTemplate(typedPath(input.path ?? '/', platform), platform)
  const spots = places.map(({ link, variable, key }) =>
    spotOf(input, { link, variable, family: key === null ? null : literalFamily(key), template }),
  )
  if (spots.length > 0) return laddersOf(spots, input, null)
  const reads = rule === undefined || input.parameter === null ? null : readBy(rule)
  return laddersOf([spotOf(input, { link: 0, variable: '', family: null, template })], input, reads)
}

/** What is the same for all places. */
export type PlacesInput = Omit<HandInput, 'ruleId' | 'parameter' | 'path'>

/**
 * The ladders for places that were learned from alerts, in their order; no two of their exclusions share an id. Alerts
 * name the part of ARGS that a name came in, and not the link of a chain that read it: both follow from the rule.
 */
export function laddersAt(spots: readonly Spot[], input: PlacesInput): readonly HandLadder[] {
  const rules = new Map(input.ruleset.rules.map((rule) => [rule.id, rule]))
  const asRead = spots.map((spot): Spot => {
    const rule = rules.get(spot.ruleId)
    if (rule === undefined) return spot
    const whole = spot.variable.replace(/^ARGS_(?:GET|POST|PATH)/, 'ARGS')
    const variable = !isRead(rule, spot.variable) && isRead(rule, whole) ? whole : spot.variable
    const link = rule.links.findIndex(({ targets }) => targets.some((target) => target.variable.name === variable))
    return { ...spot, variable, link: Math.max(0, link) }
  })
  return laddersOf(asRead, { ...input, parameter: '', path: '' }, null)
}

function spotOf(input: HandInput, place: Pick<Spot, 'link' | 'variable' | 'family' | 'template'>): Spot {
  return { ruleId: input.ruleId, compared: input.compared ?? [], ...place }
}

const docs = new Map(exclusionKinds.map(({ kind, doc }) => [kind, doc]))

interface Named extends PlacesInput {
  readonly parameter: ByteString | null
  readonly path: ByteString | null
}

interface Planned {
  readonly spot: Spot
  readonly rungs: readonly (Candidate | Unavailable)[]
  readonly best: Candidate | null
}

function laddersOf(spots: readonly Spot[], input: Named, reads: readonly string[] | null): readonly HandLadder[] {
  const planned = spots.map((spot): Planned => {
    const rungs = ladder(spot, input).map((rung) => withheld(rung, spot, input, reads) ?? rung)
    return { spot, rungs, best: eligible(rungs)[0] ?? null }
  })
  const ids = idsFor(planned, input.ids)
  return planned.map(({ spot, rungs, best }) => ({
    ruleId: spot.ruleId,
    target: spot.variable === '' ? null : targetText(spot.variable, spot.family),
    reads,
    rungs: rungs.map((rung) => rungOf(rung, best, ids, input.ruleset.platform)),
  }))
}

/** Ids for all candidates, those that would be chosen first; what there is no room for gets none. */
function idsFor(
  planned: readonly Planned[],
  { bounds, taken }: HandInput['ids'],
): ReadonlyMap<string, readonly number[]> {
  const wanted = new Map<string, Candidate>()
  for (const { best } of planned) if (best !== null) wanted.set(best.key, best)
  for (const { rungs } of planned)
    for (const rung of rungs) if (isAvailable(rung)) wanted.set(rung.key, wanted.get(rung.key) ?? rung)
  let room = bounds.last - bounds.first + 1
  for (const id of taken) if (id >= bounds.first && id <= bounds.last) room--
  const fitting = [...wanted.values()].filter(({ idsNeeded }) => {
    if (idsNeeded > room) return false
    room -= idsNeeded
    return true
  })
  return allocateFor(fitting, bounds, taken)
}

function rungOf(
  rung: Candidate | Unavailable,
  best: Candidate | null,
  ids: ReadonlyMap<string, readonly number[]>,
  platform: Platform,
): Rung {
  const { kind } = rung
  const doc = docs.get(kind) ?? ''
  const none = (unavailable: string): Rung => ({ kind, doc, exclusion: null, unavailable, preferred: false })
  if (!isAvailable(rung)) return none(rung.unavailable)
  const own = ids.get(rung.key)
  if (own === undefined) return none('the range of ids has no room for it: --id-range')
  return { kind, doc, exclusion: exclusionFrom(rung, own, platform), unavailable: null, preferred: rung === best }
}

/** Rungs that need what the caller has not said. */
function withheld(
  rung: Candidate | Unavailable,
  spot: Spot,
  { path, parameter }: Named,
  reads: readonly string[] | null,
): Unavailable | null {
  const { kind } = rung
  if (spot.variable === '' && kind.includes('target')) {
    if (parameter === null) return { kind, unavailable: 'it needs the name of a parameter: --param' }
    return { kind, unavailable: `the rule does not read that target; it reads ${(reads ?? []).join(', ')}` }
  }
  if (path === null && (kind.startsWith('ctl-') || kind.startsWith('location-')) && isAvailable(rung))
    return { kind, unavailable: 'it needs the path of the requests: --path' }
  return null
}

interface NamedPlace {
  readonly link: number
  readonly variable: ByteString
  readonly key: ByteString | null
}

/** Variables that hold the value of a parameter by its name. */
const parameterVariables: readonly string[] = ['ARGS', 'ARGS_GET', 'ARGS_POST']

/** Where the rule reads what was named, heads of chains first. */
function placesOf(rule: Rule, parameter: ByteString): readonly NamedPlace[] {
  const named = splitTarget(parameter)
  const isTarget = /^[A-Z][A-Z_]+$/.test(named.variable) && (named.key !== null || isRead(rule, named.variable))
  const wanted = isTarget ? [named.variable] : parameterVariables
  const key = isTarget ? named.key : parameter
  const places = new Map<string, NamedPlace>()
  for (const [link, { targets }] of rule.links.entries())
    for (const { variable, selector } of targets) {
      if (!wanted.includes(variable.name) || places.has(variable.name)) continue
      if (selector !== null && (key === null || !isSelected(selector, key))) continue
      places.set(variable.name, { link, variable: variable.name, key })
    }
  return [...places.values()]
}

type Selector = NonNullable<Rule['links'][number]['targets'][number]['selector']>

function isSelected(selector: Selector, key: ByteString): boolean {
  return selector.kind === 'regex' ? selector.test(key) : selector.lower === key.toLowerCase()
}

function isRead(rule: Rule, variable: ByteString): boolean {
  return rule.links.some(({ targets }) => targets.some((target) => target.variable.name === variable))
}

function readBy(rule: Rule): readonly string[] {
  return [...new Set(rule.links.flatMap(({ targets }) => targets.map(({ text }) => text)))]
}

function targetText(variable: ByteString, family: KeyFamily | null): ByteString {
  return family === null ? variable : `${variable}:${family.text}`
}

/** Ids of the rules of a ruleset: what exclusions may not take. */
export function idsOf(ruleset: Ruleset): ReadonlySet<number> {
  return new Set(ruleset.rules.map(({ id }) => id))
}
