/**
 * The report for people: what was tested, totals, rules by hits, false positives with their exclusions,
 * missed attacks.
 */
import pc from 'picocolors'
import type { ReportDefinition, ReportOptions } from '../definitions.js'
import { count, cut, percent, plural, safe, table, wrap } from './layout.js'
import { maskValue } from './redact.js'
import type { FalsePositiveGroup, RunReport } from './run-report.js'
import { testedLines } from './tested.js'

/** Rows shown before "and n more"; the JSON report has all. */
const shownRules = 20
const shownGroups = 12
const shownMissed = 15

export const textReport: ReportDefinition = {
  name: 'text',
  doc: 'for people (default)',
  kind: 'whole',
  redactsByDefault: false,
  render: (report, options) => new TextReport(report, options).render(),
}

class TextReport {
  readonly #colors: ReturnType<typeof pc.createColors>

  constructor(
    private readonly report: RunReport,
    private readonly options: ReportOptions,
  ) {
    this.#colors = pc.createColors(options.color)
  }

  render(): string {
    const sections = [
      testedLines(this.report, this.options.width),
      this.#totals(),
      this.#rules(),
      this.#falsePositives(),
      this.#unlabelled(),
      this.#missed(),
      this.#errors(),
      this.#timing(),
    ]
    return `${sections.filter((section) => section !== '').join('\n\n')}\n`
  }

