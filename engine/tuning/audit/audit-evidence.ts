/**
 * What a replay that lifts exclusions shows of each: what it suppresses, alone or with others, and which requests would
 * be blocked without it. One replay for all: with one off and the others on is arithmetic over the same matches.
 */
import { type ByteString, type EvaluatedRecord, lowerAscii } from '../../model/exchange.js'
import type { Rule, Ruleset } from '../../model/ruleset.js'
import type { Match, Verdict } from '../../model/verdict.js'
import type { SettingsInForce } from '../../settings-in-force.js'
import { filenameOf } from '../../transaction/request-view.js'
import { looksAtScores } from '../protected-rules.js'
import type { AuditEvidence } from './audit-finding.js'

/** A rule that fires at a place but for one exclusion. */
export interface SuppressedPlace {
  readonly ruleId: number
  readonly link: number
  readonly target: ByteString
  readonly path: ByteString
}

const keptExamples = 3
/** LIMIT: places kept for an exclusion; with more of them it is not narrowed. */
export const mostPlaces = 500

interface Counts {
  inForce: number
  requests: number
  hits: number
  hitsAlone: number
  requestsAlone: number
  wouldBlock: number
  attacks: number
  attacksLetPass: number
  partial: number
  readonly examples: string[]
  readonly together: Set<number>
  readonly places: Map<string, SuppressedPlace>
  tooManyPlaces: boolean
  misspelled: ByteString | null
}

/** The matches of one rule in one transaction, and what is left of them. */
interface Fired {
  readonly ruleId: number
  readonly rule: Rule | null
  readonly matches: readonly Match[]
}

/** What is left where some exclusions act. */
interface Left {
  readonly count: number
  readonly inbound: number
  readonly outbound: number
  readonly fires: boolean
}

const nothingLeft: Left = { count: 0, inbound: 0, outbound: 0, fires: false }

export class EvidenceBook {
  readonly #counts = new Map<number, Counts>()
  readonly #rules: ReadonlyMap<number, Rule>
  readonly #paths = new Map<ByteString, number>()
  /** Exclusions of a named value, by rule and target in lower case, where the platform compares names exactly. */
  readonly #named = new Map<string, number[]>()

  constructor(
    private readonly ruleset: Ruleset,
    private readonly settings: SettingsInForce,
    /** Numbers of the exclusions that were lifted. */
    lifted: readonly number[],
  ) {
    this.#rules = new Map(ruleset.rules.map((rule) => [rule.id, rule]))
    for (const number of lifted) {
      this.#counts.set(number, emptyCounts())
      if (ruleset.platform.exclusions.spelling === 'exact') this.#noteNames(number)
    }
  }

