/**
 * The replay that exclusions are made and judged from: every record in detection only, so that an early block hides
 * nothing; and the attacks that they are priced with.
 */
import { createHash } from 'node:crypto'
import { type CorpusRequest, corpusReader } from '../../corpora/index.js'
import {
  type CaseBook,
  ClientConduct,
  createPool,
  type EvaluatedRecord,
  isUnreadable,
  type LoadedRuleset,
  patternFacts,
  requestKey,
  type SettingsInForce,
  Tally,
  type Totals,
  type TransactionRecord,
} from '../../engine/index.js'
import type { Progress } from '../progress.js'
import { worksInMainThread } from '../replay.js'

export interface GatherRequest {
  readonly corpus: CorpusRequest
  /** Attacks beside those of the corpus; null: none. */
  readonly attacks: CorpusRequest | null
  readonly workers: number
  /** Milliseconds a record may take; 0: any time. */
  readonly recordTimeout: number
  readonly progress: Progress
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

export interface Gathered {
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
export async function gather(
  request: GatherRequest,
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
    mainThreadWorks: worksInMainThread(workers, corpus.bytes),
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

/** The attacks of the corpus, where it has any, and those beside it; each id once. */
export async function* attackRecords(
  { corpus, attacks }: Pick<GatherRequest, 'corpus' | 'attacks'>,
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
