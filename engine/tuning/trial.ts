/**
 * How synthesis and proof evaluate records: under the ruleset as a user would load it, with texts added at their
 * places. The caller, who knows files and threads, provides it.
 */
import type { ByteString, TransactionRecord } from '../model/exchange.js'
import type { Ruleset } from '../model/ruleset.js'
import type { Verdict } from '../model/verdict.js'
import type { SettingsInForce } from '../settings-in-force.js'

/** Configuration text and where it is loaded. */
export interface AddedText {
  readonly placement: 'setup' | 'before' | 'after'
  readonly text: ByteString
  /** For diagnostics. */
  readonly name?: string
}

export interface Evaluated {
  readonly record: TransactionRecord
  readonly verdict: Verdict
}

/** A ruleset with texts added. */
export interface Trial {
  readonly ruleset: Ruleset
  readonly settings: SettingsInForce
  /** Verdicts in the order of the records. */
  evaluate(records: AsyncIterable<TransactionRecord> | Iterable<TransactionRecord>): AsyncIterable<Evaluated>
}

export interface Laboratory {
  /** The caller's ruleset and the texts, in the caller's engine mode or in detection only. Throws RulesetError. */
  load(texts: readonly AddedText[], mode: 'as-given' | 'detection-only'): Promise<Trial>
  /** The corpus's records with these ids, in its order, read anew. */
  recordsWithIds(ids: ReadonlySet<string>): AsyncIterable<TransactionRecord>
  /** The corpus's records that are wanted, in its order, read anew. */
  records(isWanted: (record: TransactionRecord) => boolean): AsyncIterable<TransactionRecord>
}
