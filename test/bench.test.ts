/**
 * `wafsim bench` and paired runs: shapes, ratios, digests; a made-up engine stands for the real ones.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { BenchCase } from '../bench/measure/bench.js'
import type { Contestant } from '../bench/measure/contestant.js'
import { outcomeOf } from '../bench/measure/contestant.js'
import { dealt, pairedRun, ratioOf, sameAnswers } from '../bench/measure/paired-run.js'
import { spreadOf } from '../bench/measure/statistics.js'
import { performancePage } from '../bench/page.js'
import { readAll } from '../bench/peers/corpora.js'
import { bytesPlot, costPlot, ratioPlot } from '../bench/plots.js'
import { recordOf } from '../bench/record.js'
import { sentenceRequests, sizedForms, trafficClasses } from '../bench/traffic/classes.js'
import { bundledCorpora } from '../corpora/index.js'
import { allShortcuts } from '../engine/index.js'
import { folderWith, wafsim } from './support/cli.js'
import { request } from './support/scenario.js'

const { attacks } = bundledCorpora()

test('generated traffic: the same for a seed, no record twice', async () => {
  const recorded = await readAll(attacks)
  for (const traffic of [...trafficClasses, sentenceRequests]) {
    const records = traffic.records(300, 7, recorded)
    assert.is(records.length, 300, traffic.name)
    assert.is(new Set(records.map(({ id }) => id)).size, 300, traffic.name)
    assert.is(new Set(records.map((each) => JSON.stringify(each.request))).size, 300, traffic.name)
    assert.equal(traffic.records(20, 7, recorded).length, 20)
    assert.equal(traffic.records(300, 7, recorded), records)
  }
  for (const size of [100, 1000, 30_000]) {
    const [record] = sizedForms(size).records(1, 1, [])
    assert.ok(Math.abs((record?.request.body.length ?? 0) - size) <= 12)
  }
})

test('a page and plots from kept results', () => {
  const spread = spreadOf([100, 110, 120])
  const figures = { transactionsPerSecond: 9000, microsecondsPerTransaction: spread, processorMicrosecondsPerTransaction: spread } // biome-ignore format: short
  const own = { engine: 'wafsim', version: null, platform: 'modsec3', records: 10, startMilliseconds: 1, verdictDigest: '0123456789', ...figures } as const // biome-ignore format: short
  const ratio = [
    { peer: 'libmodsecurity', ratio: { clock: spreadOf([7]), processor: spreadOf([8.25]) }, sameAnswers: 9 },
  ]
  const cases: BenchCase[] = (['cold', 'warm'] as const).flatMap((temperature): BenchCase[] => [
    { ...own, temperature, way: { workers: 1, shortcuts: allShortcuts }, ratio },
    { ...own, temperature, engine: 'libmodsecurity', version: 'Made up 1.0', way: null, ratio: [] },
  ])
  const results = [
    { name: 'small-form', doc: 'small', paranoia: 1, records: 10, bodyBytes: 1000, bytes: 11_000, cases },
  ]
  const about = { ruleset: { name: 'CRS', digest: '0' }, options: '--records 10', leftOut: [] }
  const page = performancePage({
    transactions: recordOf('transactions', { ...about, results }),
    sizes: recordOf('sizes', { ...about, results }),
    sentences: null,
    micro: null,
  }).replace(/ +/g, ' ')
  assert.match(page, '| small-form | libmodsecurity | 7.0 | 8.3 | | 8.3 | 9 of 10 |')
  assert.match(page, '| small-form | 110 (105–115) |')
  assert.match(page, '## Cost by size')
  assert.not.match(page, '## Whole processes')
  for (const svg of [ratioPlot(results, 1), bytesPlot(results, 1), costPlot(results)]) {
    assert.match(svg, /^<svg /)
    assert.match(svg, 'libmodsecurity')
  }
})

test('medians and quartiles lie between the values', () => {
  assert.equal(spreadOf([4, 1, 3, 2]), {
    median: 2.5,
    lowerQuartile: 1.75,
    upperQuartile: 3.25,
    least: 1,
    most: 4,
    samples: 4,
  })
  assert.is(spreadOf([7]).median, 7)
})

test('every record is dealt once', () => {
  assert.equal(dealt(7, 3), [
    [0, 3, 6],
    [1, 4],
    [2, 5],
  ])
  assert.equal(dealt(2, 5), [[0], [1]])
})

function contestant(name: string, microseconds: number, calls: string[]): Contestant {
  return {
    name,
    version: null,
    compilesWhileRunning: true,
    start: async () => 1,
    evaluate: async (records) => {
      calls.push(`${name} ${records.map(({ id }) => id).join('')}`)
      const outcomes = records.map(({ id }) => outcomeOf(id, id === 'b' && name === 'Y' ? [1] : [], 200))
      return { microseconds: microseconds * records.length, processorMicroseconds: 1, outcomes }
    },
    close: async () => {},
  }
}

test('contestants take turns on the same records, each first in turn', async () => {
  const calls: string[] = []
  const records = ['a', 'b', 'c', 'd'].map((id) => request({ id }))
  const [x, y] = await pairedRun([contestant('X', 2, calls), contestant('Y', 10, calls)], records, { rounds: 3 })
  if (x === undefined || y === undefined) throw new Error('two contestants')
  assert.equal(calls, ['X a', 'Y a', 'Y b', 'X b', 'X c', 'Y c', 'Y d', 'X d'])
  assert.is(ratioOf(x, y, 'warm').clock.median, 5)
  assert.is(ratioOf(x, y, 'warm').clock.samples, 3)
  assert.is(ratioOf(x, y, 'cold').clock.samples, 1)
  assert.is(sameAnswers(x, y), 3)
  assert.is(x.verdictDigest, y.verdictDigest)
})

/** A folder of peers whose libmodsecurity is a script that takes 50 ms a record by its own account. */
function madeUpPeers(): string {
  const at = folderWith({ 'README.md': '' })
  const program = at('libmodsecurity/build/libmodsecurity-peer')
  mkdirSync(dirname(program), { recursive: true })
  writeFileSync(
    program,
    `#!${process.execPath}
let ids = [], batch = 0
console.log('{"engine":"Made up 1.0","loadMicroseconds":1}')
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  if (line !== '') return void ids.push(JSON.parse(line).id)
  for (const id of ids) console.log(JSON.stringify({ id, ruleIds: [], status: 200, disruptive: false, microseconds: 50000 }))
  console.log(JSON.stringify({ batch: ++batch, microseconds: ids.length * 50000, processorMicroseconds: ids.length * 40000 }))
  ids = []
})
`,
  )
  chmodSync(program, 0o755)
  return at('')
}

