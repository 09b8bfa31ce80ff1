/**
 * `wafsim exclude` from options to exclusions: replay in detection only, gather the false positives, choose and prove.
 */
import { createHash } from 'node:crypto'
import type { CorpusRequest } from '../../corpora/index.js'
import { corpusReader } from '../../corpora/index.js'
import {
  type Attacks,
  allocateIds,
  type Candidate,
  CaseBook,
  createPool,
  type EvaluatedRecord,
  gatherAttacks,
  type IdBounds,
  isUnreadable,
  type KeyFamily,
  type LoadedRuleset,
  learnFamilies,
  learnPathTemplates,
  literalFamily,
  lossModel,
  type Platform,
  type Pricing,
  filenameOf as pathOf,
  patternFacts,
  priceExclusions,
  type ScoreLimits,
  type SettingsInForce,
  type Synthesis,
  settingsInForce,
  splitTarget,
  synthesise,
  Tally,
  type Totals,
  type TransactionRecord,
  textsOf,
} from '../../engine/index.js'
import { createLaboratory, type LaboratoryOptions } from '../laboratory.js'
import { loadFromOptions } from '../load.js'
import type { Progress } from '../progress.js'

export interface SynthesisRequest extends LaboratoryOptions {
  readonly corpus: CorpusRequest
  /** Attacks beside those of the corpus; null: none. */
  readonly attacks: CorpusRequest | null
  /** A case is cleared at such a score; null: where it passes. */
  readonly targetScore: number | null
  readonly idBounds: IdBounds
  /** Ids that keys had in an earlier run. */
  readonly previousIds: ReadonlyMap<string, number>
  readonly quiet: boolean
  readonly progress: Progress
}

export interface SynthesisRun {
  readonly loaded: LoadedRuleset
  readonly name: string
  readonly settings: SettingsInForce
  readonly totals: Totals
  readonly sources: readonly string[]
  readonly digest: string
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
  const settings = settingsInForce(ruleset)
  const filenameOf = (record: EvaluatedRecord): string => pathOf(record, ruleset.platform)
  const book = new CaseBook(ruleset, settings, filenameOf)
  const paths = new Map<string, number>()
  const watch = stopwatch()
  const { totals, sources, digest } = await gather(request, loaded, settings, book, (record) =>
    count(paths, filenameOf(record)),
  )
  const replay = watch()
  const base = await laboratory.load([], 'detection-only')
  const attacks = await gatherAttacks(base, attackRecords(request, totals.byLabel.attack > 0))
  const gathering = watch()
  const limits = limitsOf(settings, request.targetScore)
  const taken = new Set(ruleset.rules.map(({ id }) => id))
  const synthesis = await synthesise({
    laboratory,
    base,
    book,
    limits,
    templateOf: learnPathTemplates(paths, ruleset.platform),
    familyOf: familiesOf(book, ruleset.platform),
    filenameOf,
    lossOf: lossModel(attacks),
    giveIds: (candidates) => idsFor(candidates, request, taken),
  })
  const choice = watch()
  const { chosen, ids } = synthesis
  const after = await laboratory.load(textsOf(chosen, ids), 'detection-only')
  const pricing = await priceExclusions({ laboratory, book, attacks, chosen, filenameOf, before: base, after })
  const milliseconds = { replay, attacks: gathering, choice, price: watch() }
  return { loaded, name, settings, totals, sources, digest, book, limits, attacks, synthesis, pricing, milliseconds }
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

async function* attackRecords(
  { corpus, attacks }: SynthesisRequest,
  inCorpus: boolean,
): AsyncGenerator<TransactionRecord, void, undefined> {
  const seen = new Set<string>()
  for (const request of [inCorpus ? corpus : null, attacks]) {
    if (request === null) continue
    for await (const item of corpusReader(request).items) {
      if (isUnreadable(item) || item.label !== 'attack' || seen.has(item.id)) continue
      seen.add(item.id)
      yield item
    }
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

/** LIMIT: paths that templates are learned from. */
const mostPaths = 200_000

function count(paths: Map<string, number>, path: string): void {
  const seen = paths.get(path)
  if (seen !== undefined || paths.size < mostPaths) paths.set(path, (seen ?? 0) + 1)
}

/** Replays the corpus in detection only, so that an early block hides nothing. */
async function gather(
  request: SynthesisRequest,
  loaded: LoadedRuleset,
  settings: SettingsInForce,
  book: CaseBook,
  see: (record: EvaluatedRecord) => void,
): Promise<{ totals: Totals; sources: readonly string[]; digest: string }> {
  const corpus = corpusReader(request.corpus)
  const { workers, recordTimeout, progress } = request
  const tally = new Tally({ inbound: settings.inboundThreshold, outbound: settings.outboundThreshold })
  const pool = createPool(loaded, {
    workers,
    mainThreadWorks: workers > 1,
    reader: corpus.reader,
    facts: patternFacts(loaded),
    recordTimeout,
    digests: true,
  })
  const digest = createHash('sha256')
  let records = 0
  try {
    for await (const results of pool.runBatches(corpus.parts)) {
      for (const { item, verdict } of results) {
        records++
        tally.add(verdict)
        if (isUnreadable(item)) continue
        digest.update(item.digest ?? '')
        see(item)
        if (item.evidence !== 'complete' || item.label !== 'benign') continue
        book.add(item, verdict)
      }
      progress.update(records, corpus.share())
    }
  } finally {
    progress.stop()
    await pool.close()
  }
  return { totals: tally.totals(), sources: corpus.sources, digest: digest.digest('hex') }
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
  { idBounds, previousIds }: SynthesisRequest,
  taken: ReadonlySet<number>,
): ReadonlyMap<string, readonly number[]> {
  const keys = candidates.filter(({ idsNeeded }) => idsNeeded > 0).map(({ key }) => key)
  const ids = allocateIds(keys, idBounds, taken, previousIds)
  return new Map([...ids].map(([key, id]) => [key, [id]]))
}
