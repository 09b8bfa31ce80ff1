/**
 * `wafsim exclude verify`: proves a file of exclusions anew, after an upgrade of the rules or on new traffic.
 */
import type { Command } from 'commander'
import { UsageError } from '../../engine/index.js'
import { type ExitStatus, exitStatus } from '../definitions.js'
import { type AttackOptions, addAttackOptions, attackRequest } from '../exclude/attack-options.js'
import { runVerify, type VerifyRequest } from '../exclude/verify-run.js'
import {
  addCorpusOptions,
  addReplayOptions,
  addRulesetOptions,
  type CorpusOptions,
  corpusRequest,
  defaultWorkers,
  oneOf,
  type ReplayOptions,
  type RulesetOptions,
} from '../options.js'
import { outputLayout, write } from '../output.js'
import { createProgress } from '../progress.js'
import { renderVerifyJson, renderVerifyText, type VerifyReport, verifyReport } from '../reports/verify-report.js'

const formats = ['text', 'json'] as const

const failures = ['placebo', 'price', 'error', 'false-positive', 'missed-attack'] as const
type Failure = (typeof failures)[number]

/** Exit status 1 unless the caller says what for. */
const failsByDefault: readonly Failure[] = ['placebo', 'price', 'error']

export interface ExcludeVerifyOptions extends RulesetOptions, CorpusOptions, ReplayOptions, AttackOptions {
  readonly format: (typeof formats)[number]
  readonly failOn: readonly Failure[]
}

/** Adds `verify` to the command `exclude`. */
export function registerExcludeVerify(exclude: Command, finish: (status: ExitStatus) => void): void {
  const command = exclude
    .command('verify')
    .argument('<file|dir>', 'exclusions in any layout, written by wafsim or by people')
    .description('proves a file of exclusions anew: what each clears and costs today, and what is a placebo')
  addVerifyOptions(addCorpusOptions(addRulesetOptions(command))).action(
    async (file: string, options: ExcludeVerifyOptions) => {
      finish(await verify(file, options))
    },
  )
}

function addVerifyOptions(command: Command): Command {
  return addAttackOptions(addReplayOptions(command, 'one a core, at most 8'))
    .option('--format <name>', `format on standard output: ${formats.join(', ')}`, oneOf('--format', formats), 'text')
    .option(
      '--fail-on <what>',
      `exit with 1 on ${failures.join(', ')} (repeatable; default: ${failsByDefault.join(', ')})`,
      failOn,
      [],
    )
}

function failOn(text: string, previous: readonly Failure[]): readonly Failure[] {
  return [...previous, oneOf('--fail-on', failures)(text)]
}

async function verify(file: string, options: ExcludeVerifyOptions): Promise<ExitStatus> {
  const request = verifyRequest(file, options)
  const report = verifyReport(await runVerify(request), request)
  const text =
    options.format === 'json' ? renderVerifyJson(report) : renderVerifyText(report, outputLayout(options.color))
  await write(process.stdout, text)
  return judge(report, options.failOn.length === 0 ? failsByDefault : options.failOn)
}

function verifyRequest(file: string, options: ExcludeVerifyOptions): VerifyRequest {
  if (options.corpus.includes('-'))
    throw new UsageError('exclude verify reads the corpus more than once: give a file in place of standard input (-)')
  const quiet = options.quiet ?? false
  return {
    file,
    ruleset: options,
    corpus: corpusRequest(options),
    attacks: attackRequest(options),
    workers: options.workers ?? defaultWorkers(),
    recordTimeout: options.recordTimeout,
    quiet,
    progress: createProgress(!quiet && process.stderr.isTTY === true),
  }
}

function judge(report: VerifyReport, failOnWhat: readonly Failure[]): ExitStatus {
  const { statuses, errors, after, attacksLost } = report
  const found: Record<Failure, boolean> = {
    placebo: statuses.placebo + statuses.stale > 0,
    price: statuses['price-changed'] > 0,
    error: statuses.error + errors.length > 0,
    'false-positive': after.falsePositives > 0,
    'missed-attack': attacksLost > 0,
  }
  return failOnWhat.some((what) => found[what]) ? exitStatus.found : exitStatus.ok
}