  #title(text: string): string {
    return this.#colors.bold(text)
  }

  #wrapped(text: string, indent = ''): string {
    return wrap(text, this.options.width, indent)
  }

  #totals(): string {
    const { totals } = this.report
    const rows: [string, string][] = [
      ['would be blocked', `${count(totals.blocked)} of ${count(totals.transactions)}`],
      [
        'false positives',
        `${count(totals.falsePositives)} of ${plural(totals.benignTotal, 'benign request')} (${percent(totals.falsePositives, totals.benignTotal)}) would be blocked; ${count(totals.benignAlerted)} raise a score`,
      ],
      [
        'missed attacks',
        `${count(totals.missedAttacks)} of ${plural(totals.attackTotal, 'attack')} (${percent(totals.missedAttacks, totals.attackTotal)}) would pass`,
      ],
    ]
    if (totals.errors > 0) rows.push(['in error', count(totals.errors)])
    if (totals.limitsExceeded > 0)
      rows.push([
        'match limit',
        `exceeded on ${count(totals.limitsExceeded)}: rules did not match there (SecPcreMatchLimit; --format ndjson names them)`,
      ])
    const lines = rows.map(([name, value]) => {
      const text = wrap(value, this.options.width - 20)
      return `  ${name.padEnd(18)}${text.split('\n').join(`\n${' '.repeat(20)}`)}`
    })
    return [this.#title('Totals'), ...lines].join('\n')
  }

  #rules(): string {
    const { rules } = this.report
    if (rules.length === 0) return `${this.#title('Rules')}\n  no rule that logs has fired`
    const rows = rules
      .slice(0, shownRules)
      .map((rule) => [
        String(rule.ruleId),
        count(rule.hits),
        count(rule.benignHits),
        count(rule.attackHits),
        count(rule.decisive),
        safe(rule.msg),
      ])
    const more =
      rules.length > shownRules
        ? `\n  … and ${plural(rules.length - shownRules, 'more rule')} (--format json has all)`
        : ''
    return `${this.#title('Rules by hits')}\n${table(['rule', 'hits', 'benign', 'attack', 'decisive', 'message'], rows, this.options.width)}${more}`
  }

  #falsePositives(): string {
    const { falsePositives, totals } = this.report
    if (totals.benignTotal === 0) return ''
    const blocked = falsePositives.filter((group) => group.blockedRequests > 0)
    const quiet = falsePositives.length - blocked.length
    const title = this.#title('False positives, by rule, target and path')
    if (blocked.length === 0)
      return `${title}\n  none: no benign request would be blocked${quiet > 0 ? `; ${plural(quiet, 'group')} below the threshold (--format json)` : ''}`
    const more =
      blocked.length > shownGroups
        ? [`  … and ${plural(blocked.length - shownGroups, 'more group')} (--format json has all)`]
        : []
    const below =
      quiet > 0 ? [`  ${plural(quiet, 'group')} of hits on benign requests below the threshold (--format json)`] : []
    const { hitsLeftOut } = this.report
    const leftOut = hitsLeftOut > 0 ? [`  ${plural(hitsLeftOut, 'more hit')} in too many groups to list`] : []
    return [
      title,
      ...blocked.slice(0, shownGroups).map((group, n) => this.#group(group, n + 1)),
      ...more,
      ...below,
      ...leftOut,
    ].join('\n')
  }

  #unlabelled(): string {
    const { unlabelledBlocks, totals } = this.report
    const { unknown } = totals.byLabel
    if (unknown === 0) return ''
    const intro = this.#wrapped(
      `${plural(unknown, 'record')} without a label: nobody has said whether they are benign, so none of them is called a false positive or a missed attack. Say it with --assume-benign, or with --label 'path=/api/* benign'.`,
      '  ',
    )
    const blocked = unlabelledBlocks.filter((group) => group.blockedRequests > 0)
    const groups = blocked.slice(0, shownGroups).map((group, n) => this.#group(group, n + 1))
    return [this.#title('Unlabelled records'), intro, ...groups].join('\n')
  }

  #group(group: FalsePositiveGroup, number: number): string {
    const { width } = this.options
    const ids = group.ruleIds.join(', ')
    const lines = [
      `  ${this.#colors.yellow(cut(`${number}. ${ids} ${safe(group.msg)}`, width - 2))}`,
      cut(`     ${safe(group.method)} ${safe(group.path)}  ${safe(group.target)}`, width),
      cut(`     ${plural(group.requests, 'request')}, ${count(group.blockedRequests)} would be blocked`, width),
    ]
    const example = group.examples[0]
    if (example !== undefined) {
      const value = this.options.redact ? maskValue(example.value) : example.value
      lines.push(cut(`     e.g. ${safe(example.id)}: ${safe(value)}`, width))
    }
    if (group.exclusion !== null) lines.push(...this.#exclusion(group.exclusion))
    return lines.join('\n')
  }

  #exclusion(exclusion: NonNullable<FalsePositiveGroup['exclusion']>): string[] {
    const places = {
      before: "before the ruleset's rules (REQUEST-900…BEFORE-CRS.conf)",
      after: "after the ruleset's rules (RESPONSE-999…AFTER-CRS.conf)",
      setup: 'after crs-setup.conf, before the rules',
      location: 'in the Apache configuration',
    }
    const code = (directive: string): string[] =>
      directive.split('\n').map((line) => `       ${this.#colors.cyan(line)}`)
    const lines = [
      cut(`     exclusion, ${places[exclusion.placement]}:`, this.options.width),
      ...code(exclusion.directive),
    ]
    if (exclusion.opens.length > 0) lines.push(`     ${this.#colors.red(`opens: ${exclusion.opens.join(', ')}`)}`)
    const plain = exclusion.alternatives.find((alternative) => alternative.kind === 'remove-by-id')
    if (plain !== undefined) lines.push('     or everywhere, broader:', ...code(plain.directive))
    return lines
  }

  #missed(): string {
    const { missedAttacks, totals } = this.report
    if (totals.missedAttacks === 0) return ''
    const rows = missedAttacks
      .slice(0, shownMissed)
      .map((attack) => [
        safe(cut(attack.id, 24)),
        String(attack.score),
        attack.ruleIds.length === 0 ? '–' : cut(attack.ruleIds.join(' '), 20),
        `${safe(attack.method)} ${safe(attack.path)}${attack.tags.length > 0 ? ` [${safe(attack.tags[0] ?? '')}]` : ''}`,
      ])
    const more =
      totals.missedAttacks > shownMissed
        ? `\n  … and ${count(totals.missedAttacks - shownMissed)} more (--format json)`
        : ''
    return `${this.#title('Missed attacks')}\n${table(['record', 'score', 'rules', 'request'], rows, this.options.width)}${more}`
  }

  #errors(): string {
    const { errors } = this.report
    if (errors.length === 0) return ''
    const lines = errors
      .slice(0, 10)
      .map(({ id, error }) =>
        cut(`  ${safe(error.startsWith(`${id}:`) ? error : `${id}: ${error}`)}`, this.options.width),
      )
    const more = errors.length > 10 ? [`  … and ${count(errors.length - 10)} more`] : []
    return [this.#title('Records in error'), ...lines, ...more].join('\n')
  }

  #timing(): string {
    const { timing } = this.report
    return this.#wrapped(
      `${plural(Math.round(timing.transactionsPerSecond), 'transaction')} a second (${timing.workers === 0 ? 'main thread' : plural(timing.workers, 'worker')}), first verdict after ${count(Math.round(timing.millisecondsToFirstVerdict))} ms, peak memory ${count(Math.round(timing.peakMemoryBytes / 1048576))} MiB`,
    )
  }
}
