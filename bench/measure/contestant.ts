/**
 * Who takes part in a paired run: wafsim in one of its ways, or a real engine; and what a turn of theirs says.
 */
import { createHash } from 'node:crypto'
import {
  createPool,
  type LoadedRuleset,
  type Pool,
  type Profiling,
  type Shortcuts,
  type TransactionRecord,
} from '../../engine/index.js'

/** What came of one record. */
export interface Outcome {
  /** sha256 of everything the contestant says about the record. */
  readonly digest: Buffer
  /** Rules that logged, in order of their ids, and the status: what engines can be compared by. */
  readonly answer: string
}

/** Some records evaluated once, in order. */
export interface Turn {
  /** Time on the clock, for all of them. */
  readonly microseconds: number
  /** Processor time of all threads. */
  readonly processorMicroseconds: number
  readonly outcomes: readonly Outcome[]
}

export interface Contestant {
  readonly name: string
  /** Name and version of a real engine once it has started; null for wafsim. */
  readonly version: string | null
  /** Whether it becomes faster with the records it has seen: a program that is compiled ahead hardly does. */
  readonly compilesWhileRunning: boolean
  /** From nothing to the first verdict; in milliseconds. */
  start(): Promise<number>
  evaluate(records: readonly TransactionRecord[]): Promise<Turn>
  close(): Promise<void>
}

export function outcomeOf(said: string, ruleIds: readonly number[], status: number): Outcome {
  const ids = [...new Set(ruleIds)].sort((a, b) => a - b)
  return { digest: createHash('sha256').update(said, 'utf8').digest(), answer: `${status} ${ids.join(',')}` }
}

/** A request that says nothing: what it takes to get its verdict is the start. */
export const firstRecord: TransactionRecord = {
  id: 'first',
  label: 'unknown',
  tags: [],
  evidence: 'complete',
  request: { method: 'GET', uri: '/', httpVersion: '1.1', headers: [['Host', 'localhost']], body: '' },
}

export interface WafsimWay {
  /** 0: the main thread. */
  readonly workers: number
  readonly shortcuts: Shortcuts
}

/** Small enough that the threads of a turn end at about the same time. */
const batchSize = 16

/** wafsim in a pool of its own, so that it shares neither memory nor compiled code with another way. */
export function wafsimContestant(
  name: string,
  loaded: LoadedRuleset,
  way: WafsimWay,
  profiling: Profiling | null = null,
): Contestant {
  let pool: Pool | null = null
  const running = (): Pool => {
    if (pool === null) throw new Error(`${name} has not started`)
    return pool
  }
  return {
    name,
    version: null,
    compilesWhileRunning: true,
    start: async () => {
      const began = performance.now()
      pool = createPool(loaded, { ...way, batchSize, profile: profiling !== null })
      for await (const _ of pool.run(iterated([firstRecord]))) break
      return performance.now() - began
    },
    evaluate: async (records) => {
      const verdicts = []
      const processorBefore = process.cpuUsage()
      const began = performance.now()
      for await (const { verdict } of running().run(iterated(records))) verdicts.push(verdict)
      const microseconds = (performance.now() - began) * 1000
      const processor = process.cpuUsage(processorBefore)
      return {
        microseconds,
        processorMicroseconds: processor.user + processor.system,
        outcomes: verdicts.map((verdict) => outcomeOf(JSON.stringify(verdict), verdict.ruleIds, verdict.status)),
      }
    },
    close: async () => {
      if (pool !== null) profiling?.addWorkers(await pool.profiles(), `${name}: `)
      await pool?.close()
      pool = null
    },
  }
}

async function* iterated<T>(items: readonly T[]): AsyncGenerator<T, void, undefined> {
  yield* items
}
