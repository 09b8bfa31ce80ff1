/**
 * The result of `wafsim test`, for people and as JSON.
 */
import pc from 'picocolors'
import type { TestReport } from '../rule-tests.js'
import { count, cut, safe, wrap } from './layout.js'

export interface TimedTestReport extends TestReport {
  readonly timing: { readonly milliseconds: number }
}

/** Failures shown before "and n more"; the JSON report has all. */
const shownFailures = 50

export function renderTestJson(report: TimedTestReport): string {
  return `${JSON.stringify(report, null, 2)}\n`
}

export function renderTestText(
  report: TimedTestReport,
  options: { readonly color: boolean; readonly width: number },
): string {
  const colors = pc.createColors(options.color)
  const { totals } = report
  const lines: string[] = [
    wrap(`rules ${safe(report.ruleset.name)}, platform ${report.ruleset.platform}`, options.width),
  ]
  for (const failure of report.failures.slice(0, shownFailures)) {
    lines.push(colors.red(cut(`FAIL ${safe(failure.id)}  ${safe(failure.file)}:${failure.line}`, options.width)))
    lines.push(wrap(`expected ${safe(failure.expected)}`, options.width, '  '))
    lines.push(wrap(`got ${safe(failure.actual)}`, options.width, '  '))
  }
  if (report.failures.length > shownFailures)
    lines.push(`… and ${count(report.failures.length - shownFailures)} more failures (--format json has all)`)
  if (report.needlessOverrides.length > 0)
    lines.push(
      wrap(`these pass without their override: ${report.needlessOverrides.map(safe).join(', ')}`, options.width),
    )
  const share = totals.tests === 0 ? '' : ` (${((100 * totals.passed) / totals.tests).toFixed(2)} %)`
  lines.push(
    `${count(totals.tests)} tests: ${count(totals.passed)} passed${share}, ${count(totals.failed)} failed, ${count(totals.overridden)} with an override, ${count(totals.skipped)} skipped; ${(report.timing.milliseconds / 1000).toFixed(1)} s`,
  )
  return `${lines.join('\n')}\n`
}
