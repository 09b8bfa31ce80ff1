/**
 * The false positives of a replay, record by record: what hit, where, for how many points. What exclusions would
 * do to them is arithmetic on this; nothing is evaluated again.
 *
 * A case keeps numbers, not texts: sources and hits that many records share are kept once.
 */
import type { ByteString, EvaluatedRecord } from '../model/exchange.js'
import type { Ruleset } from '../model/ruleset.js'
import type { BlockKind, Verdict } from '../model/verdict.js'
import type { SettingsInForce } from '../settings-in-force.js'
import { comparedValues, type Hit, hitsOf } from './hits.js'
import type { HitSource } from './place.js'
import { settingRule } from './setting-rules.js'

/** A source of hits on some path, and how often it was seen. */
export interface Atom extends HitSource {
  readonly index: number
  readonly msg: ByteString
  readonly method: ByteString
  /** Ids of records that hit here, at most 3. */
  readonly examples: readonly string[]
  readonly requests: number
}

/** A hit: atoms that must all be covered for its points to go. */
export interface CaseHit {
  readonly ruleId: number
  readonly atoms: readonly number[]
  readonly points: number
  readonly outbound: boolean
  /** Counts towards the blocking score: the rule's paranoia level is at most the blocking one. */
  readonly counts: boolean
}

/** A record of the replay with hits. */
export interface Case {
  readonly id: string
  readonly path: ByteString
  readonly method: ByteString
  readonly hits: readonly CaseHit[]
  /** Points of the blocking scores that come from no hit an exclusion may touch. */
  readonly fixed: { readonly inbound: number; readonly outbound: number }
  readonly blocked: boolean
  /** Nobody says that it is benign: nothing is done for it, but what is done to it is reported. */
  readonly aside: boolean
  /** Rules that fired and log. */
  readonly ruleIds: readonly number[]
  /** What would block it without any rule that an exclusion may touch; null where nothing does. */
  readonly unclearable: string | null
}

/** Scores, inbound and outbound, at most which a case counts as cleared. */
export interface ScoreLimits {
  readonly inbound: number
  readonly outbound: number
}

const keptExamples = 3
const keptComparedValues = 50

interface MutableAtom {
  index: number
  ruleId: number
  link: number
  target: ByteString
  path: ByteString
  msg: ByteString
  method: ByteString
  examples: string[]
  requests: number
}

export class CaseBook {
  readonly #atoms: MutableAtom[] = []
  readonly #atomIndex = new Map<string, number>()
  readonly #hitIndex = new Map<string, CaseHit>()
  readonly #cases = new Map<string, Case>()
  readonly #aside = new Map<string, Case>()
  readonly #compared = new Map<string, Set<ByteString>>()
  readonly #disruptive: ReadonlySet<number>
  readonly #levels: ReadonlyMap<number, number>
  readonly #blockingLevel: number

