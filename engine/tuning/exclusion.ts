/**
 * An exclusion as the reports carry it (the contract's "An exclusion").
 */
import type { PlatformName } from '../model/platform.js'

export type ExclusionKind =
  | 'remove-by-id'
  | 'remove-by-tag'
  | 'update-target-by-id'
  | 'update-target-by-tag'
  | 'ctl-remove-by-id'
  | 'ctl-remove-by-tag'
  | 'ctl-remove-target-by-id'
  | 'ctl-remove-target-by-tag'
  | 'location-remove-by-id'
  | 'setting'

export interface Exclusion {
  /** Stable from run to run. */
  readonly key: string
  readonly kind: ExclusionKind
  readonly ruleIds: readonly number[]
  readonly tags: readonly string[]
  readonly targets: readonly string[]
  readonly scope: { readonly path: string | null; readonly host: string | null; readonly method: string | null }
  readonly platform: PlatformName
  /** Where the text belongs: `before` is after the setup and before the ruleset's rules. */
  readonly placement: 'setup' | 'before' | 'after' | 'location'
  /** Ids of the rules the text adds. */
  readonly configIds: readonly number[]
  /** Complete configuration text. */
  readonly directive: string
  readonly clears: { readonly requests: number; readonly hits: number; readonly recordIds: readonly string[] }
  /** Null where the exclusion has not been replayed. */
  readonly attacksLost: number | null
  readonly detectionsLost: number | null
  /** What the exclusion leaves unguarded, e.g. `uninspected-body`. */
  readonly opens: readonly string[]
  readonly evidence: { readonly requests: number; readonly of: number; readonly example: string }
  readonly proof: 'replayed' | 'engine' | 'unproven' | 'placebo'
  readonly alternatives: readonly Exclusion[]
}

/** An exclusion after replay: what it did beside clearing requests. */
export interface ProvenExclusion extends Exclusion {
  /** Message of the rule. */
  readonly msg: string
  /** Attacks that were tried where it acts and were blocked without it: what `attacksLost` is a part of. */
  readonly attacksBefore: number
  /** Requests it touches that are blocked even so, by the rule that blocks them; null: no rule. */
  readonly stillBlocked: readonly { readonly ruleId: number | null; readonly requests: number }[]
  /** Records on which a rule fires that did not before. */
  readonly changes: readonly { readonly id: string; readonly newRules: readonly number[] }[]
  /** Attacks that pass where its scope does not mean it to hold. */
  readonly waysThrough: readonly { readonly variant: string; readonly attackId: string; readonly class: string }[]
}
