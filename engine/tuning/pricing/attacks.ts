/**
 * The attacks that prices are counted over: as they stand, and their payloads to be carried elsewhere.
 */
import type { TransactionRecord } from '../../model/exchange.js'
import type { Verdict } from '../../model/verdict.js'
import type { Candidate } from '../candidates.js'
import { splitTarget } from '../place.js'
import type { Trial } from '../trial.js'
import { AttackProfiles } from './attack-profiles.js'
import { attackClass, Blocking } from './blocking.js'
import type { CarrierKind } from './carrier-kinds.js'
import { PayloadCollector } from './payloads.js'

export interface StandingAttack {
  readonly record: TransactionRecord
  /** In detection only, without exclusions. */
  readonly verdict: Verdict
  readonly class: string
}

/** LIMIT: attacks that are kept to be replayed as they stand; payloads are taken from all. */
const mostStanding = 20_000

export interface Attacks {
  readonly standing: readonly StandingAttack[]
  /** Attacks beyond the limit, which no price counts as they stand. */
  readonly leftOut: number
  readonly profiles: AttackProfiles
  readonly blocking: Blocking
}

/** Evaluates the attacks among the records. `base` is the ruleset without new exclusions, in detection only. */
export async function gatherAttacks(base: Trial, records: AsyncIterable<TransactionRecord>): Promise<Attacks> {
  const blocking = new Blocking(base.ruleset, base.settings)
  const collector = new PayloadCollector(base.ruleset)
  const standing: StandingAttack[] = []
  let leftOut = 0
  for await (const { record, verdict } of base.evaluate(records)) {
    collector.add(record, verdict)
    if (verdict.error !== null || record.evidence !== 'complete') continue
    if (standing.length >= mostStanding) leftOut++
    else {
      const ofRule = verdict.matches.find((match) => match.scoreAdded > 0)?.tags ?? []
      standing.push({ record, verdict, class: attackClass(record.tags) ?? attackClass(ofRule) ?? 'attack-unknown' })
    }
  }
  return { standing, leftOut, profiles: new AttackProfiles(base.ruleset, collector.payloads(), blocking), blocking }
}

const kinds: Readonly<Record<string, CarrierKind>> = {
  ARGS_NAMES: 'argument-name',
  FILES: 'file-name',
  REQUEST_BODY: 'raw-body',
  REQUEST_COOKIES: 'cookie',
  REQUEST_COOKIES_NAMES: 'cookie',
  XML: 'xml',
}

/** Foretells what a candidate loses, from profiles; the place is taken for one of its kind. */
export function lossModel({ profiles }: Attacks): (candidate: Candidate, removed: ReadonlySet<number>) => number {
  const known = new Map<string, number>()
  const lost = (kind: CarrierKind, rules: readonly number[]): number => {
    const key = `${kind} ${[...rules].sort((a, b) => a - b).join(',')}`
    let count = known.get(key)
    if (count === undefined) {
      count = profiles.lostWithout(kind, new Set(rules))
      known.set(key, count)
    }
    return count
  }
  return (candidate, removed) => {
    const { variable, key } = splitTarget(candidate.targets[0] ?? 'ARGS')
    const kind =
      variable === 'REQUEST_HEADERS' && key !== null ? (`header:${key}` as const) : (kinds[variable] ?? 'form')
    const before = [...removed]
    return lost(kind, [...before, ...candidate.ruleIds]) - lost(kind, before)
  }
}
