/**
 * The table of capture formats, and reading of corpora and rule tests in any of them, streamed.
 */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../engine/errors.js'
import { type CorpusItem, type CorpusPart, isRawLines, type RawLines } from '../engine/model/exchange.js'
import { chunksOf, expandFiles } from './files.js'
import type { CaptureFormat, RuleTags } from './format.js'
import { ftwFormat, parseRuleTests, type RuleTest } from './formats/ftw.js'
import { parseOverrides, type TestOverride, TestOverrides } from './formats/ftw-overrides.js'
import { mpkFormat } from './formats/mpk.js'
import { ndjsonFormat } from './formats/ndjson.js'
import { createReader, type SelectionOptions, selection } from './line-reader.js'

export { type Alert, type AlertCounts, readAlerts } from './alerts/index.js'
export type { CaptureFormat } from './format.js'
export { curlCommand, type NoCurlCommand } from './formats/curl-writer.js'
export type { RuleTest, RuleTestStage } from './formats/ftw.js'
export type { RuleTestOutput } from './formats/ftw-output.js'
export type { TestOverride } from './formats/ftw-overrides.js'
export { type RuleTestText, ruleTestYaml } from './formats/ftw-writer.js'
export { writeMpk } from './formats/mpk.js'
export { ndjsonLine } from './formats/ndjson.js'
export { jsonOf, RecordError, recordOf } from './record.js'

const load = createRequire(import.meta.url)
/** Loaded with the first mistake. */
const levenshtein = (): typeof import('fastest-levenshtein') => load('fastest-levenshtein')

/** In the order in which content is sniffed. */
export const formats: readonly CaptureFormat[] = [ndjsonFormat, mpkFormat, ftwFormat]

export interface CorpusRequest extends SelectionOptions {
  /** Files, directories, patterns or `-`. */
  readonly specs: readonly string[]
  /** Name of a format, where neither the file's ending nor its content tells. */
  readonly format?: string
  /** Tags of the rules the corpus is replayed through; rule tests take class and paranoia level from them. */
  readonly ruleTags?: RuleTags
  /** Of `items` those with other ids may be left out, which is quicker. */
  readonly onlyIds?: ReadonlySet<string>
}

export interface CorpusReader {
  /** The files that are read, in order. */
  readonly sources: readonly string[]
  readonly items: AsyncIterable<CorpusItem>
  /** The same, with what need not be read here as raw lines; once `items` has been begun there is nothing more. */
  readonly parts: AsyncIterable<CorpusPart>
  /** How raw lines are read. */
  readonly reader: { readonly module: string; readonly options: SelectionOptions }
  /** Bytes of all the files; null where standard input is among them. */
  readonly bytes: number | null
  /** Share of the bytes read so far, 0 to 1; null where standard input is among the sources. */
  share(): number | null
}

/** Throws UsageError where a file, format, label rule or filter cannot be used. Reads nothing yet. */
export function corpusReader(request: CorpusRequest): CorpusReader {
  if (request.specs.length === 0)
    throw new UsageError('no corpus: give --corpus with a file, a directory, a pattern or - for standard input')
  const forced = request.format === undefined ? null : formatNamed(request.format)
  const { assumeBenign, labels, filters } = request
  const options = { assumeBenign, labels, filters }
  const select = selection(options)
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
  async function* readParts(): AsyncGenerator<CorpusPart, void, undefined> {
    for (const file of files) {
      for await (const part of readFileParts(file.path, { forced, onBytes: countBytes, ruleTags: request.ruleTags })) {
        const selected = isRawLines(part) ? part : select(part)
        if (selected !== null) yield selected
      }
    }
  }
  const parts = readParts()
  return {
    sources: files.map((file) => file.path),
    items: itemsOf(parts, createReader(options, request.onlyIds ?? null)),
    parts,
    reader: { module: new URL('./line-reader.js', import.meta.url).href, options },
    bytes: total,
    share: () => (total === null || total === 0 ? null : Math.min(1, read / total)),
  }
}

async function* itemsOf(
  parts: AsyncIterable<CorpusPart>,
  read: (lines: RawLines) => readonly CorpusItem[],
): AsyncGenerator<CorpusItem, void, undefined> {
  for await (const part of parts)
    if (isRawLines(part)) yield* read(part)
    else yield part
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

async function* readFileParts(path: string, options: ReadOptions): AsyncGenerator<CorpusPart, void, undefined> {
  const { forced, onBytes, ruleTags } = options
  const chunks = chunksOf(path, onBytes)
  const first = await chunks.next()
  if (first.done === true) return
  const format = forced ?? formatOf(path, first.value)
  async function* replayed(): AsyncGenerator<Buffer, void, undefined> {
    yield first.value as Buffer
    yield* chunks
  }
  const source = { file: nameOf(path), chunks: replayed(), ...(ruleTags === undefined ? {} : { ruleTags }) }
  yield* format.cut?.(source) ?? format.read(source)
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
