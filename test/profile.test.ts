/**
 * `--profile`: one file in pprof's format with the samples of the main thread and of every worker.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { Profile } from 'pprof-format'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bundledCorpora } from '../corpora/index.js'
import { MergedProfile, sampleValues, threadLabel } from '../engine/profiling/merged-profile.js'
import { folderWith, wafsim } from './support/cli.js'

interface Totals {
  /** Sums of the values of a thread's samples, by type. */
  readonly [type: string]: number
}

/** By name of the thread. */
function totalsOf(bytes: Uint8Array): Map<string, Totals> {
  const { stringTable, sampleType, sample, location, function: functions } = Profile.decode(gunzipSync(bytes))
  const text = (index: number | bigint): string => stringTable.strings[Number(index)] ?? ''
  assert.equal(
    sampleType.map(({ type, unit }) => [text(type), text(unit)]),
    sampleValues.map((each) => [...each]),
  )
  const places = new Set(location.map(({ id }) => Number(id)))
  const names = new Set(functions.map(({ id }) => Number(id)))
  for (const { line } of location) for (const { functionId } of line) assert.ok(names.has(Number(functionId)))
  const threads = new Map<string, Record<string, number>>()
  for (const { label, value, locationId } of sample) {
    for (const id of locationId) assert.ok(places.has(Number(id)))
    const thread = text(label.find(({ key }) => text(key) === threadLabel)?.str ?? 0)
    const totals = threads.get(thread) ?? {}
    for (const [at, [type]] of sampleValues.entries()) totals[type] = (totals[type] ?? 0) + Number(value[at])
    threads.set(thread, totals)
  }
  return threads
}

const { attacks } = bundledCorpora()

for (const [command, more, worker] of [
  ['run', ['--workers', '2'], 'worker 1'],
  ['bench', ['--workers', '1', '--rounds', '1', '--no-memo'], 'modsec3, 1 worker, no memo: worker 1'],
] as const)
  test(`${command}: wall time, processor time and heap of main and workers`, () => {
    const at = folderWith({})
    const words = [command, '--rules', 'starter', '--corpus', attacks, '--quiet', '--profile', at('profile.pb.gz')]
    const { status, err } = wafsim([...words, ...more])
    assert.is(status, 0, err)
    const bytes = readFileSync(at('profile.pb.gz'))
    assert.equal([...bytes.subarray(0, 2)], [0x1f, 0x8b])
    const threads = totalsOf(bytes)
    for (const thread of ['main', worker])
      for (const [type] of sampleValues) assert.ok((threads.get(thread)?.[type] ?? 0) > 0, `${type} of ${thread}`)
    assert.not(threads.has(''))
  })

test('a file that cannot be written is said before the run', () => {
  const { status, err } = wafsim(['run', '--rules', 'starter', '--corpus', attacks, '--profile', '/nowhere/at/all'])
  assert.is(status, 2)
  assert.match(err, 'cannot write /nowhere/at/all')
})

test('merging keeps the samples of each and shares what they have in common', () => {
  const at = folderWith({})
  wafsim(['run', '--rules', 'starter', '--corpus', attacks, '--quiet', '--profile', at('p')])
  const one = readFileSync(at('p'))
  const merged = new MergedProfile()
  merged.add(one, 'again')
  merged.add(one, 'and again')
  const twice = Profile.decode(gunzipSync(merged.encode()))
  const once = Profile.decode(gunzipSync(one))
  assert.is(twice.sample.length, 2 * once.sample.length)
  assert.is(twice.location.length, once.location.length)
  assert.is(twice.function.length, once.function.length)
})

test.run()
