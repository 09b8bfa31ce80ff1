/**
 * The steps of each phase with what is planned for them, in arrays: to go past rules that cannot match without looking
 * at each.
 */
import type { Step } from '../model/ruleset.js'
import type { PlannedRule } from './plan.js'

/** By position in a phase. */
export interface PlannedSteps {
  /** Number of the rule's test; -1: the rule is not planned. */
  readonly tests: Int32Array
  /** Number of the rule's group, as in `PlannedRule`; -1: the rule is not planned. */
  readonly groups: Int32Array
}

export function plannedSteps(steps: readonly Step[], rules: readonly (PlannedRule | null)[]): PlannedSteps {
  const planned = steps.map(({ rule }) => rules[rule.index] ?? null)
  return {
    tests: Int32Array.from(planned, (each) => each?.test ?? -1),
    groups: Int32Array.from(planned, (each) => each?.group ?? -1),
  }
}
