/**
 * Reading corpora by what the command line names: files, directories, patterns, formats, labels, filters.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  bundledCorpora,
  type CorpusRequest,
  corpusReader,
  formats,
  readOverrides,
  readRuleTests,
} from '../corpora/index.js'
import { labelled, parseFilter, parseLabelRule } from '../corpora/labels.js'
import { recordOf } from '../corpora/record.js'
import { CaptureError, UsageError } from '../engine/errors.js'
import type { TransactionRecord } from '../engine/model/exchange.js'
import { collect, reasonsIn, recordsIn } from './support/corpus.js'

let folder = ''

function at(name: string): string {
  return join(folder, name)
}

function line(id: string, extra: object = {}): string {
  return `${JSON.stringify({ id, request: { method: 'POST', uri: '/' }, ...extra })}\n`
}

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'wafsim-corpora-'))
  mkdirSync(at('d/deep'), { recursive: true })
  mkdirSync(at('empty'))
  writeFileSync(at('d/b.ndjson'), line('b1') + line('b2'))
  writeFileSync(at('d/a.jsonl'), line('a'))
  writeFileSync(at('d/deep/C.NDJSON'), line('c'))
  writeFileSync(at('d/manifest.json'), '{}')
  writeFileSync(at('empty/readme.txt'), 'nothing')
  writeFileSync(at('noname'), line('n'))
  writeFileSync(at('strange'), 'PK\x03\x04')
  writeFileSync(
    at('tests.yaml'),
    'rule_id: 942100\ntests:\n  - test_id: 1\n    stages:\n      - input: {}\n        output: {log: {expect_ids: [942100]}}\n',
  )
  writeFileSync(at('none.yaml'), '# nothing yet\n')
  writeFileSync(
    at('over.yaml'),
    'test_overrides: [{rule_id: 942100, test_ids: [1], reason: r, output: {status: 400}}]\n',
  )
})

test.after(() => {
  rmSync(folder, { recursive: true })
})

function reader(specs: readonly string[], more: Partial<CorpusRequest> = {}) {
  return corpusReader({ specs, assumeBenign: false, labels: [], filters: [], ...more })
}

async function idsOf(specs: readonly string[], more: Partial<CorpusRequest> = {}): Promise<string[]> {
  const items = await collect(reader(specs, more).items)
  assert.equal(reasonsIn(items), [])
  return recordsIn(items).map((record) => record.id)
}

function refuses(message: RegExp, run: () => unknown): void {
  assert.throws(run, (error: unknown) => error instanceof UsageError && message.test(error.message))
}

async function rejects(
  type: typeof UsageError | typeof CaptureError,
  message: RegExp,
  promise: Promise<unknown>,
): Promise<void> {
  try {
    await promise
  } catch (error) {
    assert.instance(error, type)
    assert.match((error as Error).message, message)
    return
  }
  assert.unreachable('nothing was thrown')
}

test('files in the order given, directories and patterns sorted', async () => {
  assert.equal(await idsOf([at('noname'), at('d/b.ndjson')]), ['n', 'b1', 'b2'])
  assert.equal(await idsOf([at('d')]), ['a', 'b1', 'b2', 'c'])
  assert.equal(await idsOf([at('d/*.ndjson'), at('d/{a,z}.jsonl')]), ['b1', 'b2', 'a'])
})

test('formats by ending, by content, by name', async () => {
  assert.equal(await idsOf([at('noname')]), ['n'])
  assert.equal(await idsOf([at('tests.yaml')]), ['942100-1'])
  assert.equal(await idsOf([at('noname')], { format: 'ndjson' }), ['n'])
  const forced = await collect(reader([at('noname')], { format: 'mpk' }).items)
  assert.is(reasonsIn(forced).length, 1)
})

test('what cannot be used is told before anything is read', async () => {
  refuses(/no corpus: give --corpus/, () => reader([]))
  refuses(/no such file or directory/, () => reader([at('gone.ndjson')]))
  refuses(/no file matches this pattern/, () => reader([at('*.har')]))
  refuses(/no file in this directory ends in/, () => reader([at('empty')]))
  refuses(/--corpus-format ndjsn: unknown; the formats are ndjson, mpk, ftw; did you mean "ndjson"\?/, () =>
    reader([at('d')], { format: 'ndjsn' }),
  )
  refuses(/--corpus-format pcap: unknown; the formats are ndjson, mpk, ftw$/, () =>
    reader([at('d')], { format: 'pcap' }),
  )
  await rejects(UsageError, /not a capture wafsim knows .*--corpus-format/, collect(reader([at('strange')]).items))
})

test('the share of the bytes that was read', async () => {
  const corpus = reader([at('d')])
  assert.is(corpus.share(), 0)
  await collect(corpus.items)
  assert.is(corpus.share(), 1)
  assert.equal(
    corpus.sources.map((source) => source.replace(/^.*[\\/]/, '')),
    ['a.jsonl', 'b.ndjson', 'C.NDJSON'],
  )
  assert.is(reader(['-']).share(), null)
})

test('rule tests and overrides', async () => {
  assert.equal(
    (await readRuleTests([at('tests.yaml'), at('none.yaml'), at('over.yaml')])).map(({ id }) => id),
    ['942100-1'],
  )
  assert.equal((await readOverrides([at('over.yaml')])).get('942100-1')?.output.statuses, [400])
  await rejects(UsageError, /no test at all/, readRuleTests([at('none.yaml')]))
  await rejects(CaptureError, /strange:1: not a rule test file/, readRuleTests([at('strange')]))
})

test('the table of formats', () => {
  for (const format of formats) {
    assert.match(format.name, /^[a-z]+$/)
    assert.ok(format.doc.length > 10 && format.extensions.every((ending) => /^\.[a-z]+$/.test(ending)))
  }
  assert.is(
    new Set(formats.flatMap((format) => format.extensions)).size,
    formats.flatMap((format) => format.extensions).length,
  )
})

test('the bundled corpora are folders of the package', () => {
  const { benign, attacks } = bundledCorpora()
  assert.match(benign, /[\\/]corpora[\\/]data[\\/]benign$/)
  assert.match(attacks, /[\\/]corpora[\\/]data[\\/]attacks$/)
})

const post: TransactionRecord = recordOf(
  {
    id: 'shop-1',
    tags: ['form', 'lang:en'],
    client: { ip: '192.0.2.7' },
    request: { method: 'POST', uri: 'http://h/api/v1/x?y=/z', headers: [['host', 'shop.example.com']] },
    response: { status: 204 },
  },
  { file: 'dir/f.ndjson', line: 1 },
)

test('conditions', () => {
  const holding = [
    'path=/api/*',
    'path=/api/v1/x',
    'path=*',
    'path=/a*/v*/x',
    'method=POST path=/api/*',
    'status=2xx',
    'status=204',
    'id=shop-*',
    'tag=lang:*',
    'tag=form',
    'label=unknown',
    'host=*.example.com',
    'client=192.0.2.7',
    'source=dir/*',
  ]
  for (const text of holding) assert.ok(parseFilter(text)(post), text)
  const failing = [
    'path=/api',
    'path=/api/*/z',
    'path=/api/v1/x*x',
    'method=GET',
    'status=4xx',
    'tag=json',
    'label=benign',
    'path=/api/* id=x',
  ]
  for (const text of failing) assert.not(parseFilter(text)(post), text)
  const { response: _, ...unanswered } = post
  assert.not(parseFilter('status=2xx')(unanswered))
})

