/**
 * What `npm run peers` takes for a difference; no real engine is needed.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scoreDirectives, scoresIn } from '../bench/peers/apache/scores.js'
import { causeOf } from '../bench/peers/causes.js'
import { compare, type Difference, signatureOf, withReplays } from '../bench/peers/comparison.js'
import { Journal } from '../bench/peers/journal.js'
import type { PeerResult } from '../bench/peers/peer.js'
import { fidelityPage, refusalText } from '../bench/peers/report.js'
import { evaluate } from '../engine/index.js'
import { request, rules } from './support/scenario.js'

const text = `SecAction "id:1,phase:1,pass,nolog,setvar:tx.anomaly_score=5"
  SecRule ARGS "@rx x" "id:2,phase:2,pass,log"`
const record = request({ uri: '/?a=x' })
const verdict = evaluate(rules(text).ruleset, record)

function result(change: Partial<PeerResult> = {}): PeerResult {
  return { id: 'a', ruleIds: [2], status: 200, disruptive: false, score: { inbound: 5, outbound: 0 }, ...change }
}

function difference(change: Partial<PeerResult>): Difference {
  const found = compare('coraza', record, verdict, result(change))
  if (found === null) throw new Error('no difference')
  return found
}

test('equal rules, answer and scores are no difference', () => {
  assert.is(compare('modsec3', record, verdict, result()), null)
  assert.is(compare('modsec3', record, verdict, { id: 'a', ruleIds: [2], status: 200, disruptive: false }), null)
})

test('a score that differs alone is a group of its own', () => {
  const found = difference({ score: { inbound: 8, outbound: 4 } })
  assert.is(signatureOf(found), "score alone: inbound 3 below the peer's, outbound 4 below the peer's")
  assert.is(causeOf(found), null)
})

test('where rules differ, the group is named by the rules', () => {
  assert.is(signatureOf(difference({ ruleIds: [2, 3], score: { inbound: 8, outbound: 0 } })), 'only peer 3')
})

test('a score is a variation of the peer where its replays come to scores around that of wafsim', () => {
  const found = difference({ score: { inbound: 8, outbound: 0 } })
  assert.is(causeOf(withReplays(found, [result({ score: { inbound: 8, outbound: 0 } })])), null)
  assert.is(causeOf(withReplays(found, [result()]))?.whose, 'engine')
  assert.is(causeOf(withReplays(found, [result({ score: { inbound: 2, outbound: 0 } })]))?.whose, 'engine')
  assert.is(causeOf(withReplays(found, [result({ score: { inbound: 2, outbound: 1 } })]))?.whose, 'engine')
})

test('scores of ModSecurity 2 are read off the message of the rule that logs them', () => {
  assert.equal(scoreDirectives({ inbound: [], outbound: [] }), [])
  const [directive = ''] = scoreDirectives({ inbound: ['a', 'b'], outbound: ['c'] })
  assert.match(directive, "msg:'scores %{tx.a}|%{tx.b}/%{tx.c}'")
  const id = /id:(\d+)/.exec(directive)?.[1]
  const logged = (scores: string) => `Warning. [file "a"] [line "1"] [id "${id}"] [msg "scores ${scores}"] [x "y"]`
  assert.equal(scoresIn(logged('|7/')), { inbound: 7, outbound: 0 })
  assert.equal(scoresIn(logged('0|7/12')), { inbound: 0, outbound: 12 })
  assert.is(scoresIn('Warning. [file "a"] [line "1"] [id "2"] [msg "scores 1/2"]'), null)
})

test('a finished comparison is found again under its key alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wafsim-test-'))
  try {
    const comparison = {
      peer: 'p',
      version: 'v',
      rules: 'r',
      corpus: 'c',
      paranoia: 1,
      records: 1,
      differences: [difference({ status: 403 })],
    }
    new Journal(folder).keep('key', comparison)
    assert.equal(new Journal(folder).find('key')?.differences.map(signatureOf), [
      'wafsim passes with 200, peer passes with 403',
    ])
    assert.is(new Journal(folder).find('other'), null)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('rules that both sides refuse are named on the page, rules that one refuses are unexplained', () => {
  const both = { peer: 'p', rules: 'CRS', wafsim: '/a/b.conf:1:2: error: bad pattern', engine: 'no' }
  assert.is(refusalText(both), 'p, CRS: left out, wafsim and the peer both refuse the rules: bad pattern')
  assert.match(refusalText({ ...both, wafsim: null }), 'UNEXPLAINED')
  assert.match(fidelityPage([], [both], 'npm run peers'), /## CRS\n\n- p, CRS: left out/)
})

test.run()
