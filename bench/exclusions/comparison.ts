/**
 * Two sets of exclusions over the same false positives and the same attacks: as they stand, and carried in every place
 * of the recorded requests that either set opens. Everything is evaluated before and after; nothing is foretold.
 *
 * A place is opened where a rule that one of the sets silences somewhere no longer fires on an attack of its own.
 */
import { corpusReader } from '../../corpora/index.js'
import {
  type Attacks,
  evaluate,
  filenameOf,
  gatherAttacks,
  hitsOf,
  inspectedValues,
  isLost,
  isUnreadable,
  type LoadedRuleset,
  loadRuleset,
  lostRules,
  neutral,
  type PlatformName,
  placePayload,
  priceOf,
  settingsInForce,
  type TransactionRecord,
  type Trial,
  type Verdict,
} from '../../engine/index.js'
import { type PlacedText, resolveRuleset } from '../../rulesets/index.js'

export interface ComparisonInput {
  readonly rules: readonly string[]
  readonly platform: PlatformName
  readonly paranoia?: number
  /** Benign records are taken. */
  readonly corpus: readonly string[]
  readonly attacks: readonly string[]
  readonly sets: readonly ExclusionSet[]
  /** Payloads carried in each place, evenly spread; all by default. */
  readonly payloads?: number
  /** Told of each place as it is done. */
  readonly onPlace?: (done: number, of: number) => void
}

export interface ExclusionSet {
  readonly name: string
  readonly texts: readonly PlacedText[]
}

export interface SetResult {
  readonly name: string
  /** Benign requests that would be blocked with the set. */
  readonly falsePositives: number
  /** Directives and `ctl` actions that take rules or targets away, or change a setting. */
  readonly exclusions: number
  readonly placesOpened: number
  readonly standingLost: number
  readonly carriedLost: number
  readonly detectionsLost: number
  /** Attacks lost, carried and standing, by class. */
  readonly byClass: ReadonlyMap<string, number>
}

export interface Comparison {
  readonly benign: number
  readonly falsePositives: number
  /** Attacks stopped as they stand, without exclusions. */
  readonly standing: number
  /** Attacks stopped in the places, without exclusions. */
  readonly carried: number
  readonly places: number
  readonly sets: readonly SetResult[]
}

interface Place {
  readonly carrier: TransactionRecord
  readonly target: string
  /** Sets that open it, by position. */
  readonly openedBy: readonly number[]
}

/** LIMIT: attacks of a rule that are tried in order to find out whether a place is open for it. */
const probesEach = 2

export async function compareExclusions(input: ComparisonInput): Promise<Comparison> {
  const base = load(input, [])
  const loaded = input.sets.map(({ texts }) => load(input, texts))
  const benign = await recordsLabelled(input.corpus, 'benign')
  const plain = benign.map((record) => run(base, record))
  const attacks = await gatherAttacks(trialOf(base), recordsOf(input.attacks, 'attack'))
  const silenced = new Set<number>()
  const falsePositives = loaded.map(
    (set) =>
      benign.filter((record, n) => {
        const after = run(set, record)
        for (const id of lostRules(plain[n] as Verdict, after, attacks.blocking)) silenced.add(id)
        return after.wouldBlock
      }).length,
  )
  const places = openedPlaces(base, loaded, benign, plain, probesOf(attacks, silenced), attacks)
  const totals = loaded.map(() => ({ carriedLost: 0, detectionsLost: 0, byClass: new Map<string, number>() }))
  const payloads = spread(attacks.profiles.payloads, input.payloads ?? Number.MAX_SAFE_INTEGER)
  let carried = 0
  for (const [done, { carrier, target }] of places.entries()) {
    for (const { value, class: name } of payloads) {
      const attack = placePayload(base.ruleset, carrier, target, value)
      if ('refused' in attack) continue
      const before = run(base, attack.record)
      if (!before.wouldBlock || !attacks.blocking.stopsWithoutProtocol(before)) continue
      carried++
      for (const [n, set] of loaded.entries()) {
        const total = totals[n] as (typeof totals)[number]
        const after = run(set, attack.record)
        total.detectionsLost += lostRules(before, after, attacks.blocking).length
        if (!isLost(before, after, attacks.blocking)) continue
        total.carriedLost++
        total.byClass.set(name, (total.byClass.get(name) ?? 0) + 1)
      }
    }
    input.onPlace?.(done + 1, places.length)
  }
  let standing = 0
  const sets = input.sets.map(({ name, texts }, n): SetResult => {
    const total = totals[n] as (typeof totals)[number]
    const price = priceOf(
      attacks.standing.map(({ record, verdict, class: kind }) => ({
        before: verdict,
        after: run(loaded[n] as LoadedRuleset, record),
        class: kind,
      })),
      attacks.blocking,
    )
    standing = price.attacksBefore
    for (const [kind, { attacksLost }] of price.byClass)
      if (attacksLost > 0) total.byClass.set(kind, (total.byClass.get(kind) ?? 0) + attacksLost)
    return {
      name,
      falsePositives: falsePositives[n] ?? 0,
      exclusions: countExclusions(texts.map(({ text }) => text).join('\n')),
      placesOpened: places.filter(({ openedBy }) => openedBy.includes(n)).length,
      standingLost: price.attacksLost,
      carriedLost: total.carriedLost,
      detectionsLost: total.detectionsLost + price.detectionsLost,
      byClass: new Map([...total.byClass].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))),
    }
  })
  return {
    benign: benign.length,
    falsePositives: plain.filter(({ wouldBlock }) => wouldBlock).length,
    standing,
    carried,
    places: places.length,
    sets,
  }
}

