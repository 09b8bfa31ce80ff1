/**
 * The worker: compiles the ruleset once from its worker data, then turns batches into verdicts.
 */
import { workerData } from 'node:worker_threads'
import { compileSource, type RulesetSource } from '../compile/source.js'
import type { EvaluateOptions } from '../transaction/verdict.js'
import { evaluateItem } from './batch.js'
import { packVerdicts, unpackItems } from './wire.js'

export interface WorkerData {
  readonly source: RulesetSource
  readonly options: EvaluateOptions
}

const { source, options } = workerData as WorkerData
const ruleset = compileSource(source)

export default function runBatch(batch: Uint8Array): Uint8Array {
  return packVerdicts(unpackItems(batch).map((item) => evaluateItem(ruleset, item, options)))
}
