/**
 * What an audit of existing exclusions says: the exclusions it looked at, what the replay showed of each, and findings.
 */
import type { ByteString } from '../../model/exchange.js'
import type { StandingExclusion } from '../../model/standing-exclusion.js'
import type { ReadExclusion } from '../read-exclusions.js'

export const findingKinds = [
  'dangerous',
  'placebo',
  'stale',
  'never-needed',
  'redundant',
  'broader-than-evidence',
  'needed',
] as const

export type FindingKind = (typeof findingKinds)[number]

export interface Finding {
  readonly kind: FindingKind
  readonly reason: string
  /** What to do. */
  readonly advice: string
  /** Text to put in its place; null where there is none. */
  readonly instead: ByteString | null
}

/** One exclusion to be audited. */
export interface AuditItem {
  /** Null where it is no part of the compiled ruleset: a switch, or what stands in `<Location>`. */
  readonly standing: StandingExclusion | null
  /** What its text says; null where that could not be read. */
  readonly read: ReadExclusion | null
  readonly text: ByteString
  readonly file: string
  readonly line: number
  /** Whether it is a part of the ruleset itself, such as CRS's own rules and plugins. */
  readonly own: boolean
}

/** What the lifted replay showed of one exclusion. Figures are records of complete evidence. */
export interface AuditEvidence {
  /** Records in which it was in force. */
  readonly inForce: number
  /** Benign and unlabelled records of which it suppressed a rule. */
  readonly requests: number
  /** In these, rules that fired less because of it, counted once a record. */
  readonly hits: number
  /** Of `hits`, those that no other exclusion suppresses too. */
  readonly hitsAlone: number
  /** The records with `hitsAlone`. */
  readonly requestsAlone: number
  /** Benign and unlabelled records that would be blocked without it. */
  readonly wouldBlock: number
  /** Records labelled as attacks of which it suppressed a rule, and those of them that it alone lets pass. */
  readonly attacks: number
  readonly attacksLetPass: number
  /** Records in which it took away a match of a chain that did not match in the end. */
  readonly partial: number
  /** Ids of records, at most 3. */
  readonly examples: readonly string[]
  /** Numbers of the exclusions that suppress the same, ascending. */
  readonly together: readonly number[]
}

export interface AuditedExclusion {
  /** Position in `Ruleset.standing`; null where it is not part of the compiled ruleset. */
  readonly number: number | null
  readonly text: ByteString
  readonly file: string
  readonly line: number
  /** Id of the rule that holds it; null for a directive. */
  readonly ruleId: number | null
  readonly own: boolean
  /** Null where a replay cannot show anything of it. */
  readonly evidence: AuditEvidence | null
  readonly findings: readonly Finding[]
}

export interface AuditReport {
  /** Records that were judged, by label; those in error or of incomplete evidence are counted apart. */
  readonly records: {
    readonly benign: number
    readonly attack: number
    readonly unknown: number
    readonly leftOut: number
  }
  /** The caller's, and the ruleset's own where those were asked for. */
  readonly exclusions: readonly AuditedExclusion[]
  /** The ruleset's own that were not judged. */
  readonly own: readonly AuditedExclusion[]
}
