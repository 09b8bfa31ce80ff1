/**
 * Records in JSON and the engine's form, and the two formats that hold them: good, broken and binary input.
 */

import { PassThrough } from 'node:stream'
import { Packr } from 'msgpackr'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { mpkFormat, writeMpk } from '../corpora/formats/mpk.js'
import { ndjsonFormat, ndjsonLine } from '../corpora/formats/ndjson.js'
import { evidenceOf, itemOf, jsonOf, RecordError, recordOf } from '../corpora/record.js'
import { isUnreadable, type TransactionRecord } from '../engine/model/exchange.js'
import { collect, readAll, reasonsIn, recordsIn } from './support/corpus.js'

const origin = { file: 'shop.ndjson', line: 3 }
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1')

function minimal(request: object = {}): object {
  return { request: { method: 'POST', uri: '/', ...request } }
}

test('defaults of a record', () => {
  assert.equal(recordOf(minimal(), origin), {
    id: 'shop.ndjson:3',
    label: 'unknown',
    tags: [],
    request: { method: 'POST', uri: '/', httpVersion: '1.1', headers: [], body: '' },
    evidence: 'complete',
    source: origin,
  })
})

test('a body is UTF-8 text, URI and headers are Latin-1 code points, base64 is any bytes', () => {
  const { request, response } = recordOf(
    {
      request: { method: 'POST', uri: '/é?€=\u00ff', headers: [['X-\u00e9', '日']], body: 'é€' },
      response: { status: 200, headers: [], bodyBase64: '/wCA' },
    },
    origin,
  )
  assert.is(request.body, '\xc3\xa9\xe2\x82\xac')
  assert.is(request.uri, '/\xe9?\xe2\x82\xac=\xff')
  assert.equal(request.headers, [['X-\xe9', '\xe6\x97\xa5']])
  assert.is(response?.body, '\xff\x00\x80')
})

test('reading what was written gives the record again, byte for byte', () => {
  const full: TransactionRecord = {
    id: 'a',
    label: 'attack',
    tags: ['x', 'y'],
    time: '2026-11-23T12:00:00Z',
    client: { ip: '192.0.2.1', port: 40_000 },
    server: { ip: '2001:db8::1', port: 0 },
    request: {
      method: 'P\xffST',
      uri: `/${everyByte}`,
      httpVersion: '',
      headers: [
        ['Host', everyByte],
        ['host', ''],
      ],
      body: everyByte,
      line: `GET  /${everyByte}`,
    },
    response: { status: 204, httpVersion: '2', headers: [['A', 'b']], body: '\xef\xbb\xbf\xc3\xa9\0' },
    evidence: 'sanitised',
    source: { file: 'c.har', line: 7 },
  }
  assert.equal(recordOf(JSON.parse(JSON.stringify(jsonOf(full))), origin), full)
  const json = jsonOf(full) as { request: object; response: object }
  assert.ok('bodyBase64' in json.request && !('body' in json.request))
  assert.equal((json.response as { body: string }).body, '\ufeffé\0')
})

const broken: readonly (readonly [value: unknown, reason: RegExp])[] = [
  [null, /the record must be an object/],
  [[], /the record must be an object/],
  [{}, /request must be an object, and is missing/],
  [{ request: { uri: '/' } }, /request\.method must be a string, and is missing/],
  [{ request: { method: 'GET', uri: 7 } }, /request\.uri must be a string/],
  [minimal({ headers: { Host: 'x' } }), /request\.headers must be a list of \[name, value\]/],
  [minimal({ headers: [['a']] }), /request\.headers must be a list/],
  [minimal({ headers: [['a', 1]] }), /request\.headers must be a string/],
  [minimal({ body: 'a', bodyBase64: 'YQ==' }), /both body and bodyBase64/],
  [minimal({ bodyBase64: 'a*' }), /bodyBase64 is not base64/],
  [minimal({ bodyBase64: 'abcde' }), /bodyBase64 is not base64/],
  [minimal({ bodyBase64: 'ab=' }), /bodyBase64 is not base64/],
  [minimal({ body: 'half \ud800' }), /request\.body holds half a surrogate pair/],
  [{ ...minimal(), label: 'good' }, /label must be one of benign, attack, unknown/],
  [{ ...minimal(), evidence: 'some' }, /evidence must be one of complete/],
  [{ ...minimal(), tags: 'x' }, /tags must be a list of strings/],
  [{ ...minimal(), time: 'yesterday' }, /time must be ISO 8601/],
  [{ ...minimal(), client: { ip: '192.0.2.1', port: 70_000 } }, /client\.port must be a whole number/],
  [{ ...minimal(), client: { port: 1 } }, /client\.ip must be a string, and is missing/],
  [{ ...minimal(), response: { status: '200' } }, /response\.status must be a number/],
]

