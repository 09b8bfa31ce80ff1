/**
 * A worker's side of the messages: compiles the ruleset once it has been told of it, then answers batches in order.
 */
import { parentPort } from 'node:worker_threads'
import { compileSource } from '../compile/source.js'
import type { CorpusItem } from '../model/exchange.js'
import type { Ruleset } from '../model/ruleset.js'
import { learnFacts } from '../patterns/index.js'
import { type BatchOptions, openReader, type Result } from './batch.js'
import { type Batch, packResults, type Setup, unpackItems } from './wire.js'

export type EvaluateBatch = (ruleset: Ruleset, items: readonly CorpusItem[], options: BatchOptions) => readonly Result[]

/** To be called once in a worker. */
export function serve(evaluateBatch: EvaluateBatch): void {
  const port = parentPort
  if (port === null) throw new Error('a worker of a pool has been started as a program')
  let answer: Promise<(batch: Batch) => Uint8Array<ArrayBuffer>> | null = null
  port.on('message', (message: Setup | Batch) => {
    if (message.kind === 'setup') answer = setUp(message, evaluateBatch)
    else
      void answer?.then((answerTo) => {
        const bytes = answerTo(message)
        port.postMessage(bytes, [bytes.buffer])
      })
  })
}

async function setUp(
  { source, options, reader, profile, facts }: Setup,
  evaluateBatch: EvaluateBatch,
): Promise<(batch: Batch) => Uint8Array<ArrayBuffer>> {
  const profiler = profile ? await import('../profiling/thread-profile.js') : null
  profiler?.startThreadProfile()
  if (facts !== null) learnFacts(facts)
  const ruleset = compileSource(source)
  const readLines = reader === null ? null : await openReader(reader)
  return (batch) => {
    if (batch.kind === 'profile') return profiler?.stopThreadProfile() ?? new Uint8Array()
    const items = batch.kind === 'items' ? unpackItems(batch.bytes) : (readLines?.(batch.lines) ?? [])
    return packResults(evaluateBatch(ruleset, items, options))
  }
}
