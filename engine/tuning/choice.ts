/**
 * The choice: of all candidates the smallest set of the narrowest that clears the false positives, losing as little
 * protection as possible. Deterministic: ties are broken by key.
 *
 * A case is cleared when what its remaining hits add up to is at most the limit, and none of them disrupts. Hits
 * without which no case can be cleared decide first; threshold arithmetic decides the rest; then whatever is not
 * needed goes.
 */
import type { AtomIndex } from './atom-index.js'
import { type Candidate, placeOf } from './candidates.js'
import type { Atom, Case, CaseHit, ScoreLimits } from './case-book.js'

export interface ChoiceInput {
  readonly atoms: readonly Atom[]
  readonly index: AtomIndex
  readonly cases: readonly Case[]
  readonly limits: ScoreLimits
  /** Candidates for an atom, the preferred first; none where nothing may be done. */
  candidatesFor(atom: Atom): readonly Candidate[]
  /** Attacks that the candidate loses on top of what is lost without these rules at its place. */
  lossOf(candidate: Candidate, removed: ReadonlySet<number>): number
}

export interface Choice {
  /** By key of the place they are in. */
  readonly chosen: readonly Candidate[]
  /** Cases that no set of candidates clears. */
  readonly left: readonly Case[]
}

export function chooseExclusions(input: ChoiceInput): Choice {
  return new Chooser(input).choose()
}

class Chooser {
  readonly #chosen = new Map<string, Candidate>()
  /** Chosen candidates that cover an atom, by atom. */
  readonly #coverage: number[]
  /** Cases that hit an atom. */
  readonly #casesOf: number[][]
  readonly #options = new Map<number, readonly Candidate[]>()
  readonly #open: Set<number>
  /** Rules removed at each place. */
  readonly #removed = new Map<string, Set<number>>()

