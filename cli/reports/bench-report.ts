/**
 * The result of `wafsim bench`, for people and as JSON.
 */
import { type BenchCase, type BenchResult, type PeerRatio, wayName } from '../../bench/measure/bench.js'
import type { Machine } from '../../bench/measure/machine.js'
import type { Spread } from '../../bench/measure/statistics.js'
import { count, plural, safe, table, wrap } from './layout.js'

export interface BenchReport extends BenchResult {
  readonly tool: { readonly name: string; readonly version: string }
  /** ISO 8601. */
  readonly date: string
  readonly machine: Machine
  readonly ruleset: { readonly name: string; readonly digest: string; readonly rulesLoaded: number }
  readonly corpus: { readonly records: number }
  readonly rounds: number
}

/** Ratios by the name of the peer. */
export function renderBenchJson(report: BenchReport): string {
  const cases = report.cases.map(({ ratio, ...rest }) => ({
    ...rest,
    ratio: Object.fromEntries(
      ratio.map(({ peer, ratio: { clock, processor }, sameAnswers }) => [peer, { ...clock, processor, sameAnswers }]),
    ),
  }))
  return `${JSON.stringify({ ...report, cases }, null, 2)}\n`
}

export function renderBenchText(report: BenchReport, width: number): string {
  const { machine, ruleset } = report
  const lines = [
    wrap(`rules ${safe(ruleset.name)}, ${plural(ruleset.rulesLoaded, 'rule')}`, width),
    wrap(
      `${plural(report.corpus.records, 'record')}, ${plural(report.rounds, 'round')} behind a cold one, no record twice in a contestant`,
      width,
    ),
    wrap(
      `${machine.processor}, ${plural(machine.cores, 'core')}, ${machine.system}, node ${machine.node}, ${report.date.slice(0, 10)}`,
      width,
    ),
    '',
    table(
      ['engine', 'as', 'state', 'per second', 'µs each', 'start ms', 'verdicts'],
      report.cases.map(timesRow),
      width,
    ),
  ]
  const ratios = report.cases.flatMap((each) => each.ratio.map((ratio) => ratioRow(each, ratio)))
  if (ratios.length > 0)
    lines.push(
      '',
      'times faster, median of the rounds (and their middle half); the same by processor time; equal answers',
      table(['than', 'wafsim as', 'state', 'clock', 'processor', 'equal'], ratios, width),
    )
  for (const { peer, reason } of report.leftOut) lines.push('', wrap(`${peer}: left out, ${safe(reason)}`, width))
  return `${lines.join('\n')}\n`
}

function timesRow(each: BenchCase): string[] {
  return [
    each.engine,
    each.way === null ? (each.version ?? '') : `${each.platform}, ${wayName(each.way)}`,
    each.temperature,
    count(Math.round(each.transactionsPerSecond)),
    middle(each.microsecondsPerTransaction, 0),
    count(Math.round(each.startMilliseconds)),
    each.verdictDigest.slice(0, 8),
  ]
}

function ratioRow(each: BenchCase, { peer, ratio, sameAnswers }: PeerRatio): string[] {
  return [
    peer,
    each.way === null ? '' : wayName(each.way),
    each.temperature,
    middle(ratio.clock, 1),
    middle(ratio.processor, 1),
    count(sameAnswers),
  ]
}

/** `12.3 (11.9–13.0)`; without the quartiles where there is one value. */
function middle({ median, lowerQuartile, upperQuartile, samples }: Spread, digits: number): string {
  const number = (value: number): string =>
    value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return samples === 1 ? number(median) : `${number(median)} (${number(lowerQuartile)}–${number(upperQuartile)})`
}
