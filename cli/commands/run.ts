/**
 * `wafsim run`: replay corpora through a ruleset and report.
 */
import type { Command } from 'commander'
import { corpusReader } from '../../corpora/index.js'
import { type Ruleset, startedThreads, Threads, UsageError } from '../../engine/index.js'
import { type CommandDefinition, type ExitStatus, exitStatus } from '../definitions.js'
import { loadFromOptions } from '../load.js'
import {
  addCorpusOptions,
  addProfileOption,
  addRulesetOptions,
  addShortcutOptions,
  type CorpusOptions,
  collect,
  defaultWorkers,
  oneOf,
  type RulesetOptions,
  type ShortcutOptions,
  shortcutsFrom,
  wholeNumber,
} from '../options.js'
import { Outputs, outputLayout } from '../output.js'
import { keepPatterns } from '../pattern-cache.js'
import { startProfileFile } from '../profile-file.js'
import { createProgress } from '../progress.js'
import { replay, worksInMainThread } from '../replay.js'
import { reports } from '../reports/index.js'
import type { RunReport } from '../reports/run-report.js'
import { splitRuleFilter } from '../rule-filter.js'

const failures = ['false-positive', 'missed-attack', 'error', 'incomplete'] as const
type Failure = (typeof failures)[number]

interface RunOptions extends RulesetOptions, CorpusOptions, ShortcutOptions {
  /** Absent: as many as are worth while. */
  readonly workers?: number
  readonly format?: string
  readonly out: readonly string[]
  readonly redact?: boolean
  readonly quiet?: boolean
  readonly color: boolean
  readonly allRules?: boolean
  readonly failOn: readonly Failure[]
  readonly maxFalsePositives?: string
  readonly profile?: string
  readonly recordTimeout?: number
}

export const runCommand: CommandDefinition = {
  name: 'run',
  register: (program, finish) => {
    const command = program
      .command('run')
      .description('replay corpora through a ruleset: what fires, what would be blocked, false positives, exclusions')
    addShortcutOptions(addProfileOption(addRunOptions(addCorpusOptions(addRulesetOptions(command))))).action(
      async (options: RunOptions) => {
        finish(await run(options))
      },
    )
  },
}

function addRunOptions(command: Command): Command {
  return command
    .option(
      '--workers <n>',
      'threads that evaluate; 0: the main thread alone; in short runs it is one of them (default: one a core, at most 8; 0 for a small corpus)',
      wholeNumber('--workers', 0, 256),
    )
    .option('--format <name>', `format on standard output: ${reports.map((r) => r.name).join(', ')} (default: text)`)
    .option('--out <format:file>', 'writes a report to a file (repeatable)', collect, [])
    .option('--all-rules', 'report rules with nolog too')
    .option('--redact', 'mask the values of captures')
    .option('--no-redact', 'do not mask the values of captures')
    .option('--fail-on <what>', `exit with 1 on ${failures.join(', ')} (repeatable)`, failOn, [])
    .option('--max-false-positives <n|p%>', 'exit with 1 where more benign requests than this would be blocked')
    .option(
      '--record-timeout <ms>',
      'a record that takes longer is in error; 0: none is',
      wholeNumber('--record-timeout', 0, 86_400_000),
      defaultRecordTimeout,
    )
    .option('--quiet', 'no progress and no messages')
    .option('--no-color', 'no colours')
}

/** Milliseconds. */
const defaultRecordTimeout = 30_000

function failOn(text: string, previous: readonly Failure[]): readonly Failure[] {
  return [...previous, oneOf('--fail-on', failures)(text)]
}

