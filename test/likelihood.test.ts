/**
 * Evidence about hits without a label: what many clients send is a likely false positive, what a scanner sends is not,
 * and the reasons carry the figures and nothing captured.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { EvaluatedRecord, Match, Origin, Verdict } from '../engine/index.js'
import { ClientConduct } from '../engine/tuning/unlabelled/client-conduct.js'
import { GroupEvidence, likelihoodOf } from '../engine/tuning/unlabelled/likelihood.js'
import { shapeOf } from '../engine/tuning/unlabelled/value-shape.js'

const prose = 'We would like to return the second chair, please call us back.'

function match(ruleId: number, value = prose): Match {
  return {
    ruleId,
    link: 0,
    phase: 2,
    msg: '',
    severity: 'CRITICAL',
    tags: [],
    logdata: '',
    target: 'ARGS:message',
    value,
    log: true,
    scoreAdded: ruleId >= 913_000 && ruleId <= 913_999 ? 0 : 5,
  }
}

function item(origin: Origin, uri: string, label: EvaluatedRecord['label'] = 'unknown'): EvaluatedRecord {
  return { id: 'x', label, tags: [], evidence: 'complete', request: { method: 'POST', uri }, origin }
}

function verdict(matches: readonly Match[]): Verdict {
  return {
    id: 'x',
    label: 'unknown',
    verdict: 'pass',
    status: 200,
    wouldBlock: matches.length > 0,
    blockedBy: null,
    ruleIds: matches.map(({ ruleId }) => ruleId),
    matches,
    score: { inbound: 0, outbound: 0 },
    scoreByLevel: { inbound: [], outbound: [] },
    phasesRun: [1, 2, 5],
    evidence: 'complete',
    error: null,
  }
}

/** A corpus of one group, rule 942100 at /contact, and of what else its clients did. */
class Corpus {
  readonly clients = new ClientConduct()
  readonly group = new GroupEvidence()
  of = 0

  hit(origin: Origin, value = prose): void {
    this.clients.add(item(origin, '/contact'), verdict([match(942_100, value)]))
    this.group.add(origin, value)
    this.of++
  }

  pass(client: string, uri = '/contact'): void {
    this.clients.add(item({ client }, uri), verdict([]))
    if (uri === '/contact') this.of++
  }

  scan(client: string, pages: number, ids: readonly number[]): void {
    for (let n = 0; n < pages; n++)
      this.clients.add(item({ client }, `/page/${n}?q=1`), verdict(ids.map((id) => match(id + (n % 3) * 1000))))
  }

  judged() {
    return likelihoodOf(this.group, this.clients, this.of)
  }
}

const hour = (n: number): string => new Date(Date.UTC(2026, 10, 2) + n * 3_600_000).toISOString()

test('prose of many clients over many days, answered with 200, is a likely false positive', () => {
  const corpus = new Corpus()
  for (let n = 0; n < 40; n++) corpus.hit({ client: `192.0.2.${n}`, time: hour(5 * n), status: 200 })
  const { likelihood, verdict: word, reasons } = corpus.judged()
  assert.is(word, 'likely-false-positive')
  assert.ok(likelihood > 0.95)
  assert.equal(reasons, [
    'None of the clients scans elsewhere.',
    'The 40 requests came from 40 clients.',
    'They were seen on 9 days, in 40 hours.',
    '40 of 40 requests to the path trip the rule there (100 %).',
    '40 of 40 answers were 2xx or 3xx, 0 4xx or 5xx.',
    '40 of 40 values look like prose.',
  ])
})

test('a group that one scanning client dominates is attack-like, whatever else is said for it', () => {
  const corpus = new Corpus()
  corpus.scan('203.0.113.9', 40, [930_120, 941_100, 942_100, 932_160])
  for (let n = 0; n < 12; n++) corpus.hit({ client: '203.0.113.9', time: hour(30 * n), status: 200 })
  corpus.hit({ client: '192.0.2.1', status: 200 })
  const { likelihood, verdict: word, reasons } = corpus.judged()
  assert.is(word, 'attack-like')
  assert.ok(likelihood <= 0.05)
  assert.is(reasons[0], 'Attack-like, do not exclude.')
  assert.match(
    reasons[1] ?? '',
    /^12 of 13 requests came from 1 client scanning elsewhere; .* \d+ rules on 16 or more pages in 52/,
  )
})

test('a client that scanner rules know is scanning', () => {
  const corpus = new Corpus()
  corpus.scan('203.0.113.9', 2, [913_100])
  corpus.hit({ client: '203.0.113.9', status: 200 })
  const { verdict: word, reasons } = corpus.judged()
  assert.is(word, 'attack-like')
  assert.match(reasons.join(' '), /of a known scanner/)
})