test('every fault is told in words, with the field', () => {
  for (const [value, reason] of broken) {
    assert.throws(
      () => recordOf(value, origin),
      (error: unknown) => error instanceof RecordError && reason.test(error.message),
    )
    const item = itemOf(value, origin)
    assert.ok(isUnreadable(item))
    assert.match(item.unreadable, /^shop\.ndjson:3: not a record: /)
  }
})

test('evidence: Content-Length above the bytes present', () => {
  const found = (headers: [string, string][], body: string) =>
    evidenceOf({ method: 'POST', uri: '/', httpVersion: '1.1', headers, body })
  assert.is(found([['content-length', '3']], 'abc'), 'complete')
  assert.is(found([['Content-Length', '4']], 'abc'), 'truncated')
  assert.is(found([['Content-Length', '4']], ''), 'no-body')
  assert.is(found([['Content-Length', '2']], 'abc'), 'complete')
  assert.is(found([['Content-Length', '4x']], 'abc'), 'complete')
  assert.is(
    found(
      [
        ['Content-Length', '9'],
        ['Transfer-Encoding', 'chunked'],
      ],
      'abc',
    ),
    'complete',
  )
  assert.is(
    found(
      [
        ['Content-Encoding', 'gzip'],
        ['Content-Length', '9'],
      ],
      'abc',
    ),
    'complete',
  )
  assert.is(
    found(
      [
        ['Content-Encoding', 'identity'],
        ['Content-Length', '9'],
      ],
      'abc',
    ),
    'truncated',
  )
  const declared = recordOf({ ...minimal({ headers: [['Content-Length', '9']] }), evidence: 'rebuilt' }, origin)
  assert.is(declared.evidence, 'rebuilt')
})

test('NDJSON: any chunk size, blank lines, CRLF, byte order mark, no newline at the end', async () => {
  const lines = [
    '\ufeff{"id":"a","request":{"method":"GET","uri":"/"}}\r',
    '',
    '  ',
    JSON.stringify({ id: 'b', ...minimal({ body: 'é' }) }),
  ]
  const bytes = Buffer.from(lines.join('\n'), 'utf8')
  for (const size of [1, 2, 7, 64, 4096]) {
    const items = await readAll(ndjsonFormat, bytes, size)
    assert.equal(
      recordsIn(items).map((record) => [record.id, record.source?.line]),
      [
        ['a', 1],
        ['b', 4],
      ],
    )
    assert.equal(reasonsIn(items), [])
  }
})

test('NDJSON: broken lines are entries in their place, and quote nothing of the capture', async () => {
  const bytes = Buffer.concat([
    Buffer.from('{"id":"a","request":{"method":"GET","uri":"/"}}\n'),
    Buffer.from('{"password":"hunter2"; oops}\n'),
    Buffer.from('hunter2\n'),
    Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x0a]),
    Buffer.from('[1]\n'),
    Buffer.from('{"id":"z","request":{"method":"GET","uri":"/"}}\n{"id":"cut","request":{"meth'),
  ])
  const items = await readAll(ndjsonFormat, bytes, 10)
  assert.is(items.length, 7)
  assert.equal(
    recordsIn(items).map((record) => record.id),
    ['a', 'z'],
  )
  const reasons = reasonsIn(items)
  for (const [index, pattern] of [
    /^t\.ndjson:2: not valid JSON \(Expected/,
    /^t\.ndjson:3: not valid JSON \(Unexpected token 'h'\)/,
    /^t\.ndjson:4: the line is not UTF-8/,
    /^t\.ndjson:5: not a record: the record must be an object/,
    /^t\.ndjson:7: the last line is cut off/,
  ].entries())
    assert.match(reasons[index] ?? '', pattern)
  assert.not.match(reasons.join('\n'), /hunter2/)
})

test('NDJSON: an over-long line is one entry and the next line is read', async () => {
  const mebibyte = Buffer.alloc(1 << 20, 0x61)
  async function* chunks(): AsyncGenerator<Buffer, void, undefined> {
    for (let i = 0; i < 70; i++) yield mebibyte
    yield Buffer.from('\n{"id":"b","request":{"method":"GET","uri":"/"}}\n')
  }
  const items = await collect(ndjsonFormat.read({ file: 'long', chunks: chunks() }))
  assert.is(items.length, 2)
  assert.match(reasonsIn(items)[0] ?? '', /^long:1: the line is longer than \d+ bytes/)
  assert.is(recordsIn(items)[0]?.id, 'b')
})

