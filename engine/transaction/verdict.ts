/**
 * From a finished transaction to its verdict; and the one place where an unexpected throw becomes an error.
 */
import { allShortcuts, type Shortcuts } from '../matching/index.js'
import type { Evidence, Label, TransactionRecord } from '../model/exchange.js'
import type { Ruleset } from '../model/ruleset.js'
import type { Verdict, VerdictKind } from '../model/verdict.js'
import { withinTime } from '../time-budget.js'
import type { Lift } from './lifting.js'
import type { PersistentStore } from './persistent.js'
import { runTransaction } from './phases.js'
import type { Transaction } from './transaction.js'

export interface EvaluateOptions {
  /** Report rules with `nolog` too (`allRuleIds`, and in `matches`). */
  readonly allRules?: boolean
  /** Persistent collections of the run; without it those of this record alone. Records must come one by one. */
  readonly store?: PersistentStore
  /** Without it all are taken. Verdicts are the same whichever are. */
  readonly shortcuts?: Shortcuts
  /** Milliseconds a record may take before it is in error; 0, as without it: any time. */
  readonly recordTimeout?: number
  /**
   * Exclusions that are not applied but noted: matches say which would have taken them (`Match.suppressedBy`), the
   * verdict which were in force. Those by directive only where the ruleset was loaded with `keepExclusions`.
   */
  readonly liftExclusions?: Lift
}

/** Evaluates one record. Never throws: what goes wrong is the verdict `error` with its reason. */
export function evaluate(ruleset: Ruleset, record: TransactionRecord, options: EvaluateOptions = {}): Verdict {
  const allRules = options.allRules ?? false
  try {
    return withinTime(options.recordTimeout ?? 0, () =>
      verdictOf(
        runTransaction(ruleset, record, {
          everything: allRules,
          shortcuts: options.shortcuts ?? allShortcuts,
          store: options.store,
          lift: options.liftExclusions,
        }),
        allRules,
      ),
    )
  } catch (error) {
    return errorVerdict(record.id, record.label, record.evidence, reasonOf(error))
  }
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

export function errorVerdict(id: string, label: Label, evidence: Evidence, reason: string): Verdict {
  return {
    id,
    label,
    verdict: 'error',
    status: 0,
    wouldBlock: false,
    blockedBy: null,
    ruleIds: [],
    matches: [],
    score: { inbound: 0, outbound: 0 },
    scoreByLevel: { inbound: [0, 0, 0, 0], outbound: [0, 0, 0, 0] },
    phasesRun: [],
    evidence,
    error: reason,
  }
}

const kinds: Readonly<Record<string, VerdictKind>> = {
  deny: 'block',
  drop: 'drop',
  proxy: 'redirect',
  redirect: 'redirect',
}

function verdictOf(transaction: Transaction, allRules: boolean): Verdict {
  const { record, interruption, wouldInterrupt } = transaction
  const effective = interruption ?? wouldInterrupt
  return {
    id: record.id,
    label: record.label,
    verdict: interruption === null ? 'pass' : (kinds[interruption.disruption.kind] ?? 'block'),
    status: interruption?.disruption.status ?? record.response?.status ?? 200,
    wouldBlock: effective !== null,
    blockedBy: effective?.blockedBy ?? null,
    ruleIds: unique(transaction.ruleIds),
    ...(allRules ? { allRuleIds: unique(transaction.allRuleIds) } : {}),
    matches: transaction.matches,
    ...(transaction.limitsExceeded.size > 0 ? { limitsExceeded: [...transaction.limitsExceeded] } : {}),
    ...scores(transaction),
    phasesRun: transaction.phasesRun,
    evidence: record.evidence,
    ...(transaction.lifted === null
      ? {}
      : { lifted: { fired: transaction.lifted.fired, touched: transaction.lifted.touched } }),
    error: null,
  }
}

function unique(ids: readonly number[]): number[] {
  return [...new Set(ids)]
}

/** TX variables that hold the blocking scores: the first that is set counts (CRS 4's name, then those of CRS 3). */
export const scoreVariables = {
  inbound: ['blocking_inbound_anomaly_score', 'anomaly_score', 'inbound_anomaly_score'],
  outbound: ['blocking_outbound_anomaly_score', 'outbound_anomaly_score'],
} as const

const levels = [1, 2, 3, 4]
const variablesOfLevels = {
  inbound: levels.map((level) => [`inbound_anomaly_score_pl${level}`, `anomaly_score_pl${level}`]),
  outbound: levels.map((level) => [`outbound_anomaly_score_pl${level}`]),
}

function scores({ tx }: Transaction): Pick<Verdict, 'score' | 'scoreByLevel'> {
  const read = (names: readonly string[]): number => {
    for (const name of names) {
      const value = tx.get(name)
      if (value !== null) return Number.parseInt(value, 10) || 0
    }
    return 0
  }
  return {
    score: { inbound: read(scoreVariables.inbound), outbound: read(scoreVariables.outbound) },
    scoreByLevel: { inbound: variablesOfLevels.inbound.map(read), outbound: variablesOfLevels.outbound.map(read) },
  }
}
