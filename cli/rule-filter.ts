/**
 * `rule=` conditions of `--filter`: unlike the others they are about the verdict, not the record.
 */
import { UsageError, type Verdict } from '../engine/index.js'

export interface RuleFilter {
  /** The filters without their `rule=` conditions; those left empty are gone. */
  readonly filters: readonly string[]
  /** Whether a rule of each `rule=` condition fired. */
  keeps(verdict: Verdict): boolean
}

/** Throws UsageError where a condition names no rule id or range. */
export function splitRuleFilter(filters: readonly string[]): RuleFilter {
  const ranges: (readonly [number, number])[] = []
  const others = filters.map((filter) =>
    filter
      .split(/\s+/)
      .filter((word) => {
        if (!word.startsWith('rule=')) return true
        ranges.push(rangeOf(word))
        return false
      })
      .join(' '),
  )
  return {
    filters: others.filter((filter) => filter !== ''),
    keeps: ({ ruleIds }) => ranges.every(([low, high]) => ruleIds.some((id) => id >= low && id <= high)),
  }
}

function rangeOf(word: string): readonly [number, number] {
  const parts = /^rule=(\d+)(?:-(\d+))?$/.exec(word)
  if (parts === null) throw new UsageError(`--filter: "${word}": a rule is an id or a range, e.g. rule=942100-942199`)
  return [Number(parts[1]), Number(parts[2] ?? parts[1])]
}
