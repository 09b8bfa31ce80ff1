/**
 * The report of `wafsim exclude verify`, for people and as JSON: what each exclusion of a file is worth today.
 *
 * Texts of the file and of the traffic are escaped.
 */
import pc from 'picocolors'
import type { ExclusionPrice, Totals } from '../../engine/index.js'
import type { Judged, VerifyRequest, VerifyRun } from '../exclude/verify-run.js'
import type { LoadingError } from '../exclude/written-file.js'
import type { HumanLayout } from '../output.js'
import { toolVersion } from '../version.js'
import { count, cut, percent, plural, safe, wrap } from './layout.js'
import { type RulesetReport, type RunReport, rulesetReport } from './run-report.js'
import { testedLines } from './tested.js'

/** The first that holds counts. */
export const verifyStatuses = ['error', 'stale', 'placebo', 'price-changed', 'unproven', 'proven'] as const
export type VerifyStatus = (typeof verifyStatuses)[number]

export interface VerifiedExclusion {
  /** Key of the block that wafsim wrote; null where people wrote it. */
  readonly key: string | null
  readonly text: string
  readonly file: string
  readonly line: number
  readonly status: VerifyStatus
  /** Why it has that status, and what else is to be said of it. */
  readonly notes: readonly string[]
  readonly edited: boolean
  readonly clears: { readonly requests: number; readonly hits: number; readonly recordIds: readonly string[] }
  /** Benign and unlabelled requests that would be blocked without this one alone; null for settings. */
  readonly neededBy: number | null
  readonly stillBlocked: readonly { readonly ruleId: number | null; readonly requests: number }[]
  readonly changes: readonly { readonly id: string; readonly newRules: readonly number[] }[]
  /** Null where no price can be given for it alone. */
  readonly attacksLost: number | null
  readonly detectionsLost: number | null
  /** Attacks that were tried where it acts and were blocked without it. */
  readonly attacksBefore: number | null
  /** What the file says it cost; null where it does not. */
  readonly written: { readonly attacksLost: number; readonly attacksBefore: number; readonly date: string } | null
  readonly waysThrough: ExclusionPrice['ways']
}

interface FalsePositiveCount {
  readonly falsePositives: number
  readonly benignAlerted: number
}

export interface VerifyReport {
  readonly tool: RunReport['tool']
  readonly ruleset: RulesetReport
  readonly corpus: RunReport['corpus']
  /** Without the file. */
  readonly totals: Totals
  readonly files: readonly string[]
  readonly before: FalsePositiveCount
  readonly after: FalsePositiveCount
  readonly statuses: Readonly<Record<VerifyStatus, number>>
  readonly exclusions: readonly VerifiedExclusion[]
  /** What does not load and belongs to no exclusion. */
  readonly errors: readonly LoadingError[]
  /** Requests that no exclusion covers and that fare worse with the file. */
  readonly otherChanges: VerifyRun['otherChanges']
  /** Attacks blocked without the file, as they stand and carried in each place. */
  readonly attacksBefore: number
  readonly attacksLost: number
  readonly detectionsLost: number
}

export function verifyReport(run: VerifyRun, { file }: VerifyRequest): VerifyReport {
  const { loaded, name, settings, totals, after, pricing } = run
  const exclusions = run.judged.map(verified)
  const statuses = Object.fromEntries(
    verifyStatuses.map((status) => [status, exclusions.filter((each) => each.status === status).length]),
  ) as Record<VerifyStatus, number>
  return {
    tool: { name: 'wafsim', version: toolVersion() },
    ruleset: rulesetReport(loaded, name, settings),
    corpus: { sources: run.sources, records: totals.transactions, digest: run.digest },
    totals,
    files: run.paths.length === 0 ? [file] : run.paths,
    before: countsOf(totals),
    after: countsOf(after),
    statuses,
    exclusions,
    errors: run.errors,
    otherChanges: run.otherChanges,
    attacksBefore: pricing.attacksBefore,
    attacksLost: pricing.attacksLost,
    detectionsLost: pricing.detectionsLost,
  }
}

