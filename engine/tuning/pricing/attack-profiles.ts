/**
 * What fires on each payload in each kind of place, once, so that what an exclusion loses can be foretold many times.
 *
 * A profile is made by evaluating the payload in a harmless request of that kind. Without some rules an attack scores
 * what the others add: that is arithmetic over the profile, and touches only the attacks those rules fired on.
 */
import type { Ruleset } from '../../model/ruleset.js'
import { evaluate } from '../../transaction/verdict.js'
import { type Blocking, isProtocolRule } from './blocking.js'
import { type CarrierKind, carrierOfKind } from './carrier-kinds.js'
import { placePayload } from './carriers.js'
import type { Payload } from './payloads.js'

/** One rule's part in the profiles of a kind, as columns. */
interface RuleColumn {
  /** Positions of the payloads that it fires on. */
  readonly payloads: number[]
  /** Points for each. */
  readonly points: number[]
  readonly disruptive: boolean
}

interface KindProfiles {
  readonly rules: ReadonlyMap<number, RuleColumn>
  /** By payload: points of all rules that count, but for protocol rules. */
  readonly points: Int32Array
  /** By payload: rules that disrupt by themselves. */
  readonly disruptors: Int32Array
  /** Payloads that are stopped with nothing removed. */
  readonly stopped: number
  /** Payloads that no client can write in this kind of place. */
  readonly uncarried: number
  /** Room for `lostWithout`. */
  readonly pointsLost: Int32Array
  readonly disruptorsLost: Int32Array
}

export class AttackProfiles {
  readonly #kinds = new Map<CarrierKind, KindProfiles>()

  /** `ruleset` in detection only, so that no block hides what else fires. */
  constructor(
    private readonly ruleset: Ruleset,
    readonly payloads: readonly Payload[],
    private readonly blocking: Blocking,
  ) {}

  /** Payloads that are stopped in this kind of place with nothing removed, not by protocol rules alone. */
  stopped(kind: CarrierKind): number {
    return this.#profilesOf(kind).stopped
  }

  /** Payloads that cannot be carried in this kind of place. */
  uncarried(kind: CarrierKind): number {
    return this.#profilesOf(kind).uncarried
  }

  /** Payloads that are stopped in this kind of place and would not be without these rules. */
  lostWithout(kind: CarrierKind, removed: ReadonlySet<number>): number {
    let lost = 0
    this.#eachLost(kind, removed, () => lost++)
    return lost
  }

  /** Positions of these payloads, ascending. */
  lostPositions(kind: CarrierKind, removed: ReadonlySet<number>): readonly number[] {
    const positions: number[] = []
    this.#eachLost(kind, removed, (position) => positions.push(position))
    return positions.sort((a, b) => a - b)
  }

  /** Positions of the payloads that one of the rules fires on in this kind of place, ascending. */
  firedPositions(kind: CarrierKind, ruleIds: ReadonlySet<number>): readonly number[] {
    const { rules } = this.#profilesOf(kind)
    const positions = new Set<number>()
    for (const id of ruleIds) for (const position of rules.get(id)?.payloads ?? []) positions.add(position)
    return [...positions].sort((a, b) => a - b)
  }

