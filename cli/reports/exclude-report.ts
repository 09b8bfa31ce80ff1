/**
 * The result of `wafsim exclude` as data: what the JSON report prints and the text report is made from.
 */
import type { PlacePrice, ProvenExclusion, Totals, UnlabelledGroup } from '../../engine/index.js'
import { provenExclusions } from '../exclude/proven-exclusions.js'
import type { SynthesisRequest, SynthesisRun } from '../exclude/synthesis-run.js'
import { toolVersion } from '../version.js'
import { type RulesetReport, type RunReport, rulesetReport } from './run-report.js'

interface FalsePositiveCount {
  /** Benign requests that would be blocked. */
  readonly falsePositives: number
  /** Benign requests on which a scoring rule fires. */
  readonly benignAlerted: number
}

export interface ExcludeReport {
  readonly tool: RunReport['tool']
  readonly ruleset: RulesetReport
  readonly corpus: RunReport['corpus']
  readonly totals: Totals
  /** Unlabelled records that were taken for benign. */
  readonly takenForBenign: number
  readonly before: FalsePositiveCount
  readonly after: FalsePositiveCount
  /** Requests cleared that keep a score, by that score. */
  readonly clearedByScore: Readonly<Record<string, number>>
  readonly exclusions: readonly ProvenExclusion[]
  /** Requests that nothing clears, and why. */
  readonly left: readonly { readonly id: string; readonly reason: string }[]
  /** Exclusions that were tried and change nothing on this platform. */
  readonly placebos: readonly { readonly directive: string; readonly kind: string }[]
  /** Attacks blocked before, as they stand and carried in each place. */
  readonly attacksBefore: number
  readonly attacksLost: number
  readonly detectionsLost: number
  /** Attacks as they stand. */
  readonly standing: { readonly attacksBefore: number; readonly attacksLost: number; readonly detectionsLost: number }
  readonly places: readonly (Omit<PlacePrice, 'byClass'> & { readonly byClass: Readonly<Record<string, number>> })[]
  /** The price of one SecRuleRemoveById for each rule instead. */
  readonly plain: { readonly ruleIds: readonly number[]; readonly attacksLost: number; readonly detectionsLost: number }
  readonly unlabelled: readonly UnlabelledGroup[]
  /** Unlabelled records that were blocked and pass with the exclusions: nobody has said whether they should. */
  readonly unlabelledPassing: readonly string[]
  readonly rounds: number
  readonly timing: SynthesisRun['milliseconds']
}

export function excludeReport(run: SynthesisRun, request: SynthesisRequest): ExcludeReport {
  const { asGiven, name, settings, totals, synthesis, pricing, book } = run
  const all = [...synthesis.outcomes.values()]
  const outcomes = all.filter(({ before }) => before?.aside !== true)
  const cases = book.cases()
  const untouched = cases.filter(({ id }) => !synthesis.outcomes.has(id))
  const clearedByScore: Record<string, number> = {}
  for (const { before, blocked, score } of outcomes)
    if (before?.blocked === true && !blocked) clearedByScore[score] = (clearedByScore[score] ?? 0) + 1
  return {
    tool: { name: 'wafsim', version: toolVersion() },
    ruleset: rulesetReport(asGiven, name, settings),
    corpus: { sources: run.sources, records: totals.transactions, digest: run.digest },
    totals,
    takenForBenign: run.likely,
    before: {
      falsePositives: cases.filter(({ blocked }) => blocked).length,
      benignAlerted: cases.filter(({ hits }) => hits.some(({ points }) => points > 0)).length,
    },
    after: {
      falsePositives:
        untouched.filter(({ blocked }) => blocked).length + outcomes.filter(({ blocked }) => blocked).length,
      benignAlerted:
        untouched.filter(({ hits }) => hits.some(({ points }) => points > 0)).length +
        outcomes.filter(({ alerted }) => alerted).length,
    },
    clearedByScore,
    exclusions: provenExclusions(run, request.idBounds),
    left: synthesis.left,
    placebos: synthesis.placebos.map((candidate) => ({ kind: candidate.kind, directive: candidate.directive([0]) })),
    attacksBefore: pricing.attacksBefore,
    attacksLost: pricing.attacksLost,
    detectionsLost: pricing.detectionsLost,
    standing: {
      attacksBefore: pricing.standing.attacksBefore,
      attacksLost: pricing.standing.attacksLost,
      detectionsLost: pricing.standing.detectionsLost,
    },
    places: pricing.places.map((place) => ({ ...place, byClass: Object.fromEntries(place.byClass) })),
    plain: pricing.plain,
    unlabelled: run.unlabelled.groups,
    unlabelledPassing: all
      .filter(({ before, blocked }) => before?.aside === true && before.blocked && !blocked)
      .map(({ id }) => id),
    rounds: synthesis.rounds,
    timing: run.milliseconds,
  }
}
