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
