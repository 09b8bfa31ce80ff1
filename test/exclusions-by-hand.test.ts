/**
 * The comparison of exclusions with a file written by hand: both over the same attacks in the same places, and the one
 * that opens more loses more.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Comparison, compareExclusions, countExclusions } from '../bench/exclusions/comparison.js'
import { folderWith } from './support/cli.js'

const score = 'tx.inbound_anomaly_score_pl1=+5'
const ruleset = `SecRuleEngine On
SecRequestBodyAccess On
SecAction "id:1,phase:1,pass,nolog,setvar:tx.inbound_anomaly_score_threshold=5,setvar:tx.blocking_paranoia_level=1,setvar:tx.detection_paranoia_level=1,setvar:tx.inbound_anomaly_score_pl1=0"
SecRule ARGS "@contains union" "id:942100,phase:2,pass,log,t:none,tag:'attack-sqli',setvar:'${score}'"
SecRule ARGS "@contains script" "id:941100,phase:2,pass,log,t:none,tag:'attack-xss',setvar:'${score}'"
SecAction "id:949060,phase:2,pass,nolog,t:none,setvar:'tx.blocking_inbound_anomaly_score=%{tx.inbound_anomaly_score_pl1}'"
SecRule TX:BLOCKING_INBOUND_ANOMALY_SCORE "@ge %{tx.inbound_anomaly_score_threshold}" "id:949110,phase:2,deny,status:403,log,t:none,msg:'Score'"
`

const line = (id: string, label: string, uri: string, tags: readonly string[] = []): string =>
  JSON.stringify({
    id,
    label,
    tags,
    request: { method: 'GET', uri, httpVersion: '1.1', headers: [['Host', 'example.com']] },
  })

const path = folderWith({
  'rules.conf': ruleset,
  'benign.ndjson': [
    line('edit', 'benign', '/edit?text=the+union+of+two&title=News'),
    line('view', 'benign', '/view?page=2'),
  ].join('\n'),
  'attacks.ndjson': [
    line('sqli 1', 'attack', '/x?q=1+union+select', ['attack-sqli']),
    line('sqli 2', 'attack', '/edit?text=2+union+all', ['attack-sqli']),
    line('xss', 'attack', '/x?q=<script>', ['attack-xss']),
  ].join('\n'),
})

const narrow = `SecRule REQUEST_FILENAME "@streq /edit" "id:10,phase:1,pass,t:none,nolog,ctl:ruleRemoveTargetById=942100;ARGS:text"\n`
const wide = 'SecRuleRemoveById 942100\nSecRuleRemoveById 941100\n'
const idle = '# ctl:ruleRemoveById=942100\n'

const compare = (): Promise<Comparison> =>
  compareExclusions({
    rules: [path('rules.conf')],
    platform: 'modsec3',
    corpus: [path('benign.ndjson')],
    attacks: [path('attacks.ndjson')],
    sets: [
      { name: 'narrow', texts: [{ placement: 'before', name: 'narrow', text: narrow }] },
      { name: 'wide', texts: [{ placement: 'after', name: 'wide', text: wide }] },
      { name: 'idle', texts: [{ placement: 'before', name: 'idle', text: idle }] },
    ],
  })

test('each set is priced over the places that any of them opens', async () => {
  const { benign, falsePositives, standing, carried, places, sets } = await compare()
  assert.equal([benign, falsePositives, standing], [2, 1, 3])
  // text and title of /edit, page of /view; three payloads in each.
  assert.equal([places, carried], [3, 9])
  const rows = sets.map((set) => [
    set.name,
    set.falsePositives,
    set.exclusions,
    set.placesOpened,
    set.standingLost,
    set.carriedLost,
  ])
  assert.equal(rows, [
    ['narrow', 0, 1, 1, 1, 2],
    ['wide', 0, 2, 3, 3, 9],
    ['idle', 1, 0, 0, 0, 0],
  ])
  assert.equal(
    sets.map(({ byClass }) => [...byClass]),
    [
      [['attack-sqli', 3]],
      [
        ['attack-sqli', 8],
        ['attack-xss', 4],
      ],
      [],
    ],
  )
})

test('the same input gives the same figures', async () => {
  assert.equal(await compare(), await compare())
})

test('exclusions are counted by what they do', () => {
  assert.is(countExclusions(narrow + wide + idle), 3)
  assert.is(countExclusions('SecAction "id:1,phase:1,pass,setvar:tx.a=1"\nSecRuleUpdateTargetById 1 "!ARGS:a"'), 2)
  assert.is(countExclusions('SecRule ARGS "@rx x" "id:1,ctl:ruleRemoveById=2,\\\n  ctl:requestBodyProcessor=JSON"'), 1)
})

test.run()
