/**
 * docs/performance.md, made from the newest record of each kind.
 */

import { levelsOf, megabytesPerSecond, ownCase, peerCase, peersOf, ratioTo } from './figures.js'
import { table } from './markdown.js'
import type { Spread } from './measure/statistics.js'
import type { Kind } from './options.js'
import type { BenchRecord, MicroResult, ProcessResult, TrafficResult } from './record.js'

/** Null where nothing of the kind is kept. */
export type KeptRecords = { readonly [K in Kind]: BenchRecord<K> | null }

const intro = `# Performance

Made by \`npm run bench -- page\` from \`bench/records/\`; [bench/README.md](../bench/README.md) says how it is measured. Only
ratios carry over to other machines. A digest is the first 8 digits of a sha256: of wafsim's verdicts on the records, or of
what the values came to; a change that makes something faster leaves it as it is.
`

export function performancePage(kept: KeptRecords): string {
  const { transactions, sizes, sentences, micro } = kept
  const sections = [
    intro,
    ...(transactions === null ? [] : [transactionsSection(transactions)]),
    ...(sizes === null ? [] : [sizesSection(sizes)]),
    ...(sentences === null ? [] : [sentencesSection(sentences)]),
    ...(micro === null ? [] : [microSection(micro)]),
  ]
  return sections.join('\n')
}

/** Records behind which V8 has compiled most of what is used often. */
const enoughWarmUp = 3000

const shortWarmUp = '**A small sample with a short warm-up: V8 was still compiling, and the figures are rough.**'

function warmUpOf(options: string): number {
  return Number(/--warm-up (\d+)/.exec(options)?.[1] ?? 0)
}

function measuredOn({ kind, date, machine, versions, ruleset, options }: BenchRecord): string {
  const memory = `${Math.round(machine.memoryBytes / 2 ** 30)} GiB`
  const cores = `${machine.cores} core${machine.cores === 1 ? '' : 's'}`
  const build = `wafsim ${versions.wafsim ?? ''} (${versions.revision ?? ''})`
  return [
    `${date.slice(0, 10)}, ${machine.processor}, ${cores}, ${memory}, ${machine.system}, node ${machine.node}, ${build},`,
    `${ruleset.name}, \`${options}\`.`,
    ...(kind !== 'micro' && kind !== 'sentences' && warmUpOf(options) < enoughWarmUp ? [shortWarmUp] : []),
  ].join('\n')
}

