/**
 * Verdicts to counts: totals and hits by rule. Adding is commutative, so a tally does not depend on order.
 *
 * A record whose evidence is not complete is counted in `transactions`, `byLabel`, `byEvidence` and
 * `blocked`, but proves nothing: it is in none of the benign and attack figures.
 */
import type { Evidence, Label } from './model/exchange.js'
import type { Verdict } from './model/verdict.js'

export interface Totals {
  readonly transactions: number
  readonly byLabel: Readonly<Record<Label, number>>
  readonly byEvidence: Readonly<Record<Evidence, number>>
  /** Records that would be blocked, whatever their label. */
  readonly blocked: number
  readonly errors: number
  readonly benignTotal: number
  /** Benign records on which at least one scoring rule fired. */
  readonly benignAlerted: number
  readonly benignBlocked: number
  /** In requests; equals `benignBlocked`. */
  readonly falsePositives: number
  readonly attackTotal: number
  /** Attacks that would not be blocked. */
  readonly missedAttacks: number
  /** Records on which a rule's pattern exceeded SecPcreMatchLimit and so did not match. */
  readonly limitsExceeded: number
}

export interface RuleCount {
  readonly ruleId: number
  readonly msg: string
  /** Records on which the rule fired. */
  readonly hits: number
  readonly benignHits: number
  readonly attackHits: number
  /** Records that would be blocked and would not be without this rule. */
  readonly decisive: number
}

interface MutableRuleCount {
  msg: string
  hits: number
  benignHits: number
  attackHits: number
  decisive: number
}

/** What decides a block besides a rule's own disruption: the anomaly thresholds in force. */
export interface Thresholds {
  readonly inbound: number | null
  readonly outbound: number | null
}

export class Tally {
  readonly #byLabel: Record<Label, number> = { benign: 0, attack: 0, unknown: 0 }
  readonly #byEvidence: Record<Evidence, number> = {
    complete: 0,
    'no-body': 0,
    truncated: 0,
    sanitised: 0,
    rebuilt: 0,
  }
  readonly #rules = new Map<number, MutableRuleCount>()
  #blocked = 0
  #errors = 0
  #limitsExceeded = 0
  #benign = { total: 0, alerted: 0, blocked: 0 }
  #attack = { total: 0, missed: 0 }

  constructor(private readonly thresholds: Thresholds) {}

  add(verdict: Verdict): void {
    this.#byLabel[verdict.label]++
    this.#byEvidence[verdict.evidence]++
    if (verdict.verdict === 'error') {
      this.#errors++
      return
    }
    if (verdict.wouldBlock) this.#blocked++
    if (verdict.limitsExceeded !== undefined) this.#limitsExceeded++
    if (verdict.evidence === 'complete') this.#countLabel(verdict)
    this.#countRules(verdict)
  }

  totals(): Totals {
    const { unknown, benign, attack } = this.#byLabel
    return {
      transactions: unknown + benign + attack,
      byLabel: { ...this.#byLabel },
      byEvidence: { ...this.#byEvidence },
      blocked: this.#blocked,
      errors: this.#errors,
      benignTotal: this.#benign.total,
      benignAlerted: this.#benign.alerted,
      benignBlocked: this.#benign.blocked,
      falsePositives: this.#benign.blocked,
      attackTotal: this.#attack.total,
      missedAttacks: this.#attack.missed,
      limitsExceeded: this.#limitsExceeded,
    }
  }

  /** By hits, most first; then by id. */
  rules(): readonly RuleCount[] {
    return [...this.#rules]
      .map(([ruleId, count]) => ({ ruleId, ...count }))
      .sort((a, b) => b.hits - a.hits || a.ruleId - b.ruleId)
  }

  #countLabel(verdict: Verdict): void {
    if (verdict.label === 'benign') {
      this.#benign.total++
      if (verdict.matches.some((match) => match.scoreAdded > 0)) this.#benign.alerted++
      if (verdict.wouldBlock) this.#benign.blocked++
    } else if (verdict.label === 'attack') {
      this.#attack.total++
      if (!verdict.wouldBlock) this.#attack.missed++
    }
  }

  #countRules(verdict: Verdict): void {
    const decisive = verdict.wouldBlock ? decisiveRules(verdict, this.thresholds) : noRules
    for (const ruleId of verdict.ruleIds) {
      let count = this.#rules.get(ruleId)
      if (count === undefined) {
        const msg = verdict.matches.find((match) => match.ruleId === ruleId)?.msg ?? ''
        count = { msg, hits: 0, benignHits: 0, attackHits: 0, decisive: 0 }
        this.#rules.set(ruleId, count)
      }
      count.hits++
      if (verdict.label === 'benign') count.benignHits++
      if (verdict.label === 'attack') count.attackHits++
      if (decisive.has(ruleId)) count.decisive++
    }
  }
}

const noRules: ReadonlySet<number> = new Set()

/**
 * Rules without which the record would have passed: any whose points lift the score over the threshold, or, where
 * nothing scored, the rule that disrupted by itself. The rule that only evaluates the score is never one.
 */
function decisiveRules(verdict: Verdict, thresholds: Thresholds): ReadonlySet<number> {
  const points = new Map<number, number>()
  for (const match of verdict.matches)
    if (match.scoreAdded > 0) points.set(match.ruleId, (points.get(match.ruleId) ?? 0) + match.scoreAdded)
  const blocker = verdict.blockedBy?.ruleId ?? null
  const outbound = verdict.blockedBy !== null && verdict.blockedBy.phase >= 3
  const threshold = outbound ? thresholds.outbound : thresholds.inbound
  const score = outbound ? verdict.score.outbound : verdict.score.inbound
  const decisive = new Set<number>()
  if (threshold !== null)
    for (const [ruleId, own] of points) if (score >= threshold && score - own < threshold) decisive.add(ruleId)
  if (blocker !== null && points.size === 0) decisive.add(blocker)
  return decisive
}
