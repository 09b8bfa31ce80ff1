/**
 * What crosses between the main thread and the workers: batches of corpus items one way, of verdicts the
 * other, as msgpack. The engine's only importer of msgpackr.
 *
 * Strings are Latin-1 byte strings; msgpack carries their code points, so they arrive as they left.
 */
import { Packr } from 'msgpackr'
import type { CorpusItem } from '../model/exchange.js'
import type { Verdict } from '../model/verdict.js'

const packr = new Packr({ useRecords: true, bundleStrings: false })

export function packItems(items: readonly CorpusItem[]): Uint8Array {
  return packr.pack(items)
}

export function unpackItems(bytes: Uint8Array): readonly CorpusItem[] {
  return packr.unpack(bytes) as readonly CorpusItem[]
}

export function packVerdicts(verdicts: readonly Verdict[]): Uint8Array {
  return packr.pack(verdicts)
}

export function unpackVerdicts(bytes: Uint8Array): readonly Verdict[] {
  return packr.unpack(bytes) as readonly Verdict[]
}
