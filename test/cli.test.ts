/**
 * The command line end to end: results, messages and exit statuses of the contract.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { folderWith, wafsim } from './support/cli.js'

const rules = `SecRuleEngine On
SecRequestBodyAccess On
SecAction "id:1,phase:1,pass,nolog,setvar:tx.inbound_anomaly_score_threshold=5,setvar:tx.inbound_anomaly_score_pl1=0"
SecRule ARGS "@rx (?i)union\\s+select" "id:1000,phase:2,pass,t:none,msg:'SQL words',severity:CRITICAL,logdata:'%{MATCHED_VAR}',setvar:tx.inbound_anomaly_score_pl1=+5"
SecAction "id:2,phase:2,pass,nolog,setvar:tx.blocking_inbound_anomaly_score=%{tx.inbound_anomaly_score_pl1}"
SecRule TX:blocking_inbound_anomaly_score "@ge %{tx.inbound_anomaly_score_threshold}" "id:949110,phase:2,deny,msg:'Score exceeded'"
`

function post(id: string, label: string, path: string, body: string): string {
  return `${JSON.stringify({
    id,
    label,
    request: {
      method: 'POST',
      uri: path,
      headers: [
        ['Host', 'www.example.com'],
        ['Content-Type', 'application/x-www-form-urlencoded'],
        ['Content-Length', String(body.length)],
      ],
      body,
    },
  })}\n`
}

const corpus =
  post('good-1', 'benign', '/contact', 'message=hello') +
  post('good-2', 'benign', '/contact', 'message=the+union+selects+a+union+select+committee') +
  post('bad-1', 'attack', '/login', "name=1'+union+select+1") +
  post('bad-2', 'attack', '/login', 'name=unnoticed') +
  post('maybe-1', 'unknown', '/search', 'q=union+select')

const at = folderWith({ 'rules.conf': rules, 'corpus.ndjson': corpus })
const base = ['run', '--rules', at('rules.conf'), '--corpus', at('corpus.ndjson'), '--quiet']

test('ndjson: one line a record, in order, the same for any number of workers', () => {
  const results = ['0', '1', '2'].map((workers) => wafsim([...base, '--format', 'ndjson', '--workers', workers]))
  for (const result of results) assert.is(result.status, 0, result.err)
  assert.is(results[1]?.out, results[0]?.out)
  assert.is(results[2]?.out, results[0]?.out)
  const lines = (results[0]?.out ?? '')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(
    lines.map((line) => line.id),
    ['good-1', 'good-2', 'bad-1', 'bad-2', 'maybe-1'],
  )
  const blocked = lines[1]
  assert.is(blocked.verdict, 'block')
  assert.is(blocked.status, 403)
  assert.equal(blocked.ruleIds, [1000, 949110])
  assert.equal(blocked.blockedBy, { kind: 'rule', ruleId: 949110, phase: 2, action: 'deny' })
  assert.equal(blocked.score, { inbound: 5, outbound: 0 })
  assert.is(blocked.matches[0].target, 'ARGS:message')
  assert.is(blocked.matches[0].scoreAdded, 5)
  assert.is(blocked.matches[0].severity, 'CRITICAL')
  assert.equal(blocked.phasesRun, [1, 2, 5])
})

test('json: totals, rules, groups with their exclusion', () => {
  const report = JSON.parse(wafsim([...base, '--format', 'json']).out)
  assert.is(report.totals.transactions, 5)
  assert.equal(report.totals.byLabel, { benign: 2, attack: 2, unknown: 1 })
  assert.is(report.totals.falsePositives, 1)
  assert.is(report.totals.missedAttacks, 1)
  assert.is(report.totals.blocked, 3)
  assert.is(report.rules[0].ruleId, 1000)
  assert.is(report.rules[0].decisive, 3)
  const [group] = report.falsePositives
  assert.equal(group.ruleIds, [1000])
  assert.is(group.target, 'ARGS:message')
  assert.is(group.path, '/contact')
  assert.is(group.exclusion.kind, 'ctl-remove-target-by-id')
  assert.match(group.exclusion.directive, /REQUEST_FILENAME "@streq \/contact"/)
  assert.match(group.exclusion.directive, /ctl:ruleRemoveTargetById=1000;ARGS:message/)
  assert.is(group.exclusion.alternatives[0].directive, 'SecRuleRemoveById 1000')
  assert.is(report.unlabelledBlocks.length, 1)
  assert.equal(
    report.missedAttacks.map((each: { id: string }) => each.id),
    ['bad-2'],
  )
})

test('the proposed exclusion, loaded, clears the false positive and no attack', () => {
  const report = JSON.parse(wafsim([...base, '--format', 'json']).out)
  const [exclusion] = report.exclusions
  const folder = folderWith({ 'before.conf': `${exclusion.directive}\n` })
  const after = JSON.parse(wafsim([...base, '--format', 'json', '--before', folder('before.conf')]).out)
  assert.is(after.totals.falsePositives, 0)
  assert.is(after.totals.missedAttacks, report.totals.missedAttacks)
  const plain = folderWith({ 'after.conf': `${exclusion.alternatives[0].directive}\n` })
  const removed = JSON.parse(wafsim([...base, '--format', 'json', '--after', plain('after.conf')]).out)
  assert.is(removed.totals.falsePositives, 0)
  assert.is(removed.totals.missedAttacks, 2)
})

test('text: what was tested, false positives, the exclusion, unlabelled records', () => {
  const { out, status } = wafsim([...base, '--format', 'text'])
  assert.is(status, 0)
  for (const part of [
    '5 records',
    '2 benign, 2 attack, 1 unlabelled',
    '1000 SQL words',
    'SecRuleRemoveById 1000',
    'ARGS:message',
    '--assume-benign',
    'bad-2',
  ])
    assert.ok(out.includes(part), `${part} in ${out}`)
})

test('labels: --assume-benign, --label and --filter', () => {
  const totals = (...more: string[]) => JSON.parse(wafsim([...base, '--format', 'json', ...more]).out).totals
  assert.is(totals('--assume-benign').falsePositives, 2)
  assert.is(totals('--label', 'path=/search benign').falsePositives, 2)
  assert.is(totals('--label', 'path=/other benign').falsePositives, 1)
  assert.is(totals('--filter', 'label=attack').transactions, 2)
  assert.is(totals('--filter', 'rule=1000 label=benign').transactions, 1)
  assert.is(totals('--filter', 'rule=900000-999999').transactions, 3)
})

test('--out writes reports beside standard output; values can be masked', () => {
  const folder = folderWith({})
  const result = wafsim([...base, '--format', 'json', '--out', `ndjson:${folder('out.ndjson')}`, '--redact'])
  assert.is(result.status, 0, result.err)
  const line = JSON.parse(readFileSync(folder('out.ndjson'), 'utf8').split('\n')[1] ?? '')
  assert.is(line.matches[0].value, 'xxxxx xxxxxx')
})

test('--fail-on and --max-false-positives give exit status 1', () => {
  assert.is(wafsim([...base, '--fail-on', 'false-positive']).status, 1)
  assert.is(wafsim([...base, '--fail-on', 'missed-attack']).status, 1)
  assert.is(wafsim([...base, '--fail-on', 'error']).status, 0)
  assert.is(wafsim([...base, '--max-false-positives', '0']).status, 1)
  assert.is(wafsim([...base, '--max-false-positives', '1']).status, 0)
  assert.is(wafsim([...base, '--max-false-positives', '50%']).status, 0)
})

test('a record that cannot be read is an error line in its place, and the run goes on', () => {
  const broken = folderWith({
    'corpus.ndjson': `${corpus.slice(0, -1)}\n{"id":"x","request":{}}\n${post('last', 'benign', '/', 'a=b')}{"id":"cut","requ`,
  })
  const result = wafsim([
    'run',
    '--rules',
    at('rules.conf'),
    '--corpus',
    broken('corpus.ndjson'),
    '--format',
    'ndjson',
    '--quiet',
  ])
  assert.is(result.status, 0, result.err)
  const lines = result.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(
    lines.map((line) => line.verdict),
    ['pass', 'block', 'block', 'pass', 'block', 'error', 'pass', 'error'],
  )
  assert.match(lines[5].error, /corpus\.ndjson:6: not a record: request\.method must be a string/)
  assert.match(lines[7].error, /corpus\.ndjson:8: .*cut off/)
})

test('evidence: a Content-Length above the body proves nothing', () => {
  const record = JSON.parse(post('cut', 'benign', '/contact', 'message=union+select'))
  record.request.headers[2][1] = '500'
  const folder = folderWith({ 'c.ndjson': `${JSON.stringify(record)}\n` })
  const report = JSON.parse(
    wafsim(['run', '--rules', at('rules.conf'), '--corpus', folder('c.ndjson'), '--format', 'json', '--quiet']).out,
  )
  assert.is(report.totals.byEvidence.truncated, 1)
  assert.is(report.totals.benignTotal, 0)
  assert.is(report.totals.blocked, 1)
  assert.is(
    wafsim(['run', '--rules', at('rules.conf'), '--corpus', folder('c.ndjson'), '--fail-on', 'incomplete', '--quiet'])
      .status,
    1,
  )
})

const broken = folderWith({
  'syntax.conf': 'SecRuleEngine On\nSecRule ARGS "@rx x "id:1,phase:1"\n',
  'include.conf': 'SecRuleEngine On\nInclude nowhere.conf\nSecAction "id:1,phase:1,pass"\n',
  'empty.conf': 'SecRuleEngine On\n',
  'none.ndjson': '',
  'garbage.ndjson': '{"id":\n',
})
mkdirSync(broken('directory'))

const refusals: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['a syntax error', ['--rules', broken('syntax.conf'), '--corpus', at('corpus.ndjson')], /syntax\.conf:2:/],
  [
    'a missing include',
    ['--rules', broken('include.conf'), '--corpus', at('corpus.ndjson')],
    /include\.conf:2:.*nowhere\.conf/,
  ],
  ['a ruleset without a rule', ['--rules', broken('empty.conf'), '--corpus', at('corpus.ndjson')], /no rule at all/],
  [
    'a missing rules file',
    ['--rules', broken('absent.conf'), '--corpus', at('corpus.ndjson')],
    /absent\.conf: no such file/,
  ],
  [
    'a missing corpus',
    ['--rules', at('rules.conf'), '--corpus', broken('absent.ndjson')],
    /absent\.ndjson: no such file/,
  ],
  ['an empty corpus', ['--rules', at('rules.conf'), '--corpus', broken('none.ndjson')], /no record at all/],
  [
    'every record in error',
    ['--rules', at('rules.conf'), '--corpus', broken('garbage.ndjson')],
    /every record is in error/,
  ],
  [
    'a directory without captures',
    ['--rules', at('rules.conf'), '--corpus', broken('directory')],
    /no file in this directory/,
  ],
  [
    'a directory without rules',
    ['--rules', broken('directory'), '--corpus', at('corpus.ndjson')],
    /no \*\.conf file in this directory/,
  ],
  ['an unknown option', ['--rules', at('rules.conf'), '--corpse', 'x'], /unknown option '--corpse'/],
  [
    'an unknown format',
    ['--rules', at('rules.conf'), '--corpus', at('corpus.ndjson'), '--format', 'jsno'],
    /did you mean "json"/,
  ],
  [
    'an unknown platform',
    ['--rules', at('rules.conf'), '--corpus', at('corpus.ndjson'), '--platform', 'nginx'],
    /modsec2, modsec3/,
  ],
  [
    'a setting the ruleset does not have',
    ['--rules', at('rules.conf'), '--corpus', at('corpus.ndjson'), '--paranoia', '2'],
    /paranoia/,
  ],
  ['no ruleset', ['--corpus', at('corpus.ndjson')], /--rules/],
  [
    'an unwritable file',
    ['--rules', at('rules.conf'), '--corpus', at('corpus.ndjson'), '--out', `json:${broken('directory')}`],
    /cannot write/,
  ],
]

for (const [name, args, message] of refusals)
  test(`${name}: exit status 2 and a message`, () => {
    const result = wafsim(['run', ...args])
    assert.is(result.status, 2, result.err)
    assert.match(result.err, message)
    assert.not.match(result.err, /\n\s+at /, 'no stack trace')
    assert.is(result.out, '')
  })

test('rule tests as a corpus take class and paranoia level from the rules they expect', () => {
  const folder = folderWith({
    'rules.conf': `SecRuleEngine On\nSecRule ARGS "@streq never" "id:942100,phase:2,deny,tag:'attack-sqli',tag:'paranoia-level/2',tag:'OWASP_CRS'"`,
    '942100.yaml': `rule_id: 942100
tests:
  - test_id: 1
    stages:
      - input: {uri: "/?a=b", headers: {Host: localhost}}
        output: {log: {expect_ids: [942100]}}
  - test_id: 2
    stages:
      - input: {uri: "/?a=c", headers: {Host: localhost}}
        output: {log: {expect_ids: [920100]}}
`,
  })
  const args = [
    'run',
    '--rules',
    folder('rules.conf'),
    '--corpus',
    folder('942100.yaml'),
    '--format',
    'json',
    '--quiet',
  ]
  const report = JSON.parse(wafsim(args).out)
  assert.equal(report.totals.byLabel, { benign: 0, attack: 1, unknown: 1 })
  assert.equal(report.missedAttacks[0].tags, ['attack-sqli', 'paranoia-level/2'])
})

test('standard input is a corpus', () => {
  const result = wafsim(['run', '--rules', at('rules.conf'), '--corpus', '-', '--format', 'json', '--quiet'], {
    input: corpus,
  })
  assert.is(JSON.parse(result.out).totals.transactions, 5)
})

test('help names every command and its options; no argument shows it', () => {
  assert.match(wafsim([]).out, /run.*\n(.*\n)*.*crs/)
  const help = wafsim(['run', '--help'])
  assert.is(help.status, 0)
  for (const option of ['--rules', '--corpus', '--paranoia', '--fail-on', '--workers'])
    assert.ok(help.out.includes(option))
})

test('nothing captured reaches a terminal raw', () => {
  const hostile = post('h\u001b[31m', 'benign', '/a', 'm=union+select%1b[2Junion+select')
  const result = wafsim(['run', '--rules', at('rules.conf'), '--corpus', '-', '--quiet'], { input: hostile })
  assert.is(result.status, 0, result.err)
  assert.not.match(result.out, /[\x00-\x09\x0b-\x1f]/)
})

test('rules: list, filter and check', () => {
  const list = JSON.parse(
    wafsim(['rules', 'list', '--rules', at('rules.conf'), '--phase', '2', '--format', 'json']).out,
  )
  assert.equal(
    list.map((rule: { id: number }) => rule.id),
    [1000, 2, 949110],
  )
  assert.match(wafsim(['rules', 'list', '--rules', at('rules.conf'), '--search', 'union']).out, /1000/)
  const check = wafsim(['rules', 'check', '--rules', broken('syntax.conf')])
  assert.is(check.status, 2)
  assert.match(check.out, /syntax\.conf:2:/)
  assert.is(wafsim(['rules', 'check', '--rules', at('rules.conf')]).status, 0)
})

test('test: go-ftw tests in process', () => {
  const folder = folderWith({
    'tests.yaml': `---
meta: {author: us}
rule_id: 1000
tests:
  - test_id: 1
    stages:
      - input: {method: POST, uri: /post, headers: {Host: localhost}, data: "a=union select"}
        output: {log: {expect_ids: [1000]}}
  - test_id: 2
    stages:
      - input: {method: POST, uri: /post, headers: {Host: localhost}, data: "a=fine"}
        output: {log: {expect_ids: [1000]}}
  - test_id: 3
    stages:
      - input: {uri: "/?a=union%20select", headers: {Host: localhost}}
        output: {log: {no_expect_ids: [949110]}}
`,
    'overrides.yaml': `test_overrides:
  - rule_id: 1000
    test_ids: [2]
    reason: shown
    output: {log: {no_expect_ids: [1000]}}
`,
  })
  const result = wafsim(['test', folder('tests.yaml'), '--rules', at('rules.conf'), '--format', 'json'])
  assert.is(result.status, 1, result.err)
  const report = JSON.parse(result.out)
  assert.equal(report.totals, { tests: 3, passed: 1, failed: 2, overridden: 0, skipped: 0 })
  assert.equal(
    report.failures.map((each: { id: string; line: number }) => [each.id, each.line]),
    [
      ['1000-2', 9],
      ['1000-3', 13],
    ],
  )
  const overridden = JSON.parse(
    wafsim([
      'test',
      folder('tests.yaml'),
      '--rules',
      at('rules.conf'),
      '--overrides',
      folder('overrides.yaml'),
      '--format',
      'json',
    ]).out,
  )
  assert.equal(overridden.totals, { tests: 3, passed: 2, failed: 1, overridden: 1, skipped: 0 })
})

test.run()
