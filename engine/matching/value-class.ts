/**
 * Values that the same tests look at, and which of the tests may match a given one.
 *
 * The answer never leaves a match out; where it names a test, the rule is evaluated as if there were no answer.
 */
import type { TransformationDefinition } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { Requirement } from '../model/requirement.js'
import type { RuleLink } from '../model/ruleset.js'
import { atWork, RecordTimeout, spend } from '../time-budget.js'
import { eitherOf, kindsNeeded } from './byte-kinds.js'
import { type BytePresence, mostPipelines, PipelineTrie } from './pipeline-trie.js'
import type { Prefilter } from './prefilter.js'

/** The head of a rule whose operator can be asked without running the rule; see `OperatorTraits`. */
export interface AskableHead {
  readonly ruleId: number
  readonly link: RuleLink
  readonly pureUpTo: number
  readonly matches: (text: ByteString) => boolean
}

/** One that can be asked beforehand, for all values of a source. */
export interface PlannedTest extends AskableHead {
  readonly number: number
  /** What the prefilter looks for; null: nothing is known, or the operator is negated. */
  readonly requires: Requirement | null
}

/** Numbers of tests that may match. */
export type Hits = readonly number[]

export const noHits: Hits = Object.freeze([])

/** What is asked of a string in which some pipelines end. */
interface StringPlan {
  /** Tests that the prefilter can tell of. */
  readonly filtered: GatedTests
  /** By number of the test: 1 for those. */
  readonly isFiltered: Uint8Array
  readonly direct: GatedTests
  /** Longest string, in bytes, about which all of the tests can be asked. */
  readonly pureUpTo: number
  readonly impure: readonly PlannedTest[]
}

/** Tests, and the kinds of bytes without which a string matches none of them. */
class GatedTests {
  /** Those of the string asked about last; the first as many as `open` returned count. */
  readonly opened: PlannedTest[] = []
  readonly #kinds: Int32Array

  constructor(private readonly tests: readonly PlannedTest[]) {
    this.#kinds = Int32Array.from(
      tests.flatMap(({ requires }) => {
        const { first, second } = kindsNeeded(requires)
        return [first.low, first.high, second.low, second.high]
      }),
    )
  }

  open(low: number, high: number): number {
    const kinds = this.#kinds
    let count = 0
    for (let i = 0; i < this.tests.length; i++) {
      const at = 4 * i
      if ((((kinds[at] as number) & low) | ((kinds[at + 1] as number) & high)) === 0) continue
      if ((((kinds[at + 2] as number) & low) | ((kinds[at + 3] as number) & high)) === 0) continue
      this.opened[count++] = this.tests[i] as PlannedTest
    }
    return count
  }
}

export class ValueClass {
  readonly #parts: readonly ClassPart[]

  constructor(
    tests: readonly PlannedTest[],
    all: readonly PlannedTest[],
    prefilter: { readonly current: Prefilter },
    presence: BytePresence,
  ) {
    this.#parts = partsOf(tests).map((part) => new ClassPart(part, all, prefilter, presence))
  }

  /** Plans that are kept at the moment. */
  get plans(): number {
    return this.#parts.reduce((sum, part) => sum + part.plans, 0)
  }

  /** `shared`: whether pipelines share what they have in common. */
  hits(value: ByteString, shared: boolean): Hits {
    const hits: number[] = []
    for (const part of this.#parts) part.collect(value, shared, hits)
    return hits.length === 0 ? noHits : hits
  }
}

interface PipelineTests {
  readonly transformations: readonly TransformationDefinition[]
  readonly tests: PlannedTest[]
}

/** The tests by pipeline, at most `mostPipelines` a part. With multiMatch a test looks at every stage. */
function partsOf(tests: readonly PlannedTest[]): PipelineTests[][] {
  const byNames = new Map<string, PipelineTests>()
  const put = (transformations: readonly TransformationDefinition[], test: PlannedTest): void => {
    const key = transformations.map(({ name }) => name).join(' ')
    const known = byNames.get(key)
    if (known === undefined) byNames.set(key, { transformations, tests: [test] })
    else known.tests.push(test)
  }
  for (const test of tests) {
    const { transformations } = test.link.pipeline
    const first = test.link.multiMatch ? 0 : transformations.length
    for (let length = first; length <= transformations.length; length++) put(transformations.slice(0, length), test)
  }
  const all = [...byNames.values()]
  return Array.from({ length: Math.ceil(all.length / mostPipelines) }, (_, part) =>
    all.slice(part * mostPipelines, (part + 1) * mostPipelines),
  )
}

/** LIMIT: plans that are kept, each for a set of pipelines that a string came from; then all are made anew. */
export const mostPlans = 1024

/** A value, however short, takes about as long as so many bytes looked at. */
const valueCost = 64

class ClassPart {
  readonly #trie: PipelineTrie
  readonly #plans = new Map<number, StringPlan>()

