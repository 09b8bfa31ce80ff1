/**
 * Stretches of rules that look at TX alone: what they came to is remembered, and done again without evaluating them.
 *
 * Where a phase comes to a rule that reads and changes nothing but variables of TX, that rule and those behind it are
 * run with a journal of what they read and write. A later transaction that comes there, and finds the same under every
 * name that was read, gets what was written, what matched and where to go on. A stretch ends before the first rule that
 * reads more, or that may match and then does more than change TX (logs, disrupts, has a severity).
 */
import type { Entry } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { PhaseNumber, Rule, RuleLink, Ruleset, Target } from '../model/ruleset.js'
import type { Match } from '../model/verdict.js'
import { spend } from '../time-budget.js'
import type { StoreJournal } from '../variables/index.js'
import type { Matching } from './matching.js'
import { evaluateRule } from './rule.js'
import type { Transaction } from './transaction.js'

/** LIMIT: what is remembered of one place: so many ways on. Whatever comes there further is evaluated. */
const mostWays = 12
/** LIMIT: bytes of keys and values that one way may hold. */
const mostBytes = 1 << 15

/** What applying one costs, in bytes looked at. */
const wayCost = 100

type Seen = Transaction['matched']['all'][number]

interface Reading {
  readonly key: ByteString
  readonly found: readonly Entry[]
}

/** What a stretch reads. Those that read the same share one. */
interface Readings {
  readonly number: number
  readonly all: readonly Reading[]
}

interface Writing {
  readonly key: ByteString
  readonly value: readonly [Entry] | null
}

/** What a stretch comes to where TX holds what was read. */
interface Way {
  /** The rules that are evaluated or asked. */
  readonly rules: readonly Rule[]
  readonly reads: Readings
  readonly writes: readonly Writing[]
  /** Position in the phase to go on from. */
  readonly end: number
  /** The rule evaluated last; null: none. */
  readonly lastRule: Rule | null
  /** What matched last; null: nothing did. */
  readonly last: Seen | null
  /** Whether MATCHED_VARS was emptied first, and what was put there. */
  readonly empties: boolean
  readonly seen: readonly Seen[]
  readonly matches: readonly Match[]
  readonly ruleIds: readonly number[]
}

/** `head`: only that its head does not match can be part of a stretch. */
type Part = 'none' | 'head' | 'whole'

interface Place {
  readonly rule: Rule
  readonly part: Part
  tries: number
  readonly ways: Way[]
}

/** By phase and position; null: no stretch begins there. */
type Places = readonly (readonly (Place | null)[])[]

interface StretchState {
  readonly all: Places
  readonly logged: Places
  readonly readings: Readings[]
}

const states = new WeakMap<Ruleset, StretchState>()

function stateOf(ruleset: Ruleset): StretchState {
  let state = states.get(ruleset)
  if (state === undefined) {
    state = { all: placesOf(ruleset, true), logged: placesOf(ruleset, false), readings: [] }
    states.set(ruleset, state)
  }
  return state
}

function placesOf({ phases }: Ruleset, everything: boolean): Places {
  return phases.map((steps) =>
    steps.map(({ rule }): Place | null => {
      const part = partOf(rule, everything)
      return part === 'none' ? null : { rule, part, tries: 0, ways: [] }
    }),
  )
}

function partOf(rule: Rule, everything: boolean): Part {
  const [head] = rule.links
  if (head === undefined || !looksAtTx(head)) return 'none'
  const { log, logsAtOnce, disruption, severity, msg, logdata, tags } = rule
  const staysInTx =
    rule.links.every((link) => looksAtTx(link) && link.effects.every(({ ofTx }) => ofTx === true)) &&
    rule.effectsBehind.length === 0
  const told = everything ? [...tags, ...(msg === null ? [] : [msg]), ...(logdata === null ? [] : [logdata])] : []
  const quiet = !log && !logsAtOnce && disruption === null && severity === null
  return staysInTx && quiet && told.every(({ ofTx }) => ofTx === true) ? 'whole' : 'head'
}

function looksAtTx({ operator, targets }: RuleLink): boolean {
  if (operator === null) return true
  const answersAlone = operator.ofTx === true || operator.traits?.pureUpTo === Number.POSITIVE_INFINITY
  return answersAlone && targets.every(isNamedTx)
}

function isNamedTx({ variable, selector }: Target): boolean {
  return variable.kind === 'collection' && variable.ofTx === true && selector?.kind === 'name'
}

/** The stretches that one transaction comes to. */
export class Stretches {
  readonly #places: Places
  readonly #readings: Readings[]
  /** By number of the readings: the version of TX in which they were found the same; -1: in none, as yet. */
  readonly #held: number[]

  constructor(
    private readonly transaction: Transaction,
    private readonly matching: Matching,
    private readonly everything: boolean,
  ) {
    const state = stateOf(transaction.ruleset)
    this.#places = everything ? state.all : state.logged
    this.#readings = state.readings
    this.#held = state.readings.map(() => -1)
  }

