/**
 * `wafsim bench`: the throughput of a ruleset over a corpus, beside real engines where their programs are built.
 */
import { availableParallelism } from 'node:os'
import { type BenchResult, bench, type RulesOfBench } from '../../bench/measure/bench.js'
import type { WafsimWay } from '../../bench/measure/contestant.js'
import { thisMachine } from '../../bench/measure/machine.js'
import { type BatchPeer, batchPeers } from '../../bench/measure/peers.js'
import { corpusReader } from '../../corpora/index.js'
import { isUnreadable, type TransactionRecord, UsageError } from '../../engine/index.js'
import { resolveRuleset } from '../../rulesets/index.js'
import { type CommandDefinition, type ExitStatus, exitStatus } from '../definitions.js'
import { loadFromOptions } from '../load.js'
import {
  addCorpusOptions,
  addProfileOption,
  addRulesetOptions,
  addShortcutOptions,
  type CorpusOptions,
  corpusRequest,
  oneOf,
  type RulesetOptions,
  rulesetRequest,
  type ShortcutOptions,
  shortcutsFrom,
  wholeNumber,
} from '../options.js'
import { outputWidth, write } from '../output.js'
import { startProfileFile } from '../profile-file.js'
import { type BenchReport, renderBenchJson, renderBenchText } from '../reports/bench-report.js'
import { toolVersion } from '../version.js'

const formats = ['text', 'json'] as const

interface BenchOptions extends RulesetOptions, CorpusOptions, ShortcutOptions {
  readonly peers: readonly BatchPeer[]
  readonly workers?: readonly number[]
  readonly rounds: number
  readonly format: (typeof formats)[number]
  readonly quiet?: boolean
  readonly profile?: string
}

export const benchCommand: CommandDefinition = {
  name: 'bench',
  register: (program, finish) => {
    const command = program
      .command('bench')
      .description('throughput of a ruleset over a corpus, beside real engines that take turns on the same records')
    addCorpusOptions(addRulesetOptions(command))
      .option(
        '--peers <names>',
        `engines to compare with, separated by commas: ${batchPeers.map(({ name }) => name).join(', ')}; their programs are built in bench/peers of the source (or the folder that WAFSIM_PEERS names)`,
        peersNamed,
        [],
      )
      .option('--workers <list>', 'numbers of threads to measure, separated by commas (default: 1,2)', workersNamed)
      .option('--rounds <n>', 'turns of each contestant, behind a cold one', wholeNumber('--rounds', 1, 10_000), 10)
      .option('--format <name>', `format: ${formats.join(', ')}`, oneOf('--format', formats), 'text')
      .option('--quiet', 'no progress and no messages')
    addShortcutOptions(addProfileOption(command)).action(async (options: BenchOptions) => {
      finish(await run(options))
    })
  },
}

function peersNamed(text: string): readonly BatchPeer[] {
  const named = oneOf(
    '--peers',
    batchPeers.map(({ name }) => name),
  )
  const names = text.split(',').map((each) => named(each.trim()))
  return batchPeers.filter(({ name }) => names.includes(name))
}

function workersNamed(text: string): readonly number[] {
  const count = wholeNumber('--workers', 0, 256)
  return [...new Set(text.split(',').map((each) => count(each.trim())))]
}

/** Each number of threads; the first of them also without the memo. */
function waysOf(options: BenchOptions): readonly WafsimWay[] {
  const shortcuts = shortcutsFrom(options)
  const numbers = options.workers ?? [1, 2].filter((workers) => workers <= availableParallelism())
  const ways = numbers.map((workers): WafsimWay => ({ workers, shortcuts }))
  const [first] = ways
  if (first === undefined || !shortcuts.memo || !shortcuts.prefilter) return ways
  return [first, { ...first, shortcuts: { ...shortcuts, memo: false } }, ...ways.slice(1)]
}

async function recordsOf(options: BenchOptions): Promise<readonly TransactionRecord[]> {
  const { items } = corpusReader(corpusRequest(options))
  const records: TransactionRecord[] = []
  for await (const item of items) if (!isUnreadable(item)) records.push(item)
  if (records.length === 0)
    throw new UsageError('no record that can be read in the corpus; check --corpus and --filter')
  return records
}

async function run(options: BenchOptions): Promise<ExitStatus> {
  const quiet = options.quiet ?? false
  const profile = await startProfileFile(options.profile)
  const { loaded, name } = loadFromOptions(options, { quiet })
  const records = await recordsOf(options)
  const rules = (platform: RulesetOptions['platform']): RulesOfBench => {
    const forPlatform = { ...options, platform }
    const plan = resolveRuleset(rulesetRequest(forPlatform))
    const own = platform === options.platform ? loaded : loadFromOptions(forPlatform, { quiet: true }).loaded
    return { loaded: own, parts: plan.parts, engineMode: options.engineMode ?? plan.engineMode }
  }
  const onRound = (round: number): void => {
    if (!quiet && process.stderr.isTTY === true) process.stderr.write(`\rround ${round} of ${options.rounds} `)
  }
  const { peers, platform, rounds } = options
  const result = await bench({
    platform,
    ways: waysOf(options),
    peers,
    records,
    rounds,
    onRound,
    rules,
    profiling: profile?.profiling ?? null,
  })
  profile?.write()
  const report: BenchReport = {
    tool: { name: 'wafsim', version: toolVersion() },
    date: new Date().toISOString(),
    machine: thisMachine(),
    ruleset: { name, digest: loaded.digest, rulesLoaded: loaded.ruleset.rules.length },
    corpus: { records: records.length },
    rounds,
    ...result,
  }
  await write(
    process.stdout,
    options.format === 'json' ? renderBenchJson(report) : renderBenchText(report, outputWidth()),
  )
  return sameVerdicts(result) ? exitStatus.ok : exitStatus.internal
}

/** Whether all ways of wafsim gave the same verdicts on a platform; anything else is a bug. */
function sameVerdicts({ cases }: BenchResult): boolean {
  const own = cases.filter(({ way }) => way !== null)
  return own.every(({ platform, verdictDigest }) =>
    own.every((other) => other.platform !== platform || other.verdictDigest === verdictDigest),
  )
}
