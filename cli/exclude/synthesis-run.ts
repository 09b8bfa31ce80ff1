/**
 * `wafsim exclude` from options to exclusions: replay in detection only, gather the false positives, choose and prove.
 */
import { createHash } from 'node:crypto'
import type { CorpusRequest } from '../../corpora/index.js'
import { corpusReader } from '../../corpora/index.js'
import {
  type Attacks,
  allocateFor,
  type Candidate,
  CaseBook,
  ClientConduct,
  createPool,
  type EvaluatedRecord,
  gatherAttacks,
  type IdBounds,
  isUnreadable,
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
  patternFacts,
  priceExclusions,
  requestKey,
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
  /** Ids in the files that are updated: those of our exclusions by name, and those of people. */
  readonly writtenIds: {
    readonly previous: ReadonlyMap<string, number>
    readonly taken: ReadonlySet<number>
  } | null
  /** Unlabelled requests count as benign where the evidence makes that likely. */
  readonly likelyBenign: boolean
  readonly quiet: boolean
  readonly progress: Progress
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

/** The text by itself: as a part of a message from a worker it would keep the whole of it in memory. */
function detached(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

function count(paths: Map<string, number>, path: string): void {
  const seen = paths.get(path)
  if (seen !== undefined || paths.size < mostPaths) paths.set(path, (seen ?? 0) + 1)
}

interface Gathered {
  readonly totals: Totals
  readonly sources: readonly string[]
  readonly digest: string
  /** Requests by path, as rules see it. */
  readonly paths: ReadonlyMap<string, number>
  /** Requests by `requestKey`. */
  readonly requests: ReadonlyMap<string, number>
  readonly clients: ClientConduct
  /** Unlabelled records that would be blocked; they are in the book. */
  readonly unlabelledIds: ReadonlySet<string>
}

/** Replays the corpus in detection only, so that an early block hides nothing. */
async function gather(
  request: SynthesisRequest,
  loaded: LoadedRuleset,
  settings: SettingsInForce,
  book: CaseBook,
  filenameOf: (record: EvaluatedRecord) => string,
): Promise<Gathered> {
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
    origins: true,
  })
  const digest = createHash('sha256')
  const paths = new Map<string, number>()
  const requests = new Map<string, number>()
  const clients = new ClientConduct()
  const unlabelledIds = new Set<string>()
  let records = 0
  try {
    for await (const results of pool.runBatches(corpus.parts)) {
      for (const { item, verdict } of results) {
        records++
        tally.add(verdict)
        if (isUnreadable(item)) continue
        digest.update(item.digest ?? '')
        const path = detached(filenameOf(item))
        // Whoever attacks has no say in what one place of the application is.
        if (item.label !== 'attack') count(paths, path)
        count(requests, requestKey(item.request.method, path))
        if (item.evidence !== 'complete') continue
        clients.add(item, verdict)
        if (item.label === 'unknown' && verdict.wouldBlock) unlabelledIds.add(item.id)
        if (item.label === 'benign' || (item.label === 'unknown' && verdict.wouldBlock)) book.add(item, verdict)
      }
      progress.update(records, corpus.share())
    }
  } finally {
    progress.stop()
    await pool.close()
  }
  const totals = tally.totals()
  return { totals, sources: corpus.sources, digest: digest.digest('hex'), paths, requests, clients, unlabelledIds }
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
