/**
 * `wafsim exclude` from options to exclusions: replay in detection only, gather the false positives, choose and prove.
 */
import type { CorpusRequest } from '../../corpora/index.js'
import { corpusReader } from '../../corpora/index.js'
import {
  allocateIds,
  type Candidate,
  CaseBook,
  createPool,
  type EvaluatedRecord,
  type IdBounds,
  isUnreadable,
  type LoadedRuleset,
  learnPathTemplates,
  literalFamily,
  filenameOf as pathOf,
  patternFacts,
  type SettingsInForce,
  type Synthesis,
  settingsInForce,
  synthesise,
  Tally,
  type Totals,
} from '../../engine/index.js'
import { createLaboratory, type LaboratoryOptions } from '../laboratory.js'
import { loadFromOptions } from '../load.js'
import type { Progress } from '../progress.js'

export interface SynthesisRequest extends LaboratoryOptions {
  readonly corpus: CorpusRequest
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
  readonly book: CaseBook
  readonly synthesis: Synthesis
}

export async function runSynthesis(request: SynthesisRequest): Promise<SynthesisRun> {
  const laboratory = createLaboratory(request)
  const { loaded, name } = loadFromOptions({ ...request.ruleset, engineMode: 'detection-only' }, request)
  const { ruleset } = loaded
  const settings = settingsInForce(ruleset)
  const filenameOf = (record: EvaluatedRecord): string => pathOf(record, ruleset.platform)
  const book = new CaseBook(ruleset, settings, filenameOf)
  const paths = new Map<string, number>()
  const totals = await gather(request, loaded, settings, book, (record) => count(paths, filenameOf(record)))
  const limits = limitsOf(settings, request.targetScore)
  const taken = new Set(ruleset.rules.map(({ id }) => id))
  const synthesis = await synthesise({
    laboratory,
    base: { ruleset, settings, evaluate: () => noRecords() },
    book,
    limits,
    templateOf: learnPathTemplates(paths, ruleset.platform),
    familyOf: (_variable, key) => literalFamily(key),
    filenameOf,
    lossOf: () => 1,
    giveIds: (candidates) => idsFor(candidates, request, taken),
  })
  return { loaded, name, settings, totals, book, synthesis }
}

/** LIMIT: paths that templates are learned from. */
const mostPaths = 200_000

function count(paths: Map<string, number>, path: string): void {
  const seen = paths.get(path)
  if (seen !== undefined || paths.size < mostPaths) paths.set(path, (seen ?? 0) + 1)
}

async function* noRecords(): AsyncGenerator<never, void, undefined> {}

/** Replays the corpus in detection only, so that an early block hides nothing. */
async function gather(
  request: SynthesisRequest,
  loaded: LoadedRuleset,
  settings: SettingsInForce,
  book: CaseBook,
  see: (record: EvaluatedRecord) => void,
): Promise<Totals> {
  const corpus = corpusReader(request.corpus)
  const { workers, recordTimeout, progress } = request
  const tally = new Tally({ inbound: settings.inboundThreshold, outbound: settings.outboundThreshold })
  const pool = createPool(loaded, {
    workers,
    mainThreadWorks: workers > 1,
    reader: corpus.reader,
    facts: patternFacts(loaded),
    recordTimeout,
  })
  let records = 0
  try {
    for await (const results of pool.runBatches(corpus.parts)) {
      for (const { item, verdict } of results) {
        records++
        tally.add(verdict)
        if (isUnreadable(item)) continue
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
  return tally.totals()
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
