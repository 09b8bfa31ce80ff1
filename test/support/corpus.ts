/**
 * Small things the tests of the corpora share: bytes as a source, and everything a reader yields.
 */
import type { CaptureFormat } from '../../corpora/format.js'
import { type CorpusItem, isUnreadable, type TransactionRecord } from '../../engine/model/exchange.js'

/** The bytes in chunks of `size`. */
export async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

export async function readAll(format: CaptureFormat, bytes: Buffer, chunkSize = 64): Promise<CorpusItem[]> {
  return collect(format.read({ file: `t.${format.name}`, chunks: inChunks(bytes, chunkSize) }))
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

export function recordsIn(items: readonly CorpusItem[]): TransactionRecord[] {
  return items.filter((item): item is TransactionRecord => !isUnreadable(item))
}

export function reasonsIn(items: readonly CorpusItem[]): string[] {
  return items.filter(isUnreadable).map((item) => item.unreadable)
}
