/**
 * The shape of a capture format: one entry of the table in `index.ts`.
 */
import type { CorpusItem, RawLines, UnreadableRecord } from '../engine/model/exchange.js'

/** Tags of a rule of the ruleset at hand; empty where it has no such rule. */
export type RuleTags = (ruleId: number) => readonly string[]

/** A file or standard input being read. */
export interface CaptureSource {
  /** As reports name it. */
  readonly file: string
  /** The bytes, in chunks of any size. */
  readonly chunks: AsyncIterable<Buffer>
  /** For formats whose records name rules: they take class and paranoia level from them. */
  readonly ruleTags?: RuleTags
}

export interface CaptureFormat {
  readonly name: string
  readonly doc: string
  /** File name endings, with the dot, lower case. */
  readonly extensions: readonly string[]
  /** Whether a file that begins with these bytes is of this format. */
  sniff(head: Buffer): boolean
  /** What cannot be read as a record is an UnreadableRecord; nothing is dropped and nothing is thrown for it. */
  read(source: CaptureSource): AsyncIterable<CorpusItem>
  /**
   * The same without reading the records, where each stands on a line of its own: `line-reader.ts` reads them. What is
   * too long to be one comes as an UnreadableRecord.
   */
  cut?(source: CaptureSource): AsyncIterable<RawLines | UnreadableRecord>
}
