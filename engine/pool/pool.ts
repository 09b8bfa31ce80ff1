/**
 * Replays corpora through a ruleset on several threads, results in input order. A ruleset whose persistent
 * collections carry from one record to the next is evaluated in the main thread, in capture order.
 *
 * In short runs the main thread is one of the workers; it looks up from its batch to serve the others.
 *
 * Memory is bounded: at most a few batches a worker are under way, and reading waits for them. A worker that
 * dies is replaced; its batch is tried once more, record by record, so that only the record that kills it
 * ends in an error verdict.
 */
import { setImmediate } from 'node:timers/promises'
import type { LoadedRuleset } from '../compile/source.js'
import { allShortcuts } from '../matching/index.js'
import { type CorpusItem, type CorpusPart, isRawLines, isUnreadable, type RawLines } from '../model/exchange.js'
import { createPersistentStore } from '../transaction/persistent.js'
import { errorVerdict, reasonOf } from '../transaction/verdict.js'
import { type BatchOptions, evaluateItem, type LineReader, openReader, type Result, resultOf } from './batch.js'
import { Threads } from './threads.js'
import { packItems, unpackResults } from './wire.js'

export interface PoolOptions extends BatchOptions {
  /** 0: the main thread evaluates. */
  readonly workers: number
  /** The main thread is one of the workers: for runs so short that another thread would not be worth its start. */
  readonly mainThreadWorks?: boolean
  /** Threads that were started beforehand, as many as `startedThreads`; the pool closes them. */
  readonly threads?: Threads
  /** `patternFacts` of the ruleset; without them each thread finds them out. */
  readonly facts?: string
  /** Reads the raw lines of the corpus. */
  readonly reader?: LineReader
  /** Records a message; larger batches cost less a record and take longer to the first result. */
  readonly batchSize?: number
  /** Workers make profiles of themselves, for `Pool.profiles`. */
  readonly profile?: boolean
  /** Another worker file; for tests of what happens when a worker dies. */
  readonly workerFile?: URL
}

export interface Pool {
  /** Results in input order. Ends early where the caller stops iterating. */
  run(parts: AsyncIterable<CorpusPart>): AsyncGenerator<Result, void, undefined>
  /** The same, as many at a time as come together. */
  runBatches(parts: AsyncIterable<CorpusPart>): AsyncGenerator<readonly Result[], void, undefined>
  /** Ends the profiles of the workers, each in pprof's format; none of a pool in the main thread. To be called once. */
  profiles(): Promise<readonly Uint8Array[]>
  close(): Promise<void>
}

const defaultBatchSize = 64
/** LIMIT: a batch is sent once its bodies come to this many bytes, however few its records. */
const batchBytes = 1 << 20
/** Batches under way for each worker: two with it, one on its way. */
const batchesPerWorker = 3
/** LIMIT: batches that the main thread may be done with before an earlier one comes from a thread that is starting. */
const batchesAhead = 64

export function createPool(loaded: LoadedRuleset, options: PoolOptions): Pool {
  const { threads } = options
  if (threadsFor(loaded, options) > 0 && startedThreads(options) > 0) return pool(workerBatches(loaded, options))
  return pool({
    run: (parts) => mainThreadBatches(loaded, options, parts),
    profiles: async () => [],
    close: async () => threads?.close(),
  })
}

/** Threads that evaluate; 0 where the main thread does alone, as where persistent collections ask for capture order. */
export function threadsFor(loaded: LoadedRuleset, { workers }: PoolOptions): number {
  return loaded.ruleset.persistent ? 0 : workers
}

/** Threads that are started for a pool beside the main thread. */
export function startedThreads({
  workers,
  mainThreadWorks = false,
}: Pick<PoolOptions, 'workers' | 'mainThreadWorks'>): number {
  return mainThreadWorks ? Math.max(0, workers - 1) : workers
}

interface Batches {
  run(parts: AsyncIterable<CorpusPart>): AsyncGenerator<readonly Result[], void, undefined>
  profiles(): Promise<readonly Uint8Array[]>
  close(): Promise<void>
}

function pool({ run, profiles, close }: Batches): Pool {
  return {
    async *run(parts) {
      for await (const results of run(parts)) yield* results
    },
    runBatches: run,
    profiles,
    close,
  }
}

async function* mainThreadBatches(
  { ruleset }: LoadedRuleset,
  options: PoolOptions,
  parts: AsyncIterable<CorpusPart>,
): AsyncGenerator<readonly Result[], void, undefined> {
  const withStore = { ...options, store: createPersistentStore() }
  for await (const part of parts)
    for (const item of isRawLines(part) ? await itemsIn(part, options) : [part])
      yield [evaluateItem(ruleset, item, withStore)]
}

/** Milliseconds of evaluation in the main thread between two looks at what the threads have sent. */
const patience = 2

