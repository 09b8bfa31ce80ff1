/**
 * Which rules no exclusion may touch: by id, by what they are, and whether a range or a tag covers one.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isProtected, loadRuleset, protectedRulesOf } from '../engine/index.js'
import { resolveRuleset } from '../rulesets/index.js'
import { rules } from './support/scenario.js'
import { announceSkipped, crsTree } from './support/test-data.js'

test('knows set-up, gates, evaluation and the engine by their ids', () => {
  for (const id of [200_002, 900_000, 901_450, 905_110, 949_060, 949_110, 959_100, 980_170, 942_013, 920_018])
    assert.ok(isProtected(id), String(id))
  for (const id of [200_008, 899_999, 906_000, 911_100, 942_100, 942_010, 942_019, 10_011])
    assert.not(isProtected(id), String(id))
})

test('knows rules that steer or weigh by what they are', () => {
  const { ruleset } = rules(`
SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"
SecRule REQUEST_URI "@contains x" "id:2,phase:1,pass,nolog,ctl:ruleRemoveTargetByTag=sqli;ARGS:a"
SecRule TX:a "@eq 1" "id:3,phase:1,pass,nolog,skipAfter:END"
SecRule ARGS "@contains attack" "id:4,phase:2,pass,log,tag:sqli,setvar:tx.inbound_anomaly_score_pl1=+5"
SecRule ARGS "@contains other" "id:5,phase:2,pass,nolog,setvar:tx.inbound_anomaly_score_pl1=+5"
SecRule TX:inbound_anomaly_score_pl1 "@ge 5" "id:6,phase:2,deny,tag:weigh,msg:weighed"
SecRule ARGS "@contains denied" "id:7,phase:2,deny"
SecMarker END
`)
  const known = protectedRulesOf(ruleset)
  assert.equal(
    [1, 2, 3, 4, 5, 6, 7].filter((id) => known.has(id)),
    [1, 2, 3, 6],
  )
  assert.equal(known.coveredByIds('2-4'), [2, 3])
  assert.equal(known.coveredByIds('4 5'), [])
  assert.equal(known.coveredByTag('weigh'), [6])
  assert.equal(known.coveredByTag('sqli'), [])
  assert.equal(known.coveredByMessage('weighed'), [6])
  assert.is(protectedRulesOf(ruleset), known)
})

test('covers what every tag and range of CRS holds', () => {
  const tree = crsTree()
  if (tree === null) return announceSkipped('protected rules of CRS', 'no CRS 4 tree: set WAFSIM_CRS_TESTS')
  for (const platform of ['modsec2', 'modsec3', 'coraza'] as const) {
    const plan = resolveRuleset({ rules: [tree], platform, setup: [], before: [], after: [], set: [] })
    const known = protectedRulesOf(loadRuleset({ parts: plan.parts, platform }).ruleset)
    assert.ok(known.has(941_010))
    assert.ok(known.coveredByTag('OWASP_CRS').includes(949_110))
    assert.ok(known.coveredByTag('anomaly-evaluation').includes(949_110))
    assert.ok(known.coveredByIds('941000-941999').includes(941_010))
    assert.equal(known.coveredByIds('942100-942999'), [])
    assert.not(known.has(942_100))
    assert.not(known.has(920_420))
  }
})

test.run()
