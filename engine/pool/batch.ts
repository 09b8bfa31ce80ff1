/**
 * Corpus items to results: the same in the main thread and in a worker.
 */
import { createHash } from 'node:crypto'
import {
  type CorpusItem,
  type EvaluatedRecord,
  isUnreadable,
  originOf,
  type RawLines,
  type TransactionRecord,
  type UnreadableRecord,
} from '../model/exchange.js'
import type { Ruleset } from '../model/ruleset.js'
import type { Verdict } from '../model/verdict.js'
import { type EvaluateOptions, errorVerdict, evaluate } from '../transaction/verdict.js'

export interface Result {
  readonly item: EvaluatedRecord | UnreadableRecord
  readonly verdict: Verdict
}

export interface BatchOptions extends EvaluateOptions {
  /** Results carry the digest of their record. */
  readonly digests?: boolean
  /** Results carry who sent their record, when, and what was answered. */
  readonly origins?: boolean
}

/** A module whose `createReader(options)` makes a `ReadLines`; workers import it. */
export interface LineReader {
  readonly module: string
  readonly options: unknown
}

export type ReadLines = (lines: RawLines) => readonly CorpusItem[]

interface ReaderModule {
  createReader(options: unknown): ReadLines
}

export async function openReader({ module, options }: LineReader): Promise<ReadLines> {
  return ((await import(module)) as ReaderModule).createReader(options)
}

export function evaluateItem(ruleset: Ruleset, item: CorpusItem, options: BatchOptions): Result {
  return resultOf(item, isUnreadable(item) ? unreadable(item) : evaluate(ruleset, item, options), options)
}

function unreadable(item: UnreadableRecord): Verdict {
  return errorVerdict(item.id, 'unknown', 'complete', item.unreadable)
}

export function resultOf(
  item: CorpusItem,
  verdict: Verdict,
  { digests = false, origins = false }: BatchOptions,
): Result {
  if (isUnreadable(item)) return { item, verdict }
  const { id, label, tags, evidence, source, request } = item
  const { method, uri } = request
  return {
    item: {
      id,
      label,
      tags,
      evidence,
      ...(source === undefined ? {} : { source }),
      request: { method, uri },
      ...(digests ? { digest: digestOf(item) } : {}),
      ...(origins ? { origin: originOf(item) } : {}),
    },
    verdict,
  }
}

function digestOf({ id, label, request: { method, uri, body } }: TransactionRecord): string {
  return createHash('sha256').update(`${id}\n${label}\n${method} ${uri}\n${body}\n`, 'latin1').digest('base64')
}
