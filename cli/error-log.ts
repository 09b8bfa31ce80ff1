/**
 * The error log that an engine would write for a verdict, a line a match: what log patterns of rule tests
 * are held against.
 */
import type { Match, Verdict } from '../engine/index.js'

export function errorLog(verdict: Verdict): string {
  return verdict.matches
    .filter((match) => match.log)
    .map(line)
    .join('\n')
}

function line(match: Match): string {
  const fields = [
    `[id "${match.ruleId}"]`,
    `[msg "${match.msg}"]`,
    ...(match.logdata === '' ? [] : [`[data "${match.logdata}"]`]),
    ...(match.severity === '' ? [] : [`[severity "${match.severity}"]`]),
    ...match.tags.map((tag) => `[tag "${tag}"]`),
  ]
  return `ModSecurity: Warning. Matched at ${match.target}. ${fields.join(' ')}`
}
