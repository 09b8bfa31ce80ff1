/**
 * An exclusion that stands in a ruleset: a directive, or a ctl action of a rule. The compiler lists them; a replay that
 * lifts them says of each match which of them would have taken it away.
 */
import type { Span } from '../errors.js'
import type { RuleSelector, TargetExclusion } from './definitions.js'
import type { ByteString } from './exchange.js'

/** The rule that holds a ctl action. */
export interface ExclusionHost {
  readonly ruleId: number
  /** 1 to 5. */
  readonly phase: number
  /** Position in `Ruleset.rules`; null where another exclusion removed the rule. */
  readonly rule: number | null
  /** The link that holds the action; 0 is the head. */
  readonly link: number
}

export interface StandingExclusion {
  /** Position in `Ruleset.standing`: the same wherever the same source is compiled. */
  readonly number: number
  /** As written: `SecRuleRemoveById 942100`, `ctl:ruleRemoveTargetById=942100;ARGS:x`. */
  readonly text: ByteString
  readonly selector: RuleSelector
  /** What the rules lose; empty: the rules themselves. */
  readonly targets: readonly TargetExclusion[]
  /** The link that a directive takes targets from: 0, the head, but for SecRuleUpdateTargetById ID:LINK; null: each. */
  readonly link: number | null
  /** Null for a directive. */
  readonly host: ExclusionHost | null
  readonly span: Span
}

/** What directives took from the rules, in a ruleset that was compiled to keep it. */
export interface KeptExclusions {
  readonly removals: readonly { readonly exclusion: number; readonly rule: number }[]
  readonly targets: readonly {
    readonly exclusion: number
    readonly rule: number
    readonly link: number
    readonly target: TargetExclusion
  }[]
}