  constructor(
    private readonly pipelines: readonly PipelineTests[],
    private readonly all: readonly PlannedTest[],
    private readonly prefilter: { readonly current: Prefilter },
    presence: BytePresence,
  ) {
    this.#trie = new PipelineTrie(
      pipelines.map(({ transformations, tests }) => ({
        transformations,
        needed: tests.map(({ requires }) => kindsNeeded(requires).first).reduce(eitherOf),
      })),
      presence,
      Math.min(...pipelines.flatMap(({ tests }) => tests.map(({ pureUpTo }) => pureUpTo))),
    )
  }

  get plans(): number {
    return this.#plans.size
  }

  collect(value: ByteString, shared: boolean, hits: number[]): void {
    spend(valueCost + value.length)
    const { count, strings, folds, ends, lows, highs } = shared
      ? this.#trie.transform(value)
      : this.#trie.transformSingly(value)
    for (let i = 0; i < count; i++) {
      if (folds[i] !== i) continue
      // Strings that differ in case alone hold the same literals.
      let candidates = -1
      for (let j = i; j < count; j++) {
        if (folds[j] !== i) continue
        const text = strings[j] as ByteString
        const plan = this.#planFor(ends[j] as number)
        const low = lows[j] as number
        const high = highs[j] as number
        const open = plan.filtered.open(low, high)
        if (candidates < 0 && open > mostAsked(text)) candidates = this.prefilter.current.scan(text)
        if (candidates < 0) ask(text, plan.filtered.opened, open, hits)
        else this.#askCandidates(text, plan.isFiltered, candidates, hits)
        ask(text, plan.direct.opened, plan.direct.open(low, high), hits)
        addImpure(text, plan, hits)
      }
    }
  }

  #askCandidates(text: ByteString, filtered: Uint8Array, count: number, hits: number[]): void {
    const { candidates } = this.prefilter.current
    for (let c = 0; c < count; c++) {
      const number = candidates[c] as number
      if (filtered[number] === 1 && mayMatch(this.all[number] as PlannedTest, text)) hits.push(number)
    }
  }

  #planFor(ends: number): StringPlan {
    let plan = this.#plans.get(ends)
    if (plan === undefined) {
      const tests = this.pipelines.flatMap((pipeline, position) =>
        Math.floor(ends / 2 ** position) % 2 === 1 ? pipeline.tests : [],
      )
      plan = planOf([...new Set(tests)], this.all.length)
      if (this.#plans.size >= mostPlans) this.#plans.clear()
      this.#plans.set(ends, plan)
    }
    return plan
  }
}

function addImpure({ length }: ByteString, { pureUpTo, impure }: StringPlan, hits: number[]): void {
  if (length > pureUpTo) for (const test of impure) if (length > test.pureUpTo) hits.push(test.number)
}

function ask(text: ByteString, tests: readonly PlannedTest[], count: number, hits: number[]): void {
  for (let i = 0; i < count; i++) {
    const test = tests[i] as PlannedTest
    if (mayMatch(test, text)) hits.push(test.number)
  }
}

/** So few tests are asked outright: that costs less than the prefilter's pass over the string. PERF(prefilter) */
function mostAsked({ length }: ByteString): number {
  return Math.min(14, 1 + (length >> 5))
}

function planOf(tests: readonly PlannedTest[], total: number): StringPlan {
  const filtered = tests.filter(({ requires }) => requires !== null)
  const isFiltered = new Uint8Array(total)
  for (const { number } of filtered) isFiltered[number] = 1
  const impure = tests.filter(({ pureUpTo }) => pureUpTo !== Number.POSITIVE_INFINITY)
  return {
    filtered: new GatedTests(filtered),
    isFiltered,
    direct: new GatedTests(tests.filter(({ requires }) => requires === null)),
    pureUpTo: Math.min(...impure.map(({ pureUpTo }) => pureUpTo)),
    impure,
  }
}

/**
 * Whether the head matches a transformed value, as far as it can be asked. True also where the operator throws: then the
 * rule is evaluated, and throws where it must be seen.
 */
export function mayMatch({ ruleId, link, pureUpTo, matches }: AskableHead, text: ByteString): boolean {
  if (text.length > pureUpTo) return false
  atWork(ruleId)
  spend(text.length)
  try {
    return matches(text) !== link.negated
  } catch (error) {
    if (error instanceof RecordTimeout) throw error
    return true
  }
}
