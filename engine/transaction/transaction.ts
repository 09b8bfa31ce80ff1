/**
 * The state of one transaction: made new for each record, never pooled.
 *
 * Holds what rules read (views) and what actions change (scores, removed rules, engine mode …). It evaluates
 * nothing; `phases.ts` and `rule.ts` do.
 */
import type {
  Collection,
  EngineMode,
  PersistentName,
  RequestBodyView,
  ResponseView,
  RuleFacts,
  RuleSelector,
  TargetExclusion,
  TransactionState,
  WritableCollection,
} from '../model/definitions.js'
import type { ByteString, TransactionRecord } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import type { Disruption, PhaseNumber, Rule, Ruleset } from '../model/ruleset.js'
import type { BlockedBy, Match } from '../model/verdict.js'
import { VariableStore } from '../variables/index.js'
import { processorOf, unreadBody } from './body-view.js'
import { type Lift, LiftedExclusions, type LiftPlan, liftPlanOf } from './lifting.js'
import {
  createPersistentStore,
  openCollections,
  type PersistentCollections,
  type PersistentStore,
} from './persistent.js'
import { RecordedRequestView } from './request-view.js'

/** Clock of records without a time: 2026-01-01T00:00:00Z. A fixed one, so that a replay repeats itself. */
const undatedTime = Date.UTC(2026, 0, 1)

/** Severity where no rule with a severity has matched. */
const noSeverity = 255

export interface Interruption {
  readonly blockedBy: BlockedBy
  readonly disruption: Disruption
}

export class Transaction implements TransactionState {
  readonly platform: Platform
  readonly time: number
  readonly request: RecordedRequestView
  readonly tx = new VariableStore()
  readonly env = new VariableStore()
  readonly geo = new VariableStore()
  readonly pathArguments = new VariableStore()
  /** Grows where the body or the response arrives: what fixed variables hold may have changed. */
  dataVersion = 0
  phase: PhaseNumber = 1
  /** The body processor that the headers alone ask for; empty: none. */
  readonly announcedProcessor: string
  body: RequestBodyView
  response: ResponseView | null = null
  /** The rule being evaluated. */
  currentRule: Rule | null = null
  /** Ids of rules whose pattern exceeded SecPcreMatchLimit. */
  readonly limitsExceeded = new Set<number>()
  highestSeverity = noSeverity
  mode: EngineMode
  bodyProcessor = ''
  bodyVariableForced = false
  requestBodyAccess: boolean
  responseBodyAccess: boolean
  requestBodyLimit: number
  responseBodyLimit: number
  readonly matched: {
    last: { name: ByteString; value: ByteString } | null
    all: { name: ByteString; value: ByteString }[]
  } = {
    last: null,
    all: [],
  }
  /** Points that the match at hand has added to anomaly scores. */
  points = 0
  readonly matches: Match[] = []
  readonly ruleIds: number[] = []
  readonly allRuleIds: number[] = []
  readonly phasesRun: number[] = []
  /** Set where the transaction was ended by a rule, a limit or the parser. */
  interruption: Interruption | null = null
  /** What would have ended it, had the engine been on. */
  wouldInterrupt: Interruption | null = null
  /** Set by `allow`: phases that are not run any more. */
  allowed: 'none' | 'phase' | 'request' | 'all' = 'none'
  /** The exclusions that are noted and not applied; null: all are applied. */
  readonly lifted: LiftedExclusions | null
  readonly #plan: LiftPlan | null
  #removed: Uint8Array | null = null
  #targetExclusions: Map<number, TargetExclusion[]> | null = null
  readonly #persistent: PersistentCollections
  readonly #persistentKeys = new Map<PersistentName, ByteString>()
  readonly #derived = new Map<string, unknown>()

