/**
 * Results that are kept: one JSON file a run in `bench/records/`, with the machine, the versions and the date.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BenchCase, LeftOut } from './measure/bench.js'
import { type Machine, thisMachine } from './measure/machine.js'
import type { Spread } from './measure/statistics.js'
import type { Kind } from './options.js'

export interface MicroResult {
  readonly group: string
  readonly name: string
  /** What one operation is. */
  readonly unit: string
  readonly microseconds: number
  /** Relative margin of error of the mean, in percent. */
  readonly marginPercent: number
  readonly samples: number
  readonly values: number
  readonly digest: string
}

/** Paired runs of one class of records. */
export interface TrafficResult {
  readonly name: string
  readonly doc: string
  readonly paranoia: number
  readonly records: number
  /** Of the request bodies together, and of targets and headers with them. */
  readonly bodyBytes: number
  readonly bytes: number
  readonly cases: readonly BenchCase[]
}

/** Whole processes, from start to end. */
export interface ProcessResult {
  readonly name: string
  readonly paranoia: number
  readonly records: number
  readonly workers: number
  readonly seconds: Spread
  readonly processorSeconds: Spread
  readonly peakMemoryBytes: number
  /** sha256 of what the process printed. */
  readonly verdictDigest: string
}

export interface Results {
  readonly micro: readonly MicroResult[]
  readonly transactions: readonly TrafficResult[]
  readonly sizes: readonly TrafficResult[]
  readonly sentences: readonly ProcessResult[]
}

export interface BenchRecord<K extends Kind = Kind> {
  readonly kind: K
  /** ISO 8601. */
  readonly date: string
  readonly machine: Machine
  readonly versions: Readonly<Record<string, string>>
  readonly ruleset: { readonly name: string; readonly digest: string }
  /** Options beside the defaults. */
  readonly options: string
  readonly leftOut: readonly LeftOut[]
  readonly results: Results[K]
}

export const repository = fileURLToPath(new URL('../..', import.meta.url))
const folder = join(repository, 'bench', 'records')

/** What a figure depends on. */
const programs = ['engine', 'corpora', 'rulesets', 'measure', 'cli']

/** The commit of the checkout, with a + where files differ from it. */
function revision(): string {
  const git = (...words: string[]): string => execFileSync('git', words, { cwd: repository, encoding: 'utf8' }).trim()
  try {
    return git('rev-parse', '--short=12', 'HEAD') + (git('status', '--porcelain', '--', ...programs) === '' ? '' : '+')
  } catch {
    return 'unknown'
  }
}

export function recordOf<K extends Kind>(
  kind: K,
  about: Pick<BenchRecord<K>, 'ruleset' | 'options' | 'leftOut' | 'results'>,
  date = new Date(),
): BenchRecord<K> {
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string }
  const versions = { wafsim: version, revision: revision(), v8: process.versions.v8 }
  // No paths of the machine are kept.
  const leftOut = about.leftOut.map(({ peer, reason }) => ({
    peer,
    reason: (reason.split('\n')[0] ?? '').replaceAll(repository, ''),
  }))
  return { kind, date: date.toISOString(), machine: thisMachine(), versions, ...about, leftOut }
}

export function keepRecord(record: BenchRecord): string {
  mkdirSync(folder, { recursive: true })
  const name = `${record.date.slice(0, 19).replace(/[-:]/g, '')}-${record.kind}.json`
  writeFileSync(join(folder, name), `${JSON.stringify(record, null, 1)}\n`)
  return `bench/records/${name}`
}

function newestRecord<K extends Kind>(kind: K): BenchRecord<K> | null {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(`-${kind}.json`)) : []
  const newest = names.sort().at(-1)
  return newest === undefined ? null : (JSON.parse(readFileSync(join(folder, newest), 'utf8')) as BenchRecord<K>)
}

/** The newest of each kind; null where there is none. */
export function newestRecords(): { readonly [K in Kind]: BenchRecord<K> | null } {
  return {
    micro: newestRecord('micro'),
    transactions: newestRecord('transactions'),
    sizes: newestRecord('sizes'),
    sentences: newestRecord('sentences'),
  }
}