  /** `filenameOf` gives what REQUEST_FILENAME holds of a record, as rules of phase 1 see it. */
  constructor(
    ruleset: Ruleset,
    settings: SettingsInForce,
    private readonly filenameOf: (record: EvaluatedRecord) => ByteString,
  ) {
    const ends = ['deny', 'drop', 'redirect', 'proxy']
    this.#disruptive = new Set(
      ruleset.rules.filter((rule) => ends.includes(rule.disruption?.kind ?? '')).map((rule) => rule.id),
    )
    this.#levels = new Map(ruleset.rules.map((rule) => [rule.id, rule.paranoiaLevel]))
    this.#blockingLevel = settings.blockingParanoia ?? 4
  }

  /** Takes in a verdict of a replay in detection only. A record that was added before is taken anew. */
  add(record: EvaluatedRecord, verdict: Verdict): void {
    if (verdict.error !== null) return
    const found = hitsOf(verdict, (ruleId) => this.#disruptive.has(ruleId))
    if (found.length === 0 && !verdict.wouldBlock) {
      this.#cases.delete(record.id)
      return
    }
    const path = this.filenameOf(record)
    const isNew = !this.#cases.has(record.id)
    const counted = new Set<number>()
    const hits = found.map((hit) => this.#hit(hit, record, verdict, path, isNew ? counted : null))
    const sum = (outbound: boolean): number =>
      hits.reduce((total, hit) => total + (hit.counts && hit.outbound === outbound ? hit.points : 0), 0)
    this.#cases.set(record.id, {
      id: record.id,
      path,
      method: record.request.method,
      hits,
      fixed: {
        inbound: Math.max(0, verdict.score.inbound - sum(false)),
        outbound: Math.max(0, verdict.score.outbound - sum(true)),
      },
      blocked: verdict.wouldBlock,
      aside: false,
      ruleIds: verdict.ruleIds,
      unclearable: unclearable(verdict, hits),
    })
  }

  get atoms(): readonly Atom[] {
    return this.#atoms
  }

  /**
   * Adds to a case what a verdict under exclusions holds beyond it: hits that came up only then. Returns the hits of
   * the verdict that the case has too.
   */
  extend(record: EvaluatedRecord, verdict: Verdict): readonly CaseHit[] {
    const known = this.#cases.get(record.id)
    if (known === undefined) {
      this.add(record, verdict)
      return []
    }
    const found = this.hitsIn(record, verdict)
    const fresh = found.filter((hit) => !known.hits.includes(hit))
    if (fresh.length > 0) this.#cases.set(record.id, { ...known, hits: [...known.hits, ...fresh] })
    return found.filter((hit) => known.hits.includes(hit))
  }

  /** The hits of a verdict, as cases hold them; those that a case has too are the same objects. */
  hitsIn(record: EvaluatedRecord, verdict: Verdict): readonly CaseHit[] {
    const path = this.filenameOf(record)
    return hitsOf(verdict, (ruleId) => this.#disruptive.has(ruleId)).map((hit) =>
      this.#hit(hit, record, verdict, path, null),
    )
  }

  /**
   * Takes in what the record hits once its body is read otherwise, beside those of its hits that `stays` holds for.
   * Whether it was blocked before stays as it was.
   */
  reread(record: EvaluatedRecord, verdict: Verdict, stays: (hit: CaseHit) => boolean): void {
    const before = this.#cases.get(record.id)
    const kept = before?.hits.filter(stays) ?? []
    this.add(record, verdict)
    const now = this.#cases.get(record.id)
    if (now === undefined && before === undefined) return
    const read = now ?? { ...(before as Case), hits: [], fixed: { inbound: 0, outbound: 0 }, unclearable: null }
    this.#cases.set(record.id, {
      ...read,
      hits: [...kept, ...read.hits.filter((hit) => !kept.includes(hit))],
      blocked: before?.blocked ?? false,
      ruleIds: before?.ruleIds ?? [],
    })
  }

  /** Nothing is to be done for the case. */
  setAside(id: string): void {
    const known = this.#cases.get(id)
    if (known === undefined) return
    this.#cases.delete(id)
    this.#aside.set(id, { ...known, aside: true })
  }

  /** Gives a case up: nothing clears it. */
  giveUp(id: string, reason: string): void {
    const known = this.#cases.get(id)
    if (known !== undefined) this.#cases.set(id, { ...known, unclearable: reason })
  }

  /** Those that are not set aside, in the order in which they were added. */
  cases(): readonly Case[] {
    return [...this.#cases.values()]
  }

  setAsideCases(): readonly Case[] {
    return [...this.#aside.values()]
  }

  caseOf(id: string): Case | undefined {
    return this.#cases.get(id) ?? this.#aside.get(id)
  }

  /** What the rule's deepest link compared on such paths, each once, at most 50. */
  comparedBy(ruleId: number, isPath: (path: ByteString) => boolean): readonly ByteString[] {
    const values = new Set<ByteString>()
    for (const [key, set] of this.#compared) {
      const space = key.indexOf(' ')
      if (Number(key.slice(0, space)) !== ruleId || !isPath(key.slice(space + 1))) continue
      for (const value of set) if (values.size < keptComparedValues) values.add(value)
    }
    return [...values].sort()
  }

  #hit(hit: Hit, record: EvaluatedRecord, verdict: Verdict, path: ByteString, counted: Set<number> | null): CaseHit {
    const atoms = hit.sources.map(({ target, link, msg }) => {
      const atom = this.#atom(hit.ruleId, link, target, path, msg, record.request.method)
      if (counted !== null && !counted.has(atom.index)) {
        counted.add(atom.index)
        atom.requests++
        if (atom.examples.length < keptExamples) atom.examples.push(record.id)
      }
      return atom.index
    })
    if (settingRule(hit.ruleId) !== null) this.#noteCompared(hit.ruleId, path, verdict)
    const key = `${hit.ruleId} ${hit.points} ${atoms.join(',')}`
    let known = this.#hitIndex.get(key)
    if (known === undefined) {
      const { ruleId, points, outbound } = hit
      known = { ruleId, atoms, points, outbound, counts: (this.#levels.get(ruleId) ?? 0) <= this.#blockingLevel }
      this.#hitIndex.set(key, known)
    }
    return known
  }

  #atom(
    ruleId: number,
    link: number,
    target: ByteString,
    path: ByteString,
    msg: ByteString,
    method: ByteString,
  ): MutableAtom {
    const key = `${ruleId} ${link} ${target.length} ${target} ${method.length} ${method} ${path}`
    let index = this.#atomIndex.get(key)
    if (index === undefined) {
      index = this.#atoms.length
      this.#atomIndex.set(key, index)
      this.#atoms.push({ index, ruleId, link, target, path, msg, method, examples: [], requests: 0 })
    }
    return this.#atoms[index] as MutableAtom
  }

  #noteCompared(ruleId: number, path: ByteString, verdict: Verdict): void {
    const key = `${ruleId} ${path}`
    let values = this.#compared.get(key)
    if (values === undefined) {
      values = new Set()
      this.#compared.set(key, values)
    }
    for (const value of comparedValues(verdict, ruleId)) if (values.size < keptComparedValues) values.add(value)
  }
}

const endsWithoutRule: Readonly<Record<Exclude<BlockKind, 'rule'>, string>> = {
  'body-limit': 'the body is over the limit of the engine (SecRequestBodyLimit)',
  parser: 'the body cannot be parsed',
  server: 'the web server refuses the request',
}

function unclearable(verdict: Verdict, hits: readonly CaseHit[]): string | null {
  const { blockedBy } = verdict
  if (!verdict.wouldBlock || blockedBy === null) return null
  if (blockedBy.kind !== 'rule') return endsWithoutRule[blockedBy.kind]
  if (hits.length > 0 || blockedBy.ruleId === null) return null
  return `rule ${blockedBy.ruleId} blocks, and it must not be excluded`
}
