/**
 * The exclusions that stand in a ruleset, as a list; and what directives took away, where that is kept.
 */
import type { Rule } from '../model/ruleset.js'
import type { KeptExclusions, StandingExclusion } from '../model/standing-exclusion.js'
import type { Assembly, RuleDraft, SequenceItem } from './draft.js'

/** Directives first, in load order; then ctl actions in that of their rules, also of rules that are removed. */
export function listExclusions(
  { exclusions, sequence }: Assembly,
  frozen: ReadonlyMap<RuleDraft, Rule>,
): readonly StandingExclusion[] {
  const all = [...exclusions]
  for (const item of sequence)
    if ('rule' in item) all.push(...exclusionsByCtl(item.rule, frozen.get(item.rule) ?? null, all.length))
  return all
}

function exclusionsByCtl(draft: RuleDraft, rule: Rule | null, first: number): StandingExclusion[] {
  const head = draft.links[0]?.actions
  const phase = head?.phase ?? 2
  let number = first
  return draft.links.flatMap(({ actions }, link) =>
    actions.effects.flatMap(({ exclusion }): StandingExclusion[] => {
      if (exclusion === undefined) return []
      const { selector, target, text, span } = exclusion
      const host = { ruleId: head?.id ?? 0, phase, rule: rule?.index ?? null, link }
      const targets = target === null ? [] : [target]
      return [{ number: number++, text, selector, targets, link: 0, host, span }]
    }),
  )
}

/** A rule that was removed to make room for another one with its id stays removed: both cannot run. */
export function dropReplaced(sequence: readonly SequenceItem[]): void {
  const isKept = ({ kept }: RuleDraft): boolean => kept.some(({ targets }) => targets === null)
  const idOf = ({ links: [head] }: RuleDraft): number | null => head?.actions.id ?? null
  const drafts = sequence.flatMap((item) => ('rule' in item ? [item.rule] : []))
  if (!drafts.some(isKept)) return
  const standing = new Set(drafts.filter((draft) => !isKept(draft)).map(idOf))
  const seen = new Set<number | null>()
  for (const draft of drafts) {
    if (!isKept(draft)) continue
    const id = idOf(draft)
    if (id === null || standing.has(id) || seen.has(id)) draft.removed = true
    seen.add(id)
  }
}

export function keptExclusions(frozen: ReadonlyMap<RuleDraft, Rule>): KeptExclusions {
  const removals: KeptExclusions['removals'][number][] = []
  const targets: KeptExclusions['targets'][number][] = []
  for (const [{ kept }, { index }] of frozen)
    for (const { exclusion, link, targets: taken } of kept)
      if (taken === null) removals.push({ exclusion, rule: index })
      else for (const target of taken) targets.push({ exclusion, rule: index, link, target })
  return { removals, targets }
}