const base = ['bench', '--rules', 'starter', '--corpus', attacks, '--rounds', '2', '--quiet']

test('json: cases, ratios to a peer, the same digest for every way', () => {
  const { status, out, err } = wafsim(
    [...base, '--workers', '0,1', '--peers', 'libmodsecurity,coraza', '--format', 'json'],
    { env: { WAFSIM_PEERS: madeUpPeers() } },
  )
  assert.is(status, 0, err)
  const report = JSON.parse(out)
  const own = report.cases.filter((each: { engine: string }) => each.engine === 'wafsim')
  assert.equal(
    own.map((each: { way: { workers: number; shortcuts: { memo: boolean } }; temperature: string }) => [
      each.way.workers,
      each.way.shortcuts.memo,
      each.temperature,
    ]),
    [0, 0, 1].flatMap((workers, n) => ['cold', 'warm'].map((temperature) => [workers, n !== 1, temperature])),
  )
  assert.is(new Set(own.map((each: { verdictDigest: string }) => each.verdictDigest)).size, 1)
  for (const each of own) {
    assert.ok(each.transactionsPerSecond > 0)
    assert.is(each.microsecondsPerTransaction.samples, each.temperature === 'cold' ? 1 : 2)
    assert.ok(each.ratio.libmodsecurity.median > 0)
    assert.ok(each.ratio.libmodsecurity.processor.median > 0)
  }
  const peer = report.cases.find((each: { engine: string }) => each.engine === 'libmodsecurity')
  assert.is(peer.version, 'Made up 1.0')
  assert.is(peer.microsecondsPerTransaction.median, 50000)
  assert.is(peer.processorMicrosecondsPerTransaction.median, 40000)
  assert.is(report.leftOut[0].peer, 'coraza')
  assert.match(report.leftOut[0].reason, 'go build')
})

test('text: times, and how to come by a peer that is not there', () => {
  const without = folderWith({})('')
  const { status, out } = wafsim([...base, '--workers', '0', '--peers', 'coraza-prefilter'], {
    env: { WAFSIM_PEERS: without },
  })
  assert.is(status, 0)
  assert.match(out, 'modsec3, main thread, no memo')
  assert.match(out.replace(/\s+/g, ' '), 'coraza-prefilter: left out, its program comes with the source')
})

test('what cannot be used is said', () => {
  const unknown = wafsim([...base, '--peers', 'corazza'])
  assert.is(unknown.status, 2)
  assert.match(unknown.err, '--peers is one of libmodsecurity, coraza, coraza-prefilter')
  assert.is(wafsim([...base, '--workers', '1,x']).status, 2)
  const nothing = wafsim([...base.filter((word) => word !== '--quiet'), '--filter', 'path=/nowhere'])
  assert.is(nothing.status, 2)
  assert.match(nothing.err, 'no record that can be read')
})

test.run()