  constructor(
    readonly record: TransactionRecord,
    readonly ruleset: Ruleset,
    store: PersistentStore = createPersistentStore(),
    lift: Lift | null = null,
  ) {
    this.#plan = liftPlanOf(ruleset, lift)
    this.lifted = this.#plan === null || lift === null ? null : new LiftedExclusions(this.#plan, ruleset)
    this.#removed = this.#plan?.removed?.slice() ?? null
    const { settings } = ruleset
    this.platform = ruleset.platform
    const time = record.time === undefined ? Number.NaN : Date.parse(record.time)
    this.time = Number.isNaN(time) ? undatedTime : time
    this.#persistent = openCollections({
      store,
      platform: ruleset.platform,
      now: store.advance(Number.isNaN(time) ? null : Math.floor(time / 1000)),
      timeout: settings.collectionTimeout,
      applicationId: settings.webAppId,
    })
    this.request = new RecordedRequestView(record.request, settings, ruleset.platform)
    this.announcedProcessor = processorOf(this.request.headers, this.platform)
    this.body = unreadBody(this.announcedProcessor)
    if (this.platform.otherCaptures === 'kept') for (let n = 0; n <= 10; n++) this.tx.set(String(n), '')
    this.mode = settings.mode
    this.requestBodyAccess = settings.requestBodyAccess
    this.responseBodyAccess = settings.responseBodyAccess
    this.requestBodyLimit = settings.requestBodyLimit
    this.responseBodyLimit = settings.responseBodyLimit
  }

  get uniqueId(): ByteString {
    return this.derived('unique-id', () => uniqueIdOf(this.record.id))
  }

  /** Seen in ModSecurity 2.9.7: the flag stands in TX, for any rule behind. */
  patternGaveUp(): void {
    this.tx.set('MSC_PCRE_LIMITS_EXCEEDED', '1')
    if (this.currentRule !== null) this.limitsExceeded.add(this.currentRule.id)
  }

  get rule(): RuleFacts | null {
    return this.currentRule === null ? null : factsOf(this.currentRule)
  }

  get applicationId(): ByteString {
    return this.ruleset.settings.webAppId
  }

  persistent(name: PersistentName): WritableCollection | null {
    return this.#persistent.get(name)
  }

  persistentKey(name: PersistentName): ByteString | null {
    return this.#persistentKeys.get(name) ?? null
  }

  openPersistent(name: PersistentName, key: ByteString, byApplication: boolean): void {
    if (byApplication) this.#persistentKeys.set(name, key)
    this.#persistent.open(name, key, byApplication ? this.applicationId : '')
  }

  expire(collection: PersistentName, lowerKey: ByteString, seconds: number): void {
    this.#persistent.expire(collection, lowerKey, seconds)
  }

  deprecate(collection: PersistentName, lowerKey: ByteString, amount: number, period: number): void {
    this.#persistent.deprecate(collection, lowerKey, amount, period)
  }

  /** The last phase has run: what persists is written. */
  close(): void {
    this.#persistent.close()
  }

  derived<T>(key: string, make: () => T): T {
    if (this.#derived.has(key)) return this.#derived.get(key) as T
    const value = make()
    this.#derived.set(key, value)
    return value
  }

  /** The body or the response has arrived: forget what was derived without it. */
  forgetDerived(): void {
    this.dataVersion++
    this.#derived.clear()
  }

  /** What is left of a rule whose head is known to match nothing. */
  passOver(): void {
    if (this.matched.all.length > 0) this.matched.all = []
  }

  countScore(points: number): void {
    this.points += points
  }

  removeRules(selector: RuleSelector): void {
    if (this.lifted?.takes(selector, null) === true) return
    this.#removed ??= new Uint8Array(this.ruleset.rules.length)
    for (const index of this.ruleset.select(selector)) this.#removed[index] = 1
  }

  isRemoved(rule: Rule): boolean {
    return this.#removed !== null && this.#removed[rule.index] === 1
  }

  removeTargets(selector: RuleSelector, exclusion: TargetExclusion): void {
    if (this.lifted?.takes(selector, exclusion) === true) return
    this.#targetExclusions ??= new Map()
    for (const index of this.ruleset.select(selector)) {
      const list = this.#targetExclusions.get(index)
      if (list) list.push(exclusion)
      else this.#targetExclusions.set(index, [exclusion])
    }
  }

  /** Whether rules were removed while it ran. */
  get removesRules(): boolean {
    return this.#removed !== null
  }

  /** Whether rules were removed while it ran, or targets of rules; or are to be looked at all the same. */
  get changesRules(): boolean {
    return this.#removed !== null || this.#targetExclusions !== null || this.#plan !== null
  }

  /** Whether the rule was removed, or a target of it, or would be but for a lifted exclusion. */
  isChanged(rule: Rule): boolean {
    if (this.isRemoved(rule) || this.#targetExclusions?.has(rule.index) === true) return true
    return this.#plan !== null && (this.#plan.excluded.has(rule.index) || this.lifted?.concerns(rule) === true)
  }

  /** Whether targets of its links were removed. */
  losesTargets(rule: Rule): boolean {
    return this.#targetExclusions?.has(rule.index) === true || this.#plan?.excluded.has(rule.index) === true
  }

  /** Targets taken from one link, besides those that the compiler took; null: none. */
  targetExclusions(rule: Rule, link: number): readonly TargetExclusion[] | null {
    const reaches = link === 0 || this.platform.targetExclusionReachesChain
    const byCtl = reaches ? (this.#targetExclusions?.get(rule.index) ?? null) : null
    if (this.#plan === null) return byCtl
    const byDirective = this.#plan.excludedFrom(rule, link)
    return byDirective.length === 0 ? byCtl : [...byDirective, ...(byCtl ?? [])]
  }

  setEngineMode(mode: EngineMode): void {
    this.mode = mode
  }

  setBodyProcessor(name: string): void {
    this.bodyProcessor = name
    if (this.phase === 1) this.body = unreadBody(name.toUpperCase())
    this.dataVersion++
  }

  forceRequestBodyVariable(): void {
    this.bodyVariableForced = true
  }

  setRequestBodyAccess(on: boolean): void {
    this.requestBodyAccess = on
  }

  setResponseBodyAccess(on: boolean): void {
    this.responseBodyAccess = on
  }

  setRequestBodyLimit(bytes: number): void {
    this.requestBodyLimit = bytes
  }

  setResponseBodyLimit(bytes: number): void {
    this.responseBodyLimit = bytes
  }

  headerValue(collection: Collection, lowerName: ByteString): ByteString {
    return collection.named(lowerName)[0]?.value ?? ''
  }
}

function factsOf(rule: Rule): RuleFacts {
  return {
    id: rule.id,
    rev: rule.rev,
    ver: rule.ver,
    severity: rule.severity === null ? '' : String(rule.severity),
    msg: rule.msg?.constant ?? '',
    logdata: rule.logdata?.constant ?? '',
  }
}

/** FNV-1a of the record's id: the same id gives the same transaction id in every run. */
function uniqueIdOf(id: string): ByteString {
  let high = 0x811c9dc5
  let low = 0x01000193
  for (let i = 0; i < id.length; i++) {
    high = Math.imul(high ^ id.charCodeAt(i), 0x01000193)
    low = Math.imul(low ^ id.charCodeAt(i), 0x5bd1e995) ^ (low >>> 15)
  }
  const hex = (n: number): string => (n >>> 0).toString(16).padStart(8, '0')
  return `${hex(high)}${hex(low)}${hex(high ^ low)}`
}
