/**
 * Rules that no exclusion may touch: they set up, gate or evaluate, and removing one disarms the ruleset or makes its
 * rules inspect other things than they were written for.
 *
 * Some are known by their ids (the CRS layout: initialisation, common exceptions, blocking evaluation, correlation,
 * paranoia gates; the engine's own rules of the recommended configuration), some by what they are in the ruleset at
 * hand: rules that only steer others, and rules that weigh the anomaly scores.
 */
import { selectById, selectByMessage, selectByTag } from '../exclusions.js'
import type { RuleSelector } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { Rule, Ruleset } from '../model/ruleset.js'

const protectedRanges: readonly (readonly [number, number])[] = [
  [200_000, 200_007],
  [900_000, 905_999],
  [949_000, 949_999],
  [959_000, 959_999],
  [980_000, 980_999],
  [7_000_000, 7_000_199],
  [7_009_000, 7_009_999],
]

/** Whether the rule sets up, gates or evaluates others, as far as its id tells. */
export function isProtected(ruleId: number): boolean {
  if (protectedRanges.some(([low, high]) => ruleId >= low && ruleId <= high)) return true
  return isParanoiaGate(ruleId)
}

/** 9xx011 to 9xx018 skip a file's rules above the paranoia level. */
function isParanoiaGate(ruleId: number): boolean {
  if (ruleId < 910_000 || ruleId > 999_999) return false
  const last = ruleId % 1000
  return last >= 11 && last <= 18
}

/** The protected rules of one ruleset. */
export interface ProtectedRules {
  /** Whether no exclusion may touch the rule: by its id, or by what it is in this ruleset. */
  has(ruleId: number): boolean
  /** Ids of the protected rules of this ruleset that the selector names, ascending; empty: none. */
  coveredBy(selector: RuleSelector): readonly number[]
  /** The same for ids and ranges as written (`942100-949999`); DefinitionError where they are none. */
  coveredByIds(text: ByteString): readonly number[]
  /** The same for a tag as written, as the platform compares tags. */
  coveredByTag(tag: ByteString): readonly number[]
  /** The same for a message as written. */
  coveredByMessage(msg: ByteString): readonly number[]
}

const found = new WeakMap<Ruleset, ProtectedRules>()

/** Found out once for each ruleset. */
export function protectedRulesOf(ruleset: Ruleset): ProtectedRules {
  let known = found.get(ruleset)
  if (known === undefined) {
    known = protectedRulesIn(ruleset)
    found.set(ruleset, known)
  }
  return known
}

function protectedRulesIn(ruleset: Ruleset): ProtectedRules {
  const { platform } = ruleset
  const rules = ruleset.rules.filter((rule) => isProtected(rule.id) || steers(rule) || weighsScores(rule))
  const ids = new Set(rules.map(({ id }) => id))
  const indexes = new Set(rules.map(({ index }) => index))
  const coveredBy = (selector: RuleSelector): readonly number[] => {
    const covered = ruleset.select(selector).filter((index) => indexes.has(index))
    return [...new Set(covered.map((index) => ruleset.rules[index]?.id ?? 0))].sort((a, b) => a - b)
  }
  return {
    has: (ruleId) => isProtected(ruleId) || ids.has(ruleId),
    coveredBy,
    coveredByIds: (text) => coveredBy(selectById(text)),
    coveredByTag: (tag) => coveredBy(selectByTag(tag, platform)),
    coveredByMessage: (msg) => coveredBy(selectByMessage(msg, platform)),
  }
}

/** Whether the rule only changes what others see or whether they run: it tells nobody, stops nothing, adds no score. */
function steers(rule: Rule): boolean {
  const { log, disruption, scores, links, effectsBehind, skip, skipAfter } = rule
  const changes =
    links.some(({ effects }) => effects.length > 0) || effectsBehind.length > 0 || skip > 0 || skipAfter !== null
  return changes && !log && disruption === null && !scores
}

/** Whether the rule ends transactions by what the others have added up. */
function weighsScores(rule: Rule): boolean {
  return rule.disruption !== null && looksAtScores(rule)
}

/** Whether the rule's head looks at an anomaly score. */
export function looksAtScores({ links: [head] }: Rule): boolean {
  if (head === undefined) return false
  return head.targets.some(
    ({ variable, selector }) =>
      variable.name === 'TX' && selector?.kind === 'name' && selector.lower.includes('anomaly_score'),
  )
}
