/**
 * A worker that dies on records named `killer`, for the test of what the pool does then.
 */
import { workerData } from 'node:worker_threads'
import { compileSource } from '../../engine/compile/source.js'
import { evaluateItem } from '../../engine/pool/batch.js'
import { packVerdicts, unpackItems } from '../../engine/pool/wire.js'
import type { WorkerData } from '../../engine/pool/worker.js'

const { source, options } = workerData as WorkerData
const ruleset = compileSource(source)

export default function runBatch(batch: Uint8Array): Uint8Array {
  const items = unpackItems(batch)
  if (items.some((item) => item.id.startsWith('killer'))) process.exit(1)
  return packVerdicts(items.map((item) => evaluateItem(ruleset, item, options)))
}
