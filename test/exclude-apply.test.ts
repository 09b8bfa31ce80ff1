/**
 * `wafsim exclude --apply`: what it wrote is a part of the ruleset in the next run, and stays as long as it is needed.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { folderWith, type Outcome, wafsim } from './support/cli.js'

const score = 'tx.inbound_anomaly_score_pl1=+5'
const files = {
  'rules.conf': `SecRuleEngine On
SecRequestBodyAccess On
SecAction "id:1,phase:1,pass,nolog,setvar:tx.inbound_anomaly_score_threshold=5,setvar:tx.blocking_paranoia_level=1,setvar:tx.detection_paranoia_level=1,setvar:tx.inbound_anomaly_score_pl1=0"
SecRule ARGS "@contains evil" "id:942100,phase:2,pass,log,t:none,msg:'SQLi',setvar:'${score}'"
SecRule ARGS "@contains bad" "id:942110,phase:2,pass,log,t:none,msg:'SQLi too',setvar:'${score}'"
SecAction "id:949060,phase:2,pass,nolog,t:none,setvar:'tx.blocking_inbound_anomaly_score=%{tx.inbound_anomaly_score_pl1}'"
SecRule TX:BLOCKING_INBOUND_ANOMALY_SCORE "@ge %{tx.inbound_anomaly_score_threshold}" "id:949110,phase:2,deny,status:403,log,t:none,msg:'Score'"
`,
  'corpus.ndjson': ['/a?q=evil', '/b?r=bad', '/c?q=fine']
    .map((uri, n) =>
      JSON.stringify({
        id: `r${n}`,
        label: 'benign',
        request: { method: 'GET', uri, httpVersion: '1.1', headers: [['Host', 'example.com']] },
      }),
    )
    .join('\n'),
}

function exclude(path: (name: string) => string, ...more: readonly string[]): Outcome {
  const args = ['--rules', path('rules.conf'), '--corpus', path('corpus.ndjson'), '--no-standard-attacks']
  return wafsim(['exclude', ...args, '--workers', '0', '--format', 'json', ...more])
}

test('a file that the ruleset loads is updated as if its own exclusions were not there', () => {
  const path = folderWith(files)
  const target = path('exclusions.conf')
  const first = exclude(path, '--apply', target, '--date', '2026-12-01')
  assert.is(first.status, 0, first.err)
  const text = readFileSync(target, 'latin1')
  assert.is(text.match(/wafsim:begin/g)?.length, 2)
  const second = exclude(path, '--before', target, '--apply', target, '--date', '2027-12-01')
  assert.is(second.status, 0, second.err)
  assert.is(readFileSync(target, 'latin1'), text)
  assert.match(second.err, '2 as before')
  // Without --apply the file hides what it answers.
  assert.equal((JSON.parse(exclude(path, '--before', target).out) as { exclusions: unknown[] }).exclusions, [])
})

test('what people changed in it counts, and what they wrote keeps its id', () => {
  const path = folderWith(files)
  const target = path('exclusions.conf')
  exclude(path, '--apply', target)
  const text = readFileSync(target, 'latin1')
  const ids = [...text.matchAll(/"id:(\d+)/g)].map(([, id]) => id)
  const edited = text.replace('ctl:ruleRemoveTargetById=942100;ARGS:q', 'ctl:ruleRemoveById=942100')
  assert.is.not(edited, text)
  writeFileSync(target, `${edited}SecRule ARGS:mine "@rx x" "id:${Number(ids[0]) + 1},phase:2,pass,log"\n`, 'latin1')
  const again = exclude(path, '--before', target, '--apply', target)
  assert.is(again.status, 0, again.err)
  assert.match(again.err, 'was edited and is kept')
  const after = readFileSync(target, 'latin1')
  assert.match(after, 'ctl:ruleRemoveById=942100')
  assert.match(after, 'ARGS:mine')
  assert.is(after.match(/wafsim:begin/g)?.length, 2)
})

test('a file that a rule file includes cannot be taken out of the ruleset, and says so', () => {
  const path = folderWith(files)
  const target = path('exclusions.conf')
  exclude(path, '--apply', target)
  writeFileSync(path('rules.conf'), `SecRuleEngine On\nInclude exclusions.conf\n${files['rules.conf']}`)
  const refused = exclude(path, '--apply', target)
  assert.is(refused.status, 2)
  assert.match(refused.err, 'leave that Include out')
})

test('the files of CRS among its rules', () => {
  const path = folderWith(files)
  mkdirSync(path('crs'))
  mkdirSync(path('crs/rules'))
  writeFileSync(path('crs/crs-setup.conf'), 'SecRuleEngine On\nSecRequestBodyAccess On\n')
  writeFileSync(path('crs/rules/REQUEST-901-INITIALIZATION.conf'), files['rules.conf'])
  const run = (): Outcome =>
    wafsim([
      'exclude',
      ...['--rules', path('crs'), '--corpus', path('corpus.ndjson'), '--no-standard-attacks', '--workers', '0'],
      ...['--layout', 'crs', '--apply', path('crs/rules'), '--format', 'json'],
    ])
  const first = run()
  assert.is(first.status, 0, first.err)
  const written = path('crs/rules/REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf')
  const text = readFileSync(written, 'latin1')
  assert.match(text, 'ruleRemoveTargetById=942110;ARGS:r')
  assert.is(run().status, 0)
  assert.is(readFileSync(written, 'latin1'), text)
})

test.run()
