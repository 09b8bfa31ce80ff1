/**
 * The shape of an action of the table, and the draft of a rule that actions fill in.
 *
 * An action runs at compile time: it changes the draft of its link or of its rule, or adds an effect that
 * runs at every match. It never sees a transaction but through `TransactionState` inside an effect.
 */
import type { Span } from '../errors.js'
import type { VariableNames } from '../exclusions.js'
import type { Effect, Template, TransformationDefinition } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import type { DisruptionKind } from '../model/ruleset.js'

/** What the actions of one SecRule, SecAction or SecDefaultAction say. */
export interface ActionDraft {
  id: number | null
  phase: number | null
  log: boolean | null
  auditLog: boolean | null
  /** `block` takes the disruption of the phase's default actions. */
  disruption: DisruptionKind | 'pass' | 'block' | null
  status: number | null
  chain: boolean
  skip: number
  skipAfter: string | null
  msg: Template | null
  logdata: Template | null
  tags: Template[]
  severity: number | null
  rev: ByteString
  ver: ByteString
  capture: boolean
  multiMatch: boolean
  /** Transformations in order; `none` empties the list and stops inheriting. */
  transformations: TransformationDefinition[]
  inheritTransformations: boolean
  effects: Effect[]
  /** TX keys that setvar writes, lower case, where known. */
  writes: string[]
  scores: boolean
  /** How many of `effects` are setvar's. */
  setvars: number
  /** Whether an action opens or writes a persistent collection. */
  persists: boolean
  /** Patterns that RE2 does not run as they are. */
  patterns: { pattern: ByteString; run: string; needs: readonly string[] }[]
  /** `without`: only where the user gives no such data. */
  unsimulated: { what: string; reason: string; without?: 'geo' | 'blocklists' }[]
}

export function emptyDraft(): ActionDraft {
  return {
    id: null,
    phase: null,
    log: null,
    auditLog: null,
    disruption: null,
    status: null,
    chain: false,
    skip: 0,
    skipAfter: null,
    msg: null,
    logdata: null,
    tags: [],
    severity: null,
    rev: '',
    ver: '',
    capture: false,
    multiMatch: false,
    transformations: [],
    inheritTransformations: true,
    effects: [],
    writes: [],
    scores: false,
    setvars: 0,
    persists: false,
    unsimulated: [],
    patterns: [],
  }
}

/** What an action may ask of the compiler. */
export interface ActionInput extends VariableNames {
  readonly argument: ByteString
  readonly span: Span
  readonly platform: Platform
  /** The transformation of that name; throws DefinitionError where it is unknown. */
  transformation(name: string): TransformationDefinition
  /** A text with macros; unknown variables in it are diagnostics. */
  template(text: ByteString): Template
}

export interface ActionDefinition {
  readonly name: string
  readonly doc: string
  readonly argument: 'required' | 'optional' | 'none'
  readonly unsimulated?: string
  /** Where it changes nothing that a replay reports. */
  readonly inert?: true
  /** Where the engines differ, for the documentation. */
  readonly platforms?: string
  /** Throws DefinitionError where the argument cannot be used. */
  apply(draft: ActionDraft, input: ActionInput): void
}
