/**
 * Which rules may match the values of one transaction, found out before they are evaluated.
 *
 * The values of a source are answered for all rules that look there when the first of them is reached, and anew where
 * the body or the response has arrived. What is named as a possible match is then evaluated like any rule.
 */
import {
  type Hits,
  type MatchState,
  matchStateOf,
  mayMatch,
  noHits,
  type PlannedRule,
  type PlannedSteps,
  type Shortcuts,
} from '../matching/index.js'
import type { Entry, TransformationDefinition } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { PhaseNumber, Rule, Step } from '../model/ruleset.js'
import { atWork } from '../time-budget.js'
import type { Transaction } from './transaction.js'
import { type CandidateValues, entriesOf } from './values.js'

interface SourceState {
  /** `Transaction.dataVersion` when the entries were read. */
  version: number
  entries: readonly Entry[]
  /** Of each entry. */
  hits: Hits[]
  /** Levels answered for, as bits. */
  levels: number
}

export class PlannedMatching {
  readonly #state: MatchState
  readonly #sources: (SourceState | undefined)[] = []
  readonly #possible: Uint8Array
  readonly #answered: Int32Array

  constructor(
    private readonly transaction: Transaction,
    private readonly shortcuts: Shortcuts,
  ) {
    this.#state = matchStateOf(transaction.ruleset)
    // PERF(transaction): one record is evaluated at a time, so that all may use the same arrays.
    this.#possible = this.#state.possible.fill(0)
    this.#answered = this.#state.answered.fill(-1)
    this.#state.levelsExpected = this.#state.levelsSeen
    this.#state.levelsSeen = 1
  }

  /** False where the head of the rule matches none of its values for certain. */
  mayMatch(rule: Rule): boolean {
    const planned = this.#plannedOf(rule)
    if (planned === null) return this.#mayMatchNow(rule)
    if (this.#answered[planned.group] !== this.transaction.dataVersion) this.#answerAll(rule, planned)
    return this.#possible[planned.test] === 1
  }

  /** Position of the first step from there on that is not known to match nothing; rules removed are not looked for. */
  pass(phase: PhaseNumber, position: number): number {
    const { transaction } = this
    const { tests, groups } = this.#state.steps[phase] as PlannedSteps
    const possible = this.#possible
    const answered = this.#answered
    const version = transaction.dataVersion
    let at = position
    while (at < tests.length) {
      const test = tests[at] as number
      if (test < 0) break
      if (answered[groups[at] as number] !== version) {
        const { rule } = (transaction.ruleset.phases[phase] as readonly Step[])[at] as Step
        this.#answerAll(rule, this.#plannedOf(rule) as PlannedRule)
      }
      if (possible[test] === 1) break
      at++
    }
    return at
  }

  #answerAll(rule: Rule, planned: PlannedRule): void {
    atWork(rule.id)
    for (const source of planned.sources) this.#answer(source, planned.level)
    this.#answered[planned.group] = this.transaction.dataVersion
  }

  /** For a head that looks at what rules change. */
  #mayMatchNow(rule: Rule): boolean {
    const head = this.#state.plan.momentary[rule.index]
    if (head === null || head === undefined) return true
    atWork(rule.id)
    const { link } = head
    const { transformations } = link.pipeline
    for (const target of link.targets) {
      const entries = entriesOf(target, this.transaction)
      if (target.count) {
        if (this.transaction.losesTargets(rule)) return true
        if (mayMatch(head, transformed(String(entries.length), transformations))) return true
        continue
      }
      for (let i = 0; i < entries.length; i++)
        if (mayMatch(head, transformed((entries[i] as Entry).value, transformations))) return true
    }
    return false
  }

  /** The values of a target of the rule's head; null where nothing is known of them. `mayMatch` must have been asked. */
  candidates(rule: Rule, target: number): CandidateValues | null {
    const planned = this.#plannedOf(rule)
    if (planned === null) return null
    const { entries, hits } = this.#answer(planned.sources[target] as number, planned.level)
    return { entries, mayMatch: (position) => (hits[position] as Hits).includes(planned.test) }
  }

  #plannedOf(rule: Rule): PlannedRule | null {
    return this.#state.plan.rules[rule.index] ?? null
  }

  #answer(source: number, level: number): SourceState {
    const { transaction } = this
    const state = this.#sources[source]
    if (state === undefined) return this.#read(source, level)
    if (state.version !== transaction.dataVersion) return this.#readAgain(source, state, level)
    if ((state.levels >>> level) & 1) return state
    this.#addLevels(source, state, level)
    return state
  }

  #read(source: number, level: number): SourceState {
    const { dataVersion: version } = this.transaction
    const state: SourceState = { version, entries: this.#entriesOf(source), hits: [], levels: 0 }
    this.#sources[source] = state
    this.#addLevels(source, state, level)
    return state
  }

  /** Most values are still the same objects; those of scalars are equal texts. */
  #readAgain(source: number, state: SourceState, level: number): SourceState {
    const entries = this.#entriesOf(source)
    if (!sameEntries(entries, state.entries)) {
      state.entries = entries
      state.hits = []
      state.levels = 0
    }
    state.version = this.transaction.dataVersion
    if (((state.levels >>> level) & 1) === 0) this.#addLevels(source, state, level)
    return state
  }

  #entriesOf(source: number): readonly Entry[] {
    const found = this.#state.plan.sources[source]
    return found === undefined ? [] : entriesOf(found.target, this.transaction)
  }

  /** Answers for the level, and at once for those that the transaction before this one came to. */
  #addLevels(source: number, state: SourceState, level: number): void {
    const shared = this.#state
    shared.levelsSeen |= 1 << level
    const levels = ((1 << level) | shared.levelsExpected) & ~state.levels
    state.levels |= levels
    if (state.entries.length === 0) return
    const { number, values } = shared.plan.classOf(source, levels)
    const { memo, sharedTransformations } = this.shortcuts
    state.entries.forEach(({ value }, position) => {
      const compute = (): Hits => values.hits(value, sharedTransformations)
      const hits = memo ? shared.memo.answer(number, value, compute) : compute()
      const before = state.hits[position] ?? noHits
      state.hits[position] = before.length === 0 ? hits : [...before, ...hits]
      for (const test of hits) this.#possible[test] = 1
    })
  }
}

function transformed(value: ByteString, transformations: readonly TransformationDefinition[]): ByteString {
  let text = value
  for (let t = 0; t < transformations.length; t++) text = (transformations[t] as TransformationDefinition).apply(text)
  return text
}

function sameEntries(one: readonly Entry[], other: readonly Entry[]): boolean {
  if (one === other) return true
  return (
    one.length === other.length &&
    one.every((entry, at) => entry.value === other[at]?.value && entry.key === other[at]?.key)
  )
}
