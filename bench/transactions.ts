/**
 * Whole transactions: classes of generated records through wafsim and the real engines in turn.
 */
import { availableParallelism } from 'node:os'
import { bundledCorpora } from '../corpora/index.js'
import { allShortcuts, loadRuleset, type PlatformName, type TransactionRecord } from '../engine/index.js'
import { resolveRuleset } from '../rulesets/index.js'
import { bench, type LeftOut, type RulesOfBench } from './measure/bench.js'
import type { WafsimWay } from './measure/contestant.js'
import type { BenchOptions } from './options.js'
import { readAll } from './peers/corpora.js'
import type { TrafficResult } from './record.js'
import { sizedForms, type TrafficClass, trafficClasses, trafficClassNamed } from './traffic/classes.js'

export interface TrafficRun {
  readonly results: readonly TrafficResult[]
  readonly leftOut: readonly LeftOut[]
}

const noMemo = { ...allShortcuts, memo: false }
const oneWorker: readonly WafsimWay[] = [
  { workers: 1, shortcuts: allShortcuts },
  { workers: 1, shortcuts: noMemo },
]
const twoWorkers: WafsimWay = { workers: 2, shortcuts: allShortcuts }

/** What compiles the code that is used often, in engines that do so while they run: records that are not measured. */
const warmUpTraffic = trafficClassNamed('mix')

/** Text behind the rules: bodies of every size are to be read. */
const roomForBodies = `SecRequestBodyLimit 16777216
SecRequestBodyNoFilesLimit 16777216
SecArgumentsLimit 100000
`

/** Sizes of bodies, in bytes, and how many records of each. */
const sizes: readonly (readonly [bytes: number, share: number])[] = [
  [100, 1],
  [300, 1],
  [1_000, 1],
  [3_000, 0.5],
  [10_000, 0.25],
  [30_000, 0.1],
  [100_000, 0.05],
  [300_000, 0.02],
  [1_000_000, 0.01],
]

function rulesFor(rules: string, paranoia: number, behind: string): (platform: PlatformName) => RulesOfBench {
  return (platform) => {
    const { parts: found } = resolveRuleset({ rules: [rules], platform, paranoia, set: [] })
    const parts = behind === '' ? found : [...found, { kind: 'text', name: 'bench', text: behind } as const]
    return { parts, engineMode: 'on', loaded: loadRuleset({ parts, platform, engineMode: 'on' }) }
  }
}

function bytesOf({ request: { method, uri, headers, body } }: TransactionRecord): number {
  return (
    method.length +
    uri.length +
    body.length +
    headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0)
  )
}

interface Measured {
  readonly traffic: TrafficClass
  readonly count: number
  readonly rounds: number
  readonly ways: readonly WafsimWay[]
  /** Directives behind the rules. */
  readonly behind: string
}

export interface Listener {
  /** A line for who waits. */
  told(line: string): void
  /** What there is so far, after each class and level. */
  soFar(run: TrafficRun): void
}

async function measure(
  list: readonly Measured[],
  rules: string,
  options: BenchOptions,
  { told, soFar }: Listener,
): Promise<void> {
  const attacks = await readAll(bundledCorpora().attacks)
  const warmUp = warmUpTraffic.records(options.warmUp, options.seed + 1_000_000, attacks)
  const results: TrafficResult[] = []
  const leftOut = new Map<string, LeftOut>()
  for (const { traffic, count, rounds, ways, behind } of list)
    for (const paranoia of options.levels) {
      const records = traffic.records(count, options.seed, attacks)
      told(`${traffic.name}, paranoia ${paranoia}, ${records.length} records`)
      const { cases, leftOut: out } = await bench({
        platform: 'modsec3',
        ways,
        peers: options.peers,
        records,
        rounds,
        warmUp,
        rules: rulesFor(rules, paranoia, behind),
      })
      for (const each of out) {
        if (!leftOut.has(each.peer)) told(`${each.peer}: left out, ${each.reason}`)
        leftOut.set(each.peer, each)
      }
      const result: TrafficResult = {
        name: traffic.name,
        doc: traffic.doc,
        paranoia,
        records: records.length,
        bodyBytes: records.reduce((sum, { request }) => sum + request.body.length, 0),
        bytes: records.reduce((sum, record) => sum + bytesOf(record), 0),
        cases,
      }
      results.push(result)
      tell(result, told)
      soFar({ results, leftOut: [...leftOut.values()] })
    }
}

function tell({ cases }: TrafficResult, told: (line: string) => void): void {
  for (const { engine, platform, way, temperature, microsecondsPerTransaction, ratio, verdictDigest } of cases) {
    const ways = way === null ? '' : ` ${platform}, ${way.workers} workers${way.shortcuts.memo ? '' : ', no memo'}`
    const ratios = ratio.map(({ peer, ratio: { clock, processor } }) => {
      const round = (value: number): string => value.toFixed(1)
      return `, ${round(clock.median)} (processor ${round(processor.median)}) × ${peer}`
    })
    const each = microsecondsPerTransaction.median.toFixed(0)
    told(`  ${engine}${ways}, ${temperature}: ${each} µs each, ${verdictDigest.slice(0, 8)}${ratios.join('')}`)
  }
}

/** The classes asked for, with one and, where there are cores for them, two workers. */
export function measureTransactions(rules: string, options: BenchOptions, listener: Listener): Promise<void> {
  const ways = availableParallelism() < 2 ? oneWorker : [...oneWorker, twoWorkers]
  const chosen = trafficClasses.filter(({ name }) => options.classes.includes(name))
  const list = chosen.map((traffic) => ({ traffic, count: options.records, rounds: options.rounds, ways, behind: '' }))
  return measure(list, rules, options, listener)
}

/** Forms of 100 bytes to 1 MB, with limits that let them in. */
export function measureSizes(rules: string, options: BenchOptions, listener: Listener): Promise<void> {
  const list = sizes.map(([size, share]) => {
    const count = Math.max(6, Math.round((options.records / 5) * share))
    return { traffic: sizedForms(size), count, rounds: 5, ways: oneWorker, behind: roomForBodies }
  })
  return measure(list, rules, options, listener)
}
