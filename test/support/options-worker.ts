/**
 * A worker whose verdicts say what it was told: the options of evaluation, as JSON, in place of an error.
 */
import { workerData } from 'node:worker_threads'
import { packVerdicts, unpackItems } from '../../engine/pool/wire.js'
import type { WorkerData } from '../../engine/pool/worker.js'
import { errorVerdict } from '../../engine/transaction/verdict.js'

const { options } = workerData as WorkerData

export default function runBatch(batch: Uint8Array): Uint8Array {
  return packVerdicts(
    unpackItems(batch).map(({ id }) => errorVerdict(id, 'unknown', 'complete', JSON.stringify(options))),
  )
}
