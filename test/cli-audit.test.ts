/**
 * `wafsim exclude audit` end to end: the reports, what they escape, and exit statuses.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { folderWith, wafsim } from './support/cli.js'

const rules = `SecRuleEngine On
SecRequestBodyAccess On
SecAction "id:900110,phase:1,pass,nolog,setvar:tx.inbound_anomaly_score_threshold=5"
SecRule ARGS "@contains bad" "id:942100,phase:2,pass,msg:'Bad',setvar:tx.inbound_anomaly_score_pl1=+5"
SecRule ARGS "@contains worse" "id:942110,phase:2,pass,msg:'Worse',setvar:tx.inbound_anomaly_score_pl1=+5"
SecAction "id:949060,phase:2,pass,nolog,setvar:tx.blocking_inbound_anomaly_score=%{tx.inbound_anomaly_score_pl1}"
SecRule TX:blocking_inbound_anomaly_score "@ge 5" "id:949110,phase:2,deny,msg:'Score'"
`
const exclusions = 'SecRuleRemoveById 942100\nSecRuleRemoveById 942110\nSecRuleRemoveById 981173\n'
const record = (id: string, label: string, uri: string): string =>
  `${JSON.stringify({ id, label, request: { method: 'GET', uri, headers: [['Host', 'www.example.com']] } })}\n`

const at = folderWith({
  'rules.conf': rules,
  'own.conf': exclusions,
  'gate.conf': 'SecRuleRemoveById 949110\n',
  'corpus.ndjson':
    record('good-1', 'benign', '/a?text=bad') +
    record('good-2', 'benign', '/a?text=fine') +
    record('bad-1', 'attack', '/b?q=worse'),
  'empty.ndjson': '',
})
const base = [
  'exclude',
  'audit',
  '--rules',
  at('rules.conf'),
  '--corpus',
  at('corpus.ndjson'),
  '--workers',
  '0',
  '--quiet',
]
const withOwn = [...base, '--after', at('own.conf')]

test('text: each exclusion with its place, what was found, and what to do', () => {
  const { out, status, err } = wafsim(withOwn, { env: { COLUMNS: '60' } })
  assert.is(status, 0, err)
  assert.match(out, /SecRuleRemoveById 942100\n {2}\S*own\.conf:1\n/)
  assert.match(out, /needed: 1 hit would come back without it/)
  assert.match(out, /never-needed: it suppressed nothing in 2 requests; it\s+suppresses hits on 1 attack/)
  assert.match(out, /stale: this ruleset has no rule 981173/)
  assert.match(out, /SecRule REQUEST_FILENAME "@streq \/a"/)
  assert.match(out, /second replay .* changed\s+no benign/s)
  assert.match(out, /3 exclusions: 1 stale, 1 never-needed, 1/)
  const tooLong = out.split('\n').filter((line) => line.length > 60 && !/^ {6}/.test(line))
  assert.equal(tooLong, [])
})

test('json: the same for machines, with any number of workers', () => {
  const one = wafsim([...withOwn, '--format', 'json'])
  const report = JSON.parse(one.out)
  assert.is(report.totals.needed, 1)
  assert.equal(report.records, { benign: 2, attack: 1, unknown: 0, leftOut: 0 })
  assert.equal(report.confirmation, { exclusions: [1, 2], changed: 0, examples: [] })
  const [needed] = report.exclusions
  assert.equal([needed.evidence.hits, needed.evidence.wouldBlock, needed.evidence.examples], [1, 1, ['good-1']])
  const threads = wafsim([...withOwn.map((each) => (each === '0' ? '1' : each)), '--format', 'json'])
  assert.equal(JSON.parse(threads.out).exclusions, report.exclusions)
})

test('exit statuses', () => {
  assert.is(wafsim([...withOwn, '--fail-on', 'dangerous']).status, 0)
  for (const what of ['stale', 'never-needed']) assert.is(wafsim([...withOwn, '--fail-on', what]).status, 1)
  assert.is(wafsim([...base, '--after', at('gate.conf'), '--fail-on', 'dangerous']).status, 1)
  assert.is(wafsim([...withOwn, '--fail-on', 'nothing']).status, 2)
  const empty = wafsim(base.map((each) => (each === at('corpus.ndjson') ? at('empty.ndjson') : each)))
  assert.is(empty.status, 2)
  assert.match(wafsim(base).out, /No exclusion stands in this ruleset/)
})

test.run()
