/**
 * Worker threads, kept by piscina. They may be started before there is a ruleset: loading their modules then takes no
 * time of its own.
 *
 * A job goes to a thread that is free. Where a thread dies, the job it was at fails, and piscina starts another one.
 */
import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import type { Piscina } from 'piscina'
import { type Batch, type Job, ownBytes, packSetup, type Setup } from './wire.js'

const load = createRequire(import.meta.url)
/** Loaded with the first threads. */
const piscina = (): typeof import('piscina') => load('piscina')

/** LIMIT: for objects that die young. With less, long runs take longer; with more, they take more memory than short ones. */
const youngMegabytes = 16
/**
 * LIMIT: percent by which a thread's heap may outgrow what lives in it. V8's own growth, up to four times as much, makes
 * long runs take half as much memory again as short ones.
 */
const heapGrowth = 40

export class Threads {
  readonly #piscina: Piscina
  #setup: SharedArrayBuffer | null = null

  /** Starts them. They do nothing until `setUp`. */
  constructor(
    readonly count: number,
    file = new URL('./worker.js', import.meta.url),
  ) {
    setFlagsFromString(`--heap-growing-percent=${heapGrowth}`)
    this.#piscina = new (piscina().Piscina)({
      filename: file.href,
      minThreads: count,
      maxThreads: count,
      idleTimeout: 60_000,
      resourceLimits: { maxYoungGenerationSizeMb: youngMegabytes },
      // A dying thread takes all its jobs with it; with one job it is clear which batch killed it.
      concurrentTasksPerWorker: 1,
    })
    this.#piscina.on('error', () => {
      // A thread died between two jobs; piscina starts another one.
    })
  }

  /** What a thread is told with its first job; each begins with it at once. To be called once. */
  setUp(setup: Setup): void {
    this.#setup = packSetup(setup)
    for (let n = 0; n < this.count; n++) this.run({ kind: 'ready' }).catch(() => {})
  }

  /** Rejects where the thread dies at it. */
  run(batch: Batch): Promise<Uint8Array> {
    if (this.#setup === null) return Promise.reject(new Error('the threads have not been set up'))
    const job: Job = { setup: this.#setup, batch: withOwnBytes(batch) }
    // PERF(memory handed over): V8 checks all typed arrays of a thread that ever gave one away, so bytes are copied.
    return this.#piscina.run(job) as Promise<Uint8Array>
  }

  /** Ends the profiles of all threads; those that die meanwhile have none. */
  async profiles(): Promise<readonly Uint8Array[]> {
    // Each waits until all have come, so that no thread takes two.
    const arrived = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
    const asked = Array.from({ length: this.count }, () =>
      this.run({ kind: 'profile', arrived, threads: this.count }).catch(() => null),
    )
    return (await Promise.all(asked)).filter((profile) => profile !== null)
  }

  async close(): Promise<void> {
    await this.#piscina.destroy()
  }
}

/** Lines are part of a chunk of their file, which would be copied whole. */
function withOwnBytes(batch: Batch): Batch {
  if (batch.kind === 'lines') return { ...batch, lines: { ...batch.lines, bytes: ownBytes(batch.lines.bytes) } }
  return batch
}
