/**
 * Which rules of a ruleset must not be excluded, and which tags cover one: what candidates ask before they are made.
 */
import type { Rule, Ruleset } from '../model/ruleset.js'
import type { Protection } from './candidates.js'
import { isProtected } from './protected-rules.js'

/** Rules that set up, gate or evaluate; those that neither score nor end a request only steer others. */
export function protectionOf(ruleset: Ruleset): Protection {
  const steering = new Set(ruleset.rules.filter(isSteering).map(({ id }) => id))
  const reason = (ruleId: number): string | null => {
    if (isProtected(ruleId))
      return `rule ${ruleId} sets up, gates or evaluates others; without it the ruleset is disarmed`
    if (steering.has(ruleId)) return `rule ${ruleId} only steers other rules; without it they inspect more, or less`
    return null
  }
  return {
    reason,
    reasonForTag: (tag) => {
      const covers = (text: string): boolean =>
        ruleset.platform.tagMatch === 'regex' ? text.includes(tag) : text === tag
      const covered = ruleset.rules.find((rule) => reason(rule.id) !== null && rule.fixedTags?.some(covers) === true)
      return covered === undefined ? null : `the tag ${tag} covers rule ${covered.id}, which must not be excluded`
    },
  }
}

function isSteering(rule: Rule): boolean {
  return !rule.scores && rule.disruption === null
}
