/**
 * Requirements of many tests as one graph: literals at the bottom, "all of" and "any of" above, tests on top. Equal
 * parts are one node. From the literals that a value holds it tells the tests that may match.
 *
 * After RE2's FilteredRE2: a node fires once enough of the nodes below it have.
 */
import { type Literal, literalKey, type Requirement } from '../model/requirement.js'
import { offsets } from './flat-lists.js'

interface Node {
  /** Nodes below that must fire: one for "any of", all for "all of". */
  readonly need: number
  readonly above: number[]
  readonly tests: number[]
}

export class RequirementGraph {
  readonly literals: Literal[] = []
  readonly #nodes: Node[] = []
  readonly #byKey = new Map<string, number>()
  /** Nodes of the literals, by number of the literal. */
  readonly #literalNodes: number[] = []
  /** The nodes' lists once all are added, flat: see `freeze`. */
  #need: Int32Array = new Int32Array(0)
  #aboveFrom: Int32Array = new Int32Array(0)
  #above: Int32Array = new Int32Array(0)
  #testsFrom: Int32Array = new Int32Array(0)
  #tests: Int32Array = new Int32Array(0)
  #fired: Int32Array = new Int32Array(0)
  #stamp: Int32Array = new Int32Array(0)
  #stack: Int32Array = new Int32Array(0)
  #scan = 0

  /** Lets the test fire where the requirement is met. */
  add(requirement: Requirement, test: number): void {
    this.#nodes[this.#nodeOf(requirement)]?.tests.push(test)
  }

  /** To be called once, behind the last `add`. */
  freeze(): void {
    const nodes = this.#nodes
    this.#need = Int32Array.from(nodes, (node) => node.need)
    this.#aboveFrom = offsets(nodes.map((node) => node.above.length))
    this.#above = Int32Array.from(nodes.flatMap((node) => node.above))
    this.#testsFrom = offsets(nodes.map((node) => node.tests.length))
    this.#tests = Int32Array.from(nodes.flatMap((node) => node.tests))
    this.#fired = new Int32Array(nodes.length)
    this.#stamp = new Int32Array(nodes.length)
    this.#stack = new Int32Array(nodes.length + 1)
  }

  /**
   * Writes the tests that the first `count` literals of `found` let fire to `tests`, each once, and returns how many.
   */
  fire(found: Int32Array, count: number, tests: Int32Array): number {
    const scan = ++this.#scan
    const stack = this.#stack
    let fired = 0
    for (let i = 0; i < count; i++) {
      let height = 0
      stack[height++] = this.#literalNodes[found[i] as number] as number
      while (height > 0) {
        const node = stack[--height] as number
        const testsTo = this.#testsFrom[node + 1] as number
        for (let t = this.#testsFrom[node] as number; t < testsTo; t++) tests[fired++] = this.#tests[t] as number
        const aboveTo = this.#aboveFrom[node + 1] as number
        for (let a = this.#aboveFrom[node] as number; a < aboveTo; a++) {
          const above = this.#above[a] as number
          const before = this.#stamp[above] === scan ? (this.#fired[above] as number) : 0
          this.#stamp[above] = scan
          this.#fired[above] = before + 1
          if (before + 1 === this.#need[above]) stack[height++] = above
        }
      }
    }
    return fired
  }

  #nodeOf(requirement: Requirement): number {
    if (requirement.kind === 'literal') return this.#literalNode(requirement)
    const below = [...new Set(requirement.of.map((part) => this.#nodeOf(part)))].sort((a, b) => a - b)
    const [only] = below
    if (below.length === 1 && only !== undefined) return only
    const key = `${requirement.kind} ${below.join(' ')}`
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const node = this.#nodes.length
    this.#nodes.push({ need: requirement.kind === 'all' ? below.length : 1, above: [], tests: [] })
    for (const each of below) this.#nodes[each]?.above.push(node)
    this.#byKey.set(key, node)
    return node
  }

  #literalNode(literal: Literal): number {
    const key = `literal ${literalKey(literal)}`
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const node = this.#nodes.length
    this.#nodes.push({ need: 1, above: [], tests: [] })
    this.#byKey.set(key, node)
    this.literals.push(literal)
    this.#literalNodes.push(node)
    return node
  }
}
