/**
 * `wafsim exclude verify`: what a file of exclusions is worth on other rules and other traffic than it was made for.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { VerifyReport } from '../cli/reports/verify-report.js'
import { folderWith, type Outcome, wafsim } from './support/cli.js'

const score = 'tx.inbound_anomaly_score_pl1=+5'
const rules = `SecRuleEngine On
SecRequestBodyAccess On
SecAction "id:1,phase:1,pass,nolog,setvar:tx.inbound_anomaly_score_threshold=5,setvar:tx.blocking_paranoia_level=1,setvar:tx.detection_paranoia_level=1,setvar:tx.inbound_anomaly_score_pl1=0"
SecRule ARGS "@contains evil" "id:942100,phase:2,pass,log,t:none,msg:'SQLi',tag:'attack-sqli',setvar:'${score}'"
SecRule ARGS "@contains bad" "id:942110,phase:2,pass,log,t:none,msg:'SQLi too',tag:'attack-sqli',setvar:'${score}'"
SecAction "id:949060,phase:2,pass,nolog,t:none,setvar:'tx.blocking_inbound_anomaly_score=%{tx.inbound_anomaly_score_pl1}'"
SecRule TX:BLOCKING_INBOUND_ANOMALY_SCORE "@ge %{tx.inbound_anomaly_score_threshold}" "id:949110,phase:2,deny,status:403,log,t:none,msg:'Score'"
`
const files = {
  'rules.conf': rules,
  'corpus.ndjson': records('benign', ['/a?q=evil', '/b?r=bad', '/c?q=fine', '/user/12?n=bad', '/user/345?n=bad']),
  'attacks.ndjson': records('attack', ['/x?y=evil', '/x?y=bad', '/x?y=evil+and+bad']),
}

function records(label: string, uris: readonly string[]): string {
  return uris
    .map((uri, n) =>
      JSON.stringify({
        id: `${label}-${n}`,
        label,
        tags: label === 'attack' ? ['attack-sqli'] : [],
        request: { method: 'GET', uri, httpVersion: '1.1', headers: [['Host', 'example.com']] },
      }),
    )
    .join('\n')
}

type Paths = (name: string) => string

function options(path: Paths): readonly string[] {
  const corpus = ['--corpus', path('corpus.ndjson'), '--attacks', path('attacks.ndjson'), '--no-standard-attacks']
  return [...corpus, '--workers', '0']
}

function written(path: Paths, name = 'exclusions.conf', ...more: readonly string[]): string {
  const target = path(name)
  const made = wafsim(['exclude', '--rules', path('rules.conf'), ...options(path), '--apply', target, ...more])
  assert.is(made.status, 0, made.err)
  return target
}

function run(path: Paths, target: string, ...more: readonly string[]): Outcome {
  return wafsim(['exclude', 'verify', target, '--rules', path('rules.conf'), ...options(path), ...more])
}

function verify(path: Paths, target: string, ...more: readonly string[]): [VerifyReport, number | null] {
  const { status, out, err } = run(path, target, '--format', 'json', ...more)
  assert.ok(out.startsWith('{'), err)
  return [JSON.parse(out) as VerifyReport, status]
}

const statuses = ({ exclusions }: VerifyReport): readonly string[] => exclusions.map(({ status }) => status)

test('what exclude wrote is proven on the same traffic, at the price that it wrote', () => {
  const path = folderWith(files)
  const target = written(path)
  const made = JSON.parse(
    wafsim(['exclude', '--rules', path('rules.conf'), ...options(path), '--format', 'json']).out,
  ) as Pick<VerifyReport, 'attacksLost' | 'attacksBefore' | 'detectionsLost'> & {
    exclusions: { key: string; clears: unknown; attacksLost: number }[]
  }
  const [report, status] = verify(path, target)
  assert.is(status, 0)
  assert.is(report.exclusions.length, 3)
  assert.ok(statuses(report).every((each) => each === 'proven'))
  assert.equal([report.before.falsePositives, report.after.falsePositives], [4, 0])
  for (const name of ['attacksLost', 'attacksBefore', 'detectionsLost'] as const) assert.is(report[name], made[name])
  for (const { key, clears, attacksLost, written: then } of report.exclusions) {
    const its = made.exclusions.find((each) => each.key === key)
    assert.equal(clears, its?.clears)
    assert.is(attacksLost, its?.attacksLost)
    assert.is(then?.attacksLost, its?.attacksLost)
    assert.ok((its?.attacksLost ?? 0) > 0)
  }
  const text = run(path, target)
  assert.match(text.out, '3 exclusions: 3 proven')
  assert.match(text.out, 'ctl:ruleRemoveTargetById=942100;ARGS:q')
})

test('a file that the ruleset loads is not loaded twice', () => {
  const path = folderWith(files)
  const target = written(path)
  const [report, status] = verify(path, target, '--before', target)
  assert.is(status, 0)
  assert.equal(statuses(report), ['proven', 'proven', 'proven'])
  assert.equal([report.before.falsePositives, report.after.falsePositives], [4, 0])
})

test('the directory of a layout, and the two files among the rules of CRS', () => {
  const path = folderWith(files)
  mkdirSync(path('plugin'))
  const target = written(path, 'plugin', '--layout', 'plugin')
  assert.equal(statuses(verify(path, target)[0]), ['proven', 'proven', 'proven'])

  mkdirSync(path('crs'))
  mkdirSync(path('crs/rules'))
  writeFileSync(path('crs/crs-setup.conf'), 'SecRuleEngine On\nSecRequestBodyAccess On\n')
  writeFileSync(path('crs/rules/REQUEST-901-INITIALIZATION.conf'), rules)
  const layout = ['--layout', 'crs', '--apply', path('crs/rules')]
  assert.is(wafsim(['exclude', '--rules', path('crs'), ...options(path), ...layout]).status, 0)
  const again = wafsim([
    'exclude',
    'verify',
    path('crs/rules'),
    ...['--rules', path('crs'), ...options(path), '--format', 'json'],
  ])
  assert.is(again.status, 0, again.err)
  assert.equal(statuses(JSON.parse(again.out) as VerifyReport), ['proven', 'proven', 'proven'])
})

test('a rule that the ruleset has no more makes an exclusion stale', () => {
  const path = folderWith(files)
  const target = written(path)
  writeFileSync(path('rules.conf'), rules.replace(/^.*id:942100.*\n/m, ''))
  const [report, status] = verify(path, target)
  assert.is(status, 1)
  const stale = report.exclusions.filter((each) => each.status === 'stale')
  assert.is(stale.length, 1)
  assert.match(stale[0]?.notes[0] ?? '', 'no rule 942100')
  assert.is(verify(path, target, '--fail-on', 'error')[1], 0)
})

test('without the false positive it is a placebo', () => {
  const path = folderWith(files)
  const target = written(path)
  writeFileSync(path('corpus.ndjson'), records('benign', ['/a?q=fine', '/b?r=bad', '/user/9?n=bad']))
  const [report, status] = verify(path, target)
  assert.is(status, 1)
  const idle = report.exclusions.filter((each) => each.status === 'placebo')
  assert.equal(
    idle.map(({ text }) => text),
    ['ctl:ruleRemoveTargetById=942100;ARGS:q'],
  )
  assert.is(report.after.falsePositives, 0)
})

test('a false positive that it does not clear is counted', () => {
  const path = folderWith(files)
  const target = written(path)
  writeFileSync(
    path('corpus.ndjson'),
    `${files['corpus.ndjson']}\n${records('benign', ['/new?q=evil']).replace('benign-0', 'new')}`,
  )
  const [report, status] = verify(path, target)
  assert.is(status, 0)
  assert.is(report.after.falsePositives, 1)
  assert.is(verify(path, target, '--fail-on', 'false-positive')[1], 1)
  assert.is(verify(path, target, '--fail-on', 'missed-attack')[1], 1)
})

test('a price that is no longer what the file says', () => {
  const path = folderWith(files)
  const target = written(path)
  const more = ['evil 2', 'evil 3', 'more evil'].map((text) => `/x?y=${encodeURIComponent(text)}`)
  writeFileSync(path('attacks.ndjson'), records('attack', ['/x?y=evil', '/x?y=bad', ...more]))
  const [report, status] = verify(path, target)
  assert.is(status, 1)
  const [changed] = report.exclusions.filter((each) => each.status === 'price-changed')
  assert.match(changed?.text ?? '', '942100')
  assert.match(changed?.notes[0] ?? '', /^lost \d+ of \d+ attacks? on \d{4}-\d\d-\d\d, and loses 4 of 5 now$/)
  assert.is(changed?.written?.attacksLost, 1)
  assert.is(verify(path, target, '--fail-on', 'placebo')[1], 0)
  // Without an attack there is no price to compare.
  writeFileSync(path('attacks.ndjson'), records('benign', ['/none']))
  const [untried, fine] = verify(path, target)
  assert.is(fine, 0)
  assert.match(untried.exclusions[0]?.notes[0] ?? '', 'no attack was tried')
})

const byHand = `
# people's own
SecRule REQUEST_FILENAME "@beginsWith /a" "id:101,phase:1,pass,nolog,ctl:ruleRemoveById=942100,ctl:ruleRemoveById=942110"
SecRule REQUEST_FILENAME "@rx ^/user/" "id:102,phase:1,pass,nolog,ctl:ruleRemoveTargetById=942110;ARGS:n"
SecRuleRemoveByTag "no-such-tag"
SecRuleUpdateTargetById 942110 "!ARGS:r"
SecRule ARGS:debug "@streq 1" "id:103,phase:1,pass,nolog,ctl:ruleEngine=Off"
`

test('a file that people wrote: each action for itself', () => {
  const path = folderWith({ ...files, 'mine.conf': byHand })
  const [report, status] = verify(path, path('mine.conf'))
  assert.is(status, 1)
  assert.equal(
    report.exclusions.map(({ line, text, status: what, clears }) => [line, text, what, clears.requests]),
    [
      [3, 'ctl:ruleRemoveById=942100', 'proven', 1],
      [3, 'ctl:ruleRemoveById=942110', 'placebo', 0],
      [4, 'ctl:ruleRemoveTargetById=942110;ARGS:n', 'proven', 2],
      [5, 'SecRuleRemoveByTag no-such-tag', 'stale', 0],
      [6, 'SecRuleUpdateTargetById 942110 "!ARGS:r"', 'proven', 1],
      [7, 'ctl:ruleEngine=Off', 'unproven', 0],
    ],
  )
  assert.is(report.after.falsePositives, 0)
  const [first] = report.exclusions
  assert.ok((first?.attacksLost ?? 0) > 0)
  assert.is(first?.written, null)
})

test('what does not load is an error with its line, and the rest is judged', () => {
  const broken = 'SecRuleRemoveById 942100\nSecRuleUpdateTargetById 942110 "!NO_SUCH:r"\nSecNonsense on\n'
  const path = folderWith({ ...files, 'mine.conf': broken })
  const [report, status] = verify(path, path('mine.conf'))
  assert.is(status, 1)
  assert.equal(statuses(report), ['proven', 'error'])
  assert.match(report.exclusions[1]?.notes[0] ?? '', /mine\.conf:2: /)
  assert.equal(
    report.errors.map(({ line }) => line),
    [3],
  )
})

test('the rule that weighs the scores: said to be dangerous, and its price is in the totals', () => {
  const path = folderWith({ ...files, 'mine.conf': 'SecRuleRemoveById 949110\n' })
  const [report] = verify(path, path('mine.conf'))
  assert.ok(report.exclusions[0]?.notes.some((note) => note.startsWith('dangerous')))
  assert.is(report.attacksLost, report.attacksBefore)
  assert.is(report.exclusions[0]?.neededBy, 4)
})

test('nothing in a file or a capture reaches the terminal as it is', () => {
  const control = '\x1b]0;owned\x07'
  const path = folderWith({
    ...files,
    'mine.conf': `SecRule REQUEST_FILENAME "@streq /a${control}" "id:101,phase:1,pass,nolog,ctl:ruleRemoveTargetById=942100;ARGS:${control}"\nSecRuleRemoveByTag "${control}"\n`,
    'corpus.ndjson': records('benign', [`/a${control}?q=evil`, `/b?${control}=bad`]).replaceAll(
      'benign-',
      `b${control.replaceAll('\x1b', '\\u001b').replaceAll('\x07', '\\u0007')}`,
    ),
  })
  const { out, err } = run(path, path('mine.conf'))
  assert.not.match(out + err, /[\x00-\x08\x0b-\x1f\x7f]/)
  assert.match(out, '2 exclusions')
})

test('an edited block is judged without the price that it was written with', () => {
  const path = folderWith(files)
  const target = written(path)
  const edited = readFileSync(target, 'latin1').replace(
    'ctl:ruleRemoveTargetById=942100;ARGS:q',
    'ctl:ruleRemoveById=942100',
  )
  writeFileSync(target, edited, 'latin1')
  const [report, status] = verify(path, target)
  assert.is(status, 0)
  assert.equal(
    report.exclusions.filter((each) => each.edited).map(({ text, status: what }) => [text, what]),
    [['ctl:ruleRemoveById=942100', 'proven']],
  )
})

test('what cannot be verified is refused', () => {
  const path = folderWith({ ...files, 'empty.conf': '# nothing\n' })
  for (const [target, message] of [
    [path('empty.conf'), 'no exclusion in it'],
    [path('absent.conf'), 'no such file'],
  ] as const) {
    const { status, err } = run(path, target)
    assert.is(status, 2)
    assert.match(err, message)
  }
  const { status, err } = wafsim([
    'exclude',
    'verify',
    path('empty.conf'),
    '--rules',
    path('rules.conf'),
    '--corpus',
    '-',
  ])
  assert.is(status, 2)
  assert.match(err, 'more than once')
})

test.run()
