/**
 * What the compiler works on before a ruleset is frozen: rules as drafts in load order, settings, defaults,
 * and the exclusions that may still change them.
 */
import type { ActionDraft } from '../actions/index.js'
import type { Span } from '../errors.js'
import type { Lookups, OperatorTest, RuleSelector, SelectableRule, TargetExclusion } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import type { EngineSettings, Target } from '../model/ruleset.js'
import type { StandingExclusion } from '../model/standing-exclusion.js'
import type { SourceReader } from '../seclang/source.js'
import type { Report } from './report.js'

export interface LinkDraft {
  targets: Target[]
  exclusions: TargetExclusion[]
  operator: OperatorTest | null
  operatorName: string
  operatorText: ByteString
  negated: boolean
  actions: ActionDraft
  readonly span: Span
}

export interface RuleDraft {
  /** The first is the head: its actions name, log and disrupt. */
  readonly links: LinkDraft[]
  /** What SecDefaultAction said of the rule's phase when it was loaded. */
  defaults: ActionDraft | null
  removed: boolean
  /** What directives took away, by number of the exclusion, where the compiler keeps it. */
  readonly kept: KeptChange[]
  readonly span: Span
}

/** A rule (`targets` null) or targets of one of its links that a directive took away. */
export interface KeptChange {
  readonly exclusion: number
  readonly link: number
  readonly targets: readonly TargetExclusion[] | null
}

export type SequenceItem = { readonly rule: RuleDraft } | { readonly marker: string }

/** A change of rules by directive. On libmodsecurity it also reaches rules loaded later. */
export interface PendingChange {
  readonly selector: RuleSelector
  readonly text: string
  readonly span: Span
  apply(rule: RuleDraft): void
}

export type MutableSettings = { -readonly [K in keyof EngineSettings]: EngineSettings[K] }

export type MutableLookups = { -readonly [K in keyof Lookups]: Lookups[K] } & {
  readonly datasets: Map<string, readonly ByteString[]>
}

/** Everything the directives write to. */
export interface Assembly {
  readonly platform: Platform
  /** Whether what exclusions by directive take away stays in the ruleset, beside them. */
  readonly keepsExclusions: boolean
  readonly report: Report
  readonly reader: SourceReader
  readonly settings: MutableSettings
  readonly defaults: Map<number, ActionDraft>
  readonly sequence: SequenceItem[]
  /** The rule whose chain is open. */
  openChain: RuleDraft | null
  readonly changes: PendingChange[]
  /** The exclusions by directive, in load order. */
  readonly exclusions: StandingExclusion[]
  readonly components: string[]
  readonly lookups: MutableLookups
  readonly txKeys: Set<string>
  /** Whether a rule looks at a persistent collection. */
  readsPersistent: boolean
}

/** Applies the change to the rules drafted so far. */
export function applyChange({ sequence }: Assembly, change: PendingChange): void {
  for (const item of sequence)
    if ('rule' in item && change.selector.matches(new SelectableDraft(item.rule))) change.apply(item.rule)
}

/** A draft as selectors see it; most look at the id alone. */
class SelectableDraft implements SelectableRule {
  readonly id: number
  readonly #head: ActionDraft | undefined

  constructor({ links: [head] }: RuleDraft) {
    this.#head = head?.actions
    this.id = head?.actions.id ?? 0
  }

  get tags(): readonly ByteString[] {
    return this.#head?.tags.map((tag) => tag.constant ?? '') ?? []
  }

  get msg(): ByteString {
    return this.#head?.msg?.constant ?? ''
  }
}
