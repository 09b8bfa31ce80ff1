/**
 * What a change of rules loses, counted over attacks evaluated before it and after it.
 *
 * Lost is an attack that was blocked and is not any more; one that only protocol rules (911, 913, 920) still stop is
 * lost too, unless they alone stopped it before. A detection is one rule firing on one attack.
 */
import type { Verdict } from '../../model/verdict.js'
import { isProtected } from '../protected-rules.js'
import type { Blocking } from './blocking.js'

/** One attack before and after, in the caller's mode or in detection only, but both in the same. */
export interface PricedAttack {
  readonly before: Verdict
  readonly after: Verdict
  /** `attack-sqli` and the like. */
  readonly class: string
}

export interface ClassPrice {
  /** Attacks blocked before, by whatever rule: the denominator. */
  readonly attacksBefore: number
  readonly attacksLost: number
  /** (attack, rule) pairs that no longer fire. */
  readonly detectionsLost: number
}

export interface Price extends ClassPrice {
  /** By class, those with most losses first, then by name. */
  readonly byClass: ReadonlyMap<string, ClassPrice>
  /** Ids of attacks lost, in the order in which they came, at most 1,000. */
  readonly lostIds: readonly string[]
  /** Attacks that prove nothing: in error, or their evidence is not complete. */
  readonly leftOut: number
}

/** LIMIT: ids kept of attacks lost. */
const keptIds = 1000

/** Whether the attack was blocked before and, but for protocol rules, is not any more. */
export function isLost(before: Verdict, after: Verdict, blocking: Blocking): boolean {
  if (!before.wouldBlock) return false
  if (!after.wouldBlock) return true
  return blocking.stopsWithoutProtocol(before) && !blocking.stopsWithoutProtocol(after)
}

/** Rules that fired before and do not any more; those that only set up or sum up are no detection. */
export function lostRules(before: Verdict, after: Verdict, blocking: Blocking): readonly number[] {
  const left = new Set(after.ruleIds)
  return before.ruleIds.filter((id) => !left.has(id) && !isProtected(id) && !blocking.evaluatesScore(id))
}

interface MutablePrice {
  attacksBefore: number
  attacksLost: number
  detectionsLost: number
}

const nothing = (): MutablePrice => ({ attacksBefore: 0, attacksLost: 0, detectionsLost: 0 })

/** `blocking` is of the ruleset before the change. */
export function priceOf(attacks: Iterable<PricedAttack>, blocking: Blocking): Price {
  const sum = nothing()
  const classes = new Map<string, MutablePrice>()
  const lostIds: string[] = []
  let leftOut = 0
  for (const { before, after, class: name } of attacks) {
    if (!provesSomething(before) || !provesSomething(after)) {
      leftOut++
      continue
    }
    const own = classes.get(name) ?? nothing()
    classes.set(name, own)
    const lost = isLost(before, after, blocking)
    const detections = lostRules(before, after, blocking).length
    for (const price of [sum, own]) {
      if (before.wouldBlock) price.attacksBefore++
      if (lost) price.attacksLost++
      price.detectionsLost += detections
    }
    if (lost && lostIds.length < keptIds) lostIds.push(before.id)
  }
  const byClass = [...classes].sort(
    ([oneName, one], [otherName, other]) => other.attacksLost - one.attacksLost || (oneName < otherName ? -1 : 1),
  )
  return { ...sum, byClass: new Map(byClass), lostIds, leftOut }
}

function provesSomething({ error, evidence }: Verdict): boolean {
  return error === null && evidence === 'complete'
}
