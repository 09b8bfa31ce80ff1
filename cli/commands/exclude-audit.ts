/**
 * `wafsim exclude audit`: judges the exclusions that stand in a ruleset by one replay that lifts them all.
 */
import type { Command } from 'commander'
import type { FindingKind } from '../../engine/index.js'
import { type ExitStatus, exitStatus } from '../definitions.js'
import { auditExclusions } from '../exclude/audit-run.js'
import {
  addCorpusOptions,
  addReplayOptions,
  addRulesetOptions,
  type CorpusOptions,
  oneOf,
  type ReplayOptions,
  type RulesetOptions,
} from '../options.js'
import { outputLayout, write } from '../output.js'
import { type AuditRunReport, renderAuditJson, renderAuditText } from '../reports/audit-report.js'

const formats = ['text', 'json'] as const

const failures = ['placebo', 'stale', 'dangerous', 'never-needed'] as const satisfies readonly FindingKind[]
type Failure = (typeof failures)[number]

export interface ExcludeAuditOptions extends RulesetOptions, CorpusOptions, ReplayOptions {
  readonly all?: boolean
  readonly confirm: boolean
  readonly format: (typeof formats)[number]
  readonly failOn: readonly Failure[]
}

/** Adds `audit` to the command `exclude`. */
export function registerExcludeAudit(exclude: Command, finish: (status: ExitStatus) => void): void {
  const command = exclude
    .command('audit')
    .description('exclusions that stand in a ruleset: needed, never needed, stale, too broad, placebo, dangerous')
  addAuditOptions(addCorpusOptions(addRulesetOptions(command))).action(async (options: ExcludeAuditOptions) => {
    finish(await audit(options))
  })
}

function addAuditOptions(command: Command): Command {
  return addReplayOptions(command, 'one a core, at most 8; 0 for a small corpus')
    .option('--all', "judge the ruleset's own exclusions too")
    .option('--no-confirm', 'without the second replay, in which what was never needed is off')
    .option('--format <name>', `format on standard output: ${formats.join(', ')}`, oneOf('--format', formats), 'text')
    .option('--fail-on <what>', `exit with 1 on ${failures.join(', ')} (repeatable)`, failOn, [])
}

function failOn(text: string, previous: readonly Failure[]): readonly Failure[] {
  return [...previous, oneOf('--fail-on', failures)(text)]
}

async function audit(options: ExcludeAuditOptions): Promise<ExitStatus> {
  const report = await auditExclusions(options)
  const text =
    options.format === 'json' ? renderAuditJson(report) : renderAuditText(report, outputLayout(options.color))
  await write(process.stdout, text)
  return judge(report, options.failOn)
}

function judge({ exclusions }: AuditRunReport, failOnWhat: readonly Failure[]): ExitStatus {
  const found = new Set(exclusions.flatMap(({ findings }) => findings.map(({ kind }) => kind)))
  return failOnWhat.some((what) => found.has(what)) ? exitStatus.found : exitStatus.ok
}
