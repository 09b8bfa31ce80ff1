/**
 * What the page and the plots take from kept results.
 */
import type { BenchCase } from './measure/bench.js'
import type { Spread } from './measure/statistics.js'
import type { TrafficResult } from './record.js'

export type Temperature = BenchCase['temperature']

/** wafsim in a pool of one worker, the way that is compared with engines of one core. */
export function ownCase(
  { cases }: TrafficResult,
  platform: BenchCase['platform'],
  temperature: Temperature,
  memo: boolean,
  workers = 1,
): BenchCase | null {
  return (
    cases.find(
      (each) =>
        each.way !== null &&
        each.way.workers === workers &&
        each.way.shortcuts.memo === memo &&
        each.platform === platform &&
        each.temperature === temperature,
    ) ?? null
  )
}

export function peerCase({ cases }: TrafficResult, peer: string, temperature: Temperature): BenchCase | null {
  return cases.find((each) => each.engine === peer && each.temperature === temperature) ?? null
}

/** Peers of the results, in the order in which they first stand there. */
export function peersOf(results: readonly TrafficResult[]): readonly string[] {
  return [
    ...new Set(results.flatMap(({ cases }) => cases.filter(({ way }) => way === null).map(({ engine }) => engine))),
  ]
}

export function levelsOf(results: readonly TrafficResult[]): readonly number[] {
  return [...new Set(results.map(({ paranoia }) => paranoia))].sort()
}

/** How often the peer's time holds wafsim's, by processor time; null where they did not meet. */
export function ratioTo(
  result: TrafficResult,
  peer: string,
  temperature: Temperature,
  memo: boolean,
): { readonly clock: Spread; readonly processor: Spread; readonly sameAnswers: number } | null {
  const platform = peerCase(result, peer, temperature)?.platform
  if (platform === undefined) return null
  const found = ownCase(result, platform, temperature, memo)?.ratio.find((each) => each.peer === peer)
  return found === undefined ? null : { ...found.ratio, sameAnswers: found.sameAnswers }
}

/** Megabytes of requests a second. */
export function megabytesPerSecond(
  { bytes, records }: TrafficResult,
  { microsecondsPerTransaction }: BenchCase,
): number {
  return bytes / records / microsecondsPerTransaction.median
}