/** Actions and directives that exclude, and settings that are changed; comments do not count. */
export function countExclusions(text: string): number {
  const code = text.replace(/^\s*#.*$/gm, '')
  return (code.match(/\bctl:ruleRemove|^\s*SecRule(?:Remove|UpdateTarget)By|\bsetvar:/gim) ?? []).length
}

/** In detection only, where no block hides what else fires. */
function load({ rules, platform, paranoia }: ComparisonInput, texts: readonly PlacedText[]): LoadedRuleset {
  const { parts } = resolveRuleset({ rules, platform, texts, ...(paranoia === undefined ? {} : { paranoia }) })
  return loadRuleset({ parts, platform, engineMode: 'detection-only' })
}

function run({ ruleset }: LoadedRuleset, record: TransactionRecord): Verdict {
  return evaluate(ruleset, record)
}

function trialOf(loaded: LoadedRuleset): Trial {
  return {
    ruleset: loaded.ruleset,
    settings: settingsInForce(loaded.ruleset),
    evaluate: async function* (records) {
      for await (const record of records) yield { record, verdict: run(loaded, record) }
    },
  }
}

async function* recordsOf(specs: readonly string[], label: string): AsyncGenerator<TransactionRecord, void, undefined> {
  const seen = new Set<string>()
  for await (const item of corpusReader({ specs, assumeBenign: false, labels: [], filters: [] }).items) {
    if (isUnreadable(item) || item.label !== label || seen.has(item.id)) continue
    seen.add(item.id)
    yield item
  }
}

async function recordsLabelled(specs: readonly string[], label: string): Promise<readonly TransactionRecord[]> {
  const records: TransactionRecord[] = []
  for await (const record of recordsOf(specs, label)) if (record.evidence === 'complete') records.push(record)
  return records
}

/** Attacks on which the rules fire: few for each. */
function probesOf({ profiles }: Attacks, ruleIds: ReadonlySet<number>): readonly string[] {
  const positions = new Set<number>()
  for (const id of ruleIds)
    for (const position of spread(profiles.firedPositions('form', new Set([id])), probesEach)) positions.add(position)
  return [...positions].flatMap((position) => profiles.payloads[position]?.value ?? [])
}

/** Values of the records that one of the sets no longer has inspected as before: each place once. */
function openedPlaces(
  base: LoadedRuleset,
  sets: readonly LoadedRuleset[],
  benign: readonly TransactionRecord[],
  plain: readonly Verdict[],
  probes: readonly string[],
  { blocking }: Attacks,
): readonly Place[] {
  const places = new Map<string, Place>()
  for (const [n, record] of benign.entries()) {
    const hits = hitsOf(plain[n] as Verdict, () => false).flatMap(({ sources }) => sources.map(({ target }) => target))
    for (const target of targetsOf(base, record, hits)) {
      const key = JSON.stringify([record.request.method, filenameOf(record, base.ruleset.platform), target])
      if (places.has(key)) continue
      const carrier = neutral(base.ruleset, record, new Set(hits), target)
      const openedBy = openersOf(base, sets, carrier, target, probes, blocking)
      if (openedBy.length > 0) places.set(key, { carrier, target, openedBy })
    }
  }
  return [...places.values()]
}

function openersOf(
  base: LoadedRuleset,
  sets: readonly LoadedRuleset[],
  carrier: TransactionRecord,
  target: string,
  probes: readonly string[],
  blocking: Attacks['blocking'],
): readonly number[] {
  const openers = new Set<number>()
  for (const value of probes) {
    const attack = placePayload(base.ruleset, carrier, target, value)
    if ('refused' in attack) continue
    const before = run(base, attack.record)
    for (const [n, set] of sets.entries())
      if (!openers.has(n) && lostRules(before, run(set, attack.record), blocking).length > 0) openers.add(n)
    if (openers.size === sets.length) break
  }
  return [...openers]
}

/** Values that a client writes: arguments, cookies, XML, and wherever else something hit. */
function targetsOf(
  { ruleset }: LoadedRuleset,
  record: TransactionRecord,
  hits: readonly string[],
): ReadonlySet<string> {
  const written = inspectedValues(ruleset, record)
    .map(({ target }) => target)
    .filter((target) => /^(?:ARGS|REQUEST_COOKIES|FILES|XML):/.test(target))
  return new Set([...written, ...hits])
}

/** At most so many of the values, evenly spread. */
function spread<T>(values: readonly T[], most: number): readonly T[] {
  if (values.length <= most) return values
  return Array.from({ length: most }, (_, n) => values[Math.floor((n * values.length) / most)] as T)
}
