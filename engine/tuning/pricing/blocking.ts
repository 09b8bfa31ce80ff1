/**
 * What of a verdict would stop a request, and whether protocol rules alone do.
 *
 * A price counts an attack as stopped only where something else than the protocol rules (911, 913, 920) stops it: they
 * look at the request's form, and an attacker sends a well-formed one. Rules above the blocking paranoia level score
 * for themselves and block nothing.
 */
import type { Rule, Ruleset } from '../../model/ruleset.js'
import type { Verdict } from '../../model/verdict.js'
import type { SettingsInForce } from '../../settings-in-force.js'

/** What decides a block by score; `settingsInForce` gives it. Null: the ruleset has no such setting. */
export type BlockingTerms = Pick<SettingsInForce, 'blockingParanoia' | 'inboundThreshold' | 'outboundThreshold'>

/** Rules of CRS that look at the form of a request (method, scanner, protocol) and at no payload. */
export function isProtocolRule(ruleId: number): boolean {
  const family = Math.floor(ruleId / 1000)
  return family === 911 || family === 913 || family === 920
}

/** The class of rules or attacks that one of the tags names; null where none does. */
export function attackClass(tags: readonly string[]): string | null {
  return tags.find((tag) => tag.startsWith('attack-')) ?? null
}

const stopping: ReadonlySet<string> = new Set(['deny', 'drop', 'redirect', 'proxy'])

export class Blocking {
  readonly #rules: ReadonlyMap<number, Rule>

  constructor(
    ruleset: Ruleset,
    readonly terms: BlockingTerms,
  ) {
    this.#rules = new Map(ruleset.rules.map((rule) => [rule.id, rule]))
  }

  /** Whether points of the rule are in the blocking score. */
  counts(ruleId: number): boolean {
    const level = this.#rules.get(ruleId)?.paranoiaLevel ?? 0
    return level === 0 || this.terms.blockingParanoia === null || level <= this.terms.blockingParanoia
  }

  /** Whether the rule by itself ends a request, and not for what others have scored. */
  isDisruptive(ruleId: number): boolean {
    const rule = this.#rules.get(ruleId)
    return rule?.disruption != null && stopping.has(rule.disruption.kind) && !this.#evaluatesScore(rule)
  }

  /** Whether the rule only looks at what others have scored and disrupts for it. */
  evaluatesScore(ruleId: number): boolean {
    const rule = this.#rules.get(ruleId)
    return rule?.disruption != null && this.#evaluatesScore(rule)
  }

  #evaluatesScore({ links }: Rule): boolean {
    const targets = links[0]?.targets ?? []
    const { inboundThreshold, outboundThreshold } = this.terms
    const hasScore = inboundThreshold !== null || outboundThreshold !== null
    return hasScore && targets.length > 0 && targets.every(({ variable }) => variable.name === 'TX')
  }

  /** Whether anything but protocol rules would stop the request. */
  stopsWithoutProtocol(verdict: Verdict): boolean {
    if (!verdict.wouldBlock) return false
    const { blockedBy, score } = verdict
    if (blockedBy !== null && blockedBy.kind !== 'rule') return true
    const { inboundThreshold, outboundThreshold } = this.terms
    if (outboundThreshold !== null && score.outbound >= outboundThreshold) return true
    if (inboundThreshold !== null && score.inbound - this.#protocolPoints(verdict) >= inboundThreshold) return true
    const ids = blockedBy?.ruleId == null ? verdict.ruleIds : [...verdict.ruleIds, blockedBy.ruleId]
    return ids.some((id) => !isProtocolRule(id) && this.isDisruptive(id))
  }

  #protocolPoints({ matches }: Verdict): number {
    let points = 0
    for (const { ruleId, scoreAdded } of matches)
      if (scoreAdded > 0 && isProtocolRule(ruleId) && this.counts(ruleId)) points += scoreAdded
    return points
  }
}
