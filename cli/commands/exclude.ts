/**
 * `wafsim exclude`: exclusions for the false positives of a corpus, proven by replay; for one rule by hand; from alerts.
 */
import { type Command, Option } from 'commander'
import { defaultIdBounds, type IdBounds, parseIdBounds, UsageError } from '../../engine/index.js'
import { type CommandDefinition, type ExitStatus, exitStatus } from '../definitions.js'
import { excludeFromAlerts } from '../exclude/alerts.js'
import { type AttackOptions, addAttackOptions, attackRequest } from '../exclude/attack-options.js'
import { excludeByHand } from '../exclude/by-hand.js'
import { type Expectation, excludeReproduce, expectations } from '../exclude/reproduce.js'
import { runSynthesis, type SynthesisRequest } from '../exclude/synthesis-run.js'
import { idsAt, type LayoutDefinition, layoutFor, renderLayout, updateFiles, withoutOurs } from '../layouts/index.js'
import {
  addCorpusOptions,
  addReplayOptions,
  addRulesetOptions,
  type CorpusOptions,
  collect,
  corpusRequest,
  defaultWorkers,
  oneOf,
  type ReplayOptions,
  type RulesetOptions,
  wholeNumber,
} from '../options.js'
import { outputLayout, write } from '../output.js'
import { createProgress } from '../progress.js'
import { type ExcludeReport, excludeReport } from '../reports/exclude-report.js'
import { excludeText } from '../reports/exclude-text.js'
import { plural, safe } from '../reports/layout.js'
import { registerExcludeAudit } from './exclude-audit.js'
import { registerExcludeVerify } from './exclude-verify.js'

export const excludeFormats = ['text', 'json', 'conf'] as const
export type ExcludeFormat = (typeof excludeFormats)[number]

export interface ExcludeOptions extends RulesetOptions, CorpusOptions, ReplayOptions, AttackOptions {
  readonly targetScore?: number
  readonly idRange: IdBounds
  readonly layout: string
  readonly pluginName?: string
  readonly apply?: string
  readonly likelyBenign?: boolean
  readonly format: ExcludeFormat
  readonly redact?: boolean
  readonly date?: string
  readonly failOn: readonly Failure[]
  readonly rule?: number
  readonly param?: string
  readonly path?: string
  readonly method?: string
  readonly host?: string
  readonly alerts: readonly string[]
  /** The folder to write to; true: standard output. */
  readonly reproduce?: string | true
  readonly record: readonly string[]
  readonly expect?: Expectation
}

const failures = ['false-positive', 'missed-attack', 'placebo'] as const
type Failure = (typeof failures)[number]

export const excludeCommand: CommandDefinition = {
  name: 'exclude',
  register: (program, finish) => {
    const command = program
      .command('exclude')
      .description('exclusions for the false positives of a corpus, each proven by replay and priced in attacks lost')
      .enablePositionalOptions()
    addExcludeOptions(addCorpusOptions(addRulesetOptions(command))).action(async (options: ExcludeOptions) => {
      finish(await exclude(options))
    })
    registerExcludeAudit(command, finish)
    registerExcludeVerify(command, finish)
  },
}

function addExcludeOptions(command: Command): Command {
  return addAttackOptions(addReplayOptions(command, 'one a core, at most 8'))
    .option(
      '--target-score <n>',
      'clear a request once its score is at most this; 0: every scoring hit (default: it passes)',
      wholeNumber('--target-score', 0),
    )
    .option('--likely-benign', 'take unlabelled requests for benign where the evidence makes that likely')
    .option(
      '--layout <name>',
      'where the text is written: inline, location, crs, plugin, nginx, nginx-inline, caddy, spoa, proxy-wasm',
      'inline',
    )
    .option('--plugin-name <name>', 'name of the plugin with --layout plugin')
    .addOption(
      new Option('--id-range <a-b>', 'ids for the rules that exclusions add')
        .argParser(parseIdBounds)
        .default(defaultIdBounds, `${defaultIdBounds.first}-${defaultIdBounds.last}`),
    )
    .option('--apply <file|dir>', 'update the file, or the files in the directory, keeping what people edited')
    .option(
      '--rule <id>',
      'by hand: every exclusion for this rule, unproven; with --reproduce: this rule alone',
      wholeNumber('--rule', 1),
    )
    .option('--param <name>', 'by hand: the parameter, or a target such as REQUEST_COOKIES:sid')
    .option('--path <path>', 'by hand: the path')
    .option('--method <method>', 'by hand: only requests with this method')
    .option('--host <host>', 'by hand: only requests to this host')
    .option(
      '--alerts <file|dir|glob|->',
      'from error logs or audit logs without bodies, unproven (repeatable)',
      collect,
      [],
    )
    .option('--reproduce [dir]', 'the smallest requests that show the false positives, as rule tests and curl commands')
    .option(
      '--record <id>',
      'with --reproduce: this record (repeatable; default: the smallest for each rule)',
      collect,
      [],
    )
    .option(
      '--expect <what>',
      `with --reproduce: the test asks that the rule is ${expectations.join(', or ')} (default: silent)`,
      oneOf('--expect', expectations),
    )
    .option(
      '--format <name>',
      `format on standard output: ${excludeFormats.join(', ')}`,
      oneOf('--format', excludeFormats),
      'text',
    )
    .option('--date <yyyy-mm-dd>', 'the day written beside new exclusions (default: today)')
    .option('--fail-on <what>', `exit with 1 on ${failures.join(', ')} (repeatable)`, failOn, [])
}

