/**
 * Exclusions lifted: they take nothing away, and each match says which of them would have taken it.
 *
 * What a rule does that an exclusion would have removed happens when it is lifted: its setvar, captures and disruption
 * too. So scores hold everything; without an exclusion's matches they are what the others leave, as far as no rule
 * reads what a lifted rule has set.
 */
import type { RuleSelector, TargetExclusion } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { Rule, Ruleset, Target } from '../model/ruleset.js'

/** Which exclusions are lifted: all, or those of these numbers (see `StandingExclusion.number`). */
export type Lift = true | readonly number[]

/** Exclusions of one rule: of some link's targets, or of the rule. */
interface OfRule {
  readonly exclusion: number
  /** Null: every link that an exclusion by ctl reaches. */
  readonly link: number | null
  /** Null: the rule is removed. */
  readonly target: TargetExclusion | null
}

/** By position of the rule. */
type ByRule = ReadonlyMap<number, readonly OfRule[]>

const none: readonly OfRule[] = Object.freeze([])

/** What is the same for all transactions of a ruleset under the same choice. */
export class LiftPlan {
  /** Rules that directives which are not lifted remove, as `Transaction` keeps them; null: none. */
  readonly removed: Uint8Array | null
  /** Targets that such directives take away. */
  readonly excluded: ByRule
  /** What lifted directives would take away. */
  readonly lifted: ByRule
  readonly #byCtl = new Map<RuleSelector, number>()

  constructor(ruleset: Ruleset, lift: Lift | null) {
    const isLifted = (number: number): boolean => lift === true || (lift?.includes(number) ?? false)
    const removals = ruleset.kept?.removals ?? []
    const targets = ruleset.kept?.targets ?? []
    const stays = removals.filter(({ exclusion }) => !isLifted(exclusion))
    this.removed = stays.length > 0 ? new Uint8Array(ruleset.rules.length) : null
    for (const { rule } of stays) if (this.removed !== null) this.removed[rule] = 1
    this.excluded = byRule(targets.filter(({ exclusion }) => !isLifted(exclusion)))
    this.lifted = byRule([
      ...removals.filter(({ exclusion }) => isLifted(exclusion)).map((each) => ({ ...each, link: null, target: null })),
      ...targets.filter(({ exclusion }) => isLifted(exclusion)),
    ])
    for (const { number, selector, host } of ruleset.standing)
      if (host !== null && isLifted(number) && !this.#byCtl.has(selector)) this.#byCtl.set(selector, number)
  }

  /** Targets of a link that directives which are not lifted take away. */
  excludedFrom(rule: Rule, link: number): readonly TargetExclusion[] {
    const all = this.excluded.get(rule.index) ?? none
    return all.flatMap((each) => (each.link === link && each.target !== null ? [each.target] : []))
  }

  /** The lifted exclusion that a ctl action is; -1: it is none. */
  numberOf(selector: RuleSelector): number {
    return this.#byCtl.get(selector) ?? -1
  }
}

function byRule(all: readonly (OfRule & { readonly rule: number })[]): ByRule {
  const found = new Map<number, OfRule[]>()
  for (const each of all) add(found, each.rule, each)
  return found
}

function add(map: Map<number, OfRule[]>, rule: number, each: OfRule): void {
  const list = map.get(rule)
  if (list) list.push(each)
  else map.set(rule, [each])
}

const plans = new WeakMap<Ruleset, { readonly lift: Lift | null; readonly plan: LiftPlan }>()

/** Null where there is nothing to do: nothing is lifted, and directives have been applied by the compiler. */
export function liftPlanOf(ruleset: Ruleset, lift: Lift | null): LiftPlan | null {
  if (lift === null && ruleset.kept === null) return null
  const known = plans.get(ruleset)
  if (known !== undefined && known.lift === lift) return known.plan
  const plan = new LiftPlan(ruleset, lift)
  plans.set(ruleset, { lift, plan })
  return plan
}

/** The exclusions lifted in one transaction. */
export class LiftedExclusions {
  readonly #fired = new Set<number>()
  readonly #touched = new Set<number>()
  readonly #byCtl = new Map<number, OfRule[]>()

  constructor(
    private readonly plan: LiftPlan,
    private readonly ruleset: Ruleset,
  ) {}

  /** Numbers of the ctl actions that ran, ascending. */
  get fired(): readonly number[] {
    return sorted(this.#fired)
  }

  /** Numbers of the exclusions that would have taken a match from some link, be it of a chain that failed; ascending. */
  get touched(): readonly number[] {
    return sorted(this.#touched)
  }

  /** Takes note of a ctl action that runs; false where it is not lifted. */
  takes(selector: RuleSelector, target: TargetExclusion | null): boolean {
    const exclusion = this.plan.numberOf(selector)
    if (exclusion < 0) return false
    if (this.#fired.has(exclusion)) return true
    this.#fired.add(exclusion)
    for (const rule of this.ruleset.select(selector)) add(this.#byCtl, rule, { exclusion, link: null, target })
    return true
  }

  /** Whether a lifted exclusion would change what the rule does. */
  concerns(rule: Rule): boolean {
    return this.plan.lifted.has(rule.index) || this.#byCtl.has(rule.index)
  }

  /**
   * Numbers of the exclusions that would have taken the match, ascending; `target` null: of a SecAction. The match of a
   * count is taken by any that takes from what is counted.
   */
  suppressing(rule: Rule, link: number, target: Target | null, key: ByteString | null): readonly number[] {
    if (!this.concerns(rule)) return []
    const reached = link === 0 || this.ruleset.platform.targetExclusionReachesChain
    const found = new Set<number>()
    for (const each of [...(this.plan.lifted.get(rule.index) ?? none), ...(this.#byCtl.get(rule.index) ?? none)]) {
      const { target: excluded } = each
      if (excluded === null) found.add(each.exclusion)
      else if (target !== null && (each.link === null ? reached : each.link === link)) {
        if (target.count ? takesFromCount(excluded, target) : excluded.takes(target, key)) found.add(each.exclusion)
      }
    }
    for (const exclusion of found) this.#touched.add(exclusion)
    return sorted(found)
  }
}

function takesFromCount({ ofCounts, variable, takes }: TargetExclusion, target: Target): boolean {
  if (ofCounts === 'whole') return takes(target, target.selector?.text ?? null)
  return ofCounts === 'each-value' && variable === target.variable.name
}

function sorted(numbers: ReadonlySet<number>): readonly number[] {
  return [...numbers].sort((a, b) => a - b)
}
