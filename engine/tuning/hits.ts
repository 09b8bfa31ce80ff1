/**
 * What a verdict holds that an exclusion could answer: the rules that scored or disrupted, and the targets each
 * of their hits came from.
 *
 * A hit goes away when all its sources are excluded, or its rule. Protected rules give no hits.
 */
import type { ByteString } from '../model/exchange.js'
import type { Match, Verdict } from '../model/verdict.js'
import { isProtected } from './protected-rules.js'

export interface Hit {
  readonly ruleId: number
  /** Targets that must all be excluded for the hit to go, each once. */
  readonly sources: readonly Match[]
  /** What the hit added to the anomaly scores; 0 where the rule only disrupts. */
  readonly points: number
  /** Phases 3 and 4 add to the outbound score. */
  readonly outbound: boolean
}

/**
 * The hits of a verdict in firing order: one for each match that added points; one for a rule that added none and
 * for which `disrupts` holds.
 */
export function hitsOf(verdict: Verdict, disrupts: (ruleId: number) => boolean): readonly Hit[] {
  const hits: Hit[] = []
  for (const [ruleId, matches] of byRule(verdict.matches)) {
    if (isProtected(ruleId)) continue
    const scored = matches.filter((match) => match.scoreAdded > 0)
    if (scored.length === 0) {
      if (disrupts(ruleId)) hits.push(hitFrom(ruleId, linkBehind(matches), matches, 0))
      continue
    }
    for (const match of scored) hits.push(hitFrom(ruleId, [match], matches, match.scoreAdded))
  }
  return hits
}

/** Whether the rule that blocked in this verdict did so by itself. */
export function disruptedIn(verdict: Verdict): (ruleId: number) => boolean {
  const { blockedBy } = verdict
  return (ruleId) => blockedBy?.kind === 'rule' && blockedBy.ruleId === ruleId
}

/** What the deepest link of the rule matched: what a setting would have to allow. */
export function comparedValues(verdict: Verdict, ruleId: number): readonly ByteString[] {
  return linkBehind(verdict.matches.filter((match) => match.ruleId === ruleId)).map(({ value }) => value)
}

function byRule(matches: readonly Match[]): ReadonlyMap<number, readonly Match[]> {
  const rules = new Map<number, Match[]>()
  for (const match of matches) {
    const list = rules.get(match.ruleId)
    if (list === undefined) rules.set(match.ruleId, [match])
    else list.push(match)
  }
  return rules
}

/** Matches of the last link. */
function linkBehind(matches: readonly Match[]): readonly Match[] {
  const deepest = Math.max(...matches.map((match) => match.link))
  return matches.filter((match) => match.link === deepest)
}

function hitFrom(ruleId: number, from: readonly Match[], matches: readonly Match[], points: number): Hit {
  const derived = from.every((match) => isDerivedTarget(match.target))
  const sources = new Map<ByteString, Match>()
  for (const source of derived ? sourcesOf(from, matches) : from)
    if (!sources.has(source.target)) sources.set(source.target, source)
  return { ruleId, sources: [...sources.values()], points, outbound: (from[0]?.phase ?? 2) >= 3 }
}

/**
 * The head's matches that these values came from: those whose value stands in one of them, or the other way round;
 * all of them where none does.
 */
function sourcesOf(derived: readonly Match[], matches: readonly Match[]): readonly Match[] {
  const heads = matches.filter((match) => match.link === 0)
  const values = derived.map((match) => match.value.toLowerCase()).filter((value) => value !== '')
  const sources = heads.filter(({ value }) => {
    const lower = value.toLowerCase()
    return values.some((other) => lower !== '' && (other.includes(lower) || lower.includes(other)))
  })
  return sources.length > 0 ? sources : heads
}

/** Targets that only hold what an earlier link found. */
export function isDerivedTarget(target: ByteString): boolean {
  return /^&?(?:TX|MATCHED_VARS?(?:_NAMES?)?)(?::|$)/.test(target)
}
