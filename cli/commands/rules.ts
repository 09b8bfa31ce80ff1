/**
 * `wafsim rules`: list, filter and check a ruleset.
 */
import type { Command } from 'commander'
import {
  checkParts,
  createDiskReader,
  formatDiagnostic,
  type LoadedRuleset,
  platforms,
  type Rule,
  UsageError,
} from '../../engine/index.js'
import { resolveRuleset } from '../../rulesets/index.js'
import { type CommandDefinition, type ExitStatus, exitStatus } from '../definitions.js'
import { loadFromOptions } from '../load.js'
import { addRulesetOptions, collect, oneOf, type RulesetOptions, rulesetRequest, wholeNumber } from '../options.js'
import { outputWidth, write } from '../output.js'
import { count, plural, safe, table } from '../reports/layout.js'
import { inRange, parseIdRange } from '../rule-filter.js'

const formats = ['text', 'json'] as const

interface ListOptions extends RulesetOptions {
  readonly tag: readonly string[]
  readonly level?: number
  readonly phase?: number
  readonly id: readonly string[]
  readonly search?: string
  readonly format: (typeof formats)[number]
}

export const rulesCommand: CommandDefinition = {
  name: 'rules',
  register: (program, finish) => {
    const rules = program.command('rules').description('list, search and check a ruleset')
    rules.exitOverride()
    registerList(rules, finish)
    registerCheck(rules, finish)
  },
}

function registerList(rules: Command, finish: (status: ExitStatus) => void): void {
  addRulesetOptions(rules.command('list').description('list the rules, one a line'))
    .option('--tag <tag>', 'only rules with this tag (repeatable: all of them)', collect, [])
    .option('--level <0-4>', 'only rules of this paranoia level (0: of none)', wholeNumber('--level', 0, 4))
    .option('--phase <1-5>', 'only rules of this phase', wholeNumber('--phase', 1, 5))
    .option('--id <id|from-to>', 'only these rules (repeatable)', collect, [])
    .option('--search <text>', 'only rules whose message, tags or patterns hold the text')
    .option('--format <name>', `format: ${formats.join(', ')}`, oneOf('--format', formats), 'text')
    .exitOverride()
    .action(async (options: ListOptions) => {
      finish(await list(options))
    })
}

function registerCheck(rules: Command, finish: (status: ExitStatus) => void): void {
  addRulesetOptions(rules.command('check').description('report every error, warning and rule that cannot be simulated'))
    .option('--format <name>', `format: ${formats.join(', ')}`, oneOf('--format', formats), 'text')
    .exitOverride()
    .action(async (options: ListOptions) => {
      finish(await check(options))
    })
}

interface ListedRule {
  readonly id: number
  readonly phase: number
  readonly paranoiaLevel: number
  readonly severity: number | null
  readonly msg: string
  readonly tags: readonly string[]
  readonly targets: readonly string[]
  readonly links: number
  readonly file: string
  readonly line: number
}

function listed(rule: Rule): ListedRule {
  return {
    id: rule.id,
    phase: rule.phase,
    paranoiaLevel: rule.paranoiaLevel,
    severity: rule.severity,
    msg: rule.msg?.constant ?? '',
    tags: rule.tags.map((tag) => tag.constant ?? ''),
    targets: rule.links[0]?.targets.map((target) => target.text) ?? [],
    links: rule.links.length,
    file: rule.span.file,
    line: rule.span.line,
  }
}

function idTest(texts: readonly string[]): (id: number) => boolean {
  const ranges = texts.map((text) => {
    const range = parseIdRange(text)
    if (range === null) throw new UsageError(`--id takes a rule id or a range (942100-942199), not "${text}"`)
    return range
  })
  return (id) => ranges.length === 0 || ranges.some((range) => inRange(id, range))
}

async function list(options: ListOptions): Promise<ExitStatus> {
  const wanted = idTest(options.id)
  const { loaded } = loadFromOptions(options, { quiet: true })
  const search = options.search?.toLowerCase()
  const rules = loaded.ruleset.rules.filter((rule) => {
    const facts = listed(rule)
    if (!wanted(rule.id)) return false
    if (options.phase !== undefined && rule.phase !== options.phase) return false
    if (options.level !== undefined && rule.paranoiaLevel !== options.level) return false
    if (!options.tag.every((tag) => facts.tags.includes(tag))) return false
    if (search === undefined) return true
    const texts = [facts.msg, ...facts.tags, ...rule.links.map((link) => link.operatorText)]
    return texts.some((text) => text.toLowerCase().includes(search))
  })
  await write(process.stdout, options.format === 'json' ? listJson(rules) : listText(rules, loaded))
  return exitStatus.ok
}

function listJson(rules: readonly Rule[]): string {
  return `${JSON.stringify(rules.map(listed), null, 2)}\n`
}

function listText(rules: readonly Rule[], loaded: LoadedRuleset): string {
  const rows = rules.map((rule) => {
    const facts = listed(rule)
    return [
      String(facts.id),
      String(facts.phase),
      facts.paranoiaLevel === 0 ? '–' : String(facts.paranoiaLevel),
      facts.links > 1 ? String(facts.links) : '',
      safe(facts.msg || facts.targets.join('|')),
    ]
  })
  const heading = ['rule', 'phase', 'level', 'chain', 'message']
  const body = rows.length === 0 ? '' : `${table(heading, rows, outputWidth())}\n`
  return `${body}${plural(rules.length, 'rule')} of ${count(loaded.ruleset.rules.length)}\n`
}

/** How a pattern is run that RE2 does not run as it is. */
const runs: Readonly<Record<string, string>> = {
  rewritten: 'rewritten for RE2, exactly',
  backtracker: 'runs in the backtracker, on values that a wider RE2 pattern matches',
  'backtracker-alone': 'runs in the backtracker, on every value',
}

async function check(options: ListOptions): Promise<ExitStatus> {
  const plan = resolveRuleset(rulesetRequest(options))
  const { ruleset, diagnostics } = checkParts(plan.parts, createDiskReader(), { platform: platforms[options.platform] })
  const errors = diagnostics.filter((d) => d.severity === 'error').length
  const unsimulated = ruleset?.unsimulated ?? []
  const patterns = ruleset?.patterns ?? []
  if (options.format === 'json')
    await write(
      process.stdout,
      `${JSON.stringify({ rules: ruleset?.rules.length ?? 0, errors, warnings: diagnostics.length - errors, diagnostics, unsimulated, patterns }, null, 2)}\n`,
    )
  else {
    const lines = diagnostics.map((d) => formatDiagnostic(d))
    for (const each of unsimulated)
      lines.push(`rule ${each.ruleId}: ${safe(each.what)} is not simulated: ${each.reason}`)
    for (const each of patterns)
      lines.push(`rule ${each.ruleId}: pattern with ${safe(each.needs.join(', '))}: ${runs[each.run] ?? each.run}`)
    lines.push(
      `${plural(ruleset?.rules.length ?? 0, 'rule')} loaded, ${plural(errors, 'error')}, ${plural(diagnostics.length - errors, 'warning')}, ${count(unsimulated.length)} not simulated`,
    )
    await write(process.stdout, `${lines.join('\n')}\n`)
  }
  return errors > 0 ? exitStatus.unusable : exitStatus.ok
}
