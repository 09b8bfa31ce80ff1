/**
 * The report of `wafsim exclude` for people: what was tested, what the exclusions clear and cost, each with its text.
 */
import pc from 'picocolors'
import type { ProvenExclusion } from '../../engine/index.js'
import type { ReportOptions } from '../definitions.js'
import type { ExcludeReport } from './exclude-report.js'
import { count, cut, percent, plural, safe, wrap } from './layout.js'
import { testedLines } from './tested.js'

/** Rows shown before "and n more"; the JSON report and the written files have all. */
const shownExclusions = 25
const shownLeft = 15
const shownUnlabelled = 12
const shownWays = 3

export function excludeText(report: ExcludeReport, options: ReportOptions): string {
  return new ExcludeText(report, options).render()
}

class ExcludeText {
  readonly #colors: ReturnType<typeof pc.createColors>

  constructor(
    private readonly report: ExcludeReport,
    private readonly options: ReportOptions,
  ) {
    this.#colors = pc.createColors(options.color)
  }

  render(): string {
    const sections = [
      testedLines(this.report, this.options.width),
      this.#summary(),
      this.#exclusions(),
      this.#left(),
      this.#placebos(),
      this.#unlabelled(),
    ]
    return `${sections.filter((section) => section !== '').join('\n\n')}\n`
  }

