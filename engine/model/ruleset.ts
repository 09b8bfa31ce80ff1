/**
 * A compiled ruleset: immutable, shared by every transaction of a worker. `compile/` makes it, `transaction/`
 * runs it; neither knows the other.
 */
import type { Diagnostic, Span } from '../errors.js'
import type {
  BodyLimits,
  Effect,
  EngineMode,
  OperatorTest,
  RuleSelector,
  TargetExclusion,
  Template,
  TransformationDefinition,
  VariableDefinition,
} from './definitions.js'
import type { ByteString } from './exchange.js'
import type { Platform } from './platform.js'
import type { KeptExclusions, StandingExclusion } from './standing-exclusion.js'

/** One piece of a ruleset in load order: a file, or text of the command line under a name for diagnostics. */
export type SourcePart =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'text'; readonly name: string; readonly text: ByteString }

export type PhaseNumber = 1 | 2 | 3 | 4 | 5

export type Selector =
  | { readonly kind: 'name'; readonly text: ByteString; readonly lower: ByteString }
  | { readonly kind: 'regex'; readonly text: ByteString; test(key: ByteString): boolean }

/** One target of a link, resolved. */
export interface Target {
  readonly variable: VariableDefinition
  readonly selector: Selector | null
  readonly count: boolean
  /** As reports print it: `ARGS`, `REQUEST_HEADERS:User-Agent`, `&TX:x`. */
  readonly text: string
}

/** A list of transformations; equal lists of a ruleset share one object. */
export interface Pipeline {
  readonly id: number
  readonly transformations: readonly TransformationDefinition[]
}

/** One SecRule or SecAction of a chain. */
export interface RuleLink {
  readonly targets: readonly Target[]
  readonly exclusions: readonly TargetExclusion[]
  readonly pipeline: Pipeline
  /** Null for SecAction: always a match. */
  readonly operator: OperatorTest | null
  readonly operatorName: string
  readonly operatorText: ByteString
  readonly negated: boolean
  readonly multiMatch: boolean
  readonly capture: boolean
  readonly effects: readonly Effect[]
  readonly span: Span
}

export type DisruptionKind = 'deny' | 'drop' | 'redirect' | 'allow' | 'allow-phase' | 'allow-request' | 'proxy'

export interface Disruption {
  readonly kind: DisruptionKind
  /** HTTP status the client gets. */
  readonly status: number
}

export interface Rule {
  /** Position in `Ruleset.rules`. */
  readonly index: number
  readonly id: number
  readonly phase: PhaseNumber
  readonly links: readonly RuleLink[]
  /** What runs once the whole chain has matched, beside the effects of its links. */
  readonly effectsBehind: readonly Effect[]
  /** Whether a match is written to the error log. */
  readonly log: boolean
  /** Whether every match of a link with multiMatch is written at once, whatever becomes of the chain. */
  readonly logsAtOnce: boolean
  readonly auditLog: boolean
  readonly disruption: Disruption | null
  /** Rules of the same phase to skip behind this one. */
  readonly skip: number
  readonly skipAfter: string | null
  readonly msg: Template | null
  readonly logdata: Template | null
  readonly tags: readonly Template[]
  /** The tags where none holds a macro; else null. */
  readonly fixedTags: readonly ByteString[] | null
  /** 0 (EMERGENCY) to 7 (DEBUG); null where none. */
  readonly severity: number | null
  readonly rev: ByteString
  readonly ver: ByteString
  /** 1-4 from the tag `paranoia-level/N`; 0 where the rule says nothing. */
  readonly paranoiaLevel: number
  /** Whether a link adds to an anomaly score. */
  readonly scores: boolean
  readonly span: Span
}

/** A rule at its place in a phase, with its jump resolved. */
export interface Step {
  readonly rule: Rule
  /** Position in the phase to go on from when the rule matches and skips; -1: it does not skip. */
  readonly jumpTo: number
}

export type LimitAction = 'reject' | 'process-partial'

export interface EngineSettings {
  readonly mode: EngineMode
  readonly requestBodyAccess: boolean
  readonly requestBodyLimit: number
  readonly requestBodyNoFilesLimit: number
  readonly requestBodyLimitAction: LimitAction
  readonly responseBodyAccess: boolean
  readonly responseBodyLimit: number
  readonly responseBodyLimitAction: LimitAction
  /** Content types of responses whose bodies are read; null: no directive names any. */
  readonly responseBodyMimeTypes: readonly string[] | null
  readonly argumentSeparator: ByteString
  readonly bodyLimits: BodyLimits
  readonly pcreMatchLimit: number
  /** Bytes by Unicode code unit, of SecUnicodeMapFile or the engine's own; empty without either. */
  readonly unicodeMap: ReadonlyMap<number, number>
  readonly webAppId: ByteString
  /** Life of a persistent collection without an update, in seconds. */
  readonly collectionTimeout: number
}

/** A rule, or a part of one, that wafsim knows of but cannot simulate. */
export interface Unsimulated {
  readonly ruleId: number
  readonly what: string
  readonly reason: string
}

/** A pattern that RE2 does not run as it is. */
export interface SpecialPattern {
  readonly ruleId: number
  readonly pattern: ByteString
  /** `rewritten`, `backtracker` or `backtracker-alone`, see `patterns/index.ts`. */
  readonly run: string
  /** Constructs that made it necessary. */
  readonly needs: readonly string[]
}

export interface Ruleset {
  readonly platform: Platform
  readonly settings: EngineSettings
  readonly rules: readonly Rule[]
  /** Steps by phase, 1 to 5; index 0 is empty. */
  readonly phases: readonly (readonly Step[])[]
  readonly components: readonly string[]
  readonly unsimulated: readonly Unsimulated[]
  readonly patterns: readonly SpecialPattern[]
  readonly warnings: readonly Diagnostic[]
  /** Exclusions that stand in the ruleset itself, as written. */
  readonly exclusions: readonly string[]
  /** Every exclusion that stands in the ruleset: directives in load order, then ctl actions in that of their rules. */
  readonly standing: readonly StandingExclusion[]
  /**
   * What directives took from the rules, where the ruleset was compiled to keep it: such rules are among `rules` then,
   * and taken out when a transaction runs. Null: they are gone.
   */
  readonly kept: KeptExclusions | null
  /**
   * Whether what one transaction leaves in a persistent collection can change another: the ruleset opens or writes
   * one, and reads one. Such a ruleset must be evaluated in capture order.
   */
  readonly persistent: boolean
  /** Sets of TX keys the rules read or write, lower case; how callers find which settings exist. */
  readonly txKeys: ReadonlySet<string>
  /** Indexes of the rules a selector names; kept per selector. */
  select(selector: RuleSelector): readonly number[]
}
