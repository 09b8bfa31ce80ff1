/**
 * For a group of false positives the exclusion to paste: the best rung of the ladder, with the plain
 * SecRuleRemoveById beside it, and the setting where one drives the rule.
 *
 * Proposals here are not replayed (`proof: "unproven"`); `wafsim exclude` proves them.
 */
import type { Platform } from '../model/platform.js'
import { type Candidate, type CandidateInput, eligible, exclusionFrom, isAvailable, ladder } from './candidates.js'
import type { Exclusion } from './exclusion.js'
import type { HitGroup } from './false-positives.js'
import { literalFamily } from './parameter-families.js'
import { literalTemplate, splitTarget } from './place.js'

export interface ProposeInput extends CandidateInput {
  readonly platform: Platform
  /** Records the group's requests are a part of. */
  readonly of: number
}

/** Gives out ids for the rules that exclusions add: the field's range for rules before CRS. */
export class IdRange {
  #next: number
  constructor(first = 10_000) {
    this.#next = first
  }
  take(): number {
    return this.#next++
  }
}

/** Null where the rule must not be excluded. */
export function proposeExclusion(group: HitGroup, input: ProposeInput, ids: IdRange): Exclusion | null {
  const { variable, key } = splitTarget(group.target)
  const rungs = ladder(
    {
      ruleId: group.ruleId,
      link: group.link,
      variable,
      family: key === null ? null : literalFamily(key),
      template: literalTemplate(group.path, input.platform),
      compared: group.comparedValues,
    },
    input,
  )
  const [best] = eligible(rungs)
  if (best === undefined) return null
  const others = rungs.filter(isAvailable).filter((rung) => rung !== best && isShown(rung, best))
  const finished = (candidate: Candidate): Exclusion => {
    const given = Array.from({ length: candidate.idsNeeded }, () => ids.take())
    return {
      ...exclusionFrom(candidate, given, input.platform),
      clears: { requests: group.requests, hits: group.hits, recordIds: group.recordIds },
      evidence: { requests: group.requests, of: input.of, example: group.examples[0]?.id ?? '' },
    }
  }
  const exclusion = finished(best)
  return { ...exclusion, alternatives: others.map(finished) }
}

/** The plain removal; the setting; behind a setting, the removal at the path. */
function isShown({ kind }: Candidate, best: Candidate): boolean {
  return kind === 'remove-by-id' || kind === 'setting' || (best.kind === 'setting' && kind === 'ctl-remove-by-id')
}