  #title(text: string): string {
    return this.#colors.bold(text)
  }

  #wrapped(text: string, indent = ''): string {
    return wrap(text, this.options.width, indent)
  }

  #summary(): string {
    const { before, after, exclusions, attacksBefore, attacksLost, detectionsLost, standing, places, plain, totals } =
      this.report
    if (totals.benignTotal === 0 && this.report.takenForBenign === 0)
      return this.#wrapped(
        "No record is known to be benign, so there is no false positive to clear. Say what is: --assume-benign, --label 'path=/api/* benign', or --likely-benign to go by the evidence below.",
      )
    const rows: [string, string][] = [
      ['false positives', `${count(before.falsePositives)} before, ${count(after.falsePositives)} after`],
      ['benign alerted', `${count(before.benignAlerted)} before, ${count(after.benignAlerted)} after`],
      ['exclusions', this.#kinds()],
      [
        'attacks lost',
        `${count(attacksLost)} of ${count(attacksBefore)} (${percent(attacksLost, attacksBefore)}): ${count(standing.attacksLost)} of ${count(standing.attacksBefore)} as they stand, the others carried in the ${plural(places.length, 'place')} that the exclusions open; ${plural(detectionsLost, 'detection')} lost`,
      ],
    ]
    if (exclusions.length > 0)
      rows.push([
        'with plain removal',
        `SecRuleRemoveById for ${plain.ruleIds.length === 1 ? 'the rule' : `each of the ${count(plain.ruleIds.length)} rules`} would lose ${count(plain.attacksLost)} of the same attacks${attacksLost === 0 ? '' : ` (${(plain.attacksLost / attacksLost).toFixed(1)} times as many)`}`,
      ])
    const near = this.#nearThreshold()
    if (near !== '') rows.push(['near the threshold', near])
    return [this.#title('False positives and exclusions'), ...rows.map((row) => this.#row(row))].join('\n')
  }

  #row([name, value]: readonly [string, string]): string {
    const { width } = this.options
    // On a narrow terminal the value has the lines below its name.
    if (width < 60) return `  ${name}\n${this.#wrapped(value, '    ')}`
    return `  ${name.padEnd(20)}${wrap(value, width - 22)
      .split('\n')
      .join(`\n${' '.repeat(22)}`)}`
  }

  #kinds(): string {
    const kinds = new Map<string, number>()
    for (const { kind } of this.report.exclusions) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    const list = [...kinds].sort((a, b) => b[1] - a[1]).map(([kind, n]) => `${count(n)} ${kind}`)
    return list.length === 0 ? 'none' : `${count(this.report.exclusions.length)}: ${list.join(', ')}`
  }

  /** Cleared requests that one notice or warning more would block. */
  #nearThreshold(): string {
    const threshold = this.report.ruleset.settings.inboundThreshold
    if (threshold === null) return ''
    const near = Object.entries(this.report.clearedByScore).filter(([score]) => Number(score) >= threshold - 3)
    const requests = near.reduce((sum, [, n]) => sum + n, 0)
    if (requests === 0) return ''
    const scores = near.map(([score, n]) => `${count(n)} at ${score}`).join(', ')
    return `${plural(requests, 'cleared request')} (${scores}; threshold ${threshold}); --target-score 0 clears every hit`
  }

  #exclusions(): string {
    const { exclusions } = this.report
    if (exclusions.length === 0) return ''
    const more =
      exclusions.length > shownExclusions
        ? [
            this.#wrapped(
              `… and ${plural(exclusions.length - shownExclusions, 'more exclusion')} (--format conf prints the text of all, --format json everything)`,
              '  ',
            ),
          ]
        : []
    return [
      this.#title('Exclusions, proven by replay'),
      ...exclusions.slice(0, shownExclusions).map((exclusion, n) => this.#exclusion(exclusion, n + 1)),
      ...more,
    ].join('\n')
  }

  #exclusion(exclusion: ProvenExclusion, number: number): string {
    const { width } = this.options
    const { clears, attacksLost, attacksBefore, detectionsLost, stillBlocked, changes, waysThrough, opens } = exclusion
    const place = `${exclusion.scope.path === null ? 'everywhere' : safe(exclusion.scope.path)}  ${exclusion.targets.map(safe).join(' ')}`
    const lines = [
      `  ${this.#colors.yellow(cut(`${number}. ${exclusion.ruleIds.join(', ')} ${safe(exclusion.msg)}`, width - 2))}`,
      cut(`     ${place.trimEnd()}`, width),
      cut(
        `     clears ${plural(clears.requests, 'request')}, ${plural(clears.hits, 'hit')}; e.g. ${safe(exclusion.evidence.example)}`,
        width,
      ),
      this.#wrapped(
        `loses ${count(attacksLost ?? 0)} of ${plural(attacksBefore, 'attack')} there, ${plural(detectionsLost ?? 0, 'detection')}`,
        '     ',
      ),
    ]
    if (opens.length > 0) lines.push(`     ${this.#colors.red(`opens: ${opens.join(', ')}`)}`)
    for (const { ruleId, requests } of stillBlocked)
      lines.push(cut(`     ${plural(requests, 'request')} still blocked, by ${ruleId ?? 'no rule'}`, width))
    if (changes.length > 0)
      lines.push(
        cut(
          `     other changes on ${plural(changes.length, 'request')}: ${changes[0]?.newRules.join(', ')} now fire`,
          width,
        ),
      )
    for (const { variant, class: name } of waysThrough.slice(0, shownWays))
      lines.push(this.#wrapped(`also lets through: ${name}, ${variant}`, '     '))
    for (const line of exclusion.directive.split('\n')) lines.push(`       ${this.#colors.cyan(line)}`)
    return lines.join('\n')
  }

  #left(): string {
    const { left } = this.report
    if (left.length === 0) return ''
    const lines = left.slice(0, shownLeft).map(({ id, reason }) => this.#wrapped(`${safe(id)}: ${safe(reason)}`, '  '))
    const more = left.length > shownLeft ? [`  … and ${count(left.length - shownLeft)} more (--format json)`] : []
    return [this.#title('Not cleared'), ...lines, ...more].join('\n')
  }

  #placebos(): string {
    const { placebos, ruleset } = this.report
    if (placebos.length === 0) return ''
    return this.#wrapped(
      `${plural(placebos.length, 'exclusion')} tried and dropped as placebos: with ${ruleset.platform} they change nothing (--format json lists them).`,
    )
  }

  #unlabelled(): string {
    const { unlabelled, takenForBenign, unlabelledPassing } = this.report
    if (unlabelled.length === 0) return ''
    const groups = unlabelled
      .slice(0, shownUnlabelled)
      .flatMap((group) => [
        cut(
          `  ${group.ruleId} ${safe(group.method)} ${safe(group.path)} ${safe(group.target)}: ${plural(group.requests, 'request')}, e.g. ${safe(group.example)}`,
          this.options.width,
        ),
        this.#wrapped(`${group.verdict}, ${Math.round(group.likelihood * 100)} %: ${group.reasons.join(' ')}`, '     '),
      ])
    const more =
      unlabelled.length > shownUnlabelled
        ? [`  … and ${plural(unlabelled.length - shownUnlabelled, 'more group')} (--format json)`]
        : []
    const note =
      takenForBenign > 0
        ? `${plural(takenForBenign, 'unlabelled request')} taken for benign, because every hit on them is a likely false positive.`
        : 'Nobody has said whether these are benign, and no exclusion is made for them; --likely-benign makes them for the likely false positives.'
    const passing =
      unlabelledPassing.length === 0
        ? []
        : [
            this.#wrapped(
              `${plural(unlabelledPassing.length, 'unlabelled request')} that would be blocked ${unlabelledPassing.length === 1 ? 'passes' : 'pass'} with the exclusions, e.g. ${safe(unlabelledPassing[0] ?? '')}: look whether that is right.`,
              '  ',
            ),
          ]
    return [
      this.#title('Unlabelled requests that would be blocked'),
      this.#wrapped(note, '  '),
      ...passing,
      ...groups,
      ...more,
    ].join('\n')
  }
}
