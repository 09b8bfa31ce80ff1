/**
 * A worker's side of the messages: compiles the ruleset with its first job, then answers batches in order.
 */
import { compileSource } from '../compile/source.js'
import type { CorpusItem } from '../model/exchange.js'
import type { Ruleset } from '../model/ruleset.js'
import { learnFacts } from '../patterns/index.js'
import { type BatchOptions, openReader, type Result } from './batch.js'
import { type Batch, type Job, packResults, unpackItems, unpackSetup } from './wire.js'

export type EvaluateBatch = (ruleset: Ruleset, items: readonly CorpusItem[], options: BatchOptions) => readonly Result[]

/** Longest time that a thread waits for the others before it ends its profile, in milliseconds. */
const longestWait = 5_000

/** What a worker file exports: does a job. */
export function serve(evaluateBatch: EvaluateBatch): (job: Job) => Promise<unknown> {
  let answer: Promise<(batch: Batch) => Uint8Array<ArrayBuffer>> | null = null
  return async ({ setup, batch }) => {
    answer ??= setUp(setup, evaluateBatch)
    return (await answer)(batch)
  }
}

async function setUp(
  packed: SharedArrayBuffer,
  evaluateBatch: EvaluateBatch,
): Promise<(batch: Batch) => Uint8Array<ArrayBuffer>> {
  const { source, options, reader, profile, facts } = unpackSetup(packed)
  const profiler = profile ? await import('../profiling/thread-profile.js') : null
  profiler?.startThreadProfile()
  if (facts !== null) learnFacts(facts)
  const ruleset = compileSource(source)
  const readLines = reader === null ? null : await openReader(reader)
  return (batch) => {
    switch (batch.kind) {
      case 'ready':
        return new Uint8Array()
      case 'profile':
        waitForAll(batch.arrived, batch.threads)
        return profiler?.stopThreadProfile() ?? new Uint8Array()
      case 'items':
        return packResults(evaluateBatch(ruleset, unpackItems(batch.bytes), options))
      case 'lines':
        return packResults(evaluateBatch(ruleset, readLines?.(batch.lines) ?? [], options))
    }
  }
}

function waitForAll(arrived: SharedArrayBuffer, threads: number): void {
  const count = new Int32Array(arrived)
  let seen = Atomics.add(count, 0, 1) + 1
  Atomics.notify(count, 0)
  while (seen < threads && Atomics.wait(count, 0, seen, longestWait) !== 'timed-out') seen = Atomics.load(count, 0)
}
