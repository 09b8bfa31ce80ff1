/**
 * The anomaly scores of ModSecurity 2: a rule of our own, the last to run, logs what TX holds, and its message is
 * read back from the audit log. It changes nothing, and is not among the rules that logged.
 */

/** Names in TX that may hold a score, inbound and outbound; the first that is set counts. */
export interface ScoreNames {
  readonly inbound: readonly string[]
  readonly outbound: readonly string[]
}

export interface Scores {
  readonly inbound: number
  readonly outbound: number
}

/** The largest id ModSecurity 2 takes; far from what rulesets use. */
export const scoreRuleId = 2147483647

/** A name that is not set leaves nothing behind. */
const message = new RegExp(`\\[id "${scoreRuleId}"\\] \\[msg "scores ([^"/]*)/([^"]*)"\\]`)

/** The directive that makes the scores known; none where there are no names. */
export function scoreDirectives({ inbound, outbound }: ScoreNames): string[] {
  if (inbound.length + outbound.length === 0) return []
  const macros = (names: readonly string[]): string => names.map((name) => `%{tx.${name}}`).join('|')
  const text = `scores ${macros(inbound)}/${macros(outbound)}`
  return [`SecAction "id:${scoreRuleId},phase:5,pass,log,auditlog,t:none,msg:'${text}'"`]
}

/** The scores in a message of the audit log; null where it is another rule's. */
export function scoresIn(text: string): Scores | null {
  const found = message.exec(text)
  return found === null ? null : { inbound: firstOf(found[1] ?? ''), outbound: firstOf(found[2] ?? '') }
}

function firstOf(values: string): number {
  return Number.parseInt(values.split('|').find((value) => value !== '') ?? '0', 10) || 0
}
