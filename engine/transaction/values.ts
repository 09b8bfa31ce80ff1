/**
 * The values a link looks at: its targets resolved against the transaction, exclusions taken out.
 */
import type { Entry, TargetExclusion } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { RuleLink, Target } from '../model/ruleset.js'
import { spend } from '../time-budget.js'
import type { Transaction } from './transaction.js'

export interface ValueVisitor {
  /** `known`: the value was answered for beforehand, and may match. */
  visit(target: Target, key: ByteString | null, value: ByteString, known: boolean): void
}

/** What asking a pattern about a name costs, in bytes looked at. */
const selectorCost = 50

const NONE: readonly Entry[] = Object.freeze([])
const UNSET: readonly Entry[] = Object.freeze([{ key: null, value: '' }])

/** The target's values now, exclusions not yet taken out. */
export function entriesOf(target: Target, transaction: Transaction): readonly Entry[] {
  const { variable, selector } = target
  if (variable.kind === 'scalar') {
    const value = variable.read(transaction)
    if (value !== null) return [{ key: null, value }]
    return transaction.platform.unsetVariables === 'empty' && variable.unsimulated === undefined ? UNSET : NONE
  }
  if (variable.kind === 'selected') return variable.read(transaction, selector?.text ?? '/*')
  const collection = variable.read(transaction)
  if (selector === null) return collection.all()
  if (selector.kind === 'name') return collection.named(selector.lower)
  return collection.all().filter((entry) => {
    spend(selectorCost)
    return selector.test(entry.key ?? '')
  })
}

function excluded(exclusions: readonly TargetExclusion[], target: Target, key: ByteString | null): boolean {
  for (const exclusion of exclusions) if (exclusion.takes(target, key)) return true
  return false
}

/** The values of one target of a rule, and which of them may match. */
export interface CandidateValues {
  readonly entries: readonly Entry[]
  mayMatch(position: number): boolean
}

/** Tells of the values of a target which may match; null: any may. */
export type CandidatesOf = (target: number) => CandidateValues | null

/**
 * Visits the values of a link in the order of its targets. `runtime` holds the exclusions that `ctl`
 * added for this rule, null where none reach this link. Values that cannot match by `candidatesOf` are left out.
 */
export function visitValues(
  link: RuleLink,
  transaction: Transaction,
  runtime: readonly TargetExclusion[] | null,
  candidatesOf: CandidatesOf | null,
  visitor: ValueVisitor,
): void {
  const fixed = link.exclusions
  const { targets } = link
  for (let number = 0; number < targets.length; number++) {
    const target = targets[number] as Target
    const candidates = candidatesOf?.(number) ?? null
    const entries = candidates?.entries ?? entriesOf(target, transaction)
    if (target.count) {
      const count = countOf(entries, target, fixed, runtime)
      if (count !== null) visitor.visit(target, target.selector?.text ?? null, String(count), false)
      continue
    }
    for (let position = 0; position < entries.length; position++) {
      if (candidates !== null && !candidates.mayMatch(position)) continue
      const { key, value } = entries[position] as Entry
      if (fixed.length > 0 && excluded(fixed, target, key)) continue
      if (runtime !== null && excluded(runtime, target, key)) continue
      visitor.visit(target, key, value, candidates !== null)
    }
  }
}

/** COMPAT: null where an exclusion takes the count itself. */
function countOf(
  entries: readonly Entry[],
  target: Target,
  fixed: readonly TargetExclusion[],
  runtime: readonly TargetExclusion[] | null,
): number | null {
  if (fixed.length === 0 && runtime === null) return entries.length
  const exclusions = runtime === null ? fixed : [...fixed, ...runtime]
  const key = target.selector?.text ?? null
  if (exclusions.some((each) => each.ofCounts === 'whole' && each.takes(target, key))) return null
  const ofValues = exclusions.filter(({ ofCounts }) => ofCounts === 'each-value')
  return entries.filter(({ key: name }) => !excluded(ofValues, target, name)).length
}
