/**
 * What became of a record that was replayed under exclusions, beside what it was without.
 */
import type { EvaluatedRecord } from '../model/exchange.js'
import type { Verdict } from '../model/verdict.js'
import type { Case, CaseBook, CaseHit } from './case-book.js'

/** What became of a record that was replayed under the exclusions. */
export interface Outcome {
  readonly id: string
  readonly before: Case | null
  readonly blocked: boolean
  readonly blockedBy: number | null
  readonly score: number
  readonly outboundScore: number
  /** A rule that scores still fires. */
  readonly alerted: boolean
  /** Rules that fire under the exclusions and did not without. */
  readonly newRules: readonly number[]
  /** Hits of the case that are gone. */
  readonly goneHits: readonly CaseHit[]
}

/** `book` holds the record's verdict without the exclusions, where it had hits. */
export function outcomeOf(book: CaseBook, record: EvaluatedRecord, verdict: Verdict): Outcome {
  const before = book.caseOf(record.id) ?? null
  const fired = new Set(before?.ruleIds ?? [])
  const found = book.hitsIn(record, verdict)
  return {
    id: record.id,
    before,
    blocked: verdict.wouldBlock,
    blockedBy: verdict.blockedBy?.ruleId ?? null,
    score: verdict.score.inbound,
    outboundScore: verdict.score.outbound,
    alerted: found.length > 0,
    newRules: verdict.ruleIds.filter((id) => !fired.has(id)),
    goneHits: (before?.hits ?? []).filter((hit) => !found.includes(hit)),
  }
}
