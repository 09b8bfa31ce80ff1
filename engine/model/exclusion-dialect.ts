/**
 * How an engine reads exclusions, and what it takes them to reach: one record an engine. Each field was seen in the
 * engines (ModSecurity 2.9.7, libmodsecurity 3.0.9, Coraza 3.8), see docs/exclusions.md.
 */

/** What of a text with ids counts: all, up to the first blank, the first range, the first number, or nothing of a list. */
export type IdReading = 'all' | 'first-word' | 'first-range' | 'first-number' | 'no-list'

export interface ExclusionDialect {
  /** Ids of SecRuleRemoveById, in each of its arguments. */
  readonly removedIds: IdReading
  /** Ids of SecRuleUpdateTargetById. */
  readonly updatedIds: IdReading
  /** Whether SecRuleUpdateTargetById takes ID:LINK for a link of a chain; otherwise what stands behind the id is not read. */
  readonly namesLinks: boolean
  /** Ids of `ctl:ruleRemoveById`. */
  readonly ctlIds: IdReading
  /** Ids of `ctl:ruleRemoveTargetById`. */
  readonly ctlTargetIds: IdReading
  /**
   * `any-case`: names and keys compare without case, and a whole collection reaches targets with a key too. `exact`: a
   * target is meant as the rule spells it or as the value is named, by `ctl` in the case of the collection too.
   */
  readonly spelling: 'any-case' | 'exact'
  /** Whether a pattern for keys sees them in lower case, and minds case itself. */
  readonly patternsSeeLowerCase: boolean
  /** Whether blanks around a target of `ctl` do not matter; where they do, the target is none. */
  readonly trimsCtlTargets: boolean
  /** Whether `ctl` reaches XML by expression, as in `XML:/*`; otherwise `XML` alone does. */
  readonly ctlReachesExpressions: boolean
  /** Whether a target that a directive takes away is taken from every link of a chain. */
  readonly directivesReachChain: boolean
  /** Whether SecRuleUpdateTargetByMsg does anything. */
  readonly updatesByMessage: boolean
  /** What exclusions do to counts: less each value they take; or nothing, but for a whole collection, not counted then. */
  readonly counts: 'each-value' | 'whole'
  /** With `counts` `whole`: whether directives and rules do so too, or `ctl` alone. */
  readonly directivesReachCounts: boolean
  /** Whether a tag or message is compared without case where it is a pattern. */
  readonly selectorsIgnoreCase: boolean
}

export const exclusionDialects: Readonly<Record<'modsec2' | 'modsec3' | 'coraza', ExclusionDialect>> = {
  modsec2: {
    removedIds: 'first-word',
    updatedIds: 'first-word',
    namesLinks: true,
    ctlIds: 'all',
    ctlTargetIds: 'all',
    spelling: 'any-case',
    patternsSeeLowerCase: false,
    trimsCtlTargets: false,
    ctlReachesExpressions: false,
    directivesReachChain: true,
    updatesByMessage: true,
    counts: 'whole',
    directivesReachCounts: false,
    selectorsIgnoreCase: false,
  },
  modsec3: {
    removedIds: 'first-range',
    updatedIds: 'first-number',
    namesLinks: false,
    ctlIds: 'all',
    ctlTargetIds: 'first-number',
    spelling: 'exact',
    patternsSeeLowerCase: false,
    trimsCtlTargets: true,
    ctlReachesExpressions: true,
    directivesReachChain: false,
    updatesByMessage: true,
    counts: 'whole',
    directivesReachCounts: true,
    selectorsIgnoreCase: true,
  },
  coraza: {
    removedIds: 'all',
    updatedIds: 'first-word',
    namesLinks: false,
    ctlIds: 'no-list',
    ctlTargetIds: 'all',
    spelling: 'any-case',
    patternsSeeLowerCase: true,
    trimsCtlTargets: true,
    ctlReachesExpressions: true,
    directivesReachChain: false,
    updatesByMessage: false,
    counts: 'each-value',
    directivesReachCounts: true,
    selectorsIgnoreCase: true,
  },
}
