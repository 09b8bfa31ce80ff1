/**
 * One rule against a transaction: its chain, what each match sets and logs, what becomes of the transaction.
 *
 * Follows libmodsecurity's order: at every match of a link capture, MATCHED_VAR and the state actions run at
 * once; log and disruptive action only when the whole chain has matched.
 */
import type { Effect, OperatorMatch } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { Rule, RuleLink, Target } from '../model/ruleset.js'
import { severityName } from '../model/severity.js'
import type { Match } from '../model/verdict.js'
import { atWork, spend } from '../time-budget.js'
import type { Matching } from './matching.js'
import type { Interruption, Transaction } from './transaction.js'
import { type ValueVisitor, visitValues } from './values.js'

/** Longest value kept in a report, in bytes. */
const reportedValueBytes = 200

/** What evaluating a rule, and taking in one match, cost; in bytes looked at. */
const ruleCost = 100
const matchCost = 1000

/** Runs the rule; true where its whole chain matched. `everything` keeps matches of `nolog` rules too. */
export function evaluateRule(transaction: Transaction, matching: Matching, rule: Rule, everything: boolean): boolean {
  transaction.currentRule = rule
  atWork(rule.id)
  spend(ruleCost)
  if (!transaction.platform.matchedVarsOutliveMatch) transaction.matched.all = []
  const isKept = rule.log || rule.logsAtOnce || everything || transaction.lifted?.concerns(rule) === true
  const kept: Match[] | null = isKept ? [] : null
  const { links } = rule
  for (let position = 0; position < links.length; position++) {
    const link = links[position] as RuleLink
    if (!evaluateLink(transaction, matching, rule, link, position, kept)) {
      if (rule.logsAtOnce) logAtOnce(transaction, rule, position, kept)
      return false
    }
  }
  complete(transaction, rule, kept, everything)
  return true
}

function evaluateLink(
  transaction: Transaction,
  matching: Matching,
  rule: Rule,
  link: RuleLink,
  position: number,
  kept: Match[] | null,
): boolean {
  if (link.operator === null) {
    if (transaction.platform.actionsMatch) noteMatch(transaction, { name: 'UNKNOWN', value: '' })
    runEffects(transaction, link)
    if (kept !== null) {
      const suppressedBy = transaction.lifted?.suppressing(rule, position, null, null)
      kept.push(describe(transaction, rule, position, '', '', suppressedBy))
    }
    return true
  }
  const exclusions = transaction.targetExclusions(rule, position)
  const candidates = position === 0 ? matching.candidatesOf(rule) : null
  const take = new MatchTaker(transaction, matching, rule, position, kept)
  visitValues(link, transaction, exclusions, candidates, take)
  if (!take.matched) transaction.matched.all = []
  return take.matched
}

/** Tries the values of one link, and does what a match changes at once, whatever becomes of the chain. */
class MatchTaker implements ValueVisitor {
  matched = false
  readonly #link: RuleLink

  constructor(
    private readonly transaction: Transaction,
    private readonly matching: Matching,
    private readonly rule: Rule,
    private readonly position: number,
    private readonly kept: Match[] | null,
  ) {
    this.#link = rule.links[position] as RuleLink
  }

  visit(target: Target, key: ByteString | null, value: ByteString, known: boolean): void {
    const link = this.#link
    if (link.multiMatch) {
      for (const { match, transformed } of this.matching.stageMatches(link, value))
        this.#take(target, key, match, transformed)
      return
    }
    const transformed = this.matching.transform(link.pipeline, value)
    const match = known ? this.matching.operateAgain(link, transformed) : this.matching.operate(link, transformed)
    if (match !== null) this.#take(target, key, match, transformed)
  }

  #take(target: Target, key: ByteString | null, match: OperatorMatch, transformed: ByteString): void {
    const { transaction } = this
    const link = this.#link
    this.matched = true
    spend(matchCost)
    const name = targetName(target, key, transaction.platform.countsNamedWithSign)
    if (link.capture) capture(transaction, match)
    noteMatch(transaction, { name, value: transformed })
    runEffects(transaction, link)
    if (this.kept === null) return
    const suppressedBy = transaction.lifted?.suppressing(this.rule, this.position, target, key)
    this.kept.push(describe(transaction, this.rule, this.position, name, match.matched ?? transformed, suppressedBy))
  }
}