async function evaluateHere(
  { ruleset }: LoadedRuleset,
  batch: readonly CorpusItem[] | RawLines,
  options: PoolOptions,
): Promise<readonly Result[]> {
  const results: Result[] = []
  let looked = performance.now()
  for (const item of 'bytes' in batch ? await itemsIn(batch, options) : batch) {
    results.push(evaluateItem(ruleset, item, options))
    if (performance.now() - looked < patience) continue
    await setImmediate()
    looked = performance.now()
  }
  return results
}

async function itemsIn(lines: RawLines, { reader }: PoolOptions): Promise<readonly CorpusItem[]> {
  if (reader === undefined) throw new Error('raw lines without a reader')
  return (await openReader(reader))(lines)
}

function workerBatches(loaded: LoadedRuleset, options: PoolOptions): Batches {
  const threads = options.threads ?? new Threads(startedThreads(options), options.workerFile)
  const { allRules = false, digests = false, origins = false, shortcuts = allShortcuts, recordTimeout = 0 } = options
  const { reader = null, profile = false, facts = null, liftExclusions } = options
  threads.setUp({
    source: loaded.source,
    options: {
      allRules,
      shortcuts,
      ...(recordTimeout > 0 ? { recordTimeout } : {}),
      ...(digests ? { digests } : {}),
      ...(origins ? { origins } : {}),
      ...(liftExclusions === undefined ? {} : { liftExclusions }),
    },
    reader,
    profile,
    facts,
  })
  const { mainThreadWorks = false } = options
  const underWay = threads.count * batchesPerWorker
  const most = mainThreadWorks ? underWay + batchesAhead : underWay
  return {
    async *run(parts) {
      const pending: Pending[] = []
      let withThreads = 0
      let isFirst = true
      for await (const batch of batches(parts, options.batchSize ?? defaultBatchSize)) {
        // The threads are still starting at the first batch.
        if (mainThreadWorks && (isFirst || withThreads >= underWay)) {
          pending.push({ results: await evaluateHere(loaded, batch, options) })
        } else {
          withThreads++
          const results = evaluateBatch(threads, batch, options)
          const entry: Pending = { results }
          pending.push(entry)
          // Where an earlier batch fails first, this rejection must not count as unhandled.
          results.then(
            (done) => {
              withThreads--
              entry.results = done
            },
            () => withThreads--,
          )
        }
        isFirst = false
        while (pending.length >= most || isDone(pending[0])) yield (await pending.shift()?.results) ?? []
      }
      for (const { results } of pending) yield await results
    },
    profiles: () => (profile ? threads.profiles() : Promise.resolve([])),
    close: () => threads.close(),
  }
}

/** Results of a batch: a promise until they are there. */
interface Pending {
  results: readonly Result[] | Promise<readonly Result[]>
}

function isDone(first: Pending | undefined): boolean {
  return first !== undefined && !(first.results instanceof Promise)
}

async function* batches(
  parts: AsyncIterable<CorpusPart>,
  size: number,
): AsyncGenerator<readonly CorpusItem[] | RawLines, void, undefined> {
  let batch: CorpusItem[] = []
  let bytes = 0
  for await (const part of parts) {
    const isRaw = isRawLines(part)
    if (!isRaw) {
      batch.push(part)
      if (!isUnreadable(part)) bytes += part.request.body.length + (part.response?.body.length ?? 0)
    }
    if (batch.length > 0 && (isRaw || batch.length >= size || bytes >= batchBytes)) {
      yield batch
      batch = []
      bytes = 0
    }
    if (isRaw) yield part
  }
  if (batch.length > 0) yield batch
}

async function evaluateBatch(
  threads: Threads,
  batch: readonly CorpusItem[] | RawLines,
  options: PoolOptions,
): Promise<readonly Result[]> {
  try {
    if ('bytes' in batch) return unpackResults(await threads.run({ kind: 'lines', lines: batch }))
    return await evaluateItems(threads, batch)
  } catch {
    const results: Result[] = []
    for (const item of 'bytes' in batch ? await itemsIn(batch, options) : batch)
      results.push(await evaluateAlone(threads, item, options))
    return results
  }
}

async function evaluateItems(threads: Threads, items: readonly CorpusItem[]): Promise<readonly Result[]> {
  return unpackResults(await threads.run({ kind: 'items', bytes: packItems(items) }))
}

async function evaluateAlone(threads: Threads, item: CorpusItem, options: PoolOptions): Promise<Result> {
  try {
    return (await evaluateItems(threads, [item]))[0] as Result
  } catch (error) {
    const label = isUnreadable(item) ? 'unknown' : item.label
    const evidence = isUnreadable(item) ? 'complete' : item.evidence
    const reason = `the worker died on this record (${reasonOf(error)})`
    return resultOf(item, errorVerdict(item.id, label, evidence, reason), options)
  }
}
