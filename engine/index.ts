/**
 * The only door of the engine: load a ruleset, evaluate records, replay corpora in a pool, count, propose.
 */
export { actions, ctlOptions } from './actions/index.js'
export { type NameFamily, refusingPlatforms } from './compile/availability.js'
export { type CompileResult, checkParts } from './compile/compile.js'
export { directives } from './compile/directives.js'
export {
  askPatterns,
  type LoadedRuleset,
  loadRuleset,
  patternFacts,
  type RulesetInput,
  type RulesetSource,
} from './compile/source.js'
export {
  CaptureError,
  type Diagnostic,
  formatDiagnostic,
  InternalError,
  printable,
  RulesetError,
  type Span,
  UsageError,
} from './errors.js'
export { allShortcuts, noShortcuts, type Shortcuts } from './matching/index.js'
export type { EngineMode } from './model/definitions.js'
export {
  type ByteString,
  type CorpusItem,
  type CorpusPart,
  type EvaluatedRecord,
  type Evidence,
  type Header,
  isUnreadable,
  type Label,
  type Origin,
  type RawLines,
  type TransactionRecord,
  type UnreadableRecord,
} from './model/exchange.js'
export { type Platform, type PlatformName, platforms, type ServerName, serverNames } from './model/platform.js'
export type { Rule, Ruleset, SourcePart, Unsimulated } from './model/ruleset.js'
export type { KeptExclusions, StandingExclusion } from './model/standing-exclusion.js'
export type { LiftedVerdict, Match, Verdict, VerdictKind } from './model/verdict.js'
export { nearestName } from './near-name.js'
export { operators } from './operators/index.js'
export { compilePattern, factsFound, learnFacts } from './patterns/index.js'
export type { LineReader, Result } from './pool/batch.js'
export { createPool, type Pool, type PoolOptions, startedThreads, threadsFor } from './pool/pool.js'
export { Threads } from './pool/threads.js'
export { type Profiling, startProfiling } from './profiling/index.js'
export { createDiskReader, type SourceReader } from './seclang/source.js'
export { type SettingsInForce, settingsInForce } from './settings-in-force.js'
export { type RuleCount, Tally, type Thresholds, type Totals } from './tally.js'
export { type InspectedValue, inspectedValues } from './transaction/inspected-values.js'
export type { Lift } from './transaction/lifting.js'
export { createPersistentStore, type PersistentStore } from './transaction/persistent.js'
export { type EvaluateOptions, evaluate, scoreVariables } from './transaction/verdict.js'
export { bundledMapName, bundledMapText, transformations } from './transformations/index.js'
export { type AlertGroup, AlertGroups, type AlertSeen } from './tuning/alert-groups.js'
export { AtomIndex } from './tuning/atom-index.js'
export { Audit, type AuditOptions } from './tuning/audit/audit.js'
export {
  type AuditEvidence,
  type AuditedExclusion,
  type AuditReport,
  type Finding,
  type FindingKind,
  findingKinds,
} from './tuning/audit/audit-finding.js'
export { type HandInput, type HandLadder, idsOf, laddersAt, laddersByHand, type Rung } from './tuning/by-hand.js'
export {
  type Applied,
  type Candidate,
  eligible,
  exclusionFrom,
  exclusionKinds,
  isAvailable,
  ladder,
  type Unavailable,
} from './tuning/candidates.js'
export { type Atom, type Case, CaseBook, type ScoreLimits } from './tuning/case-book.js'
export { type Effects, effectsOf } from './tuning/effects.js'
export type { Exclusion, ExclusionKind, ProvenExclusion } from './tuning/exclusion.js'
export { type Example, type HitGroup, HitGroups } from './tuning/false-positives.js'
export { type Hit, hitsOf } from './tuning/hits.js'
export {
  allocateFor,
  allocateIds,
  checkIdBounds,
  defaultIdBounds,
  type IdBounds,
  type IdsWanted,
  idName,
  parseIdBounds,
} from './tuning/ids.js'
export { type BeginMark, beginComment, digestOfLines, endComment, readBegin, readEnd } from './tuning/markers.js'
export { type Outcome, outcomeOf } from './tuning/outcome.js'
export { type KeyFamily, learnFamilies, literalFamily } from './tuning/parameter-families.js'
export { filenameOf, learnPathTemplates, type PathTemplate } from './tuning/path-templates.js'
export { literalTemplate, type Spot, splitTarget } from './tuning/place.js'
export { AttackProfiles } from './tuning/pricing/attack-profiles.js'
export { type Attacks, gatherAttacks, lossModel } from './tuning/pricing/attacks.js'
export { attackClass, Blocking, type BlockingTerms, isProtocolRule } from './tuning/pricing/blocking.js'
export { type CarrierKind, carrierOfKind, kindOfTarget } from './tuning/pricing/carrier-kinds.js'
export { type Carried, neutral, placePayload } from './tuning/pricing/carriers.js'
export {
  longestPayload,
  type Payload,
  PayloadCollector,
  type PayloadCounts,
  payloadsOf,
} from './tuning/pricing/payloads.js'
export { type ClassPrice, isLost, lostRules, type Price, type PricedAttack, priceOf } from './tuning/pricing/price.js'
export { type ExclusionPrice, type PlacePrice, type Pricing, priceExclusions } from './tuning/pricing/pricing.js'
export { settingCarriers } from './tuning/pricing/setting-carriers.js'
export { type Variant, type WayScope, waysAround } from './tuning/pricing/ways-around.js'
export { IdRange, proposeExclusion } from './tuning/propose.js'
export { isProtected, type ProtectedRules, protectedRulesOf } from './tuning/protected-rules.js'
export {
  type Condition,
  type Placement,
  type ReadExclusion,
  type ReadFile,
  type ReadKind,
  readExclusions,
} from './tuning/read-exclusions.js'
export {
  type ReductionStep,
  type ReproduceOptions,
  type Reproducer,
  reproduce,
  requestBytes,
} from './tuning/reproduction/reproduce.js'
export { type Synthesis, synthesise, textsOf } from './tuning/synthesis.js'
export type { AddedText, Evaluated, Laboratory, Trial } from './tuning/trial.js'
export { ClientConduct } from './tuning/unlabelled/client-conduct.js'
export { type Judgement, judgeUnlabelled, requestKey, type UnlabelledGroup } from './tuning/unlabelled/unlabelled.js'
export {
  type AppliedOptions,
  appliedFrom,
  WrittenEvidence,
  type WrittenExclusion,
  writtenExclusions,
} from './tuning/written.js'
export { variables } from './variables/index.js'
