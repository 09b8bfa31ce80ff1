/**
 * One value against one link: its transformations, then its operator. And which rules and values need not be looked at.
 *
 * Transformed values are kept per transaction and pipeline, because many rules share both.
 */
import type { Shortcuts } from '../matching/index.js'
import type { OperatorMatch } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { PhaseNumber, Pipeline, Rule, RuleLink } from '../model/ruleset.js'
import { spend } from '../time-budget.js'
import { PlannedMatching } from './planned-matching.js'
import type { Transaction } from './transaction.js'
import type { CandidatesOf } from './values.js'

const plainMatch: OperatorMatch = Object.freeze({ matched: null, captures: null })

export interface ValueMatch {
  readonly match: OperatorMatch
  /** The value as the operator saw it. */
  readonly transformed: ByteString
}

const NONE: readonly ValueMatch[] = Object.freeze([])

export class Matching {
  readonly #transformed: (Map<ByteString, ByteString> | undefined)[] = []

  /** Null: every rule is evaluated. */
  readonly #planned: PlannedMatching | null

  constructor(
    private readonly transaction: Transaction,
    shortcuts: Shortcuts,
  ) {
    this.#planned = shortcuts.prefilter ? new PlannedMatching(transaction, shortcuts) : null
  }

  /** False where the rule's head matches nothing for certain. */
  mayMatch(rule: Rule): boolean {
    return this.#planned === null || this.#planned.mayMatch(rule)
  }

  /** Goes past rules that match nothing for certain; returns the position of the first that may match. */
  pass(phase: PhaseNumber, position: number): number {
    if (this.#planned === null || this.transaction.removesRules) return position
    const next = this.#planned.pass(phase, position)
    if (next > position) this.transaction.passOver()
    return next
  }

  /** Which values the rule's head may match; null: any. */
  candidatesOf(rule: Rule): CandidatesOf | null {
    const planned = this.#planned
    return planned === null ? null : (target) => planned.candidates(rule, target)
  }

  /** With multiMatch: a match for each stage of its transformations that says it changed the value. */
  stageMatches(link: RuleLink, value: ByteString): readonly ValueMatch[] {
    const { multiMatchNeedsTransformation } = this.transaction.ruleset.platform
    if (multiMatchNeedsTransformation && link.pipeline.transformations.length === 0) return NONE
    const stages = [value]
    let current = value
    for (const transformation of link.pipeline.transformations) {
      const next = transformation.apply(current)
      if (transformation.isStage?.(current, next) ?? next !== current) stages.push(next)
      current = next
      spend(value.length)
    }
    return stages.flatMap((transformed) => {
      const match = this.operate(link, transformed)
      return match === null ? [] : [{ match, transformed }]
    })
  }

  /** Null: no match. */
  operate(link: RuleLink, value: ByteString): OperatorMatch | null {
    const match = link.operator === null ? plainMatch : link.operator(value, this.transaction)
    spend(value.length)
    if (!link.negated) return match
    return match === null ? plainMatch : null
  }

  /**
   * As `operate`, for a value that was answered for beforehand and may match: where the answer was certain and has
   * nothing to tell, it is not asked for again.
   */
  operateAgain(link: RuleLink, value: ByteString): OperatorMatch | null {
    const isCertain = link.negated && value.length <= (link.operator?.traits?.pureUpTo ?? -1)
    return isCertain ? plainMatch : this.operate(link, value)
  }

  transform(pipeline: Pipeline, value: ByteString): ByteString {
    const { transformations } = pipeline
    if (transformations.length === 0) return value
    let known = this.#transformed[pipeline.id]
    if (known === undefined) {
      known = new Map()
      this.#transformed[pipeline.id] = known
    }
    const hit = known.get(value)
    if (hit !== undefined) return hit
    let result = value
    for (const transformation of transformations) result = transformation.apply(result)
    known.set(value, result)
    spend(value.length * transformations.length)
    return result
  }
}