function countsOf({ benignBlocked, benignAlerted }: Totals): FalsePositiveCount {
  return { falsePositives: benignBlocked, benignAlerted }
}

function verified(judged: Judged): VerifiedExclusion {
  const { exclusion, effects, price, audited, mark, edited } = judged
  const { status, reason } = statusOf(judged)
  const written = mark?.price === null || mark === null ? null : { ...mark.price, date: mark.date }
  const findings = audited.flatMap((each) => each.findings)
  const dangers = findings.filter(({ kind }) => kind === 'dangerous').map((each) => `dangerous: ${each.reason}`)
  const partly =
    status === 'stale' || status === 'placebo'
      ? []
      : findings
          .filter(({ kind }) => kind === 'stale' || kind === 'placebo' || kind === 'redundant')
          .map(({ kind, reason: why }) => `${kind === 'redundant' ? kind : `in part ${kind}`}: ${why}`)
  return {
    key: exclusion.key,
    text: exclusion.text,
    file: exclusion.file,
    line: exclusion.line,
    status,
    notes: [...new Set([...(reason === null ? [] : [reason]), ...dangers, ...partly])],
    edited,
    clears: effects?.clears ?? { requests: 0, hits: 0, recordIds: [] },
    neededBy: audited.length === 0 ? null : Math.max(...audited.map(({ evidence }) => evidence?.wouldBlock ?? 0)),
    stillBlocked: effects?.stillBlocked ?? [],
    changes: effects?.changes ?? [],
    attacksLost: price?.attacksLost ?? null,
    detectionsLost: price?.detectionsLost ?? null,
    attacksBefore: price?.attacksBefore ?? null,
    written,
    waysThrough: price?.ways ?? [],
  }
}

interface Status {
  readonly status: VerifyStatus
  readonly reason: string | null
}

function statusOf({ exclusion, effects, price, audited, mark, edited, error }: Judged): Status {
  if (error !== null) return { status: 'error', reason: `${error.file}:${error.line}: ${error.message}` }
  const findings = audited.flatMap((each) => each.findings)
  const suppressed = audited.some(({ evidence }) => (evidence?.hits ?? 0) > 0) || (effects?.clears.hits ?? 0) > 0
  if (!suppressed) {
    for (const kind of ['stale', 'placebo'] as const) {
      const found = findings.find((each) => each.kind === kind)
      if (found !== undefined) return { status: kind, reason: found.reason }
    }
    if (effects === null) return { status: 'unproven', reason: whyUnproven(exclusion.reads[0]) }
    const never = findings.find(({ kind }) => kind === 'never-needed')
    return { status: 'placebo', reason: never?.reason ?? 'no hit of this corpus is gone with it' }
  }
  const then = mark?.price ?? null
  if (!edited && then !== null && isComparable(price) && then.attacksLost !== price.attacksLost)
    return {
      status: 'price-changed',
      reason: `lost ${then.attacksLost} of ${plural(then.attacksBefore, 'attack')} on ${mark?.date}, and loses ${price.attacksLost} of ${count(price.attacksBefore)} now`,
    }
  const isUntried = then !== null && price?.attacksBefore === 0
  return { status: 'proven', reason: isUntried ? 'no attack was tried, so that the price is not compared' : null }
}

function isComparable(price: ExclusionPrice | null): price is ExclusionPrice {
  return price !== null && price.attacksBefore > 0
}

function whyUnproven(read: Judged['exclusion']['reads'][number] | undefined): string {
  if (read?.placement === 'location') return 'Apache container: it is not loaded here; prove it in Apache'
  if (read?.kind === 'setting') return 'a setting that no rule is known to be driven by; the totals hold what it does'
  return 'not an exclusion of rules or targets; the totals hold what it does'
}

export function renderVerifyJson(report: VerifyReport): string {
  return `${JSON.stringify(report, null, 2)}\n`
}

/** Ways around a scope, and errors outside exclusions, shown before the rest is left to the JSON report. */
const shown = 3

