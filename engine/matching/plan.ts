/**
 * How the rules of a ruleset can be answered for values beforehand: made once a ruleset and worker.
 *
 * A rule is planned where its head looks only at variables that no rule changes, and its operator depends on the
 * value alone. For the values of a source (a variable with its selector) all planned rules that look there are
 * answered together.
 */
import type { OperatorTraits } from '../model/definitions.js'
import { literalKey, literalsOf, type Requirement, shortestLiteral } from '../model/requirement.js'
import type { Rule, RuleLink, Ruleset, Target } from '../model/ruleset.js'
import { BytePresence } from './pipeline-trie.js'
import { Prefilter } from './prefilter.js'
import { type AskableHead, type PlannedTest, ValueClass } from './value-class.js'

/**
 * LIMIT: literals that the prefilter looks for; their heads fill the automaton's states. A test that asks for more (a
 * list of very many phrases) is asked outright.
 */
const mostLiterals = 16_000

/** Paranoia levels, with 0 for rules without one. */
const levels = 5

export interface PlannedRule {
  readonly test: number
  readonly level: number
  /** Numbers of the sources of its targets, in order. */
  readonly sources: readonly number[]
  /** Number of the rules with these sources and this level. */
  readonly group: number
}

export interface Source {
  readonly target: Target
}

export interface NumberedClass {
  readonly number: number
  readonly values: ValueClass
}

export class MatchPlan {
  /** By index of the rule; null: nothing is known of it beforehand. */
  readonly rules: readonly (PlannedRule | null)[]
  /** By index of the rule: its head, where that can be answered for the values of the moment; else null. */
  readonly momentary: readonly (AskableHead | null)[]
  readonly sources: readonly Source[]
  readonly tests: readonly PlannedTest[]
  readonly groups: number
  readonly #levelsOfTests: readonly number[]
  readonly #testsOfSources: readonly (readonly number[])[]
  readonly #classes: (NumberedClass | undefined)[] = []
  readonly #byTests = new Map<string, NumberedClass>()
  readonly #presence: BytePresence
  /** By source: what tells of the tests that look there, and of all that look elsewhere too where one of those does. */
  readonly #filters: readonly LevelledPrefilter[]

  constructor(ruleset: Ruleset) {
    const draft = new Draft()
    this.rules = ruleset.rules.map((rule) => draft.plan(rule))
    this.momentary = ruleset.rules.map((rule, index) => (this.rules[index] === null ? momentary(rule) : null))
    this.sources = draft.sources
    this.tests = draft.tests
    this.#presence = new BytePresence(draft.tests.flatMap(({ link }) => link.pipeline.transformations))
    this.groups = draft.groups.size
    this.#levelsOfTests = draft.levelsOfTests
    this.#testsOfSources = draft.testsOfSources
    this.#filters = this.#joinedFilters()
  }

  /** The class of a source's values for the rules of some levels, given as bits. */
  classOf(source: number, levelBits: number): NumberedClass {
    const at = (source << levels) | levelBits
    let found = this.#classes[at]
    if (found === undefined) {
      const filter = this.#filters[source] as LevelledPrefilter
      filter.addLevels(levelBits)
      found = this.#makeClass(
        filter,
        (this.#testsOfSources[source] as readonly number[]).filter(
          (test) => (levelBits >>> (this.#levelsOfTests[test] as number)) & 1,
        ),
      )
      this.#classes[at] = found
    }
    return found
  }

  /** Sources that a test has in common share a prefilter: the tables of the others would only fill the processor's cache. */
  #joinedFilters(): readonly LevelledPrefilter[] {
    const group = this.sources.map((_, source) => source)
    const sourcesOfTests: number[][] = this.tests.map(() => [])
    this.#testsOfSources.forEach((tests, source) => {
      for (const test of tests) sourcesOfTests[test]?.push(source)
    })
    for (const sources of sourcesOfTests) {
      const groups = new Set(sources.map((source) => group[source]))
      const [first = 0] = groups
      if (groups.size > 1) for (let s = 0; s < group.length; s++) if (groups.has(group[s])) group[s] = first
    }
    const filters = new Map<number, LevelledPrefilter>()
    return group.map((number) => {
      let filter = filters.get(number)
      if (filter === undefined) {
        const members = this.tests.map((test) =>
          group[sourcesOfTests[test.number]?.[0] ?? -1] === number ? test : null,
        )
        filter = new LevelledPrefilter(members, this.#levelsOfTests)
        filters.set(number, filter)
      }
      return filter
    })
  }

  /** Classes with the same tests are one, so that what is remembered of a value serves all. */
  #makeClass(filter: LevelledPrefilter, tests: readonly number[]): NumberedClass {
    const key = tests.join(' ')
    let found = this.#byTests.get(key)
    if (found === undefined) {
      const members = tests.map((test) => this.tests[test] as PlannedTest)
      const values = new ValueClass(members, this.tests, filter, this.#presence)
      found = { number: this.#byTests.size, values }
      this.#byTests.set(key, found)
    }
    return found
  }
}

