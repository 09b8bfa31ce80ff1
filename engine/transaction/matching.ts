/**
 * One value against one link: its transformations, then its operator.
 *
 * This is the whole of matching as rules see it; a faster way to the same answers replaces this file and
 * nothing else. Transformed values are kept per transaction and pipeline, because many rules share both.
 */
import type { OperatorMatch } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { Pipeline, RuleLink } from '../model/ruleset.js'
import type { Transaction } from './transaction.js'

const plainMatch: OperatorMatch = Object.freeze({ matched: null, captures: null })

export interface ValueMatch {
  readonly match: OperatorMatch
  /** The value as the operator saw it. */
  readonly transformed: ByteString
}

export class Matching {
  readonly #transformed: (Map<ByteString, ByteString> | undefined)[] = []

  constructor(private readonly transaction: Transaction) {}

  /** Every match of the value: at most one, but with multiMatch one a stage. */
  test(link: RuleLink, value: ByteString): ValueMatch | null {
    if (link.operator === null) return { match: plainMatch, transformed: value }
    if (link.multiMatch) return this.#testStages(link, value)
    const transformed = this.#transform(link.pipeline, value)
    const match = this.#operate(link, transformed)
    return match === null ? null : { match, transformed }
  }

  #testStages(link: RuleLink, value: ByteString): ValueMatch | null {
    let current = value
    let match = this.#operate(link, current)
    if (match !== null) return { match, transformed: current }
    for (const transformation of link.pipeline.transformations) {
      const next = transformation.apply(current)
      if (next === current) continue
      current = next
      match = this.#operate(link, current)
      if (match !== null) return { match, transformed: current }
    }
    return null
  }

  #operate(link: RuleLink, value: ByteString): OperatorMatch | null {
    const match = link.operator === null ? plainMatch : link.operator(value, this.transaction)
    if (!link.negated) return match
    return match === null ? plainMatch : null
  }

  #transform(pipeline: Pipeline, value: ByteString): ByteString {
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
    return result
  }
}
