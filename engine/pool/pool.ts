/**
 * Replays corpus items through a ruleset on several threads, results in input order. A ruleset whose persistent
 * collections carry from one record to the next is evaluated in the main thread, in capture order.
 *
 * Memory is bounded: at most a few batches a worker are under way, and reading waits for them. A worker that
 * dies is replaced; its batch is tried once more, record by record, so that only the record that kills it
 * ends in an error verdict.
 */
import { Piscina } from 'piscina'
import type { LoadedRuleset } from '../compile/source.js'
import { allShortcuts } from '../matching/index.js'
import { type CorpusItem, isUnreadable } from '../model/exchange.js'
import type { Verdict } from '../model/verdict.js'
import { createPersistentStore } from '../transaction/persistent.js'
import { type EvaluateOptions, errorVerdict, reasonOf } from '../transaction/verdict.js'
import { evaluateItem } from './batch.js'
import { packItems, unpackVerdicts } from './wire.js'
import type { WorkerData } from './worker.js'

export interface PoolOptions extends EvaluateOptions {
  /** 0: the main thread evaluates. */
  readonly workers: number
  /** Records a message; larger batches cost less a record and take longer to the first result. */
  readonly batchSize?: number
  /** Another worker file; for tests of what happens when a worker dies. */
  readonly workerFile?: URL
}

export interface Result {
  readonly item: CorpusItem
  readonly verdict: Verdict
}

export interface Pool {
  /** Verdicts in input order. Ends early where the caller stops iterating. */
  run(items: AsyncIterable<CorpusItem>): AsyncGenerator<Result, void, undefined>
  close(): Promise<void>
}

const defaultBatchSize = 64
/** LIMIT: a batch is sent once its bodies come to this many bytes, however few its records. */
const batchBytes = 1 << 20
/** Batches under way for each worker: one at work, the others waiting. */
const batchesPerWorker = 3

export function createPool(loaded: LoadedRuleset, options: PoolOptions): Pool {
  return threadsFor(loaded, options) === 0 ? mainThreadPool(loaded, options) : workerPool(loaded, options)
}

/** Threads that evaluate beside the main thread; 0 where persistent collections ask for capture order. */
export function threadsFor(loaded: LoadedRuleset, { workers }: PoolOptions): number {
  return loaded.ruleset.persistent ? 0 : workers
}

function mainThreadPool(loaded: LoadedRuleset, options: PoolOptions): Pool {
  return {
    async *run(items) {
      const store = createPersistentStore()
      for await (const item of items) yield { item, verdict: evaluateItem(loaded.ruleset, item, { ...options, store }) }
    },
    close: async () => {},
  }
}

function workerPool(loaded: LoadedRuleset, options: PoolOptions): Pool {
  const piscina = new Piscina({
    filename: (options.workerFile ?? new URL('./worker.js', import.meta.url)).href,
    minThreads: options.workers,
    maxThreads: options.workers,
    idleTimeout: 60_000,
    // A dying worker takes all its tasks with it; with one task it is clear which batch killed it.
    concurrentTasksPerWorker: 1,
    workerData: workerData(loaded, options),
  })
  piscina.on('error', () => {
    // A worker died between two batches; piscina starts another one.
  })
  const underWay = options.workers * batchesPerWorker
  return {
    async *run(items) {
      const pending: Promise<readonly Result[]>[] = []
      for await (const batch of batches(items, options.batchSize ?? defaultBatchSize)) {
        const results = evaluateBatch(piscina, batch)
        // Where an earlier batch fails first, this rejection must not count as unhandled.
        results.catch(() => {})
        pending.push(results)
        if (pending.length >= underWay) yield* (await pending.shift()) ?? []
      }
      for (const results of pending) yield* await results
    },
    close: async () => {
      await piscina.destroy()
    },
  }
}

/** Everything of the options that evaluation in a worker depends on. */
function workerData(
  { source }: LoadedRuleset,
  { allRules = false, shortcuts = allShortcuts }: PoolOptions,
): WorkerData {
  return { source, options: { allRules, shortcuts } }
}

async function* batches(items: AsyncIterable<CorpusItem>, size: number): AsyncGenerator<CorpusItem[], void, undefined> {
  let batch: CorpusItem[] = []
  let bytes = 0
  for await (const item of items) {
    batch.push(item)
    if (!isUnreadable(item)) bytes += item.request.body.length + (item.response?.body.length ?? 0)
    if (batch.length >= size || bytes >= batchBytes) {
      yield batch
      batch = []
      bytes = 0
    }
  }
  if (batch.length > 0) yield batch
}

async function evaluateBatch(piscina: Piscina, batch: readonly CorpusItem[]): Promise<readonly Result[]> {
  try {
    return paired(batch, await send(piscina, batch))
  } catch {
    const results: Result[] = []
    for (const item of batch) results.push({ item, verdict: await evaluateAlone(piscina, item) })
    return results
  }
}

async function send(piscina: Piscina, batch: readonly CorpusItem[]): Promise<readonly Verdict[]> {
  return unpackVerdicts((await piscina.run(packItems(batch))) as Uint8Array)
}

function paired(batch: readonly CorpusItem[], verdicts: readonly Verdict[]): Result[] {
  return batch.map((item, index) => ({ item, verdict: verdicts[index] as Verdict }))
}

async function evaluateAlone(piscina: Piscina, item: CorpusItem): Promise<Verdict> {
  try {
    return (await send(piscina, [item]))[0] as Verdict
  } catch (error) {
    const label = isUnreadable(item) ? 'unknown' : item.label
    const evidence = isUnreadable(item) ? 'complete' : item.evidence
    return errorVerdict(item.id, label, evidence, `the worker died on this record (${reasonOf(error)})`)
  }
}
