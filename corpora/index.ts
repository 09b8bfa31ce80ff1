/**
 * The table of capture formats, and reading of corpora and rule tests in any of them, streamed.
 */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../engine/errors.js'
import { type CorpusItem, isUnreadable } from '../engine/model/exchange.js'
import { chunksOf, expandFiles } from './files.js'
import type { CaptureFormat, RuleTags } from './format.js'
import { ftwFormat, parseRuleTests, type RuleTest } from './formats/ftw.js'
import { parseOverrides, type TestOverride, TestOverrides } from './formats/ftw-overrides.js'
import { mpkFormat } from './formats/mpk.js'
import { ndjsonFormat } from './formats/ndjson.js'
import { labelled, parseFilter, parseLabelRule } from './labels.js'

export type { CaptureFormat } from './format.js'
export type { RuleTest, RuleTestStage } from './formats/ftw.js'
export type { RuleTestOutput } from './formats/ftw-output.js'
export type { TestOverride } from './formats/ftw-overrides.js'
export { writeMpk } from './formats/mpk.js'
export { ndjsonLine } from './formats/ndjson.js'
export { jsonOf, RecordError, recordOf } from './record.js'

const load = createRequire(import.meta.url)
/** Loaded with the first mistake. */
const levenshtein = (): typeof import('fastest-levenshtein') => load('fastest-levenshtein')

/** In the order in which content is sniffed. */
export const formats: readonly CaptureFormat[] = [ndjsonFormat, mpkFormat, ftwFormat]

export interface CorpusRequest {
  /** Files, directories, patterns or `-`. */
  readonly specs: readonly string[]
  /** Name of a format, where neither the file's ending nor its content tells. */
  readonly format?: string
  readonly assumeBenign: boolean
  readonly labels: readonly string[]
  readonly filters: readonly string[]
  /** Tags of the rules the corpus is replayed through; rule tests take class and paranoia level from them. */
  readonly ruleTags?: RuleTags
}

export interface CorpusReader {
  /** The files that are read, in order. */
  readonly sources: readonly string[]
  readonly items: AsyncIterable<CorpusItem>
  /** Share of the bytes read so far, 0 to 1; null where standard input is among the sources. */
  share(): number | null
}

/** Throws UsageError where a file, format, label rule or filter cannot be used. Reads nothing yet. */
export function corpusReader(request: CorpusRequest): CorpusReader {
  if (request.specs.length === 0)
    throw new UsageError('no corpus: give --corpus with a file, a directory, a pattern or - for standard input')
  const forced = request.format === undefined ? null : formatNamed(request.format)
  const rules = request.labels.map(parseLabelRule)
  const filters = request.filters.map(parseFilter)
  const files = expandFiles(
    request.specs,
    '--corpus',
    formats.flatMap((format) => format.extensions),
  )
  const total = files.some((file) => file.path === '-') ? null : files.reduce((sum, file) => sum + file.bytes, 0)
  let read = 0
  const countBytes = (count: number): void => {
    read += count
  }
  async function* items(): AsyncGenerator<CorpusItem, void, undefined> {
    for (const file of files) {
      for await (const item of readFileItems(file.path, { forced, onBytes: countBytes, ruleTags: request.ruleTags })) {
        if (isUnreadable(item)) {
          yield item
          continue
        }
        const record = labelled(item, rules, request.assumeBenign)
        if (filters.every((holds) => holds(record))) yield record
      }
    }
  }
  return {
    sources: files.map((file) => file.path),
    items: items(),
    share: () => (total === null || total === 0 ? null : Math.min(1, read / total)),
  }
}

function formatNamed(name: string): CaptureFormat {
  const format = formats.find((each) => each.name === name)
  if (format !== undefined) return format
  const names = formats.map((each) => each.name)
  const { closest, distance } = levenshtein()
  const nearest = closest(name.toLowerCase(), names)
  const hint = distance(name.toLowerCase(), nearest) <= 2 ? `; did you mean "${nearest}"?` : ''
  throw new UsageError(`--corpus-format ${name}: unknown; the formats are ${names.join(', ')}${hint}`)
}

interface ReadOptions {
  readonly forced: CaptureFormat | null
  readonly onBytes: (count: number) => void
  readonly ruleTags: RuleTags | undefined
}

async function* readFileItems(path: string, options: ReadOptions): AsyncGenerator<CorpusItem, void, undefined> {
  const { forced, onBytes, ruleTags } = options
  const chunks = chunksOf(path, onBytes)
  const first = await chunks.next()
  if (first.done === true) return
  const format = forced ?? formatOf(path, first.value)
  async function* replayed(): AsyncGenerator<Buffer, void, undefined> {
    yield first.value as Buffer
    yield* chunks
  }
  yield* format.read({
    file: nameOf(path),
    chunks: replayed(),
    ...(ruleTags === undefined ? {} : { ruleTags }),
  })
}

function formatOf(path: string, head: Buffer): CaptureFormat {
  const lower = path.toLowerCase()
  const byName = formats.find((format) => format.extensions.some((ending) => lower.endsWith(ending)))
  const format = byName ?? formats.find((each) => each.sniff(head.subarray(0, 512)))
  if (format === undefined)
    throw new UsageError(
      `${path}: not a capture wafsim knows (${formats.map((each) => each.name).join(', ')}); --corpus-format says which it is`,
    )
  return format
}

function nameOf(path: string): string {
  return path === '-' ? 'standard input' : path
}

async function textOf(path: string): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of chunksOf(path, () => {})) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** Rule tests of files, directories and patterns, in the order of their paths. Throws CaptureError, UsageError. */
export async function readRuleTests(specs: readonly string[]): Promise<readonly RuleTest[]> {
  const tests: RuleTest[] = []
  for (const { path } of expandFiles(specs, 'tests', ftwFormat.extensions))
    tests.push(...parseRuleTests(nameOf(path), await textOf(path)))
  if (tests.length === 0) throw new UsageError(`${specs.join(', ')}: no test at all`)
  return tests
}

/** Overrides by test id; of two for the same test the later file's counts. */
export async function readOverrides(files: readonly string[]): Promise<ReadonlyMap<string, TestOverride>> {
  const overrides = new TestOverrides()
  for (const { path } of expandFiles(files, '--overrides', ftwFormat.extensions))
    for (const [id, override] of parseOverrides(nameOf(path), await textOf(path))) overrides.set(id, override)
  return overrides
}

/** The folders of the corpora that come with wafsim. */
export function bundledCorpora(): { readonly benign: string; readonly attacks: string } {
  const folder = (name: string): string => fileURLToPath(new URL(`../../corpora/data/${name}`, import.meta.url))
  return { benign: folder('benign'), attacks: folder('attacks') }
}
