/**
 * Tells in one pass over a value which of many tests may match it: those whose required literals it holds.
 */
import type { ByteString } from '../model/exchange.js'
import type { Requirement } from '../model/requirement.js'
import { LiteralAutomaton } from './literal-automaton.js'
import { RequirementGraph } from './requirement-graph.js'

export class Prefilter {
  readonly #automaton: LiteralAutomaton
  readonly #graph = new RequirementGraph()
  readonly #found: Int32Array
  readonly #seen: Int32Array
  #scan = 0
  /** The tests that `scan` has found; the first as many as it returned count. */
  readonly candidates: Int32Array

  /** The requirement of each test; a test's number is its position. Null: it is never found. */
  constructor(requirements: readonly (Requirement | null)[]) {
    requirements.forEach((requirement, test) => {
      if (requirement !== null) this.#graph.add(requirement, test)
    })
    this.#graph.freeze()
    const { literals } = this.#graph
    this.#automaton = new LiteralAutomaton(literals)
    this.#found = new Int32Array(literals.length)
    this.#seen = new Int32Array(literals.length)
    this.candidates = new Int32Array(requirements.length)
  }

  /** Fills `candidates` and returns how many there are. */
  scan(value: ByteString): number {
    const count = this.#automaton.scan(value, this.#found, this.#seen, ++this.#scan)
    return count === 0 ? 0 : this.#graph.fire(this.#found, count, this.candidates)
  }
}
