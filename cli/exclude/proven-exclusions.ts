/**
 * The exclusions of a synthesis as reports carry them: text, evidence, proof, price, alternatives.
 */
import {
  allocateFor,
  type Candidate,
  type Exclusion,
  effectsOf,
  exclusionFrom,
  type IdBounds,
  isAvailable,
  type ProvenExclusion,
} from '../../engine/index.js'
import type { SynthesisRun } from './synthesis-run.js'

export function provenExclusions(run: SynthesisRun, bounds: IdBounds): readonly ProvenExclusion[] {
  const { synthesis, pricing, book, loaded, totals } = run
  const { platform, rules } = loaded.ruleset
  const effects = effectsOf(synthesis, book)
  const messages = new Map(rules.map((rule) => [rule.id, rule.msg?.constant ?? '']))
  const alternatives = alternativesOf(run)
  const ids = alternativeIds([...alternatives.values()].flat(), run, bounds)
  const of = totals.benignTotal + run.likely
  const list = synthesis.chosen.flatMap((candidate): ProvenExclusion[] => {
    const effect = effects.get(candidate.key)
    const price = pricing.byKey.get(candidate.key)
    if (effect === undefined || price === undefined) return []
    const others = alternatives.get(candidate.key) ?? []
    return [
      {
        ...exclusionFrom(candidate, synthesis.ids.get(candidate.key) ?? [], platform),
        clears: effect.clears,
        attacksLost: price.attacksLost,
        detectionsLost: price.detectionsLost,
        evidence: { requests: effect.requests, of, example: effect.example },
        proof: 'replayed',
        alternatives: others.map((other): Exclusion => exclusionFrom(other, ids.get(other.key) ?? [], platform)),
        msg: messages.get(candidate.ruleIds[0] ?? 0) ?? effect.msg,
        attacksBefore: price.attacksBefore,
        stillBlocked: effect.stillBlocked,
        changes: effect.changes,
        waysThrough: price.ways,
      },
    ]
  })
  // What leaves a body uninspected is for people to see first.
  const isOpen = ({ opens }: Exclusion): number => (opens.includes('uninspected-body') ? 1 : 0)
  return list.sort((a, b) => isOpen(b) - isOpen(a))
}

/** The other rungs of the ladder for each candidate; not replayed. */
function alternativesOf({ synthesis, book }: SynthesisRun): ReadonlyMap<string, readonly Candidate[]> {
  return new Map(
    synthesis.chosen.map((candidate) => {
      const atom = book.atoms[synthesis.index.atomsOf(candidate)[0] ?? -1]
      const rungs = atom === undefined ? [] : synthesis.rungsOf(synthesis.spotOf(atom)).filter(isAvailable)
      return [candidate.key, rungs.filter(({ key }) => key !== candidate.key)]
    }),
  )
}

function alternativeIds(
  candidates: readonly Candidate[],
  { synthesis, loaded }: SynthesisRun,
  bounds: IdBounds,
): ReadonlyMap<string, readonly number[]> {
  const chosen = [...synthesis.ids.values()].flat()
  const taken = new Set([...loaded.ruleset.rules.map(({ id }) => id), ...chosen])
  const apart = [...new Map(candidates.map((candidate) => [candidate.key, candidate])).values()]
  const room = bounds.last - bounds.first + 1 - chosen.length
  // LIMIT: alternatives beyond the range go without an id of their own.
  return allocateFor(apart.slice(0, Math.max(0, room)), bounds, taken)
}
