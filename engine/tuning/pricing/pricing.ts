/**
 * The price of a set of exclusions: attacks that are no longer caught, as they stand, and carried in the parameters
 * and paths that the exclusions open; and the ways around each scope.
 *
 * What is lost in a place is foretold from profiles, and each attack foretold lost is replayed there, in a recorded
 * request of that place, before and after. Of the attacks foretold caught a few are replayed too.
 */
import type { ByteString, TransactionRecord } from '../../model/exchange.js'
import type { Verdict } from '../../model/verdict.js'
import type { AtomIndex } from '../atom-index.js'
import { type Applied, placeOf } from '../candidates.js'
import type { Atom, CaseBook } from '../case-book.js'
import type { Laboratory, Trial } from '../trial.js'
import type { Attacks } from './attacks.js'
import { type CarrierKind, kindOfTarget } from './carrier-kinds.js'
import { neutral, placePayload } from './carriers.js'
import type { Payload } from './payloads.js'
import { isLost, lostRules, type Price, type PricedAttack, priceOf } from './price.js'
import { settingCarriers } from './setting-carriers.js'
import { waysAround } from './ways-around.js'

/** One place that exclusions open, and what attacks carried there become. */
export interface PlacePrice {
  readonly method: ByteString
  readonly path: string
  /** As in `Match.target`; of a setting the rule that it drives. */
  readonly target: ByteString
  readonly kind: CarrierKind | 'setting'
  /** Keys of the exclusions that open it. */
  readonly keys: readonly string[]
  readonly ruleIds: readonly number[]
  /** Attacks stopped when carried there without the exclusions. */
  readonly attacksBefore: number
  readonly attacksLost: number
  readonly detectionsLost: number
  /** Attacks lost, by class. */
  readonly byClass: ReadonlyMap<string, number>
  /** Replayed: each loss was seen. Foretold: there were too many to replay all. */
  readonly proof: 'replayed' | 'foretold'
  /** Attacks that were replayed and did not do what was foretold. */
  readonly misjudged: number
  /** The same attacks lost where each rule is removed everywhere instead. */
  readonly plain: { readonly attacksLost: number; readonly detectionsLost: number }
}

/** An attack that passes with the exclusions although their scope does not mean it. */
export interface WayThrough {
  readonly variant: string
  readonly attackId: string
  readonly class: string
}

export interface ExclusionPrice {
  /** Attacks that pass where it acts and that its rule would have seen. */
  readonly attacksLost: number
  readonly detectionsLost: number
  /** Attacks tried where it acts: the denominator. */
  readonly attacksBefore: number
  readonly ways: readonly WayThrough[]
}

export interface Pricing {
  /** Attacks as they stand. */
  readonly standing: Price
  readonly places: readonly PlacePrice[]
  readonly byKey: ReadonlyMap<string, ExclusionPrice>
  readonly attacksBefore: number
  readonly attacksLost: number
  readonly detectionsLost: number
  /** The price of one SecRuleRemoveById for each rule instead, over the same attacks and places. */
  readonly plain: { readonly ruleIds: readonly number[]; readonly attacksLost: number; readonly detectionsLost: number }
}

export interface PricingInput {
  readonly laboratory: Laboratory
  readonly book: CaseBook
  readonly index: AtomIndex
  readonly attacks: Attacks
  readonly chosen: readonly Applied[]
  /** Records of the replay that the exclusions were made from. */
  readonly records: number
  filenameOf(record: TransactionRecord): ByteString
  /** The ruleset without the exclusions and with them, both in detection only. */
  readonly before: Trial
  readonly after: Trial
}

/** LIMIT: attacks replayed in all places together, a part of the records replayed; beyond it the rest is foretold. */
const fewestReplays = 10_000
const mostReplays = 20_000
const shareOfRecords = 0.1
/** Attacks foretold caught that are replayed in each place. */
const checksPerPlace = 3
/** LIMIT: places around whose scopes attacks are tried; those whose scope is a pattern come first. */
const placesWalkedAround = 60
/** Payloads tried where a setting, or a body that is no longer read, opens the door. */
const settingPayloads = 100

export async function priceExclusions(input: PricingInput): Promise<Pricing> {
  return new Pricer(input).price()
}

interface Place {
  readonly candidates: readonly Applied[]
  readonly atom: Atom
  readonly ruleIds: ReadonlySet<number>
}

interface Replayed {
  readonly before: Verdict
  readonly after: Verdict
}

interface MutableExclusionPrice {
  attacksLost: number
  detectionsLost: number
  attacksBefore: number
  readonly ways: WayThrough[]
}

class Pricer {
  readonly #byKey: Map<string, MutableExclusionPrice>
  readonly #ruleIds: readonly number[]
  /** Attacks that may be replayed in each place. */
  #replaysEach = 0
  readonly #walked = new Set<Place>()

