/**
 * The price of a change: attacks that are lost, and what does not count as stopping them.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Blocking, evaluate, isLost, type Price, priceOf, settingsInForce } from '../engine/index.js'
import { request, rules } from './support/scenario.js'

/** 942001 and 941001 score 5 each, 942002 at paranoia 2 only for itself, 920001 is of protocol, 1 denies by itself. */
const scoring = (more: string, mode = 'On'): string => `
SecRuleEngine ${mode}
SecAction "id:900001,phase:1,pass,nolog,setvar:tx.inbound_anomaly_score_threshold=5,setvar:tx.blocking_paranoia_level=1,setvar:tx.blocking_inbound_anomaly_score=0"
${more}
SecRule ARGS "@contains sql" "id:942001,phase:2,pass,log,tag:attack-sqli,tag:paranoia-level/1,setvar:tx.blocking_inbound_anomaly_score=+5"
SecRule ARGS "@contains sql" "id:942002,phase:2,pass,log,tag:attack-sqli,tag:paranoia-level/2,setvar:tx.inbound_anomaly_score_pl2=+5"
SecRule ARGS "@contains xss" "id:941001,phase:2,pass,log,tag:attack-xss,setvar:tx.blocking_inbound_anomaly_score=+5"
SecRule ARGS "@contains odd" "id:920001,phase:2,pass,log,setvar:tx.blocking_inbound_anomaly_score=+5"
SecRule ARGS "@contains own" "id:1,phase:2,deny,log"
SecRule TX:BLOCKING_INBOUND_ANOMALY_SCORE "@ge %{tx.inbound_anomaly_score_threshold}" "id:949110,phase:2,deny,log"
`

function priced(values: readonly string[], change: string, mode?: string): Price {
  const before = rules(scoring('', mode)).ruleset
  const after = rules(scoring(change, mode)).ruleset
  const blocking = new Blocking(before, settingsInForce(before))
  const pairs = values.map((value) => {
    const record = request({ id: value, body: `q=${value}`, label: 'attack' })
    return {
      before: evaluate(before, record),
      after: evaluate(after, record),
      class: value.includes('sql') ? 'attack-sqli' : 'attack-other',
    }
  })
  return priceOf(pairs, blocking)
}

function without(...ids: readonly number[]): string {
  return `SecAction "id:10,phase:1,pass,nolog,${ids.map((id) => `ctl:ruleRemoveById=${id}`).join(',')}"`
}

const all = ['sql', 'xss', 'sql xss', 'sql odd', 'odd', 'own', 'own sql', 'nothing']

test('an attack is lost where nothing else stops it, in either mode', () => {
  for (const mode of ['On', 'DetectionOnly']) {
    const price = priced(all, without(942001), mode)
    assert.is(price.attacksBefore, 7)
    // `sql odd` is still stopped, but by a protocol rule alone.
    assert.equal(price.lostIds, ['sql', 'sql odd'])
    assert.is(price.attacksLost, 2)
    assert.equal(price.byClass.get('attack-sqli')?.attacksLost, 2)
    assert.equal(price.byClass.get('attack-other')?.attacksLost, 0)
  }
})

test('what protocol rules alone stopped and still stop is not lost; what they stop no more is', () => {
  assert.equal(priced(['odd'], without(942001)).attacksLost, 0)
  assert.equal(priced(['odd', 'sql odd'], without(920001)).lostIds, ['odd'])
})

test('a rule that denies by itself stops; one above the blocking level stops nothing', () => {
  assert.equal(priced(all, without(1)).lostIds, ['own'])
  assert.equal(priced(all, without(942002)).attacksLost, 0)
})

test('a detection is a rule that fires no more, whether or not the attack is lost; summing up is none', () => {
  assert.is(priced(all, without(942001, 942002), 'DetectionOnly').detectionsLost, 8)
  assert.is(priced(all, without(941001), 'DetectionOnly').detectionsLost, 2)
  assert.is(priced(['sql'], without(942001)).detectionsLost, 1)
})

test('a change that changes nothing costs nothing', () => {
  const { attacksLost, detectionsLost, attacksBefore } = priced(all, without(7))
  assert.equal([attacksLost, detectionsLost, attacksBefore], [0, 0, 7])
})

test('an engine that is switched off loses all that was blocked', () => {
  const off = 'SecAction "id:10,phase:1,pass,nolog,ctl:ruleEngine=Off"'
  assert.is(priced(all, off).attacksLost, 7)
})

test('records that prove nothing are left out', () => {
  const { ruleset } = rules(scoring(''))
  const blocking = new Blocking(ruleset, settingsInForce(ruleset))
  const verdict = evaluate(ruleset, { ...request({ body: 'q=sql' }), evidence: 'truncated' })
  const price = priceOf([{ before: verdict, after: verdict, class: 'attack-sqli' }], blocking)
  assert.equal([price.attacksBefore, price.leftOut], [0, 1])
})

test('a block without a rule, as by a body limit, still stops', () => {
  const limited = 'SecRequestBodyLimit 20\nSecRequestBodyLimitAction Reject'
  const before = rules(scoring(limited)).ruleset
  const after = rules(scoring(`${limited}\n${without(942001)}`)).ruleset
  const record = request({ body: `q=sql${'x'.repeat(100)}` })
  const blocking = new Blocking(before, settingsInForce(before))
  assert.not(isLost(evaluate(before, record), evaluate(after, record), blocking))
})

test.run()
