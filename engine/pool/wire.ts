/**
 * What crosses between the main thread and the workers. Bodies of messages are msgpack: corpus items one way, results
 * the other. The engine's only importer of msgpackr.
 *
 * Strings are Latin-1 byte strings; msgpack carries their code points, so they arrive as they left.
 */
import { createRequire } from 'node:module'
import type { Packr } from 'msgpackr'
import type { RulesetSource } from '../compile/source.js'
import {
  type ByteString,
  type CorpusItem,
  isUnreadable,
  type Origin,
  type RawLines,
  type TransactionRecord,
} from '../model/exchange.js'
import type { Verdict } from '../model/verdict.js'
import type { BatchOptions, LineReader, Result } from './batch.js'

/** What a worker must know before its first batch. */
export interface Setup {
  readonly source: RulesetSource
  readonly options: BatchOptions
  readonly reader: LineReader | null
  /** Whether the worker makes a profile of itself. */
  readonly profile: boolean
  /** What is known of the patterns: `patternFacts`. */
  readonly facts: string | null
}

/**
 * Each is answered by packed results, but for `ready`, which is answered by nothing, and `profile`, which ends the
 * worker's profile once all threads have arrived and is answered by it.
 */
export type Batch =
  | { readonly kind: 'items'; readonly bytes: Uint8Array }
  | { readonly kind: 'lines'; readonly lines: RawLines }
  | { readonly kind: 'ready' }
  | { readonly kind: 'profile'; readonly arrived: SharedArrayBuffer; readonly threads: number }

/** What piscina hands to a worker. The setup is shared memory: it is the same for all, and large. */
export interface Job {
  readonly setup: SharedArrayBuffer
  readonly batch: Batch
}

const load = createRequire(import.meta.url)
const msgpackr = (): typeof import('msgpackr') => load('msgpackr')
let loaded: Packr | null = null

/** Loaded with the first message. */
function packr(): Packr {
  loaded ??= new (msgpackr().Packr)({ useRecords: true, bundleStrings: false })
  return loaded
}

export function packSetup(setup: Setup): SharedArrayBuffer {
  const bytes = packr().pack(setup)
  const shared = new SharedArrayBuffer(bytes.length)
  new Uint8Array(shared).set(bytes)
  return shared
}

export function unpackSetup(shared: SharedArrayBuffer): Setup {
  return packr().unpack(Buffer.from(new Uint8Array(shared))) as Setup
}

export function packItems(items: readonly CorpusItem[]): Uint8Array {
  return ownBytes(packr().pack(items))
}

export function unpackItems(bytes: Uint8Array): readonly CorpusItem[] {
  return packr().unpack(bytes) as readonly CorpusItem[]
}

/** What the verdict says of the record too is not packed twice. */
type PackedResult = readonly [
  verdict: Verdict,
  source: TransactionRecord['source'] | null,
  tagsOrUnreadable: readonly string[] | string,
  method: ByteString,
  uri: ByteString,
  digest: string | null,
  /** Client, time, host and status. */
  origin: readonly [string | null, string | null, ByteString | null, number | null] | null,
]

export function packResults(results: readonly Result[]): Uint8Array<ArrayBuffer> {
  return ownBytes(packr().pack(results.map(packed)))
}

export function unpackResults(bytes: Uint8Array): readonly Result[] {
  return (packr().unpack(bytes) as readonly PackedResult[]).map(unpacked)
}

function packed({ item, verdict }: Result): PackedResult {
  const source = item.source ?? null
  if (isUnreadable(item)) return [verdict, source, item.unreadable, '', '', null, null]
  const { tags, request, digest = null, origin } = item
  return [
    verdict,
    source,
    tags,
    request.method,
    request.uri,
    digest,
    origin === undefined ? null : packedOrigin(origin),
  ]
}

function packedOrigin({ client, time, host, status }: Origin): PackedResult[6] {
  return [client ?? null, time ?? null, host ?? null, status ?? null]
}

function unpackedOrigin([client, time, host, status]: NonNullable<PackedResult[6]>): Origin {
  return {
    ...(client === null ? {} : { client }),
    ...(time === null ? {} : { time }),
    ...(host === null ? {} : { host }),
    ...(status === null ? {} : { status }),
  }
}

function unpacked([verdict, source, tags, method, uri, digest, origin]: PackedResult): Result {
  const { id, label, evidence } = verdict
  const from = source === null ? {} : { source }
  if (typeof tags === 'string') return { item: { id, unreadable: tags, ...from }, verdict }
  const item = {
    id,
    label,
    tags,
    evidence,
    ...from,
    request: { method, uri },
    ...(digest === null ? {} : { digest }),
    ...(origin === null ? {} : { origin: unpackedOrigin(origin) }),
  }
  return { item, verdict }
}

/** A message carries the whole memory that its bytes are part of: these are given their own. */
export function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}
