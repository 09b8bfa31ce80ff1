/**
 * The pool: order, equality with the main thread, backpressure, workers that die.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type CorpusReader, corpusReader, ndjsonLine } from '../corpora/index.js'
import {
  allShortcuts,
  type CorpusItem,
  type CorpusPart,
  createPool,
  type PoolOptions,
  type Result,
  type TransactionRecord,
} from '../engine/index.js'
import { request, rules } from './support/scenario.js'

const loaded = rules(
  `SecRule ARGS:n "@rx ^[0-9]*[02468]$" "id:1,phase:2,deny,msg:'even \xe9'"\nSecRule ARGS:n "@contains 7" "id:2,phase:1,pass"`,
)

function record(n: number, id = `r${n}`): CorpusItem {
  return request({ id, uri: `/?n=${n}&x=%E9\xe9\xff` })
}

async function* records(count: number, killers: readonly number[] = []): AsyncGenerator<CorpusItem> {
  for (let n = 0; n < count; n++) yield record(n, killers.includes(n) ? `killer${n}` : `r${n}`)
}

async function run(options: PoolOptions, items: AsyncIterable<CorpusPart>): Promise<Result[]> {
  const pool = createPool(loaded, options)
  const results: Result[] = []
  try {
    for await (const result of pool.run(items)) results.push(result)
  } finally {
    await pool.close()
  }
  return results
}

test('verdicts are the same, in input order, for any number of workers and batch size', async () => {
  const expected = JSON.stringify((await run({ workers: 0 }, records(500))).map((each) => each.verdict))
  const ways: readonly PoolOptions[] = [
    { workers: 1 },
    { workers: 2 },
    { workers: 2, batchSize: 7 },
    { workers: 3, batchSize: 1 },
    { workers: 1, mainThreadWorks: true },
    { workers: 2, mainThreadWorks: true },
    { workers: 3, mainThreadWorks: true, batchSize: 2 },
  ]
  for (const options of ways)
    assert.is(JSON.stringify((await run(options, records(500))).map((each) => each.verdict)), expected)
})

test('a record that cannot be read becomes an error verdict in its place', async () => {
  async function* items(): AsyncGenerator<CorpusItem> {
    yield record(1)
    yield { id: 'bad', unreadable: 'file:3: not JSON' }
    yield record(2)
  }
  for (const workers of [0, 1]) {
    const verdicts = (await run({ workers }, items())).map((each) => each.verdict)
    assert.equal(
      verdicts.map((v) => v.verdict),
      ['pass', 'error', 'block'],
    )
    assert.is(verdicts[1]?.error, 'file:3: not JSON')
  }
})

test('results carry client, time, host and status where they are asked for and there', async () => {
  const origin = { client: '192.0.2.7', time: '2026-11-23T12:00:00Z', host: 'www.example.com', status: 302 }
  async function* items(): AsyncGenerator<CorpusItem> {
    const known = request({ id: 'known', response: { status: origin.status, headers: [], body: '' } })
    yield { ...known, client: { ip: origin.client, port: 1 }, time: origin.time }
    yield { ...request({ id: 'unknown' }), request: { ...known.request, headers: [] } }
    yield { id: 'bad', unreadable: 'not JSON' }
  }
  for (const workers of [0, 1]) {
    const found = (await run({ workers, origins: true }, items())).map(({ item }) =>
      'origin' in item ? item.origin : null,
    )
    assert.equal(found, [origin, {}, null])
    assert.ok((await run({ workers }, items())).every(({ item }) => !('origin' in item)))
  }
})

test('a worker that dies is replaced; only the record that killed it is in error', async () => {
  const workerFile = new URL('./support/dying-worker.js', import.meta.url)
  const results = await run({ workers: 2, batchSize: 16, workerFile }, records(200, [40, 41, 120]))
  assert.is(results.length, 200)
  const errors = results.filter((each) => each.verdict.verdict === 'error').map((each) => each.verdict.id)
  assert.equal(errors, ['killer40', 'killer41', 'killer120'])
  assert.match(results[40]?.verdict.error ?? '', /the worker died on this record/)
  assert.equal(results.map((each) => each.item.id).slice(38, 44), ['r38', 'r39', 'killer40', 'killer41', 'r42', 'r43'])
})

test('workers take the same shortcuts as the main thread', async () => {
  const workerFile = new URL('./support/options-worker.js', import.meta.url)
  const told = async (options: Partial<PoolOptions>): Promise<string | null | undefined> =>
    (await run({ workers: 1, workerFile, ...options }, records(1)))[0]?.verdict.error
  const shortcuts = { prefilter: true, memo: false, sharedTransformations: true, stretches: true }
  assert.is(await told({ allRules: true, shortcuts }), JSON.stringify({ allRules: true, shortcuts }))
  assert.is(await told({}), JSON.stringify({ allRules: false, shortcuts: allShortcuts }))
})

test('reading waits for the workers', async () => {
  let read = 0
  let most = 0
  let done = 0
  async function* items(): AsyncGenerator<CorpusItem> {
    for (let n = 0; n < 5000; n++) {
      read++
      most = Math.max(most, read - done)
      yield record(n)
    }
  }
  const pool = createPool(loaded, { workers: 1, batchSize: 10 })
  for await (const _ of pool.run(items())) done++
  await pool.close()
  assert.is(done, 5000)
  assert.ok(most <= 100, `${most} records under way`)
})

test('a caller that stops early leaves nothing running', async () => {
  const pool = createPool(loaded, { workers: 1, batchSize: 4 })
  for await (const { verdict } of pool.run(records(100_000))) {
    if (verdict.id === 'r10') break
  }
  await pool.close()
})

async function temporaryCorpus(lines: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wafsim-pool-'))
  const file = join(folder, 'corpus.ndjson')
  await writeFile(file, lines.join('\n'))
  return file
}

function reading(file: string): CorpusReader {
  return corpusReader({ specs: [file], assumeBenign: false, labels: ['id=r1* benign'], filters: ['id=*r*'] })
}

test('raw lines give the results of the records that stand in them, whoever reads them', async () => {
  const lines = Array.from({ length: 300 }, (_, n) =>
    n === 70 ? '{"id":"r70' : ndjsonLine(record(n, n === 41 ? 'killer41' : `r${n}`) as TransactionRecord).trimEnd(),
  )
  const long = request({ id: 'r-long', uri: '/?n=4', body: 'x'.repeat(700_000) })
  lines.splice(100, 0, '', ndjsonLine(long).trimEnd(), 'not JSON')
  lines.push('{"id":"rlast","request":{"method":"GET","uri":"/?n=7"}')
  const file = await temporaryCorpus(lines)
  const expected = await run({ workers: 0, digests: true }, reading(file).items)
  assert.is(expected.length, 303)
  assert.is(expected.filter(({ verdict }) => verdict.error !== null).length, 3)
  assert.is(expected.filter(({ item }) => 'label' in item && item.label === 'benign').length, 111)
  for (const workers of [0, 1, 2]) {
    const { parts, reader } = reading(file)
    assert.equal(await run({ workers, digests: true, reader }, parts), expected)
  }
  const shared = reading(file)
  const withMainThread = { workers: 2, mainThreadWorks: true, digests: true, reader: shared.reader }
  assert.equal(await run(withMainThread, shared.parts), expected)
  const { parts, reader } = reading(file)
  const workerFile = new URL('./support/dying-worker.js', import.meta.url)
  const results = await run({ workers: 2, digests: true, reader, workerFile }, parts)
  assert.match(results[41]?.verdict.error ?? '', /the worker died on this record/)
  assert.equal(results.toSpliced(41, 1), expected.toSpliced(41, 1))
  await rm(dirname(file), { recursive: true })
})

test.run()
