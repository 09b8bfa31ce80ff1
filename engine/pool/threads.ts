/**
 * Worker threads, and who does which job. They may be started before there is a ruleset: loading their modules then
 * takes no time of its own.
 *
 * A job goes to the thread with the fewest. Where a thread dies, the job it was at fails, those behind it are given to
 * others, and a new thread takes its place with the next job.
 */
import { Worker } from 'node:worker_threads'
import { type Batch, ownBytes, type Setup } from './wire.js'

/** The job at hand and one that waits, so that a thread need not wait for the next. */
const jobsPerThread = 2

interface Job {
  readonly batch: Batch
  resolve(bytes: Uint8Array): void
  reject(error: unknown): void
}

interface Thread {
  readonly worker: Worker
  /** In the order in which they are answered. */
  readonly jobs: Job[]
}

export class Threads {
  readonly #threads = new Set<Thread>()
  readonly #waiting: Job[] = []
  #setup: Setup | null = null

  /** Starts them. They do nothing until `setUp`. */
  constructor(
    readonly count: number,
    private readonly file = new URL('./worker.js', import.meta.url),
  ) {
    for (let n = 0; n < count; n++) this.#start()
  }

  /** What all of them, and those that take their places, are told first. To be called once. */
  setUp(setup: Setup): void {
    this.#setup = setup
    for (const { worker } of this.#threads) worker.postMessage(setup)
  }

  /** Rejects where the thread dies at it. */
  run(batch: Batch): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, resolve, reject })
      this.#assign()
    })
  }

  /** Ends the profiles of all threads; those that die meanwhile have none. */
  async profiles(): Promise<readonly Uint8Array[]> {
    const asked = [...this.#threads].map((thread) => ask(thread, { kind: 'profile' }).catch(() => null))
    return (await Promise.all(asked)).filter((profile) => profile !== null)
  }

  async close(): Promise<void> {
    const threads = [...this.#threads]
    this.#threads.clear()
    await Promise.all(threads.map(({ worker }) => worker.terminate()))
  }

  #start(): Thread {
    const thread: Thread = { worker: new Worker(this.file), jobs: [] }
    let reason: unknown = null
    thread.worker.on('message', (bytes: Uint8Array) => {
      thread.jobs.shift()?.resolve(bytes)
      this.#assign()
    })
    thread.worker.on('error', (error) => {
      reason = error
    })
    thread.worker.on('exit', (code) => this.#bury(thread, reason ?? new Error(`it exited with ${code}`)))
    this.#threads.add(thread)
    if (this.#setup !== null) thread.worker.postMessage(this.#setup)
    return thread
  }

  #bury(thread: Thread, reason: unknown): void {
    if (!this.#threads.delete(thread)) return
    const [atHand, ...behind] = thread.jobs
    this.#waiting.unshift(...behind)
    atHand?.reject(reason)
    this.#assign()
  }

  #assign(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#freest()
      if (thread === null) return
      const job = this.#waiting.shift() as Job
      thread.jobs.push(job)
      post(thread.worker, job.batch)
    }
  }

  /** Null where all have jobs enough. */
  #freest(): Thread | null {
    if (this.#threads.size < this.count) return this.#start()
    let freest: Thread | null = null
    for (const thread of this.#threads) if (thread.jobs.length < (freest?.jobs.length ?? jobsPerThread)) freest = thread
    return freest
  }
}

/** Behind the jobs that the thread has. */
function ask(thread: Thread, batch: Batch): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    thread.jobs.push({ batch, resolve, reject })
    post(thread.worker, batch)
  })
}

/** The job keeps its bytes: it may have to be done again. */
function post(worker: Worker, batch: Batch): void {
  if (batch.kind === 'profile') worker.postMessage(batch)
  else if (batch.kind === 'items') {
    const bytes = ownBytes(batch.bytes)
    worker.postMessage({ ...batch, bytes }, [bytes.buffer])
  } else {
    const bytes = ownBytes(batch.lines.bytes)
    worker.postMessage({ ...batch, lines: { ...batch.lines, bytes } }, [bytes.buffer])
  }
}