export function renderVerifyText(report: VerifyReport, layout: HumanLayout): string {
  const rank = ({ status }: VerifiedExclusion): number => verifyStatuses.indexOf(status)
  return `${[
    testedLines(report, layout.width),
    summary(report, layout),
    ...[...report.exclusions].sort((a, b) => rank(a) - rank(b)).map((each) => exclusionText(each, layout)),
    closing(report),
  ].join('\n\n')}\n`
}

function summary(report: VerifyReport, { width, color }: HumanLayout): string {
  const { before, after, attacksLost, attacksBefore, detectionsLost, errors, otherChanges, files } = report
  const lines = [
    `false positives   ${count(before.falsePositives)} without, ${count(after.falsePositives)} with`,
    `benign alerted    ${count(before.benignAlerted)} without, ${count(after.benignAlerted)} with`,
    `attacks lost      ${count(attacksLost)} of ${count(attacksBefore)} (${percent(attacksLost, attacksBefore)}), ${plural(detectionsLost, 'detection')}`,
  ]
  if (otherChanges.length > 0)
    lines.push(
      `other changes     ${plural(otherChanges.length, 'request')}, e.g. ${safe(otherChanges[0]?.id ?? '')}: ${otherChanges[0]?.newRules.join(', ')} now fire`,
    )
  for (const { file, line, message } of errors.slice(0, shown))
    lines.push(`does not load     ${safe(file)}:${line}: ${safe(message)}`)
  const title = pc.createColors(color).bold(`Exclusions of ${files.map(safe).join(', ')}`)
  return [cut(title, Math.max(width, title.length)), ...lines.map((line) => wrap(line, width, '  '))].join('\n')
}

function exclusionText(each: VerifiedExclusion, { width, color }: HumanLayout): string {
  const colors = pc.createColors(color)
  const { status, text, file, line, clears, neededBy, attacksLost, attacksBefore, detectionsLost } = each
  const paint = status === 'proven' ? colors.green : status === 'unproven' ? colors.yellow : colors.red
  const lines = [
    colors.bold(cut(safe(text), width)),
    colors.dim(cut(`  ${safe(file)}:${line}${each.edited ? ' (edited since it was written)' : ''}`, width)),
    wrap(`${status}${each.notes[0] === undefined ? '' : `: ${safe(each.notes[0])}`}`, width, '  ').replace(
      status,
      paint(status),
    ),
    ...each.notes.slice(1).map((note) => wrap(safe(note), width, '    ')),
  ]
  if (status === 'error' || status === 'unproven') return lines.join('\n')
  lines.push(
    wrap(
      `clears ${plural(clears.requests, 'request')}, ${plural(clears.hits, 'hit')}${neededBy === null ? '' : `; ${plural(neededBy, 'request')} would be blocked without it`}`,
      width,
      '    ',
    ),
  )
  if (attacksLost !== null)
    lines.push(
      wrap(
        `loses ${count(attacksLost)} of ${plural(attacksBefore ?? 0, 'attack')} there, ${plural(detectionsLost ?? 0, 'detection')}`,
        width,
        '    ',
      ),
    )
  for (const { ruleId, requests } of each.stillBlocked)
    lines.push(`    ${plural(requests, 'request')} still blocked, by ${ruleId ?? 'no rule'}`)
  if (each.changes.length > 0)
    lines.push(
      `    other changes on ${plural(each.changes.length, 'request')}: ${each.changes[0]?.newRules.join(', ')} now fire`,
    )
  for (const { variant, class: name } of each.waysThrough.slice(0, shown))
    lines.push(wrap(`also lets through: ${safe(name)}, ${variant}`, width, '    '))
  return lines.join('\n')
}

function closing({ exclusions, statuses }: VerifyReport): string {
  const parts = verifyStatuses.filter((status) => statuses[status] > 0).map((status) => `${statuses[status]} ${status}`)
  return `${plural(exclusions.length, 'exclusion')}: ${parts.join(', ')}`
}