test('a client with labelled attacks elsewhere is scanning', () => {
  const corpus = new Corpus()
  corpus.clients.add(item({ client: '203.0.113.9' }, '/x', 'attack'), verdict([]))
  corpus.hit({ client: '203.0.113.9', status: 200 })
  assert.is(corpus.judged().verdict, 'attack-like')
})

test('an editor who trips rules on many pages now and then is no scanner', () => {
  const corpus = new Corpus()
  for (let n = 0; n < 100; n++) corpus.pass('192.0.2.5', `/other/${n}`)
  corpus.scan('192.0.2.5', 10, [930_120, 941_100, 942_100, 932_160])
  assert.is(corpus.clients.of('192.0.2.5')?.scans, false)
})

test('the address of a proxy says nothing about clients', () => {
  const corpus = new Corpus()
  for (let n = 0; n < 200; n++) corpus.pass('10.0.0.1', `/other/${n}`)
  for (let n = 0; n < 20; n++) corpus.hit({ client: '10.0.0.1' })
  const { reasons } = corpus.judged()
  assert.match(reasons.join(' '), /a proxy/)
  assert.not.match(reasons.join(' '), /One client sent/)
})

test('injected values of one client within an hour, refused, are attack-like', () => {
  const corpus = new Corpus()
  for (let n = 0; n < 200; n++) corpus.pass(`192.0.2.${n}`)
  for (let n = 0; n < 6; n++) corpus.hit({ client: '203.0.113.4', time: hour(0), status: 500 }, "x' OR 1=1 --")
  const { verdict: word, reasons } = corpus.judged()
  assert.is(word, 'attack-like')
  assert.match(reasons.join(' '), /One client sent 6 of 6.*within one hour.*6 of 206 .*\(3 %\).*injected SQL/)
})

test('answers of 403 count for neither side', () => {
  const corpus = new Corpus()
  for (let n = 0; n < 5; n++) corpus.hit({ status: 403 })
  assert.match(corpus.judged().reasons.join(' '), /403 or 406 \(5\), which may be a firewall's/)
})

test('a capture without clients, times and answers leaves it open', () => {
  const corpus = new Corpus()
  for (let n = 0; n < 3; n++) corpus.hit({}, 'a;b')
  const judged = corpus.judged()
  assert.is(judged.verdict, 'unsure')
  assert.match(judged.reasons.join(' '), /little can be said/)
})

test('memory is bounded, and what is beyond is said to be more', () => {
  const corpus = new Corpus()
  for (let n = 0; n < 60_000; n++) corpus.hit({ client: `c${n}`, time: hour(n), status: 200 })
  assert.is(corpus.group.clients.size, 1000)
  assert.is(corpus.group.days.size, 366)
  assert.is(corpus.clients.leftOut, 10_000)
  assert.match(corpus.judged().reasons.join(' '), /more than 1000 clients.*366 days or more, in more than 500 hours/)
})

test('reasons hold nothing captured', () => {
  const corpus = new Corpus()
  const hostile = '\u001b[31m"\n*/ evil'
  corpus.scan(hostile, 40, [930_120, 941_100, 942_100, 932_160])
  for (let n = 0; n < 10; n++) corpus.hit({ client: hostile, time: hostile, status: 200, host: hostile }, hostile)
  for (const reason of corpus.judged().reasons) assert.match(reason, /^[A-Za-z0-9 ,.;%()-]+$/)
})

test('shapes of values', () => {
  const shapes: Readonly<Record<string, string>> = {
    '': 'empty',
    '12.50': 'number',
    '2026-11-23': 'number',
    hello: 'word',
    kX9aQ2vB7mZ4tR8w: 'token',
    'https://example.com/x?y=1': 'url',
    '{"a": 1}': 'json',
    '<p>Hello <b>world</b></p>': 'html',
    'for (let i = 0; i < n; i++) { sum += a[i]; }': 'code',
    [prose]: 'prose',
    "He said 'or else', and left": 'prose',
    'Please select an option from the list and update your order': 'prose',
    'dr\xc3\xbccken Sie bitte hier': 'prose',
    "1' or '1'='1": 'sql',
    '1 UNION ALL SELECT null,version()': 'sql',
    '<img src=x onerror=alert(1)>': 'script',
    '../../../../etc/passwd': 'command',
    'x; cat /etc/shadow': 'command',
  }
  for (const [value, shape] of Object.entries(shapes)) assert.is(shapeOf(value), shape, value)
})

test.run()