function failOn(text: string, previous: readonly Failure[]): readonly Failure[] {
  return [...previous, oneOf('--fail-on', failures)(text)]
}

async function exclude(options: ExcludeOptions): Promise<ExitStatus> {
  if (options.reproduce !== undefined) return excludeReproduce(options)
  if (options.record.length > 0 || options.expect !== undefined)
    throw new UsageError('--record and --expect go with --reproduce')
  if (options.rule !== undefined) return excludeByHand(options, options.rule)
  if (options.alerts.length > 0) return excludeFromAlerts(options)
  for (const name of ['param', 'path', 'method', 'host'] as const)
    if (options[name] !== undefined)
      throw new UsageError(`--${name} goes with --rule; for a corpus use --filter '${name}=…' to choose records`)
  const layout = layoutFor(options.layout, options.platform)
  const today = dateOf(options.date)
  const request = synthesisRequest(options, layout)
  const run = await runSynthesis(request)
  const report = excludeReport(run, request)
  if (run.totals.transactions === 0) throw new UsageError('no record at all in the corpus; check --corpus and --filter')
  const layoutOptions = {
    today,
    messages: new Map(run.loaded.ruleset.rules.map((rule) => [rule.id, rule.msg?.constant ?? ''])),
    attacksBefore: report.attacksBefore,
    ...(options.pluginName === undefined ? {} : { pluginName: options.pluginName }),
  }
  if (options.apply !== undefined) {
    const files = updateFiles(options.apply, layout, report.exclusions, layoutOptions)
    if (options.quiet !== true) for (const file of files) tellApplied(file)
  }
  const human = outputLayout(options.color)
  if (options.format === 'json') await write(process.stdout, `${JSON.stringify(report, null, 2)}\n`)
  else if (options.format === 'conf')
    for (const { name, text } of renderLayout(layout, report.exclusions, layoutOptions))
      await write(process.stdout, layout.files.length === 1 ? text : `# ${name}\n${text}`)
  else await write(process.stdout, excludeText(report, { ...human, redact: options.redact ?? false }))
  return judge(report, options.failOn)
}

function synthesisRequest(options: ExcludeOptions, layout: LayoutDefinition): SynthesisRequest {
  if (options.corpus.includes('-'))
    throw new UsageError('exclude reads the corpus more than once: give a file in place of standard input (-)')
  const quiet = options.quiet ?? false
  const replaced = options.apply === undefined ? null : withoutOurs(options.apply, layout, options.pluginName)
  return {
    ruleset: replaced === null ? options : { ...options, replaced },
    corpus: corpusRequest(options),
    attacks: attackRequest(options),
    workers: options.workers ?? defaultWorkers(),
    recordTimeout: options.recordTimeout,
    targetScore: options.targetScore ?? null,
    idBounds: options.idRange,
    writtenIds: options.apply === undefined ? null : idsAt(options.apply, layout, options.pluginName),
    likelyBenign: options.likelyBenign ?? false,
    quiet,
    progress: createProgress(!quiet && process.stderr.isTTY === true),
  }
}

function tellApplied(file: ReturnType<typeof updateFiles>[number]): void {
  const { name, added, changed, removed, unchanged, edited, broken } = file
  process.stderr.write(
    `wafsim: ${safe(name)}: ${added.length} added, ${changed.length} changed, ${removed.length} removed, ${unchanged.length} as before\n`,
  )
  for (const { key, line, proposed } of edited)
    process.stderr.write(
      `wafsim: ${safe(name)}:${line}: exclusion ${key} was edited and is kept as it is${proposed ? '' : '; it is no longer proposed'}\n`,
    )
  if (broken.length > 0)
    process.stderr.write(
      `wafsim: ${safe(name)}: ${plural(broken.length, 'mark')} of wafsim without a partner (line ${broken.join(', ')}); what stands there is kept\n`,
    )
}

export function dateOf(text: string | undefined): string {
  if (text === undefined) return new Date().toISOString().slice(0, 10)
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || Number.isNaN(Date.parse(text)))
    throw new UsageError(`--date takes a day such as 2026-12-01, not "${safe(text)}"`)
  return text
}

function judge(report: ExcludeReport, failOnWhat: readonly Failure[]): ExitStatus {
  const found: Record<Failure, boolean> = {
    'false-positive': report.after.falsePositives > 0,
    'missed-attack': report.attacksLost > 0,
    placebo: report.placebos.length > 0,
  }
  return failOnWhat.some((what) => found[what]) ? exitStatus.found : exitStatus.ok
}
