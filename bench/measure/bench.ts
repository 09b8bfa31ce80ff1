/**
 * The throughput of a ruleset over records, in several ways, beside real engines where they are asked for: what both
 * `wafsim bench` and `npm run bench` measure with.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type EngineMode,
  type LoadedRuleset,
  type PlatformName,
  type Profiling,
  RulesetError,
  type Shortcuts,
  type SourcePart,
  type TransactionRecord,
} from '../../engine/index.js'
import { type Contestant, type WafsimWay, wafsimContestant } from './contestant.js'
import {
  type PairedPlan,
  pairedRun,
  type Ratio,
  ratioOf,
  type Showing,
  sameAnswers,
  type Temperature,
} from './paired-run.js'
import { ContestantError, peerContestant } from './peer-contestant.js'
import { writePeerRules } from './peer-rules.js'
import { type BatchPeer, missingProgram, peersFolder } from './peers.js'
import type { Spread } from './statistics.js'

export interface RulesOfBench {
  readonly loaded: LoadedRuleset
  readonly parts: readonly SourcePart[]
  /** Undefined: the files' own. */
  readonly engineMode: EngineMode | undefined
}

export interface BenchInput extends PairedPlan {
  readonly platform: PlatformName
  readonly ways: readonly WafsimWay[]
  readonly peers: readonly BatchPeer[]
  readonly records: readonly TransactionRecord[]
  /** Takes the profiles of wafsim's workers; absent: none are made. */
  readonly profiling?: Profiling | null
  /** The ruleset as a platform has it. Throws RulesetError where it refuses the rules. */
  rules(platform: PlatformName): RulesOfBench
}

export interface PeerRatio {
  readonly peer: string
  readonly ratio: Ratio
  /** Records on which both log the same rules and come to the same status. */
  readonly sameAnswers: number
}

/** One way of one contestant, cold or warm. */
export interface BenchCase {
  /** `wafsim`, or the name of the peer. */
  readonly engine: string
  readonly version: string | null
  readonly platform: PlatformName
  /** Null for a peer. */
  readonly way: WafsimWay | null
  readonly temperature: Temperature
  readonly records: number
  readonly startMilliseconds: number
  readonly transactionsPerSecond: number
  readonly microsecondsPerTransaction: Spread
  readonly processorMicrosecondsPerTransaction: Spread
  readonly verdictDigest: string
  readonly ratio: readonly PeerRatio[]
}

export interface LeftOut {
  readonly peer: string
  readonly reason: string
}

export interface BenchResult {
  readonly cases: readonly BenchCase[]
  readonly leftOut: readonly LeftOut[]
}

/** Runs the platform of the caller with its peers, then each other platform that a peer follows. */
export async function bench(input: BenchInput): Promise<BenchResult> {
  const cases: BenchCase[] = []
  const leftOut: LeftOut[] = []
  const present = input.peers.filter((peer) => {
    const reason = missingProgram(peer)
    if (reason !== null) leftOut.push({ peer: peer.name, reason })
    return reason === null
  })
  for (const platform of new Set([input.platform, ...present.map((peer) => peer.platform)])) {
    const ofPlatform = present.filter((peer) => peer.platform === platform)
    try {
      cases.push(...(await benchOn(platform, ofPlatform, input)))
    } catch (error) {
      const refused = error instanceof ContestantError || (error instanceof RulesetError && platform !== input.platform)
      if (!refused) throw error
      for (const { name } of ofPlatform) leftOut.push({ peer: name, reason: error.message })
      if (platform === input.platform) cases.push(...(await benchOn(platform, [], input)))
    }
  }
  return { cases, leftOut }
}

async function benchOn(
  platform: PlatformName,
  peers: readonly BatchPeer[],
  input: BenchInput,
): Promise<readonly BenchCase[]> {
  const { loaded, parts, engineMode } = input.rules(platform)
  const mode = engineMode === undefined ? [] : [`SecRuleEngine ${engineMode === 'on' ? 'On' : 'DetectionOnly'}`]
  const scratch = mkdtempSync(join(tmpdir(), 'wafsim-bench-'))
  try {
    const contestants: Contestant[] = input.ways.map((way) =>
      wafsimContestant(`${platform}, ${wayName(way)}`, loaded, way, input.profiling),
    )
    for (const peer of peers) {
      const own = mkdtempSync(join(scratch, `${peer.name}-`))
      const ruleFile = writePeerRules(parts, [...mode, ...peer.directives], own)
      contestants.push(peerContestant(peer, peersFolder() ?? '', ruleFile))
    }
    const showings = await pairedRun(contestants, input.records, input)
    return casesOf(platform, input.ways, showings)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function casesOf(
  platform: PlatformName,
  ways: readonly WafsimWay[],
  showings: readonly Showing[],
): readonly BenchCase[] {
  const theirs = showings.slice(ways.length)
  return showings.flatMap((showing, at) => {
    const way = ways[at] ?? null
    return (['cold', 'warm'] as const).map((temperature): BenchCase => {
      const { clock, processor } = showing.times[temperature]
      return {
        engine: way === null ? showing.name : 'wafsim',
        version: showing.version,
        platform,
        way,
        temperature,
        records: showing.records[temperature],
        startMilliseconds: showing.startMilliseconds,
        transactionsPerSecond: 1e6 / clock.median,
        microsecondsPerTransaction: clock,
        processorMicrosecondsPerTransaction: processor,
        verdictDigest: showing.verdictDigest,
        ratio: way === null ? [] : theirs.map((peer) => peerRatio(showing, peer, temperature)),
      }
    })
  })
}

function peerRatio(mine: Showing, peer: Showing, temperature: Temperature): PeerRatio {
  return { peer: peer.name, ratio: ratioOf(mine, peer, temperature), sameAnswers: sameAnswers(mine, peer) }
}

/** `1 worker, memo off`. */
export function wayName({ workers, shortcuts }: WafsimWay): string {
  const off = (Object.keys(shortcuts) as (keyof Shortcuts)[]).filter((each) => !shortcuts[each])
  const threads = workers === 0 ? 'main thread' : `${workers} worker${workers === 1 ? '' : 's'}`
  return [threads, ...off.map((each) => `no ${each.replace('sharedT', 'shared t')}`)].join(', ')
}
