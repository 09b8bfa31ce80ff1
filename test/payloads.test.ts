/**
 * Payloads out of attack records, and the foretelling of what is lost without some rules.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bundledCorpora, corpusReader } from '../corpora/index.js'
import {
  AttackProfiles,
  Blocking,
  type CarrierKind,
  carrierOfKind,
  evaluate,
  kindOfTarget,
  loadRuleset,
  longestPayload,
  type PlatformName,
  payloadsOf,
  placePayload,
  platforms,
  settingsInForce,
  type TransactionRecord,
} from '../engine/index.js'
import { resolveRuleset } from '../rulesets/index.js'
import { collect, recordsIn } from './support/corpus.js'
import { type RequestShape, request, rules } from './support/scenario.js'
import { announceSkipped, crsTree } from './support/test-data.js'

/** A ruleset that scores: 1 and 2 in arguments, 3 above the blocking level, 4 by a chain, 5 denies, one of protocol. */
const scoring = `
SecRuleEngine DetectionOnly
SecRule REQUEST_HEADERS:Content-Type "@contains json" "id:900,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "@contains xml" "id:901,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"
SecAction "id:902,phase:1,pass,nolog,setvar:tx.inbound_anomaly_score_threshold=5,setvar:tx.blocking_paranoia_level=1,setvar:tx.anomaly_score=0"
SecRule ARGS|ARGS_NAMES|REQUEST_COOKIES|XML:/* "@contains one" "id:1,phase:2,pass,tag:attack-one,tag:paranoia-level/1,setvar:tx.anomaly_score=+5"
SecRule ARGS|ARGS_NAMES|REQUEST_COOKIES|XML:/*|FILES "@contains two" "id:2,phase:2,pass,tag:attack-two,setvar:tx.anomaly_score=+3"
SecRule ARGS "@contains three" "id:3,phase:2,pass,tag:attack-three,tag:paranoia-level/2,setvar:tx.anomaly_score_pl2=+5"
SecRule ARGS "@rx (f.*r)" "id:4,phase:2,pass,capture,tag:attack-four,chain"
  SecRule TX:1 "@contains four" "setvar:tx.anomaly_score=+2"
SecRule ARGS "@contains five" "id:5,phase:2,deny,tag:attack-five"
SecRule ARGS "@contains six" "id:920001,phase:2,pass,tag:attack-six,setvar:tx.anomaly_score=+5"
SecRule TX:ANOMALY_SCORE "@ge %{tx.inbound_anomaly_score_threshold}" "id:949110,phase:2,deny"
`
const { ruleset } = rules(scoring)
const blocking = new Blocking(ruleset, settingsInForce(ruleset))

function attack(id: string, shape: RequestShape, tags: readonly string[] = []): TransactionRecord {
  return { ...request({ ...shape, id, label: 'attack' }), tags }
}

const attacks = [
  attack('a', { body: 'q=one%20whole&r=nothing' }, ['other', 'attack-of-record']),
  attack('b', { uri: '/?q=two&p=three+3' }),
  attack('c', { body: 'q=a+four+b' }),
  attack('d', { body: 'q=six' }),
  attack('e', { body: 'q=five' }),
  attack('f', { body: 'other=one%20whole' }),
  attack('g', { body: `q=one${'x'.repeat(longestPayload)}` }),
  attack('h', { body: 'q=nothing' }),
  attack('i', { body: 'q=one%26two' }),
  { ...attack('j', { body: 'q=one more' }), evidence: 'truncated' as const },
  request({ id: 'k', label: 'benign', body: 'q=one less' }),
]

test('payloads are the whole values in which scoring rules matched, each once', () => {
  const found = payloadsOf(ruleset, attacks)
  assert.equal(
    found.payloads().map(({ value, class: name, recordId }) => [value, name, recordId]),
    [
      ['one whole', 'attack-of-record', 'a'],
      ['two', 'attack-two', 'b'],
      ['three 3', 'attack-three', 'b'],
      ['a four b', 'attack-four', 'c'],
      ['five', 'attack-five', 'e'],
      ['one&two', 'attack-one', 'i'],
    ],
  )
  assert.equal(found.counts(), { attacks: 10, withoutPayload: 2, unusable: 1, tooLong: 1, repeated: 1 })
})