function noteMatch({ matched }: Transaction, seen: { name: ByteString; value: ByteString }): void {
  matched.last = seen
  matched.all.push(seen)
}

function targetName(target: Target, key: ByteString | null, withSign: boolean): ByteString {
  if (target.count) return withSign ? target.text : target.text.replace(/^&/, '')
  return key === null ? target.variable.name : `${target.variable.name}:${key}`
}

const captureNames = Array.from({ length: 10 }, (_, n) => String(n))

function capture(transaction: Transaction, match: OperatorMatch): void {
  const { captures } = match
  const removes = transaction.platform.otherCaptures === 'removed'
  for (let n = 0; n < 10; n++) {
    const value = captures?.[n]
    if (value !== undefined) transaction.tx.set(captureNames[n] as string, value)
    else if (removes) transaction.tx.remove(captureNames[n] as string)
  }
}

function runEffects(transaction: Transaction, link: RuleLink): void {
  transaction.points = 0
  const { effects } = link
  for (let i = 0; i < effects.length; i++) (effects[i] as Effect)(transaction)
}

function describe(
  transaction: Transaction,
  rule: Rule,
  link: number,
  target: ByteString,
  value: ByteString,
  suppressedBy: readonly number[] | undefined,
): Match {
  const match: Match = {
    ruleId: rule.id,
    link,
    phase: rule.phase,
    msg: rule.msg?.expand(transaction) ?? '',
    severity: severityName(rule.severity),
    tags: rule.fixedTags ?? rule.tags.map((tag) => tag.expand(transaction)),
    logdata: rule.logdata?.expand(transaction) ?? '',
    target,
    value: value.length > reportedValueBytes ? value.slice(0, reportedValueBytes) : value,
    log: rule.log || rule.logsAtOnce,
    scoreAdded: transaction.points,
  }
  return suppressedBy === undefined || suppressedBy.length === 0 ? match : { ...match, suppressedBy }
}

/** COMPAT(modsec3): the chain failed at link `failed`, but multiMatch has logged what matched before. */
function logAtOnce(transaction: Transaction, rule: Rule, failed: number, kept: Match[] | null): void {
  if (!rule.links.slice(0, failed).some((link) => link.multiMatch)) return
  if (kept !== null) transaction.matches.push(...kept)
  transaction.allRuleIds.push(rule.id)
  transaction.ruleIds.push(rule.id)
}

function complete(transaction: Transaction, rule: Rule, kept: Match[] | null, everything: boolean): void {
  if (rule.severity !== null && rule.severity < transaction.highestSeverity) transaction.highestSeverity = rule.severity
  if (kept !== null && isReported(rule, kept, everything)) transaction.matches.push(...kept)
  transaction.allRuleIds.push(rule.id)
  if (rule.log || rule.logsAtOnce) transaction.ruleIds.push(rule.id)
  for (const effect of rule.effectsBehind) effect(transaction)
  disrupt(transaction, rule)
}

/** Matches of a rule that does not log are reported where asked for, or where an exclusion was lifted for them. */
function isReported(rule: Rule, kept: readonly Match[], everything: boolean): boolean {
  if (rule.log || rule.logsAtOnce || everything) return true
  return kept.some(({ suppressedBy }) => suppressedBy !== undefined)
}

function disrupt(transaction: Transaction, rule: Rule): void {
  const { disruption } = rule
  if (disruption === null) return
  const on = transaction.mode === 'on'
  switch (disruption.kind) {
    case 'allow':
      if (on) transaction.allowed = 'all'
      return
    case 'allow-phase':
      if (on) transaction.allowed = 'phase'
      return
    case 'allow-request':
      if (on && (rule.phase <= 2 || !transaction.platform.allowIsThorough)) transaction.allowed = 'request'
      return
    default: {
      const interruption: Interruption = {
        blockedBy: { kind: 'rule', ruleId: rule.id, phase: rule.phase, action: disruption.kind },
        disruption,
      }
      transaction.wouldInterrupt ??= interruption
      if (on) transaction.interruption = interruption
    }
  }
}
