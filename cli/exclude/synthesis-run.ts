/**
 * `wafsim exclude` from options to exclusions: replay in detection only, gather the false positives, choose and prove.
 */
import {
  type Attacks,
  allocateFor,
  type Candidate,
  CaseBook,
  type EvaluatedRecord,
  gatherAttacks,
  type IdBounds,
  type Judgement,
  judgeUnlabelled,
  type KeyFamily,
  type LoadedRuleset,
  learnFamilies,
  learnPathTemplates,
  literalFamily,
  lossModel,
  type Platform,
  type Pricing,
  filenameOf as pathOf,
  priceExclusions,
  type ScoreLimits,
  type SettingsInForce,
  type Synthesis,
  settingsInForce,
  splitTarget,
  synthesise,
  type Totals,
  textsOf,
} from '../../engine/index.js'
import { createLaboratory, type LaboratoryOptions } from '../laboratory.js'
import { loadFromOptions } from '../load.js'
import { attackRecords, type GatherRequest, gather } from './gather.js'

export interface SynthesisRequest extends LaboratoryOptions, GatherRequest {
  /** A case is cleared at such a score; null: where it passes. */
  readonly targetScore: number | null
  readonly idBounds: IdBounds
  /** Ids in the files that are updated: those of our exclusions by name, and those of people. */
  readonly writtenIds: {
    readonly previous: ReadonlyMap<string, number>
    readonly taken: ReadonlySet<number>
  } | null
  /** Unlabelled requests count as benign where the evidence makes that likely. */
  readonly likelyBenign: boolean
  readonly quiet: boolean
}

export interface SynthesisRun {
  /** In detection only. */
  readonly loaded: LoadedRuleset
  /** In the caller's own mode. */
  readonly asGiven: LoadedRuleset
  readonly name: string
  readonly settings: SettingsInForce
  readonly totals: Totals
  readonly sources: readonly string[]
  readonly digest: string
  readonly unlabelled: Judgement
  /** Unlabelled records that were taken for benign. */
  readonly likely: number
  readonly book: CaseBook
  readonly limits: ScoreLimits
  readonly attacks: Attacks
  readonly synthesis: Synthesis
  readonly pricing: Pricing
  readonly milliseconds: Readonly<Record<'replay' | 'attacks' | 'choice' | 'price', number>>
}

export async function runSynthesis(request: SynthesisRequest): Promise<SynthesisRun> {
  const laboratory = createLaboratory(request)
  const { loaded, name } = loadFromOptions({ ...request.ruleset, engineMode: 'detection-only' }, request)
  const { ruleset } = loaded
  const asGiven = loadFromOptions(request.ruleset, { quiet: true }).loaded
  const settings = settingsInForce(ruleset)
  const filenameOf = (record: EvaluatedRecord): string => pathOf(record, ruleset.platform)
  const book = new CaseBook(ruleset, settings, filenameOf)
  const watch = stopwatch()
  const gathered = await gather(request, loaded, settings, book, filenameOf)
  const replay = watch()
  const base = await laboratory.load([], 'detection-only')
  const templateOf = learnPathTemplates(gathered.paths, ruleset.platform)
  const familyOf = familiesOf(book, ruleset.platform)
  const { unlabelledIds: ids, clients, requests } = gathered
  const unlabelled = await judgeUnlabelled({ laboratory, base, book, ids, clients, requests, templateOf, familyOf })
  const likely = request.likelyBenign ? unlabelled.likely : new Set<string>()
  for (const id of ids) if (!likely.has(id)) book.setAside(id)
  const attacks = await gatherAttacks(base, attackRecords(request, gathered.totals.byLabel.attack > 0))
  const gathering = watch()
  const limits = limitsOf(settings, request.targetScore)
  const taken = new Set(ruleset.rules.map(({ id }) => id))
  const synthesis = await synthesise({
    laboratory,
    base,
    book,
    limits,
    templateOf,
    familyOf,
    filenameOf,
    lossOf: lossModel(attacks),
    giveIds: (candidates) => idsFor(candidates, request, taken),
  })
  const choice = watch()
  const { chosen } = synthesis
  const after = await laboratory.load(textsOf(chosen, synthesis.ids), 'detection-only')
  const pricing = await priceExclusions({
    laboratory,
    book,
    index: synthesis.index,
    attacks,
    chosen,
    filenameOf,
    records: gathered.totals.transactions,
    before: base,
    after,
  })
  const milliseconds = { replay, attacks: gathering, choice, price: watch() }
  const { totals, sources, digest } = gathered
  return {
    loaded,
    asGiven,
    name,
    settings,
    totals,
    sources,
    digest,
    unlabelled,
    likely: likely.size,
    book,
    limits,
    attacks,
    synthesis,
    pricing,
    milliseconds,
  }
}

/** Milliseconds since it was last asked. */
function stopwatch(): () => number {
  let last = performance.now()
  return () => {
    const now = performance.now()
    const passed = now - last
    last = now
    return passed
  }
}

/** Families of the names that hits were seen under, variable by variable. */
function familiesOf(book: CaseBook, platform: Platform): (variable: string, name: string) => KeyFamily {
  const names = new Map<string, Set<string>>()
  for (const { target } of book.atoms) {
    const { variable, key } = splitTarget(target)
    if (key === null) continue
    const set = names.get(variable) ?? new Set()
    names.set(variable, set.add(key))
  }
  const families = new Map([...names].map(([variable, set]) => [variable, learnFamilies(set, platform)]))
  return (variable, name) => families.get(variable)?.(name) ?? literalFamily(name)
}

function limitsOf(
  { inboundThreshold, outboundThreshold }: SettingsInForce,
  targetScore: number | null,
): { inbound: number; outbound: number } {
  const most = (threshold: number | null): number =>
    Math.min(targetScore ?? Number.MAX_SAFE_INTEGER, threshold === null ? Number.MAX_SAFE_INTEGER : threshold - 1)
  return { inbound: most(inboundThreshold), outbound: most(outboundThreshold) }
}

function idsFor(
  candidates: readonly Candidate[],
  { idBounds, writtenIds }: SynthesisRequest,
  taken: ReadonlySet<number>,
): ReadonlyMap<string, readonly number[]> {
  return allocateFor(
    candidates,
    idBounds,
    new Set([...taken, ...(writtenIds?.taken ?? [])]),
    writtenIds?.previous ?? new Map(),
  )
}
