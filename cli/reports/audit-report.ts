/**
 * The report of `wafsim exclude audit`, for people and as JSON.
 *
 * Texts of the ruleset and of the traffic are escaped; proposals stand on lines of their own, to be copied.
 */
import pc from 'picocolors'
import {
  type AuditedExclusion,
  type AuditReport,
  type Finding,
  type FindingKind,
  findingKinds,
} from '../../engine/index.js'
import type { HumanLayout } from '../output.js'
import { count, cut, plural, safe, wrap } from './layout.js'
import type { RulesetReport } from './run-report.js'

/** What a second replay showed with all of them off that suppressed nothing. */
export interface Confirmation {
  /** Numbers of the exclusions. */
  readonly exclusions: readonly number[]
  /** Benign and unlabelled records on which that changed rules, score or verdict. */
  readonly changed: number
  readonly examples: readonly string[]
}

export interface AuditRunReport extends AuditReport {
  readonly tool: { readonly name: string; readonly version: string }
  readonly ruleset: RulesetReport
  readonly corpus: { readonly sources: readonly string[]; readonly records: number; readonly errors: number }
  /** Null where there was nothing to confirm, or no second replay. */
  readonly confirmation: Confirmation | null
}

export function renderAuditJson(report: AuditRunReport): string {
  const totals = Object.fromEntries(findingKinds.map((kind) => [kind, withFinding(report, kind).length]))
  return `${JSON.stringify({ ...report, totals }, null, 2)}\n`
}

function withFinding({ exclusions }: AuditReport, kind: FindingKind): readonly AuditedExclusion[] {
  return exclusions.filter(({ findings }) => findings.some((each) => each.kind === kind))
}

/** The ruleset's own exclusions named before "and n more". */
const shownOwn = 3

export function renderAuditText(report: AuditRunReport, layout: HumanLayout): string {
  return `${[
    head(report, layout),
    ...judged(report, layout),
    own(report, layout),
    confirmed(report, layout),
    totals(report, layout),
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`
}

function head({ tool, ruleset, corpus, records, exclusions }: AuditRunReport, { width }: HumanLayout): string {
  const components = ruleset.components.length === 0 ? '' : ` (${ruleset.components.map(safe).join(', ')})`
  const { blockingParanoia, inboundThreshold } = ruleset.settings
  const left = records.leftOut === 0 ? '' : `, ${count(records.leftOut)} left out: incomplete or in error`
  return [
    `wafsim ${tool.version}: rules ${safe(ruleset.name)}${components}`,
    `${plural(ruleset.rulesLoaded, 'rule')}, platform ${ruleset.platform}, paranoia ${blockingParanoia ?? '–'}, threshold ${inboundThreshold ?? '–'}`,
    `${plural(corpus.records, 'record')} from ${plural(corpus.sources.length, 'source')}: ${count(records.benign)} benign, ${count(records.unknown)} unlabelled, ${count(records.attack)} attack${left}`,
    `${plural(exclusions.length, 'exclusion')} judged; figures are benign and unlabelled requests, replayed in detection only with the exclusions lifted`,
  ]
    .map((line) => wrap(line, width))
    .join('\n')
}

/** Those that ask for something first, in the order of the kinds. */
function judged(report: AuditRunReport, layout: HumanLayout): readonly string[] {
  const rank = ({ findings }: AuditedExclusion): number =>
    Math.min(findingKinds.length, ...findings.map(({ kind }) => findingKinds.indexOf(kind)))
  return [...report.exclusions].sort((a, b) => rank(a) - rank(b)).map((each) => exclusionText(each, layout))
}

function exclusionText(audited: AuditedExclusion, { width, color }: HumanLayout): string {
  const colors = pc.createColors(color)
  const { file, line, text, ruleId, findings } = audited
  const holder = ruleId === null ? '' : ` (rule ${ruleId})`
  return [
    colors.bold(cut(`${safe(text)}${holder}`, width)),
    colors.dim(cut(`  ${safe(file)}:${line}`, width)),
    ...findings.map((finding) => findingText(finding, width, colors)),
  ].join('\n')
}

function findingText(
  { kind, reason, advice, instead }: Finding,
  width: number,
  colors: ReturnType<typeof pc.createColors>,
): string {
  const mark = kind === 'dangerous' ? colors.red : kind === 'needed' ? colors.green : colors.yellow
  const lines = wrap(`${kind}: ${safe(reason)}`, width, '  ').replace(kind, mark(kind))
  const what = kind === 'needed' ? [] : [wrap(`${safe(advice)}${instead === null ? '' : ':'}`, width, '    ')]
  const text = instead === null ? [] : instead.split('\n').map((each) => `      ${safe(each)}`)
  return [lines, ...what, ...text].join('\n')
}

function own({ own: others }: AuditRunReport, { width }: HumanLayout): string {
  if (others.length === 0) return ''
  const some = others
    .slice(0, shownOwn)
    .map(({ text, ruleId }) => `${safe(text)}${ruleId === null ? '' : ` in rule ${ruleId}`}`)
  const more = others.length > shownOwn ? ` and ${count(others.length - shownOwn)} more` : ''
  return wrap(
    `The ruleset has ${plural(others.length, 'exclusion')} of its own that ${others.length === 1 ? 'is' : 'are'} not judged (--all judges them): ${some.join(', ')}${more}.`,
    width,
  )
}

function confirmed({ confirmation }: AuditRunReport, { width }: HumanLayout): string {
  if (confirmation === null) return ''
  const { exclusions, changed, examples } = confirmation
  const what = `A second replay with all ${plural(exclusions.length, 'exclusion')} off that suppressed nothing`
  return wrap(
    changed === 0
      ? `${what} changed no benign or unlabelled request.`
      : `${what} changed ${plural(changed, 'request')} (${examples.map(safe).join(', ')}): keep those whose rules fire there.`,
    width,
  )
}

function totals(report: AuditRunReport, { width }: HumanLayout): string {
  if (report.exclusions.length === 0) return 'No exclusion stands in this ruleset but its own.'
  const parts = findingKinds
    .map((kind) => ({ kind, found: withFinding(report, kind).length }))
    .filter(({ found }) => found > 0)
    .map(({ kind, found }) => `${count(found)} ${kind}`)
  return wrap(
    `${plural(report.exclusions.length, 'exclusion')}: ${parts.length === 0 ? 'nothing to say' : parts.join(', ')}`,
    width,
  )
}
