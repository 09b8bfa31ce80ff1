/**
 * One recorded HTTP transaction as the engine takes it: bytes as Latin-1 strings, nothing normalised.
 *
 * The JSON form of a record (text or base64 bodies, code points above U+00FF) lives in `corpora/record.ts`;
 * here every string that came from the wire holds one char a byte.
 */

/** A string in which each char is one byte (U+0000-U+00FF). Never decoded before a rule sees it. */
export type ByteString = string

const upper = /[A-Z]/
const high = /[\x80-\xff]/

/** PERF(transaction): up to this length, in bytes, a loop is faster than a pattern. */
const shortText = 32

function hasUpper(text: ByteString): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x41 && code <= 0x5a) return true
  }
  return false
}

/** Lower-cases ASCII letters only: bytes above 0x7F are bytes, not letters. */
export function lowerAscii(text: ByteString): ByteString {
  if (text.length <= shortText ? !hasUpper(text) : !upper.test(text)) return text
  return high.test(text) ? text.replace(/[A-Z]+/g, (run) => run.toLowerCase()) : text.toLowerCase()
}

/** A header as it stood on the wire: name (case kept), value. */
export type Header = readonly [name: ByteString, value: ByteString]

export interface Endpoint {
  readonly ip: string
  readonly port: number
}

export interface RecordedRequest {
  readonly method: ByteString
  /** The request target as sent, query string included. */
  readonly uri: ByteString
  /** `1.0`, `1.1`, `2` or whatever the request line said after `HTTP/`; empty for HTTP/0.9. */
  readonly httpVersion: ByteString
  readonly headers: readonly Header[]
  readonly body: ByteString
  /**
   * The raw request line, where the capture kept it and it differs from `method uri HTTP/version`
   * (hand-made requests of rule tests).
   */
  readonly line?: ByteString
}

export interface RecordedResponse {
  readonly status: number
  readonly httpVersion?: ByteString
  readonly headers: readonly Header[]
  readonly body: ByteString
}

export type Label = 'benign' | 'attack' | 'unknown'

/** How much of the wire the capture kept. Anything but `complete` proves nothing. */
export type Evidence = 'complete' | 'no-body' | 'truncated' | 'sanitised' | 'rebuilt'

/** A record, in the engine's form (see the contract's "A record"). */
export interface TransactionRecord {
  readonly id: string
  readonly label: Label
  readonly tags: readonly string[]
  /** ISO 8601; absent when the capture has none. */
  readonly time?: string
  readonly client?: Endpoint
  readonly server?: Endpoint
  readonly request: RecordedRequest
  readonly response?: RecordedResponse
  readonly evidence: Evidence
  readonly source?: { readonly file: string; readonly line?: number }
}

/** A place in a corpus that could not be read as a record; reported as an `error` line, never dropped. */
export interface UnreadableRecord {
  readonly id: string
  readonly unreadable: string
  readonly source?: { readonly file: string; readonly line?: number }
}

/** What a capture reader yields. */
export type CorpusItem = TransactionRecord | UnreadableRecord

export function isUnreadable(item: CorpusItem | EvaluatedRecord): item is UnreadableRecord {
  return 'unreadable' in item
}

/** Lines of a capture as they stand in the file; they are read where they are evaluated. */
export interface RawLines {
  readonly file: string
  /** Number of the first of them; counts from 1. */
  readonly firstLine: number
  readonly bytes: Uint8Array
  /** The last line has no line end: what followed it may be lost. */
  readonly unfinished: boolean
}

export type CorpusPart = CorpusItem | RawLines

export function isRawLines(part: CorpusPart): part is RawLines {
  return 'bytes' in part
}

/** Who sent a request, when, where to, and what was answered: as far as the capture has it. */
export interface Origin {
  /** IP address of the client. */
  readonly client?: string
  /** ISO 8601. */
  readonly time?: string
  /** Value of the first Host header. */
  readonly host?: ByteString
  /** Of the recorded response. */
  readonly status?: number
}

export function originOf({ client, time, request, response }: TransactionRecord): Origin {
  const host = request.headers.find(([name]) => name.length === 4 && lowerAscii(name) === 'host')?.[1]
  return {
    ...(client === undefined ? {} : { client: client.ip }),
    ...(time === undefined ? {} : { time }),
    ...(host === undefined ? {} : { host }),
    ...(response === undefined ? {} : { status: response.status }),
  }
}

/** What reports need of a record once it has been evaluated. */
export interface EvaluatedRecord extends Pick<TransactionRecord, 'id' | 'label' | 'tags' | 'evidence' | 'source'> {
  readonly request: Pick<RecordedRequest, 'method' | 'uri'>
  /** sha256 in base64 over id, label, method, URI and body; absent where none was asked for. */
  readonly digest?: string
  /** Absent where it was not asked for. */
  readonly origin?: Origin
}
