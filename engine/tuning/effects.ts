/**
 * What each exclusion of a proven set did to the records it touches: requests cleared, hits removed, what is still
 * blocked and by what, what else changed.
 */
import type { AtomIndex } from './atom-index.js'
import type { Applied } from './candidates.js'
import type { CaseBook } from './case-book.js'
import type { Outcome } from './outcome.js'

export interface Effects {
  readonly clears: { readonly requests: number; readonly hits: number; readonly recordIds: readonly string[] }
  /** Records with a hit that the exclusion covers. */
  readonly requests: number
  readonly example: string
  readonly msg: string
  /** Requests it touches that are blocked even so, by what blocks them: a rule's id, or null for no rule. */
  readonly stillBlocked: readonly { readonly ruleId: number | null; readonly requests: number }[]
  /** Records on which a rule fires that did not before. */
  readonly changes: readonly { readonly id: string; readonly newRules: readonly number[] }[]
}

/** LIMIT: ids of records listed for an exclusion. */
const keptIds = 1000

interface MutableEffects {
  requests: number
  cleared: number
  hits: number
  readonly recordIds: string[]
  example: string
  msg: string
  readonly stillBlocked: Map<number | null, number>
  readonly changes: { id: string; newRules: readonly number[] }[]
}

/** Exclusions that were replayed together. */
export interface Replayed {
  readonly chosen: readonly Applied[]
  readonly outcomes: ReadonlyMap<string, Outcome>
  readonly index: AtomIndex
}

/** By key of the candidate. */
export function effectsOf({ chosen, outcomes, index }: Replayed, book: CaseBook): ReadonlyMap<string, Effects> {
  const covering = index.coverage(chosen)
  const effects = new Map<string, MutableEffects>(chosen.map(({ key }) => [key, noEffects()]))
  const effectOf = ({ key }: Applied): MutableEffects => effects.get(key) as MutableEffects
  const coveringAny = (atoms: readonly number[]): ReadonlySet<Applied> =>
    new Set(atoms.flatMap((atom) => covering.get(atom) ?? []))
  for (const outcome of outcomes.values()) {
    const { before, goneHits } = outcome
    if (before === null || before.aside) continue
    for (const candidate of coveringAny(before.hits.flatMap(({ atoms }) => atoms))) touch(effectOf(candidate), outcome)
    for (const { atoms } of goneHits)
      for (const candidate of coveringAny(atoms)) {
        const effect = effectOf(candidate)
        effect.hits++
        if (effect.msg === '') effect.msg = book.atoms[atoms[0] ?? 0]?.msg ?? ''
      }
  }
  return new Map([...effects].map(([key, effect]) => [key, finished(effect)]))
}

function touch(effect: MutableEffects, { id, before, blocked, blockedBy, newRules }: Outcome): void {
  effect.requests++
  if (effect.example === '') effect.example = id
  if (before?.blocked === true && !blocked) {
    effect.cleared++
    if (effect.recordIds.length < keptIds) effect.recordIds.push(id)
  }
  if (blocked) effect.stillBlocked.set(blockedBy, (effect.stillBlocked.get(blockedBy) ?? 0) + 1)
  if (newRules.length > 0 && effect.changes.length < keptIds) effect.changes.push({ id, newRules })
}

function noEffects(): MutableEffects {
  return { requests: 0, cleared: 0, hits: 0, recordIds: [], example: '', msg: '', stillBlocked: new Map(), changes: [] }
}

function finished({ cleared, hits, recordIds, stillBlocked, ...rest }: MutableEffects): Effects {
  return {
    ...rest,
    clears: { requests: cleared, hits, recordIds },
    stillBlocked: [...stillBlocked].map(([ruleId, requests]) => ({ ruleId, requests })),
  }
}