  #noteNames(number: number): void {
    const standing = this.ruleset.standing[number]
    if (standing === undefined) return
    for (const { variable, key } of standing.targets)
      if (key !== null)
        for (const index of this.ruleset.select(standing.selector)) {
          const place = placeName(this.ruleset.rules[index]?.id ?? 0, `${variable}:${key}`)
          this.#named.set(place, [...(this.#named.get(place) ?? []), number])
        }
  }

  /** Targets that an exclusion would take, were it not for their case. */
  #noteMisspelled({ matches, lifted }: Verdict): void {
    for (const { ruleId, target, suppressedBy = [] } of matches)
      for (const number of this.#named.get(placeName(ruleId, target)) ?? []) {
        const isInForce = this.ruleset.standing[number]?.host === null || lifted?.fired.includes(number) === true
        if (isInForce && !suppressedBy.includes(number)) this.#of(number).misspelled ??= target
      }
  }

  /** Takes a verdict with `lifted`; the record's evidence is the caller's business. */
  add(record: EvaluatedRecord, verdict: Verdict): void {
    const path = filenameOf(record, this.ruleset.platform)
    if (record.label !== 'attack') this.#paths.set(path, (this.#paths.get(path) ?? 0) + 1)
    for (const number of verdict.lifted?.fired ?? []) this.#of(number).inForce++
    if (this.#named.size > 0) this.#noteMisspelled(verdict)
    const concerned = new Set(verdict.matches.flatMap(({ suppressedBy = [] }) => suppressedBy))
    for (const number of verdict.lifted?.touched ?? []) if (!concerned.has(number)) this.#of(number).partial++
    if (concerned.size === 0) return
    const fired = this.#firedIn(verdict)
    for (const number of concerned) this.#weigh(number, record, path, fired)
  }

  /** Paths of benign and unlabelled records, and how many there were of each. */
  get paths(): ReadonlyMap<ByteString, number> {
    return this.#paths
  }

  /** A target that the exclusion misses by its case alone; null: none was seen. */
  misspelled(number: number): ByteString | null {
    return this.#of(number).misspelled
  }

  evidence(number: number, records: number): AuditEvidence {
    const { examples, together, places: _, tooManyPlaces: __, misspelled: ___, ...counts } = this.#of(number)
    const isDirective = this.ruleset.standing[number]?.host === null
    return {
      ...counts,
      inForce: isDirective ? records : counts.inForce,
      examples,
      together: [...together].sort((a, b) => a - b),
    }
  }

  /** Where rules fire but for this exclusion alone; null: in too many places. */
  places(number: number): readonly SuppressedPlace[] | null {
    const { places, tooManyPlaces } = this.#of(number)
    return tooManyPlaces ? null : [...places.values()]
  }

  #of(number: number): Counts {
    let counts = this.#counts.get(number)
    if (counts === undefined) {
      counts = emptyCounts()
      this.#counts.set(number, counts)
    }
    return counts
  }

  #firedIn(verdict: Verdict): readonly Fired[] {
    const byRule = new Map<number, Match[]>()
    for (const match of verdict.matches) {
      const list = byRule.get(match.ruleId)
      if (list) list.push(match)
      else byRule.set(match.ruleId, [match])
    }
    return [...byRule].map(([ruleId, matches]) => ({ ruleId, rule: this.#rules.get(ruleId) ?? null, matches }))
  }

  #weigh(number: number, record: EvaluatedRecord, path: ByteString, fired: readonly Fired[]): void {
    const counts = this.#of(number)
    const base = fired.map((each) => left(each, actingOn(each, number, false)))
    const without = fired.map((each) => left(each, actingOn(each, number, true)))
    const isAttack = record.label === 'attack'
    const letsPass = !this.#blocks(fired, base) && this.#blocks(fired, without)
    if (isAttack) {
      counts.attacks++
      if (letsPass) counts.attacksLetPass++
      return
    }
    counts.requests++
    if (letsPass) counts.wouldBlock++
    if (counts.examples.length < keptExamples) counts.examples.push(record.id)
    const aloneBefore = counts.hitsAlone
    fired.forEach((each, at) => {
      const own = each.matches.filter(({ suppressedBy }) => suppressedBy?.includes(number) === true)
      if (own.length === 0) return
      counts.hits++
      for (const { suppressedBy = [] } of own)
        for (const other of suppressedBy) if (other !== number) counts.together.add(other)
      if (without[at]?.count === base[at]?.count) return
      counts.hitsAlone++
      for (const { ruleId, link, target } of own) addPlace(counts, { ruleId, link, target, path })
    })
    if (counts.hitsAlone > aloneBefore) counts.requestsAlone++
  }

  /** Whether what is left blocks: by a rule of its own, or by the scores. */
  #blocks(fired: readonly Fired[], lefts: readonly Left[]): boolean {
    const { inboundThreshold, outboundThreshold } = this.settings
    let inbound = 0
    let outbound = 0
    let byRule = false
    const weighing: boolean[] = []
    fired.forEach(({ rule }, at) => {
      const { fires, ...scores } = lefts[at] ?? nothingLeft
      const counts = (rule?.paranoiaLevel ?? 0) <= (this.settings.blockingParanoia ?? 4)
      if (counts) {
        inbound += scores.inbound
        outbound += scores.outbound
      }
      if (rule === null || !interrupts(rule)) return
      if (looksAtScores(rule)) weighing.push(fires)
      else if (fires) byRule = true
    })
    if (byRule) return true
    // Where the rule that weighs the scores is itself excluded, they block nothing.
    if (weighing.length > 0 && !weighing.includes(true)) return false
    return inbound >= (inboundThreshold ?? Infinity) || outbound >= (outboundThreshold ?? Infinity)
  }
}

function emptyCounts(): Counts {
  return {
    inForce: 0,
    requests: 0,
    hits: 0,
    hitsAlone: 0,
    requestsAlone: 0,
    wouldBlock: 0,
    attacks: 0,
    attacksLetPass: 0,
    partial: 0,
    examples: [],
    together: new Set(),
    places: new Map(),
    tooManyPlaces: false,
    misspelled: null,
  }
}

function placeName(ruleId: number, target: ByteString): string {
  return `${ruleId} ${lowerAscii(target)}`
}

function addPlace(counts: Counts, place: SuppressedPlace): void {
  const key = JSON.stringify(place)
  if (counts.places.has(key)) return
  if (counts.places.size >= mostPlaces) counts.tooManyPlaces = true
  else counts.places.set(key, place)
}

/**
 * Which exclusions act on a rule where one is off, or none. On a rule that weighs the scores no other does: with it gone
 * nothing would block, whatever this one suppresses.
 */
function actingOn({ rule, matches }: Fired, number: number, isOff: boolean): (exclusion: number) => boolean {
  const isItsOwn = matches.some(({ suppressedBy }) => suppressedBy?.includes(number) === true)
  if (rule !== null && looksAtScores(rule) && !isItsOwn) return () => false
  return isOff ? (other) => other !== number : () => true
}

/** A rule fires as long as each of its links keeps a match; each match left adds its points. */
function left({ matches }: Fired, acts: (exclusion: number) => boolean): Left {
  const staying = matches.filter(({ suppressedBy = [] }) => !suppressedBy.some(acts))
  const links = new Set(matches.map(({ link }) => link))
  for (const { link } of staying) links.delete(link)
  if (links.size > 0) return nothingLeft
  let inbound = 0
  let outbound = 0
  for (const { phase, scoreAdded } of staying)
    if (phase <= 2) inbound += scoreAdded
    else outbound += scoreAdded
  return { count: staying.length, inbound, outbound, fires: true }
}

function interrupts({ disruption }: Rule): boolean {
  return disruption !== null && !disruption.kind.startsWith('allow')
}