function fixed(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** `12.3 (11.9–13.0)`: the median, and where the middle half of the rounds lies. */
function middle(spread: Spread | undefined, digits: number): string {
  if (spread === undefined) return ''
  const { median, lowerQuartile, upperQuartile, samples } = spread
  if (samples === 1) return fixed(median, digits)
  return `${fixed(median, digits)} (${fixed(lowerQuartile, digits)}–${fixed(upperQuartile, digits)})`
}

function transactionsSection(record: BenchRecord<'transactions'>): string {
  const { results } = record
  const levels = levelsOf(results)
  return `## Transactions

${measuredOn(record)}

wafsim is a pool of one worker, messages to it and back included; times are of warm rounds on the clock, ratios of
the peer's time to wafsim's in the same round: medians, and in brackets where the middle half of the rounds lies.

${results.length === 0 ? '' : classList(results)}

${levels.map((level) => levelSection(results, level)).join('\n\n')}

${poolSection(results)}
`
}

function classList(results: readonly TrafficResult[]): string {
  const docs = new Map(
    results.map(({ name, doc, records, bytes }) => [name, [name, doc, String(records), fixed(bytes / records, 0)]]),
  )
  return table(['class', 'what', 'records', 'bytes each'], [...docs.values()])
}

function levelSection(results: readonly TrafficResult[], level: number): string {
  const some = results.filter(({ paranoia }) => paranoia === level)
  return `### Paranoia level ${level}

${timesTable(some)}

${ratioTable(some)}

![Ratios at paranoia level ${level}](performance/ratios-${level}.svg)

![Bytes a second at paranoia level ${level}](performance/bytes-${level}.svg)`
}

function timesTable(some: readonly TrafficResult[]): string {
  const rows = some.map((result) => {
    const own = ownCase(result, 'modsec3', 'warm', true)
    return [
      result.name,
      middle(own?.microsecondsPerTransaction, 0),
      middle(ownCase(result, 'modsec3', 'warm', false)?.microsecondsPerTransaction, 0),
      middle(ownCase(result, 'modsec3', 'cold', true)?.microsecondsPerTransaction, 0),
      own === null ? '' : fixed(own.transactionsPerSecond, 0),
      own === null ? '' : fixed(megabytesPerSecond(result, own), 2),
      own?.verdictDigest.slice(0, 8) ?? '',
      ...peersOf(some).map((peer) => middle(peerCase(result, peer, 'warm')?.microsecondsPerTransaction, 0)),
    ]
  })
  const head = ['class', 'wafsim µs', 'memo off µs', 'cold µs', 'per second', 'MB/s', 'digest', ...peersOf(some).map((peer) => `${peer} µs`)] // biome-ignore format: a row
  return table(head, rows)
}

function ratioTable(some: readonly TrafficResult[]): string {
  const rows = some.flatMap((result) =>
    peersOf(some).map((peer) => {
      const on = ratioTo(result, peer, 'warm', true)
      return [
        result.name,
        peer,
        middle(on?.clock, 1),
        middle(on?.processor, 1),
        middle(ratioTo(result, peer, 'warm', false)?.processor, 1),
        middle(ratioTo(result, peer, 'cold', true)?.processor, 1),
        on === null ? '' : `${on.sameAnswers} of ${result.records}`,
      ]
    }),
  )
  return table(['class', 'times faster than', 'clock', 'processor', 'memo off', 'cold', 'same answers'], rows)
}

function poolSection(results: readonly TrafficResult[]): string {
  const rows = results.flatMap((result) => {
    const one = ownCase(result, 'modsec3', 'warm', true)
    const two = ownCase(result, 'modsec3', 'warm', true, 2)
    if (one === null || two === null) return []
    const gain = one.microsecondsPerTransaction.median / two.microsecondsPerTransaction.median
    return [
      [
        result.name,
        String(result.paranoia),
        fixed(two.transactionsPerSecond, 0),
        fixed(gain, 2),
        two.verdictDigest.slice(0, 8),
      ],
    ]
  })
  if (rows.length === 0) return ''
  return `### Two workers

${table(['class', 'paranoia', 'per second', 'times one worker', 'digest'], rows)}`
}

function sizesSection(record: BenchRecord<'sizes'>): string {
  const { results } = record
  const peers = peersOf(results)
  const rows = results.map((result) => {
    const own = ownCase(result, 'modsec3', 'warm', true)
    return [
      fixed(result.bodyBytes / result.records, 0),
      String(result.paranoia),
      String(result.records),
      middle(own?.microsecondsPerTransaction, 0),
      own === null ? '' : fixed(megabytesPerSecond(result, own), 2),
      ...peers.map((peer) => middle(ratioTo(result, peer, 'warm', true)?.processor, 1)),
      own?.verdictDigest.slice(0, 8) ?? '',
    ]
  })
  const head = [
    'bytes of body',
    'paranoia',
    'records',
    'wafsim µs',
    'MB/s',
    ...peers.map((peer) => `× ${peer}`),
    'digest',
  ]
  return `## Cost by size

${measuredOn(record)}

Forms with fields of up to 1,500 bytes; limits of bodies and arguments are raised, so that all are inspected. Ratios are of
processor time.

![Time by size](performance/sizes.svg)

${table(head, rows)}
`
}

function sentencesSection(record: BenchRecord<'sentences'>): string {
  const rows = record.results.map((each: ProcessResult) => [
    fixed(each.records, 0),
    String(each.paranoia),
    String(each.workers),
    middle(each.seconds, 2),
    middle(each.processorSeconds, 2),
    `${fixed(each.peakMemoryBytes / 2 ** 20, 0)} MiB`,
    each.verdictDigest.slice(0, 8),
  ])
  const head = ['sentences', 'paranoia', 'workers', 'seconds', 'processor seconds', 'peak memory', 'digest']
  return `## Whole processes

${measuredOn(record)}

Distinct short sentences as GET parameters through \`wafsim run --format ndjson\`, from the start of the process to its end.

${table(head, rows)}
`
}

function microSection(record: BenchRecord<'micro'>): string {
  const rows = record.results.map((each: MicroResult) => [
    each.group,
    each.name,
    each.microseconds >= 1000 ? fixed(each.microseconds, 0) : each.microseconds.toPrecision(3),
    `±${each.marginPercent.toFixed(1)} %`,
    each.unit,
    each.values === 1 ? '' : fixed(each.values, 0),
    each.digest.slice(0, 8),
  ])
  return `## Parts

${measuredOn(record)}

Families of transformations run all their members (the number in brackets) on each value; operators run on the arguments that
the rules give them.

${table(['part', 'case', 'µs', 'margin', 'a', 'distinct values', 'digest'], rows)}
`
}
