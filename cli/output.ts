/**
 * Where results go: standard output in one format, and files given with `--out FORMAT:FILE`.
 *
 * Writing waits for the reader, so that memory does not grow with the output; a reader that goes away
 * (`| head`) ends the run quietly.
 */
import { once } from 'node:events'
import { createWriteStream, openSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { UsageError, type Verdict } from '../engine/index.js'
import type { ReportDefinition, ReportOptions } from './definitions.js'
import { oneOf } from './options.js'
import { findReport, reports } from './reports/index.js'
import type { RunReport } from './reports/run-report.js'

/** How a report for people is laid out. */
export interface HumanLayout {
  readonly color: boolean
  readonly width: number
}

/** Columns of standard output: the terminal's, else those of COLUMNS, else 100. */
export function outputWidth(): number {
  return process.stdout.columns ?? (Number(process.env.COLUMNS) || 100)
}

/** The layout of standard output: coloured on a terminal, unless NO_COLOR or `color` says no. */
export function outputLayout(color: boolean): HumanLayout {
  return { color: color && process.stdout.isTTY === true && process.env.NO_COLOR === undefined, width: outputWidth() }
}

export interface OutputChoice {
  readonly format?: string
  readonly out: readonly string[]
  /** Undefined: as the format has it. */
  readonly redact?: boolean
}

interface Sink {
  readonly definition: ReportDefinition
  readonly stream: Writable
  readonly options: ReportOptions
  readonly file: string | null
  /** Lines that have not been written yet. */
  lines: string
}

export class Outputs {
  readonly #sinks: readonly Sink[]
  readonly #lineSinks: readonly Sink[]

  /** Throws UsageError where a format is unknown or a file cannot be written. */
  constructor(choice: OutputChoice, human: HumanLayout) {
    const sinks = choice.out.map((text) => fileSink(text, choice.redact, human.width))
    if (choice.format !== undefined || sinks.length === 0)
      sinks.push(sinkOf(formatNamed('--format', choice.format ?? 'text'), process.stdout, null, choice.redact, human))
    this.#sinks = sinks
    this.#lineSinks = sinks.filter((sink) => sink.definition.kind === 'lines')
  }

  /** Its lines are written with the next `flush`. */
  verdict(verdict: Verdict): void {
    for (const sink of this.#lineSinks)
      if (sink.definition.kind === 'lines') sink.lines += `${sink.definition.line(verdict, sink.options)}\n`
  }

  /** Null where there is nothing to write, and nothing need be waited for. */
  flush(): Promise<void> | null {
    return this.#lineSinks.some(({ lines }) => lines !== '') ? this.#writeLines() : null
  }

  async #writeLines(): Promise<void> {
    for (const sink of this.#lineSinks) {
      const { lines } = sink
      sink.lines = ''
      await write(sink.stream, lines)
    }
  }

  async finish(report: RunReport): Promise<void> {
    await this.flush()
    for (const sink of this.#sinks) {
      if (sink.definition.kind === 'whole') await write(sink.stream, sink.definition.render(report, sink.options))
      if (sink.file !== null) {
        sink.stream.end()
        await once(sink.stream, 'close')
      }
    }
  }
}

function formatNamed(option: string, name: string): ReportDefinition {
  const known = reports.map((report) => report.name)
  return findReport(oneOf(option, known)(name)) as ReportDefinition
}

function fileSink(text: string, redact: boolean | undefined, width: number): Sink {
  const colon = text.indexOf(':')
  if (colon < 1) throw new UsageError(`--out takes FORMAT:FILE, e.g. json:report.json, not "${text}"`)
  const file = text.slice(colon + 1)
  if (file === '') throw new UsageError(`--out ${text}: the file is missing behind the colon`)
  const format = formatNamed('the format of --out', text.slice(0, colon))
  const stream = createWriteStream(file, { fd: openForWriting(file) })
  return sinkOf(format, stream, file, redact, { color: false, width })
}

/** Throws UsageError where the file cannot be written. */
export function openForWriting(file: string): number {
  try {
    return openSync(file, 'w')
  } catch (error) {
    throw new UsageError(`cannot write ${file}: ${(error as Error).message}`)
  }
}

function sinkOf(
  definition: ReportDefinition,
  stream: Writable,
  file: string | null,
  redact: boolean | undefined,
  human: HumanLayout,
): Sink {
  return { definition, stream, file, lines: '', options: { ...human, redact: redact ?? definition.redactsByDefault } }
}

/** Writes and waits where the reader is slow. */
export async function write(stream: NodeJS.WritableStream, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain')
}