test('conditions that are none', () => {
  for (const text of [
    '',
    'path',
    '=x',
    'colour=red',
    'constructor=x',
    'path=/a and',
    'status=ok',
    'status=20',
    'label=good',
  ])
    refuses(/--filter/, () => parseFilter(text))
  for (const text of ['', 'path=/x', 'path=/x good', 'benign path=/x', 'x benign'])
    refuses(/--label/, () => parseLabelRule(text))
})

test('labels are for records that have none; the first rule that holds decides', () => {
  const rules = ['path=/api/* status=5xx attack', 'path=/api/* benign', 'attack'].map(parseLabelRule)
  assert.is(labelled(post, rules, false).label, 'benign')
  assert.is(labelled({ ...post, label: 'attack' }, rules, true).label, 'attack')
  assert.is(labelled(post, [], true).label, 'benign')
  assert.is(labelled(post, [], false), post)
  assert.is(labelled(post, [parseLabelRule('path=/api/* unknown')], true).label, 'unknown')
})

test('a label for a path and a kind of answer', () => {
  const rule = parseLabelRule('path=/api/* status=2xx benign')
  const label = (item: TransactionRecord): string => labelled(item, [rule], false).label
  const answered = (status: number): TransactionRecord => ({ ...post, response: { status, headers: [], body: '' } })
  const { response: _, ...unanswered } = post
  assert.equal(
    [label(post), label(answered(200)), label(answered(302)), label(answered(500))],
    ['benign', 'benign', 'unknown', 'unknown'],
  )
  assert.is(label(unanswered), 'unknown')
  assert.is(label({ ...post, request: { ...post.request, uri: '/x/api/v1' } }), 'unknown')
})

test('labels and filters while reading; a line that cannot be read passes every filter', async () => {
  writeFileSync(
    at('mixed.ndjson'),
    `${line('x', { request: { method: 'GET', uri: '/x' } })}oops\n${line('y', { label: 'attack' })}`,
  )
  const items = await collect(
    reader([at('mixed.ndjson')], { labels: ['path=/x benign'], filters: ['label=benign', 'method=GET'] }).items,
  )
  assert.equal(
    recordsIn(items).map(({ id, label }) => [id, label]),
    [['x', 'benign']],
  )
  assert.is(reasonsIn(items).length, 1)
})

test('with ids asked for, no record that has one is lost, however its line is written', async () => {
  const request = { method: 'POST', uri: '/' }
  const lines = [
    line('wanted'),
    line('other'),
    `${JSON.stringify({ request: { ...request, body: '{"id":"x"}' }, id: 'late' })}\n`,
    `{"id":"other","request":${JSON.stringify(request)},"id":"twice"}\n`,
    `{"id":"esc\\u0061ped","request":${JSON.stringify(request)}}\n`,
    `{ "id":"spaced","request":${JSON.stringify(request)}}\n`,
    'no JSON\n',
  ]
  writeFileSync(at('ids.ndjson'), lines.join(''))
  const onlyIds = new Set(['wanted', 'late', 'twice', 'escaped', 'spaced'])
  const reader = corpusReader({ specs: [at('ids.ndjson')], assumeBenign: false, labels: [], filters: [], onlyIds })
  const ids: string[] = []
  for await (const item of reader.items) ids.push(item.id)
  for (const id of onlyIds) assert.ok(ids.includes(id), `${id} among ${ids}`)
  assert.not.ok(ids.includes('other'))
})

test.run()