  /** Takes the stretch at a place, if one is there; returns where to go on, with a rule that must be evaluated. */
  pass(phase: PhaseNumber, position: number): number {
    const { transaction } = this
    const places = this.#places[phase] as readonly (Place | null)[]
    let at = position
    while (at < places.length) {
      const place = places[at] as Place | null
      // An engine that is off ends the phase at the next match.
      if (place === null || transaction.mode === 'off' || this.#isChanged(place.rule)) return at
      const way = this.#wayFrom(place)
      const end = way === null ? this.#explore(place, phase, at) : way.end
      if (way !== null) this.#go(way)
      if (end === at) return at
      at = end
    }
    return at
  }

  #wayFrom({ ways }: Place): Way | null {
    for (let n = 0; n < ways.length; n++) {
      const way = ways[n] as Way
      if (this.#holds(way.reads) && !this.#changesSome(way.rules)) return way
    }
    return null
  }

  #holds({ number, all }: Readings): boolean {
    const { tx } = this.transaction
    if (this.#held[number] === tx.version) return true
    for (let n = 0; n < all.length; n++) {
      const { key, found } = all[n] as Reading
      if (!isSame(tx.named(key), found)) return false
    }
    this.#held[number] = tx.version
    return true
  }

  #changesSome(rules: readonly Rule[]): boolean {
    return this.transaction.changesRules && rules.some((rule) => this.transaction.isChanged(rule))
  }

  #isChanged(rule: Rule): boolean {
    return this.transaction.changesRules && this.transaction.isChanged(rule)
  }

  #go(way: Way): void {
    const { transaction } = this
    const { matched, tx } = transaction
    const { writes, seen } = way
    spend(wayCost)
    for (let n = 0; n < writes.length; n++) {
      const { key, value } = writes[n] as Writing
      tx.write(key, value)
    }
    if (way.lastRule !== null) transaction.currentRule = way.lastRule
    if (way.last !== null) matched.last = way.last
    if (way.empties) {
      if (seen.length > 0 || matched.all.length > 0) matched.all = seen.slice()
    } else if (seen.length > 0) matched.all = [...matched.all, ...seen]
    if (this.everything) {
      transaction.matches.push(...way.matches)
      transaction.allRuleIds.push(...way.ruleIds)
    }
  }

  /** Runs the stretch and remembers what it came to; returns where it ends. */
  #explore(place: Place, phase: PhaseNumber, from: number): number {
    if (place.tries >= mostWays) return from
    place.tries++
    const { transaction } = this
    const { matched, tx, matches, allRuleIds } = transaction
    const before = { last: matched.last, all: matched.all, matches: matches.length, ruleIds: allRuleIds.length }
    const unread: Seen = { name: '', value: '' }
    const journal = new Journal()
    matched.last = null
    matched.all = [unread]
    tx.journal = journal
    const { end, lastRule, rules } = this.#run(phase, from)
    tx.journal = null
    const { last, all } = matched
    const empties = all[0] !== unread
    const seen = empties ? [...all] : all.slice(1)
    matched.last = last ?? before.last
    if (!empties) matched.all = [...before.all, ...seen]
    if (journal.readAll || sizeOf(journal, seen) > mostBytes) return end
    place.ways.push({
      rules,
      reads: this.#shared([...journal.reads].map(([key, found]) => ({ key, found }))),
      writes: journal.writes,
      end,
      lastRule,
      last,
      empties,
      seen,
      matches: matches.slice(before.matches),
      ruleIds: allRuleIds.slice(before.ruleIds),
    })
    return end
  }

  #shared(all: readonly Reading[]): Readings {
    const known = this.#readings.find((each) => isSameReading(each.all, all))
    if (known !== undefined) return known
    const readings = { number: this.#readings.length, all }
    this.#readings.push(readings)
    return readings
  }

  #run(phase: PhaseNumber, from: number): Pick<Way, 'end' | 'lastRule' | 'rules'> {
    const { transaction, matching, everything } = this
    const steps = transaction.ruleset.phases[phase] ?? []
    const places = this.#places[phase] ?? []
    const rules: Rule[] = []
    let lastRule: Rule | null = null
    let at = from
    for (let place = places[at]; place !== null && place !== undefined; place = places[at]) {
      const step = steps[at] as (typeof steps)[number]
      const { rule } = step
      if (this.#isChanged(rule)) break
      rules.push(rule)
      if (!matching.mayMatch(rule)) {
        transaction.passOver()
        at++
        continue
      }
      if (place.part === 'head') break
      lastRule = rule
      at = evaluateRule(transaction, matching, rule, everything) && step.jumpTo >= 0 ? step.jumpTo : at + 1
    }
    return { end: at, lastRule, rules }
  }
}

/** What a stretch reads that it has not written, and what it writes, in order. */
class Journal implements StoreJournal {
  readonly reads = new Map<ByteString, readonly Entry[]>()
  readonly writes: Writing[] = []
  readAll = false
  readonly #written = new Set<ByteString>()

  read(key: ByteString, found: readonly Entry[]): void {
    if (!this.#written.has(key) && !this.reads.has(key)) this.reads.set(key, found)
  }

  written(key: ByteString, value: readonly [Entry] | null): void {
    this.#written.add(key)
    this.writes.push({ key, value })
  }

  listed(): void {
    this.readAll = true
  }
}

/** Whether a variable of TX is what it was; the spelling of its name shows in reports. */
function isSame(now: readonly Entry[], then: readonly Entry[]): boolean {
  if (now === then) return true
  const [one] = now
  const [other] = then
  return one !== undefined && other !== undefined && one.value === other.value && one.key === other.key
}

function isSameReading(one: readonly Reading[], other: readonly Reading[]): boolean {
  return (
    one.length === other.length &&
    one.every(({ key, found }, at) => key === other[at]?.key && isSame(found, (other[at] as Reading).found))
  )
}

/** In bytes. */
function sizeOf({ reads, writes }: Journal, seen: readonly Seen[]): number {
  let size = 0
  for (const [key, found] of reads) size += key.length + (found[0]?.value.length ?? 0)
  for (const { key, value } of writes) size += key.length + (value?.[0].value.length ?? 0)
  for (const { name, value } of seen) size += name.length + value.length
  return size
}
