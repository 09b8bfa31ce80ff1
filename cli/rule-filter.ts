/**
 * Ids and ranges of rules on the command line; `rule=` conditions of `--filter`, which unlike the others are about
 * the verdict, not the record.
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
  const ranges: IdRange[] = []
  const others = filters.map((filter) =>
    filter
      .split(/\s+/)
      .filter((word) => {
        if (!word.startsWith('rule=')) return true
        ranges.push(rangeIn(word))
        return false
      })
      .join(' '),
  )
  return {
    filters: others.filter((filter) => filter !== ''),
    keeps: ({ ruleIds }) => ranges.every((range) => ruleIds.some((id) => inRange(id, range))),
  }
}

function rangeIn(word: string): IdRange {
  const range = parseIdRange(word.slice('rule='.length))
  if (range === null) throw new UsageError(`--filter: "${word}": a rule is an id or a range, e.g. rule=942100-942199`)
  return range
}

/** First and last id. */
export type IdRange = readonly [number, number]

/** `942100` or `942100-942199`; null where it is neither. */
export function parseIdRange(text: string): IdRange | null {
  const parts = /^(\d+)(?:-(\d+))?$/.exec(text)
  return parts === null ? null : [Number(parts[1]), Number(parts[2] ?? parts[1])]
}

export function inRange(id: number, [low, high]: IdRange): boolean {
  return id >= low && id <= high
}
