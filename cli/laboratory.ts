/**
 * Evaluates records for synthesis and proof: the caller's ruleset with texts added, the caller's corpus read anew.
 *
 * A few records are evaluated here; many go through a pool.
 */
import { type CorpusRequest, corpusReader } from '../corpora/index.js'
import {
  type AddedText,
  createPool,
  type Evaluated,
  evaluate,
  isUnreadable,
  type Laboratory,
  type Lift,
  type LoadedRuleset,
  patternFacts,
  settingsInForce,
  type TransactionRecord,
  type Trial,
} from '../engine/index.js'
import { loadFromOptions } from './load.js'
import type { RulesetOptions } from './options.js'

export interface LaboratoryOptions {
  readonly ruleset: RulesetOptions
  /** Without standard input: the corpus is read more than once. */
  readonly corpus: CorpusRequest
  readonly workers: number
  /** Milliseconds a record may take; 0: any time. */
  readonly recordTimeout: number
}

export type TrialOptions = Pick<LaboratoryOptions, 'workers' | 'recordTimeout'> & { readonly lift?: Lift }

/** LIMIT: so many records are evaluated here before threads are started, whose start and warm-up cost about as much. */
const recordsHere = 4000

export function createLaboratory(options: LaboratoryOptions): Laboratory {
  return {
    load: async (texts, mode) => trialOf(loadWith(options, texts, mode), options),
    records: (isWanted) => wantedRecords(options.corpus, isWanted),
    recordsWithIds: (ids) => wantedRecords({ ...options.corpus, onlyIds: ids }, ({ id }) => ids.has(id)),
  }
}

function loadWith(
  { ruleset }: LaboratoryOptions,
  texts: readonly AddedText[],
  mode: 'as-given' | 'detection-only',
): LoadedRuleset {
  const placed = texts.map((each, n) => ({ ...each, name: each.name ?? `exclusion ${n + 1}` }))
  const given = mode === 'as-given' ? ruleset : { ...ruleset, engineMode: 'detection-only' as const }
  return loadFromOptions(given, { quiet: true, texts: placed }).loaded
}

async function* wantedRecords(
  request: CorpusRequest,
  isWanted: (record: TransactionRecord) => boolean,
): AsyncGenerator<TransactionRecord, void, undefined> {
  for await (const item of corpusReader(request).items) if (!isUnreadable(item) && isWanted(item)) yield item
}

/** `lift`: exclusions that take nothing away, for verdicts that say what they would have taken. */
export function trialOf(loaded: LoadedRuleset, options: TrialOptions): Trial {
  return {
    ruleset: loaded.ruleset,
    settings: settingsInForce(loaded.ruleset),
    evaluate: (records) => evaluateAll(loaded, records, options),
  }
}

async function* evaluateAll(
  loaded: LoadedRuleset,
  records: AsyncIterable<TransactionRecord> | Iterable<TransactionRecord>,
  options: TrialOptions,
): AsyncGenerator<Evaluated, void, undefined> {
  const { workers, recordTimeout, lift } = options
  const lifting = lift === undefined ? {} : { liftExclusions: lift }
  const { ruleset } = loaded
  const here = (record: TransactionRecord): Evaluated => ({
    record,
    verdict: evaluate(ruleset, record, { recordTimeout, ...lifting }),
  })
  const rest = iterate(records)
  if (ruleset.persistent) {
    yield* inPool(loaded, rest, { ...options, workers: 0 })
    return
  }
  if (workers === 0) {
    for await (const record of rest) yield here(record)
    return
  }
  const first: TransactionRecord[] = []
  while (first.length < recordsHere) {
    const next = await rest.next()
    if (next.done === true) {
      for (const record of first) yield here(record)
      return
    }
    first.push(next.value)
  }
  yield* inPool(loaded, joined(first, rest), options)
}

async function* inPool(
  loaded: LoadedRuleset,
  records: AsyncIterable<TransactionRecord>,
  { workers, recordTimeout, lift }: TrialOptions,
): AsyncGenerator<Evaluated, void, undefined> {
  const waiting: TransactionRecord[] = []
  async function* noted(): AsyncGenerator<TransactionRecord, void, undefined> {
    for await (const record of records) {
      waiting.push(record)
      yield record
    }
  }
  const lifting = lift === undefined ? {} : { liftExclusions: lift }
  const facts = workers === 0 ? {} : { facts: patternFacts(loaded) }
  const pool = createPool(loaded, { workers, recordTimeout, ...facts, ...lifting })
  try {
    for await (const { verdict } of pool.run(noted())) yield { record: waiting.shift() as TransactionRecord, verdict }
  } finally {
    await pool.close()
  }
}

async function* joined<T>(first: readonly T[], rest: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  yield* first
  yield* rest
}

async function* iterate<T>(values: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T, void, undefined> {
  yield* values
}