/** Runs the command; exported for the main job of `npm start`. */
export async function run(options: RunOptions): Promise<ExitStatus> {
  const most = parseAllowance(options.maxFalsePositives)
  const ruleFilter = splitRuleFilter(options.filter)
  const quiet = options.quiet ?? false
  const profile = await startProfileFile(options.profile)
  let tagsOf: (ruleId: number) => readonly string[] = () => []
  const corpus = corpusReader({
    specs: options.corpus,
    ...(options.corpusFormat === undefined ? {} : { format: options.corpusFormat }),
    assumeBenign: options.assumeBenign ?? false,
    labels: options.label,
    filters: ruleFilter.filters,
    ruleTags: (ruleId) => tagsOf(ruleId),
  })
  const workers = options.workers ?? (isBelow(smallCorpusBytes, corpus.bytes) ? 0 : defaultWorkers())
  const mainThreadWorks = worksInMainThread(workers, corpus.bytes)
  // They load their modules while this one reads the rules.
  const started = startedThreads({ workers, mainThreadWorks })
  const threads = started > 0 ? new Threads(started) : undefined
  try {
    const { loaded, name } = loadFromOptions(options, { quiet })
    tagsOf = tagLookup(loaded.ruleset)
    const facts = keepPatterns(loaded)
    const outputs = new Outputs(
      {
        out: options.out,
        ...(options.format === undefined ? {} : { format: options.format }),
        ...(options.redact === undefined ? {} : { redact: options.redact }),
      },
      outputLayout(options.color),
    )
    const report = await replay({
      loaded,
      rulesetName: name,
      sources: corpus.sources,
      parts: corpus.parts,
      reader: corpus.reader,
      facts,
      workers,
      mainThreadWorks,
      ...(threads === undefined ? {} : { threads }),
      allRules: options.allRules ?? false,
      shortcuts: shortcutsFrom(options),
      recordTimeout: options.recordTimeout ?? defaultRecordTimeout,
      profiling: profile?.profiling ?? null,
      progress: createProgress(!quiet && process.stderr.isTTY === true),
      share: corpus.share,
      keeps: ruleFilter.keeps,
      onVerdict: (verdict) => outputs.verdict(verdict),
      flush: () => outputs.flush(),
    })
    refuseEmpty(report)
    await outputs.finish(report)
    profile?.write()
    return judge(report, options.failOn, most)
  } finally {
    await threads?.close()
  }
}

/** LIMIT: with fewer bytes, some 100 records, the main thread is done before a worker has started. */
const smallCorpusBytes = 1 << 17
function isBelow(limit: number, bytes: number | null): boolean {
  return bytes !== null && bytes < limit
}

/** Nothing to report on is an error of the caller's, not a clean run. */
function refuseEmpty({ totals, errors }: RunReport): void {
  if (totals.transactions === 0) throw new UsageError('no record at all in the corpus; check --corpus and --filter')
  if (totals.errors === totals.transactions)
    throw new UsageError(`every record is in error; the first one: ${errors[0]?.error ?? 'unknown'}`)
}

/** Tags by rule id, as far as they hold no macros. */
function tagLookup({ rules }: Ruleset): (ruleId: number) => readonly string[] {
  const tags = new Map(rules.map((rule) => [rule.id, rule.tags.map((tag) => tag.constant ?? '')]))
  return (ruleId) => tags.get(ruleId) ?? []
}

function judge({ totals }: RunReport, failOnWhat: readonly Failure[], most: Allowance | null): ExitStatus {
  const incomplete = totals.transactions - totals.byEvidence.complete
  const found: Record<Failure, boolean> = {
    'false-positive': totals.falsePositives > 0,
    'missed-attack': totals.missedAttacks > 0,
    error: totals.errors > 0,
    incomplete: incomplete > 0,
  }
  if (failOnWhat.some((what) => found[what])) return exitStatus.found
  if (most !== null && totals.falsePositives > most.of(totals.benignTotal)) return exitStatus.found
  return exitStatus.ok
}

interface Allowance {
  of(benign: number): number
}

function parseAllowance(text: string | undefined): Allowance | null {
  if (text === undefined) return null
  const parts = /^(\d+(?:\.\d+)?)(%?)$/.exec(text)
  if (parts === null || (parts[2] === '' && text.includes('.')))
    throw new UsageError(`--max-false-positives takes a number of requests or a percentage (5, 0.1%), not "${text}"`)
  const value = Number(parts[1])
  return parts[2] === '%' ? { of: (benign) => (benign * value) / 100 } : { of: () => value }
}