  constructor(private readonly input: ChoiceInput) {
    this.#coverage = new Array<number>(input.atoms.length).fill(0)
    this.#casesOf = input.atoms.map(() => [])
    for (const [index, { hits }] of input.cases.entries())
      for (const atom of new Set(hits.flatMap((hit) => hit.atoms))) this.#casesOf[atom]?.push(index)
    this.#open = new Set(
      input.cases.flatMap((each, index) => (each.unclearable === null && !this.#isCleared(each) ? [index] : [])),
    )
  }

  choose(): Choice {
    const left = this.#takeNecessary()
    this.#takeBest()
    this.#dropNeedless()
    const chosen = [...this.#chosen.values()].sort(
      (a, b) => (a.ruleIds[0] ?? 0) - (b.ruleIds[0] ?? 0) || compareText(a.key, b.key),
    )
    const unclearable = this.input.cases.filter((each) => each.unclearable !== null && each.blocked)
    return { chosen, left: [...unclearable, ...left, ...[...this.#open].map((index) => this.#case(index))] }
  }

  #case(index: number): Case {
    return this.input.cases[index] as Case
  }

  #optionsOf(atom: number): readonly Candidate[] {
    let options = this.#options.get(atom)
    if (options === undefined) {
      options = this.input.candidatesFor(this.input.atoms[atom] as Atom)
      this.#options.set(atom, options)
    }
    return options
  }

  #atomsOf(candidate: Candidate): readonly number[] {
    return this.input.index.atomsOf(candidate)
  }

  #take(candidate: Candidate): void {
    if (this.#chosen.has(candidate.key)) return
    this.#chosen.set(candidate.key, candidate)
    for (const ruleId of candidate.ruleIds) this.#removedAt(candidate).add(ruleId)
    const atoms = this.#atomsOf(candidate)
    this.#cover(atoms, 1)
    for (const atom of atoms) {
      for (const index of this.#casesOf[atom] ?? [])
        if (this.#open.has(index) && this.#isCleared(this.#case(index))) this.#open.delete(index)
    }
  }

  #isGone(hit: CaseHit): boolean {
    return hit.atoms.every((atom) => (this.#coverage[atom] ?? 0) > 0)
  }

  #rest(each: Case, outbound: boolean): number {
    let sum = outbound ? each.fixed.outbound : each.fixed.inbound
    for (const hit of each.hits) if (hit.counts && hit.outbound === outbound && !this.#isGone(hit)) sum += hit.points
    return sum
  }

  #isCleared(each: Case): boolean {
    const { inbound, outbound } = this.input.limits
    if (each.hits.some((hit) => hit.points === 0 && !this.#isGone(hit))) return false
    return this.#rest(each, false) <= inbound && this.#rest(each, true) <= outbound
  }

  /** Hits whose points alone, with what cannot go, exceed the limit. Returns the cases where one of them has to stay. */
  #takeNecessary(): readonly Case[] {
    const left: Case[] = []
    for (const index of [...this.#open]) {
      const each = this.#case(index)
      let stays = false
      for (const hit of each.hits) {
        if (this.#isGone(hit) || !this.#isNecessary(each, hit)) continue
        const wanted = hit.atoms.map((atom) => ((this.#coverage[atom] ?? 0) > 0 ? null : this.#optionsOf(atom)[0]))
        if (wanted.includes(undefined)) {
          stays = true
          break
        }
        for (const candidate of wanted) if (candidate !== null && candidate !== undefined) this.#take(candidate)
      }
      if (!stays) continue
      left.push(each)
      this.#open.delete(index)
    }
    return left
  }

  #isNecessary(each: Case, hit: CaseHit): boolean {
    if (hit.points === 0) return true
    if (!hit.counts) return false
    const { limits } = this.input
    const least = hit.outbound ? each.fixed.outbound : each.fixed.inbound
    return least + hit.points > (hit.outbound ? limits.outbound : limits.inbound)
  }

  /** While cases are open: the candidate that takes most points off them for each attack it loses. */
  #takeBest(): void {
    while (this.#open.size > 0) {
      const gains = new Map<string, { candidate: Candidate; gain: number }>()
      for (const index of this.#open) this.#addGains(this.#case(index), gains)
      let best: { candidate: Candidate; worth: number } | null = null
      for (const { candidate, gain } of gains.values()) {
        const worth = gain / (1 + this.input.lossOf(candidate, this.#removedAt(candidate)))
        if (
          best === null ||
          worth > best.worth ||
          (worth === best.worth && compareText(candidate.key, best.candidate.key) < 0)
        )
          best = { candidate, worth }
      }
      if (best === null) return
      this.#take(best.candidate)
    }
  }

  #addGains(each: Case, gains: Map<string, { candidate: Candidate; gain: number }>): void {
    for (const hit of each.hits) {
      if (this.#isGone(hit) || !hit.counts) continue
      const { limits } = this.input
      const over = this.#rest(each, hit.outbound) - (hit.outbound ? limits.outbound : limits.inbound)
      if (over <= 0) continue
      for (const atom of hit.atoms) {
        if ((this.#coverage[atom] ?? 0) > 0) continue
        const [candidate] = this.#optionsOf(atom)
        if (candidate === undefined) continue
        const entry = gains.get(candidate.key) ?? { candidate, gain: 0 }
        entry.gain += Math.min(hit.points, over) / hit.atoms.length
        gains.set(candidate.key, entry)
      }
    }
  }

  /** Takes back what no case needs, what loses most first. */
  #dropNeedless(): void {
    const chosen = [...this.#chosen.values()]
    const losses = new Map(
      chosen.map((candidate) => {
        const others = [...this.#removedAt(candidate)].filter((ruleId) => !candidate.ruleIds.includes(ruleId))
        return [candidate.key, this.input.lossOf(candidate, new Set(others))]
      }),
    )
    const order = chosen.sort(
      (a, b) =>
        (losses.get(b.key) ?? 0) - (losses.get(a.key) ?? 0) || a.narrowness - b.narrowness || compareText(a.key, b.key),
    )
    const cleared = this.input.cases.map((each) => each.unclearable === null && this.#isCleared(each))
    for (const candidate of order) {
      const atoms = this.#atomsOf(candidate)
      this.#cover(atoms, -1)
      const concerned = new Set(atoms.flatMap((atom) => this.#casesOf[atom] ?? []))
      const isNeeded = [...concerned].some((index) => cleared[index] === true && !this.#isCleared(this.#case(index)))
      if (isNeeded) this.#cover(atoms, 1)
      else this.#chosen.delete(candidate.key)
    }
  }

  #removedAt(candidate: Candidate): Set<number> {
    const place = placeOf(candidate)
    let removed = this.#removed.get(place)
    if (removed === undefined) {
      removed = new Set()
      this.#removed.set(place, removed)
    }
    return removed
  }

  #cover(atoms: readonly number[], by: 1 | -1): void {
    for (const atom of atoms) this.#coverage[atom] = (this.#coverage[atom] ?? 0) + by
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