  constructor(private readonly input: PricingInput) {
    const { chosen } = input
    this.#byKey = new Map(
      chosen.map(({ key }) => [key, { attacksLost: 0, detectionsLost: 0, attacksBefore: 0, ways: [] }]),
    )
    this.#ruleIds = [...new Set(chosen.flatMap(({ ruleIds }) => ruleIds))].sort((a, b) => a - b)
  }

  async price(): Promise<Pricing> {
    const plainText = this.#ruleIds.map((ruleId) => `SecRuleRemoveById ${ruleId}\n`).join('')
    const plain = await this.input.laboratory.load([{ placement: 'after', text: plainText }], 'detection-only')
    const standing = await this.#standing(this.input.after, (verdict, record) => this.#isTouched(verdict, record))
    const removed = new Set(this.#ruleIds)
    const plainStanding = await this.#standing(plain, ({ matches }) =>
      matches.some(({ ruleId }) => removed.has(ruleId)),
    )
    const places = await this.#places(plain)
    const sum = (pick: (place: PlacePrice) => number): number => places.reduce((total, place) => total + pick(place), 0)
    return {
      standing,
      places,
      byKey: this.#byKey,
      attacksBefore: standing.attacksBefore + sum((place) => place.attacksBefore),
      attacksLost: standing.attacksLost + sum((place) => place.attacksLost),
      detectionsLost: standing.detectionsLost + sum((place) => place.detectionsLost),
      plain: {
        ruleIds: this.#ruleIds,
        attacksLost: plainStanding.attacksLost + sum((place) => place.plain.attacksLost),
        detectionsLost: plainStanding.detectionsLost + sum((place) => place.plain.detectionsLost),
      },
    }
  }

  /** Attacks as they stand; those that the change cannot touch are what they were. */
  async #standing(after: Trial, isTouched: (verdict: Verdict, record: TransactionRecord) => boolean): Promise<Price> {
    const { attacks } = this.input
    const touched = attacks.standing.filter(({ verdict, record }) => isTouched(verdict, record))
    const apart = new Set(touched)
    const pairs: PricedAttack[] = attacks.standing
      .filter((attack) => !apart.has(attack))
      .map(({ verdict, class: name }) => ({ before: verdict, after: verdict, class: name }))
    let n = 0
    for await (const { verdict } of after.evaluate(touched.map(({ record }) => record))) {
      const attack = touched[n++]
      if (attack !== undefined) pairs.push({ before: attack.verdict, after: verdict, class: attack.class })
    }
    return priceOf(pairs, attacks.blocking)
  }

  #isTouched(verdict: Verdict, record: TransactionRecord): boolean {
    const { chosen, filenameOf, before } = this.input
    if (before.ruleset.persistent) return true
    const path = filenameOf(record)
    return chosen.some(
      (candidate) =>
        (candidate.processor !== null && candidate.scope.template?.matches(path) === true) ||
        verdict.matches.some(
          ({ ruleId, link, target }) =>
            candidate.ruleIds.includes(ruleId) && candidate.covers({ ruleId, link, target, path }),
        ),
    )
  }

  async #places(plain: Trial): Promise<readonly PlacePrice[]> {
    const { before, chosen } = this.input
    const places = this.#openedPlaces()
    const carriers = await this.#carriers(places)
    const budget = Math.min(mostReplays, Math.max(fewestReplays, this.input.records * shareOfRecords))
    this.#replaysEach = Math.max(1, Math.floor(budget / Math.max(1, places.length)))
    const isPattern = ({ candidates }: Place): number => (candidates[0]?.scope.template?.literal === false ? 1 : 0)
    const inOrder = [...places].sort((a, b) => isPattern(b) - isPattern(a))
    for (const place of spread(inOrder, placesWalkedAround)) this.#walked.add(place)
    const prices: PlacePrice[] = []
    for (const place of places) {
      const shown = carriers.get(place.atom.examples[0] ?? '')
      const carrier = shown === undefined ? undefined : this.#neutral(shown, place.atom.target)
      const kind = carrier === undefined ? null : kindOfTarget(before.ruleset, carrier, place.atom.target)
      if (carrier === undefined || kind === null) continue
      prices.push(await this.#place(place, carrier, kind))
    }
    for (const candidate of chosen) {
      const price = await this.#setting(candidate, plain)
      if (price !== null) prices.push(price)
    }
    return prices
  }

  /** Each place that an exclusion opens, with an atom that shows it and all rules that no longer look there. */
  #openedPlaces(): readonly Place[] {
    const { chosen, book, index } = this.input
    const groups = new Map<string, { candidates: Applied[]; atom: Atom }>()
    const covering = index.coverage(chosen)
    for (const atom of book.atoms) {
      if (atom.examples.length === 0) continue
      for (const candidate of covering.get(atom.index) ?? []) {
        if (candidate.kind === 'setting') continue
        const place = `${placeOf(candidate)} ${candidate.targets.length === 0 ? atom.target : ''}`
        const group = groups.get(place)
        if (group === undefined) groups.set(place, { candidates: [candidate], atom })
        else if (!group.candidates.includes(candidate)) group.candidates.push(candidate)
      }
    }
    const byScope = new Map<string, Applied[]>()
    for (const candidate of chosen) {
      const scope = candidate.scope.template?.operator ?? ''
      const list = byScope.get(scope)
      if (list === undefined) byScope.set(scope, [candidate])
      else list.push(candidate)
    }
    return [...groups.values()].map(({ candidates, atom: { target, path }, atom }) => {
      const scopes = new Set(['', candidates[0]?.scope.template?.operator ?? ''])
      const removing = [...scopes]
        .flatMap((scope) => byScope.get(scope) ?? [])
        .filter(({ ruleIds, covers }) => ruleIds.some((ruleId) => covers({ ruleId, link: 0, target, path })))
      return { candidates, atom, ruleIds: new Set(removing.flatMap(({ ruleIds }) => ruleIds)) }
    })
  }

  /** Recorded requests that show a place, by id. */
  async #carriers(places: readonly Place[]): Promise<ReadonlyMap<string, TransactionRecord>> {
    const wanted = new Set(places.map(({ atom }) => atom.examples[0] ?? ''))
    const carriers = new Map<string, TransactionRecord>()
    for await (const record of this.input.laboratory.recordsWithIds(wanted)) carriers.set(record.id, record)
    return carriers
  }

  /** The request with everything in it that hits made harmless, but for the place of a payload. */
  #neutral(record: TransactionRecord, target: ByteString): TransactionRecord {
    const { book, before } = this.input
    const atoms = book.caseOf(record.id)?.hits.flatMap((hit) => hit.atoms) ?? []
    const targets = new Set(atoms.map((atom) => book.atoms[atom]?.target ?? ''))
    return neutral(before.ruleset, record, targets, target)
  }

  async #place(place: Place, carrier: TransactionRecord, kind: CarrierKind): Promise<PlacePrice> {
    const { profiles } = this.input.attacks
    const { atom, candidates, ruleIds } = place
    const foretold = profiles.lostPositions(kind, ruleIds)
    const lostThere = new Set(foretold)
    const caught = profiles.firedPositions(kind, ruleIds).filter((position) => !lostThere.has(position))
    const replayed = spread(foretold, this.#replaysEach)
    const checks = spread(caught, Math.min(checksPerPlace, this.#replaysEach))
    const carried = [...replayed, ...checks].flatMap((position) => {
      const attack = placePayload(this.input.before.ruleset, carrier, atom.target, this.#payload(position).value)
      return 'refused' in attack ? [] : [{ position, record: { ...attack.record, id: `${carrier.id} ${position}` } }]
    })
    const verdicts = await this.#replay(carried.map(({ record }) => record))
    const byClass = new Map<string, number>()
    let attacksLost = foretold.length - replayed.length
    let misjudged = 0
    let firstLost: number | null = null
    for (const [n, { position }] of carried.entries()) {
      const { before, after } = verdicts[n] as Replayed
      const isGone = isLost(before, after, this.input.attacks.blocking)
      if (isGone !== lostThere.has(position)) misjudged++
      if (!isGone) continue
      attacksLost++
      firstLost ??= position
      const { class: name } = this.#payload(position)
      byClass.set(name, (byClass.get(name) ?? 0) + 1)
      this.#blame(candidates, before, after)
    }
    const attacksBefore = profiles.stopped(kind)
    for (const { key, ruleIds: own } of candidates) {
      const price = this.#priceOf(key)
      price.attacksBefore += attacksBefore
      price.detectionsLost += profiles.detectionsWithout(kind, new Set(own))
    }
    if (firstLost !== null && this.#walked.has(place)) await this.#waysThrough(place, carrier, firstLost)
    const all = new Set(this.#ruleIds)
    return {
      method: atom.method,
      path: candidates[0]?.scope.template?.text ?? atom.path,
      target: atom.target,
      kind,
      keys: candidates.map(({ key }) => key),
      ruleIds: [...ruleIds].sort((a, b) => a - b),
      attacksBefore,
      attacksLost,
      detectionsLost: profiles.detectionsWithout(kind, ruleIds),
      byClass,
      proof: replayed.length === foretold.length ? 'replayed' : 'foretold',
      misjudged,
      plain: {
        attacksLost: profiles.lostWithout(kind, all),
        detectionsLost: profiles.detectionsWithout(kind, all),
      },
    }
  }

  /** Counts a lost attack for each exclusion whose rule would have fired on it. */
  #blame(candidates: readonly Applied[], before: Verdict, after: Verdict): void {
    const gone = new Set(lostRules(before, after, this.input.attacks.blocking))
    for (const { key, ruleIds } of candidates)
      if (ruleIds.some((ruleId) => gone.has(ruleId))) this.#priceOf(key).attacksLost++
  }

  #priceOf(key: string): MutableExclusionPrice {
    return this.#byKey.get(key) as MutableExclusionPrice
  }

  #payload(position: number): Payload {
    return this.input.attacks.profiles.payloads[position] as Payload
  }

  async #replay(records: readonly TransactionRecord[]): Promise<readonly Replayed[]> {
    const { before, after } = this.input
    const first: Verdict[] = []
    for await (const { verdict } of before.evaluate(records)) first.push(verdict)
    const pairs: Replayed[] = []
    for await (const { verdict } of after.evaluate(records))
      pairs.push({ before: first[pairs.length] as Verdict, after: verdict })
    return pairs
  }

  /** Tries an attack that is lost in the place at paths and under names that its scope does not mean. */
  async #waysThrough({ candidates, atom }: Place, carrier: TransactionRecord, position: number): Promise<void> {
    const [{ scope, targets } = { scope: null, targets: [] }] = candidates
    const payload = this.#payload(position)
    const variants = waysAround(this.input.before.ruleset, carrier, atom.target, payload.value, {
      path: scope?.template?.text ?? null,
      host: scope?.host ?? null,
      method: scope?.method ?? null,
      hasTargets: targets.length > 0,
    }).filter(({ sameScope }) => !sameScope)
    const verdicts = await this.#replay(variants.map(({ record }) => record))
    for (const [n, { name: variant }] of variants.entries()) {
      const { before, after } = verdicts[n] as Replayed
      if (!isLost(before, after, this.input.attacks.blocking)) continue
      const gone = new Set(lostRules(before, after, this.input.attacks.blocking))
      for (const { key, ruleIds } of candidates)
        if (ruleIds.some((ruleId) => gone.has(ruleId)))
          this.#priceOf(key).ways.push({ variant, attackId: payload.recordId, class: payload.class })
    }
  }

  /** Attacks in the content type, method or size that a rule, driven by a setting, no longer refuses. */
  async #setting(candidate: Applied, plain: Trial): Promise<PlacePrice | null> {
    const [ruleId = 0] = candidate.ruleIds
    const { book, attacks, index } = this.input
    const { template } = candidate.scope
    const compared = book.comparedBy(ruleId, (path) => template === null || template.matches(path))
    const shown = book.atoms[index.atomsOf(candidate)[0] ?? -1]
    const tried = spread([...attacks.profiles.payloads.keys()], settingPayloads).flatMap((position) =>
      settingCarriers(ruleId, compared, this.#payload(position).value).map(({ record }) => ({
        name: this.#payload(position).class,
        record: template === null || shown === undefined ? record : atPath(record, shown.path),
      })),
    )
    if (tried.length === 0 || shown === undefined) return null
    const records = tried.map(({ record }) => record)
    const verdicts = await this.#replay(records)
    const pairs = verdicts.map((pair, n) => ({ ...pair, class: tried[n]?.name ?? '' }))
    const price = priceOf(pairs, attacks.blocking)
    let n = 0
    const plainPairs: PricedAttack[] = []
    for await (const { verdict } of plain.evaluate(records))
      plainPairs.push({ ...(pairs[n++] as PricedAttack), after: verdict })
    const plainPrice = priceOf(plainPairs, attacks.blocking)
    const own = this.#priceOf(candidate.key)
    own.attacksBefore += price.attacksBefore
    own.attacksLost += price.attacksLost
    own.detectionsLost += price.detectionsLost
    return {
      method: shown.method,
      path: template?.text ?? '*',
      target: shown.target,
      kind: 'setting',
      keys: [candidate.key],
      ruleIds: candidate.ruleIds,
      attacksBefore: price.attacksBefore,
      attacksLost: price.attacksLost,
      detectionsLost: price.detectionsLost,
      byClass: new Map([...price.byClass].map(([name, { attacksLost }]) => [name, attacksLost])),
      proof: 'replayed',
      misjudged: 0,
      plain: plainPrice,
    }
  }
}

function atPath(record: TransactionRecord, path: ByteString): TransactionRecord {
  const query = record.request.uri.indexOf('?')
  const uri = query < 0 ? path : path + record.request.uri.slice(query)
  return { ...record, request: { ...record.request, uri } }
}

/** At most so many of the values, evenly spread. */
function spread<T>(values: readonly T[], most: number): readonly T[] {
  if (values.length <= most) return values
  return Array.from({ length: most }, (_, n) => values[Math.floor((n * values.length) / most)] as T)
}
