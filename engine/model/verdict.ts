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
  readonly error: string | null
}