async function packed(records: readonly TransactionRecord[]): Promise<Buffer> {
  async function* source(): AsyncGenerator<TransactionRecord, void, undefined> {
    yield* records
  }
  const out = new PassThrough()
  const written = collect(out)
  await writeMpk(source(), out)
  return Buffer.concat((await written) as Buffer[])
}

const some = Array.from({ length: 20 }, (_, index) =>
  recordOf(
    { id: `r${index}`, ...minimal({ headers: [['X', '\u00ff€']], body: 'é'.repeat(index * 9) }) },
    { file: 't.mpk', line: index + 1 },
  ),
)

test('MPK: what was written is read again, whatever the chunks', async () => {
  const binary = {
    ...(some[0] as TransactionRecord),
    id: 'binary',
    request: { ...(some[0] as TransactionRecord).request, body: everyByte },
  }
  const bytes = await packed([...some, binary])
  for (const size of [1, 13, 100_000]) assert.equal(await readAll(mpkFormat, bytes, size), [...some, binary])
})

test('MPK: plain maps, and the record structures of msgpackr streams', async () => {
  const plain = Buffer.concat(
    [0, 1].map((id) => Buffer.from(new Packr({ useRecords: false }).pack({ id: `p${id}`, ...minimal() }))),
  )
  assert.equal(
    recordsIn(await readAll(mpkFormat, plain, 5)).map((record) => record.id),
    ['p0', 'p1'],
  )
  const [first] = some
  const bytes = await packed([first as TransactionRecord])
  const streamed = new Packr({ useRecords: true })
  const structured = Buffer.concat([0, 1, 2].map((id) => Buffer.from(streamed.pack({ id: `s${id}`, ...minimal() }))))
  assert.equal(
    recordsIn(await readAll(mpkFormat, structured, 7)).map((record) => record.id),
    ['s0', 's1', 's2'],
  )
  assert.ok(mpkFormat.sniff(bytes))
  assert.not(mpkFormat.sniff(Buffer.from('\ufeff{"request":1}')))
})

test('MPK: a file that is cut off, junk, junk behind records, a map that is no record', async () => {
  const bytes = await packed(some)
  const cut = await readAll(mpkFormat, bytes.subarray(0, bytes.length - 3))
  assert.is(recordsIn(cut).length, 19)
  assert.match(reasonsIn(cut)[0] ?? '', /^t\.mpk:20: record 20, byte \d+: the file is cut off inside the record/)
  const junk = await readAll(mpkFormat, Buffer.from('POST / HTTP/1.1\r\n'.repeat(50)))
  assert.is(junk.length, 1)
  assert.match(reasonsIn(junk)[0] ?? '', /record 1, byte 0: not a MessagePack object/)
  const behind = await readAll(mpkFormat, Buffer.concat([bytes, Buffer.from([0xc1, 0xc1, 0xc1])]), 1 << 20)
  assert.is(recordsIn(behind).length, 20)
  assert.match(reasonsIn(behind)[0] ?? '', new RegExp(`record 21, byte ${bytes.length}: not `))
  const other = Buffer.from(new Packr({ useRecords: false }).pack({ hello: 1 }))
  const mixed = await readAll(mpkFormat, Buffer.concat([other, bytes]))
  assert.match(reasonsIn(mixed)[0] ?? '', /^t\.mpk:1: not a record: request must be an object/)
  assert.is(recordsIn(mixed).length, 20)
})

test('MPK: a long record in small chunks takes time linear in its length', async () => {
  const long = recordOf({ id: 'long', ...minimal({ body: 'x'.repeat(4_000_000) }) }, { file: 't.mpk', line: 1 })
  const bytes = await packed([long])
  // Computing time, not the clock's: it says the same on a busy machine. A copy of all for each chunk takes far longer.
  const began = process.cpuUsage()
  const items = await readAll(mpkFormat, bytes, 1024)
  assert.is(recordsIn(items)[0]?.request.body.length, 4_000_000)
  const { user, system } = process.cpuUsage(began)
  assert.ok(user + system < 3_000_000)
})

test('an NDJSON line holds one record', () => {
  const line = ndjsonLine(some[3] as TransactionRecord)
  assert.match(line, /^[^\n]+\n$/)
  assert.equal(recordOf(JSON.parse(line), origin), some[3])
})

test.run()