/** Of some tests, but only for those of the levels come to so far: the others would only cost time. */
class LevelledPrefilter {
  current = new Prefilter([])
  #levels = 0

  /** By number of the test; null for those of others. */
  constructor(
    private readonly tests: readonly (PlannedTest | null)[],
    private readonly levelsOfTests: readonly number[],
  ) {}

  /** `levelBits`: levels as bits. */
  addLevels(levelBits: number): void {
    const levels = this.#levels | levelBits
    if (levels === this.#levels) return
    this.#levels = levels
    this.current = new Prefilter(
      this.tests.map((test, number) =>
        test !== null && (levels >>> (this.levelsOfTests[number] as number)) & 1 ? test.requires : null,
      ),
    )
  }
}

class Draft {
  readonly tests: PlannedTest[] = []
  readonly levelsOfTests: number[] = []
  readonly sources: Source[] = []
  readonly testsOfSources: number[][] = []
  readonly groups = new Map<string, number>()
  readonly #byName = new Map<string, number>()
  readonly #literals = new Set<string>()

  plan(rule: Rule): PlannedRule | null {
    const link = rule.links[0]
    const traits = link === undefined ? null : answerable(link)
    if (link === undefined || traits === null) return null
    const number = this.tests.length
    const requires = link.negated ? null : traits.requires
    const worthwhile =
      requires !== null &&
      (shortestLiteral(requires) > 1 || link.targets.some(holdsMany)) &&
      this.#takeLiterals(requires)
    const { pureUpTo, matches } = traits
    this.tests.push({ number, ruleId: rule.id, link, pureUpTo, matches, requires: worthwhile ? requires : null })
    this.levelsOfTests.push(rule.paranoiaLevel)
    const sources = link.targets.map((target) => this.#sourceOf(target))
    for (const source of new Set(sources)) this.testsOfSources[source]?.push(number)
    return { test: number, level: rule.paranoiaLevel, sources, group: this.#groupOf(sources, rule.paranoiaLevel) }
  }

  /** False where there would be too many with those of the requirement; then none of them is taken. */
  #takeLiterals(requirement: Requirement): boolean {
    const added = new Set<string>()
    for (const literal of literalsOf(requirement)) {
      const key = literalKey(literal)
      if (!this.#literals.has(key)) added.add(key)
      if (this.#literals.size + added.size > mostLiterals) return false
    }
    for (const key of added) this.#literals.add(key)
    return true
  }

  #groupOf(sources: readonly number[], level: number): number {
    const key = `${level} ${sources.join(' ')}`
    const known = this.groups.get(key)
    if (known !== undefined) return known
    this.groups.set(key, this.groups.size)
    return this.groups.size - 1
  }

  #sourceOf(target: Target): number {
    const { variable, selector } = target
    const key = `${variable.name} ${selector?.kind ?? ''} ${selector?.kind === 'name' ? selector.lower : (selector?.text ?? '')}`
    const known = this.#byName.get(key)
    if (known !== undefined) return known
    this.sources.push({ target })
    this.testsOfSources.push([])
    this.#byName.set(key, this.sources.length - 1)
    return this.sources.length - 1
  }
}

/** What is known of the head's operator; null where the rule must always be evaluated. */
function answerable(link: RuleLink): OperatorTraits | null {
  const fixed = link.targets.every(({ variable, count }) => variable.fixed === true && !count)
  return fixed ? (link.operator?.traits ?? null) : null
}

/** Whether the target has values of every kind. Of a single one it is cheaper to ask than to look for a byte. */
function holdsMany({ variable, selector }: Target): boolean {
  return variable.kind !== 'scalar' && selector?.kind !== 'name'
}

/** A head that looks at what rules change, with an operator that depends on the value alone. */
function momentary({ id, links: [link] }: Rule): AskableHead | null {
  const traits = link?.operator?.traits
  if (link === undefined || traits === undefined || traits.pureUpTo !== Number.POSITIVE_INFINITY) return null
  if (link.multiMatch || (link.exclusions.length > 0 && link.targets.some(({ count }) => count))) return null
  return { ruleId: id, link, pureUpTo: traits.pureUpTo, matches: traits.matches }
}
