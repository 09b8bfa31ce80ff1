/**
 * Answers beforehand which rules may match a request's values: what `transaction/` uses to leave rules out.
 */
import type { Ruleset } from '../model/ruleset.js'
import { Memo } from './memo.js'
import { MatchPlan } from './plan.js'
import { type PlannedSteps, plannedSteps } from './planned-steps.js'

export type { MatchPlan, PlannedRule } from './plan.js'
export type { PlannedSteps } from './planned-steps.js'
export { type Hits, mayMatch, noHits } from './value-class.js'

/** Which ways to the same verdicts are taken. */
export interface Shortcuts {
  /** Rules that cannot match are not evaluated. The two that follow have no effect without it. */
  readonly prefilter: boolean
  /** Answers are kept from one transaction to the next. */
  readonly memo: boolean
  /** What pipelines have in common is computed once. */
  readonly sharedTransformations: boolean
  /** What rules that look at TX alone come to is kept from one transaction to the next. */
  readonly stretches: boolean
}

export const allShortcuts: Shortcuts = Object.freeze({
  prefilter: true,
  memo: true,
  sharedTransformations: true,
  stretches: true,
})

export const noShortcuts: Shortcuts = Object.freeze({
  prefilter: false,
  memo: false,
  sharedTransformations: false,
  stretches: false,
})

/** What is kept for a ruleset from one transaction to the next; it changes how long verdicts take, never what they are. */
export interface MatchState {
  readonly plan: MatchPlan
  readonly memo: Memo
  /** By phase. */
  readonly steps: readonly PlannedSteps[]
  /** Of the transaction at hand, by number of the test: 1 where some value may match. */
  readonly possible: Uint8Array
  /** Of the transaction at hand: `Transaction.dataVersion` at which all sources of a group of rules were answered. */
  readonly answered: Int32Array
  /** Paranoia levels of which rules were evaluated in the last transaction and in this one, as bits. */
  levelsExpected: number
  levelsSeen: number
}

const states = new WeakMap<Ruleset, MatchState>()

export function matchStateOf(ruleset: Ruleset): MatchState {
  let state = states.get(ruleset)
  if (state === undefined) {
    const plan = new MatchPlan(ruleset)
    state = {
      plan,
      memo: new Memo(),
      steps: ruleset.phases.map((steps) => plannedSteps(steps, plan.rules)),
      possible: new Uint8Array(plan.tests.length),
      answered: new Int32Array(plan.groups),
      levelsExpected: 1,
      levelsSeen: 1,
    }
    states.set(ruleset, state)
  }
  return state
}
