/**
 * Measures the micro cases, with `benchmark`.
 */
import Benchmark from 'benchmark'
import type { MicroCase } from './micro.js'
import type { MicroResult } from './record.js'

/** Seconds a case at most. */
const seconds = 1

/** Throws what a case throws. */
export function runMicro(cases: readonly MicroCase[], told: (line: string) => void): readonly MicroResult[] {
  return cases.map((each) => {
    const digest = each.digest()
    const measured = new Benchmark(each.name, each.run, { maxTime: seconds }).run() as Benchmark & { error?: Error }
    if (measured.error !== undefined) throw measured.error
    const { mean, rme, sample } = measured.stats
    const result: MicroResult = {
      group: each.group,
      name: each.name,
      unit: each.unit,
      microseconds: mean * 1e6,
      marginPercent: rme,
      samples: sample.length,
      values: each.values,
      digest,
    }
    told(
      `${result.group}: ${result.name}: ${result.microseconds.toPrecision(4)} µs a ${result.unit} ±${rme.toFixed(1)} %, ${digest.slice(0, 8)}`,
    )
    return result
  })
}
