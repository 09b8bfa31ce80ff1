/**
 * The corpora that are replayed: the bundled ones, the requests of the CRS tests, and two that are generated.
 */
import { bundledCorpora, corpusReader } from '../../corpora/index.js'
import { isUnreadable, type TransactionRecord } from '../../engine/index.js'
import { generatedBenign } from './benign.js'
import { mutationCorpus } from './mutations.js'

export const corpusNames = ['benign', 'attacks', 'crs', 'generated', 'mutations'] as const
export type CorpusName = (typeof corpusNames)[number]

export interface CorpusPlan {
  /** Folder of the CRS tests; null where there is none. */
  readonly crsTests: string | null
  /** Records to generate; null: as many as a full run has. */
  readonly records: number | null
  readonly seed: number
}

const fullRun = { generated: 5000, mutations: 20000 }

/** The records of folders or files; what cannot be read is left out. */
export async function readAll(...specs: readonly string[]): Promise<TransactionRecord[]> {
  const records: TransactionRecord[] = []
  const reader = corpusReader({ specs, assumeBenign: false, labels: [], filters: [] })
  for await (const item of reader.items) if (!isUnreadable(item)) records.push(item)
  return records
}

/** The records of a corpus; with `records` at most so many, spread over it. */
export async function corpus(name: CorpusName, plan: CorpusPlan): Promise<readonly TransactionRecord[]> {
  const { records, seed } = plan
  if (name === 'generated') return generatedBenign(records ?? fullRun.generated, seed)
  if (name === 'mutations') {
    const seeds = await Promise.all((['benign', 'attacks', 'crs'] as const).map((each) => whole(each, plan)))
    return mutationCorpus(seeds.flat(), records ?? fullRun.mutations, seed)
  }
  return spread(await whole(name, plan), records)
}

function whole(name: 'benign' | 'attacks' | 'crs', plan: CorpusPlan): Promise<TransactionRecord[]> {
  if (name !== 'crs') return readAll(bundledCorpora()[name])
  return plan.crsTests === null ? Promise.resolve([]) : readAll(plan.crsTests)
}

export function spread(records: readonly TransactionRecord[], most: number | null): readonly TransactionRecord[] {
  if (most === null || records.length <= most) return records
  const step = records.length / most
  return Array.from({ length: most }, (_unused, index) => records[Math.floor(index * step)] as TransactionRecord)
}
