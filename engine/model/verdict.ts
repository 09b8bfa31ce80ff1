/**
 * What the engine says of one record: the contract's `run --format ndjson` line, in the engine's form.
 */
import type { ByteString, Evidence, Label } from './exchange.js'

export type VerdictKind = 'pass' | 'block' | 'drop' | 'redirect' | 'error'

export type BlockKind = 'rule' | 'body-limit' | 'parser' | 'server'

export interface BlockedBy {
  readonly kind: BlockKind
  readonly ruleId: number | null
  readonly phase: number
  readonly action: string
}

/** One matched target of one link of a chain. */
export interface Match {
  readonly ruleId: number
  /** 0 is the head of the chain. */
  readonly link: number
  readonly phase: number
  readonly msg: ByteString
  readonly severity: string
  readonly tags: readonly ByteString[]
  readonly logdata: ByteString
  /** `ARGS:message`. */
  readonly target: ByteString
  /** The bytes that matched, cut at 200. */
  readonly value: ByteString
  readonly log: boolean
  /** What the match added to the anomaly scores, inbound and outbound together. */
  readonly scoreAdded: number
  /** Numbers of the lifted exclusions that would have taken it away, ascending; absent where none would. */
  readonly suppressedBy?: readonly number[]
}

/** What a replay that lifts exclusions says of one transaction. Numbers are those of `Ruleset.standing`, ascending. */
export interface LiftedVerdict {
  /** The lifted ctl actions that ran. Directives are always in force. */
  readonly fired: readonly number[]
  /** Exclusions that would have taken a match from some link, be it of a chain that failed. */
  readonly touched: readonly number[]
}

export interface Verdict {
  readonly id: string
  readonly label: Label
  readonly verdict: VerdictKind
  readonly status: number
  readonly wouldBlock: boolean
  readonly blockedBy: BlockedBy | null
  readonly ruleIds: readonly number[]
  /** Rules with `nolog` too; only where all rules were asked for. */
  readonly allRuleIds?: readonly number[]
  readonly matches: readonly Match[]
  /** Rules whose pattern exceeded SecPcreMatchLimit and therefore did not match; absent where none did. */
  readonly limitsExceeded?: readonly number[]
  readonly score: { readonly inbound: number; readonly outbound: number }
  readonly scoreByLevel: { readonly inbound: readonly number[]; readonly outbound: readonly number[] }
  readonly phasesRun: readonly number[]
  readonly evidence: Evidence
  /** Present where exclusions were lifted; `matches` then holds those of rules with `nolog` too that one would take. */
  readonly lifted?: LiftedVerdict
  readonly error: string | null
}
