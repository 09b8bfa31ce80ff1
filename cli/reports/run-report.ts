/**
 * The result of `wafsim run` as data: what the JSON report prints and the human reports are made from.
 */
import type {
  EngineMode,
  Exclusion,
  HitGroup,
  LoadedRuleset,
  PlatformName,
  RuleCount,
  SettingsInForce,
  Totals,
  Unsimulated,
} from '../../engine/index.js'

export interface RunReport {
  readonly tool: { readonly name: 'wafsim'; readonly version: string }
  readonly ruleset: RulesetReport
  readonly corpus: { readonly sources: readonly string[]; readonly records: number; readonly digest: string }
  readonly totals: Totals
  readonly rules: readonly RuleCount[]
  readonly falsePositives: readonly FalsePositiveGroup[]
  /** Groups among unlabelled records that would be blocked; not called false positives. */
  readonly unlabelledBlocks: readonly FalsePositiveGroup[]
  /** Matches that are in no group, because there were too many groups. */
  readonly hitsLeftOut: number
  readonly missedAttacks: readonly MissedAttack[]
  readonly exclusions: readonly Exclusion[]
  readonly errors: readonly { readonly id: string; readonly error: string }[]
  readonly timing: Timing
}

export interface RulesetReport {
  readonly name: string
  readonly files: readonly string[]
  /** As SecComponentSignature says it. */
  readonly components: readonly string[]
  readonly rulesByPhase: readonly number[]
  readonly rulesLoaded: number
  readonly platform: PlatformName
  readonly engineMode: EngineMode
  /** `capture-order`: persistent collections carry from record to record, so one thread takes them in order. */
  readonly evaluation: 'parallel' | 'capture-order'
  readonly settings: {
    readonly blockingParanoia: number | null
    readonly detectionParanoia: number | null
    readonly inboundThreshold: number | null
    readonly outboundThreshold: number | null
  }
  /** Exclusions that stand in the ruleset already. */
  readonly exclusions: readonly string[]
  readonly unsimulated: readonly Unsimulated[]
  readonly warnings: number
  readonly digest: string
}

export interface FalsePositiveGroup {
  readonly ruleIds: readonly number[]
  readonly msg: string
  readonly target: string
  readonly method: string
  readonly path: string
  readonly requests: number
  readonly blockedRequests: number
  readonly examples: HitGroup['examples']
  /** Null where the rule is one that must not be excluded. */
  readonly exclusion: Exclusion | null
}

export interface MissedAttack {
  readonly id: string
  readonly tags: readonly string[]
  readonly method: string
  readonly path: string
  readonly score: number
  readonly ruleIds: readonly number[]
}

export interface Timing {
  readonly workers: number
  /** From the start of the process to the first verdict. */
  readonly millisecondsToFirstVerdict: number
  readonly millisecondsReplaying: number
  readonly transactionsPerSecond: number
  readonly peakMemoryBytes: number
}

export function rulesetReport(
  { ruleset, source, digest }: LoadedRuleset,
  name: string,
  settings: SettingsInForce,
): RulesetReport {
  return {
    name,
    files: source.parts.map((part) => (part.kind === 'file' ? part.path : part.name)),
    components: ruleset.components,
    rulesByPhase: ruleset.phases.slice(1).map((steps) => steps.length),
    rulesLoaded: ruleset.rules.length,
    platform: ruleset.platform.name,
    engineMode: ruleset.settings.mode,
    evaluation: ruleset.persistent ? 'capture-order' : 'parallel',
    settings: {
      blockingParanoia: settings.blockingParanoia,
      detectionParanoia: settings.detectionParanoia,
      inboundThreshold: settings.inboundThreshold,
      outboundThreshold: settings.outboundThreshold,
    },
    exclusions: ruleset.exclusions,
    unsimulated: ruleset.unsimulated,
    warnings: ruleset.warnings.length,
    digest,
  }
}