test('what is lost without rules is what their points and denials leave', () => {
  const profiles = new AttackProfiles(ruleset, payloadsOf(ruleset, attacks).payloads(), blocking)
  // Stopped: one whole, five, one&two (8 points); two, three and four have too few points that count.
  for (const kind of ['form', 'query', 'json', 'multipart'] as const) {
    assert.is(profiles.stopped(kind), 3, kind)
    assert.is(profiles.uncarried(kind), 0, kind)
    assert.is(profiles.lostWithout(kind, new Set([1])), 2)
    assert.is(profiles.lostWithout(kind, new Set([1])), 2)
    assert.is(profiles.lostWithout(kind, new Set([2])), 0)
    assert.is(profiles.lostWithout(kind, new Set([5])), 1)
    assert.is(profiles.lostWithout(kind, new Set([1, 2, 3, 4, 5, 6])), 3)
    assert.is(profiles.lostWithout(kind, new Set()), 0)
  }
  assert.equal([...profiles.lostByClass('form', new Set([1, 5]))].sort(), [
    ['attack-five', 1],
    ['attack-of-record', 1],
    ['attack-one', 1],
  ])
  assert.is(profiles.stopped('cookie'), 2)
  assert.is(profiles.stopped('xml'), 2)
  assert.is(profiles.stopped('file-name'), 0)
  assert.is(profiles.detectionsWithout('form', new Set([1, 2])), 4)
})

const kinds: readonly CarrierKind[] = [
  'query',
  'form',
  'multipart',
  'json',
  'xml',
  'cookie',
  'file-name',
  'argument-name',
  'raw-body',
  'header:Referer',
]

for (const platform of Object.keys(platforms) as PlatformName[])
  test(`${platform}: there is a request of each kind, and it is of that kind`, () => {
    const { ruleset } = rules(scoring, platform)
    for (const kind of kinds) {
      const carrier = carrierOfKind(ruleset, kind)
      assert.ok(carrier !== null, kind)
      assert.is(kindOfTarget(ruleset, carrier.record, carrier.target), kind)
      const carried = placePayload(ruleset, carrier.record, carrier.target, 'one')
      assert.ok('record' in carried, kind)
    }
  })

async function crsProfiles(tree: string): Promise<void> {
  const { parts } = resolveRuleset({ rules: [tree], platform: 'modsec3', set: [] })
  const { ruleset } = loadRuleset({ parts, platform: 'modsec3', engineMode: 'detection-only' })
  const terms = settingsInForce(ruleset)
  const specs = [bundledCorpora().attacks]
  const records = recordsIn(await collect(corpusReader({ specs, assumeBenign: false, labels: [], filters: [] }).items))
  const payloads = payloadsOf(ruleset, records).payloads()
  assert.ok(payloads.length > 200)
  const profiles = new AttackProfiles(ruleset, payloads, new Blocking(ruleset, terms))
  assert.ok(profiles.stopped('form') > 0.9 * payloads.length)
  // Foretold and replayed without the rule: the same attacks.
  const without = loadRuleset({
    parts: [...parts, { kind: 'text', name: 'x', text: 'SecRuleRemoveById 942100 941160' }],
    platform: 'modsec3',
    engineMode: 'detection-only',
  }).ruleset
  const carrier = carrierOfKind(ruleset, 'form')
  assert.ok(carrier !== null)
  let lost = 0
  for (const { value } of payloads) {
    const carried = placePayload(ruleset, carrier.record, carrier.target, value)
    if (!('record' in carried)) continue
    if (evaluate(ruleset, carried.record).wouldBlock && !evaluate(without, carried.record).wouldBlock) lost++
  }
  assert.ok(lost > 5)
  assert.is(profiles.lostWithout('form', new Set([942_100, 941_160])), lost)
}

const tree = crsTree()
if (tree === null) announceSkipped('attack profiles of CRS 4', 'no CRS 4 tree: set WAFSIM_CRS_TESTS')
else test('CRS 4: what is foretold of the bundled attacks is what a replay loses', () => crsProfiles(tree))

test.run()