  /** The same, by class of the attack. */
  lostByClass(kind: CarrierKind, removed: ReadonlySet<number>): ReadonlyMap<string, number> {
    const lost = new Map<string, number>()
    this.#eachLost(kind, removed, (position) => {
      const name = (this.payloads[position] as Payload).class
      lost.set(name, (lost.get(name) ?? 0) + 1)
    })
    return lost
  }

  /** Pairs of payload and rule that would not fire in this kind of place without these rules. */
  detectionsWithout(kind: CarrierKind, removed: ReadonlySet<number>): number {
    const { rules } = this.#profilesOf(kind)
    let pairs = 0
    for (const id of removed) pairs += rules.get(id)?.payloads.length ?? 0
    return pairs
  }

  /** Points by rule for one payload, protocol rules and those above the blocking level left out. */
  hits(kind: CarrierKind, position: number): ReadonlyMap<number, number> {
    const found = new Map<number, number>()
    for (const [id, { payloads, points }] of this.#profilesOf(kind).rules) {
      const at = payloads.indexOf(position)
      if (at >= 0) found.set(id, points[at] as number)
    }
    return found
  }

  #eachLost(kind: CarrierKind, removed: ReadonlySet<number>, take: (position: number) => void): void {
    const { rules, points, disruptors, pointsLost, disruptorsLost } = this.#profilesOf(kind)
    const columns: RuleColumn[] = []
    for (const id of removed) {
      const column = rules.get(id)
      if (column !== undefined) columns.push(column)
    }
    for (const { payloads, points: own, disruptive } of columns)
      for (let n = 0; n < payloads.length; n++) {
        const position = payloads[n] as number
        pointsLost[position] = (pointsLost[position] as number) + (own[n] as number)
        if (disruptive) disruptorsLost[position] = (disruptorsLost[position] as number) + 1
      }
    for (const { payloads } of columns)
      for (const position of payloads) {
        const lostPoints = pointsLost[position] as number
        const lostDisruptors = disruptorsLost[position] as number
        // Looked at already, for another of the rules.
        if (lostPoints === 0 && lostDisruptors === 0) continue
        pointsLost[position] = 0
        disruptorsLost[position] = 0
        const before = points[position] as number
        const rest = disruptors[position] as number
        if (this.#isStopped(before, rest) && !this.#isStopped(before - lostPoints, rest - lostDisruptors))
          take(position)
      }
  }

  #isStopped(points: number, disruptors: number): boolean {
    const { inboundThreshold } = this.blocking.terms
    return disruptors > 0 || (inboundThreshold !== null && points >= inboundThreshold)
  }

  #profilesOf(kind: CarrierKind): KindProfiles {
    let known = this.#kinds.get(kind)
    if (known === undefined) {
      known = this.#evaluated(kind)
      this.#kinds.set(kind, known)
    }
    return known
  }

  #evaluated(kind: CarrierKind): KindProfiles {
    const count = this.payloads.length
    const rules = new Map<number, RuleColumn>()
    const points = new Int32Array(count)
    const disruptors = new Int32Array(count)
    const carrier = carrierOfKind(this.ruleset, kind)
    let stopped = 0
    let uncarried = 0
    for (let position = 0; position < count; position++) {
      const { value } = this.payloads[position] as Payload
      const carried = carrier === null ? null : placePayload(this.ruleset, carrier.record, carrier.target, value)
      if (carried === null || 'refused' in carried) {
        uncarried++
        continue
      }
      for (const [id, own] of this.#pointsByRule(carried.record)) {
        const disruptive = this.blocking.isDisruptive(id)
        const column = rules.get(id) ?? { payloads: [], points: [], disruptive }
        rules.set(id, column)
        column.payloads.push(position)
        column.points.push(own)
        points[position] = (points[position] as number) + own
        if (disruptive) disruptors[position] = (disruptors[position] as number) + 1
      }
      if (this.#isStopped(points[position] as number, disruptors[position] as number)) stopped++
    }
    const pointsLost = new Int32Array(count)
    const disruptorsLost = new Int32Array(count)
    return { rules, points, disruptors, stopped, uncarried, pointsLost, disruptorsLost }
  }

  #pointsByRule(record: Parameters<typeof evaluate>[1]): ReadonlyMap<number, number> {
    const byRule = new Map<number, number>()
    for (const { ruleId, scoreAdded } of evaluate(this.ruleset, record).matches) {
      if (isProtocolRule(ruleId)) continue
      const own = scoreAdded > 0 && this.blocking.counts(ruleId) ? scoreAdded : 0
      if (own > 0 || this.blocking.isDisruptive(ruleId)) byRule.set(ruleId, (byRule.get(ruleId) ?? 0) + own)
    }
    return byRule
  }
}
