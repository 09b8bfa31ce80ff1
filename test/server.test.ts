/**
 * What Apache makes of a request before ModSecurity 2 sees it: refusals, merged headers.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { evaluate, type PlatformName, type TransactionRecord, type Verdict } from '../engine/index.js'
import { request, rules } from './support/scenario.js'

const host: [string, string] = ['Host', 'example.com']
/** A request with these headers and no others. */
function send(text: string, changes: Partial<TransactionRecord['request']>, platform: PlatformName): Verdict {
  const record = request()
  const shape = { ...record, request: { ...record.request, headers: [host], ...changes } }
  return evaluate(rules(text, platform).ruleset, shape)
}

const watch = 'SecAction "id:1,phase:1,pass,log"\nSecAction "id:5,phase:5,pass,log"'

test('Apache answers 400 before any rule but those that log; the libraries run theirs', () => {
  const refused = send(watch, { uri: '/a b' }, 'modsec2')
  assert.is(refused.verdict, 'block')
  assert.is(refused.status, 400)
  assert.equal(refused.blockedBy, { kind: 'server', ruleId: null, phase: 1, action: 'deny' })
  assert.equal(refused.ruleIds, [5])
  assert.equal(send(watch, { uri: '/a b' }, 'modsec3').ruleIds, [1, 5])
})

test('what Apache refuses and what it lets through', () => {
  const status = (changes: Partial<TransactionRecord['request']>) => send(watch, changes, 'modsec2').status
  assert.is(status({}), 200)
  assert.is(status({ method: 'GE(T' }), 400)
  assert.is(status({ uri: '/a#b' }), 400)
  assert.is(status({ uri: 'no-path' }), 400)
  assert.is(status({ uri: 'http://example.com/' }), 200)
  assert.is(status({ uri: '*', method: 'OPTIONS' }), 200)
  assert.is(status({ method: 'CONNECT', uri: 'example.com:443' }), 200)
  assert.is(status({ method: 'CONNECT', uri: 'example.com' }), 400)
  assert.is(status({ headers: [] }), 400)
  assert.is(status({ headers: [], httpVersion: '1.0' }), 200)
  assert.is(status({ headers: [host, ['X Y', '1']] }), 400)
  assert.is(status({ headers: [host, ['X', 'a\x01']] }), 400)
  assert.is(status({ headers: [host, ['X', 'a\tb']] }), 200)
  assert.is(status({ headers: [host, ['Content-Length', '1x']] }), 400)
  assert.is(status({ headers: [['Host', 'a/b']] }), 400)
})

test('Apache merges headers of one name; the libraries see each', () => {
  const text = `SecRule &REQUEST_HEADERS:X "@eq 2" "id:1,phase:1,pass,log"
    SecRule REQUEST_HEADERS:X "@streq a, b" "id:2,phase:1,pass,log"
    SecRule REQUEST_HEADERS:Content-Length "@unconditionalMatch" "id:3,phase:1,pass,log"`
  const headers: [string, string][] = [
    host,
    ['X', 'a'],
    ['x', 'b'],
    ['Content-Length', '0'],
    ['Transfer-Encoding', 'x'],
  ]
  assert.equal(send(text, { headers }, 'modsec2').ruleIds, [2])
  assert.equal(send(text, { headers }, 'modsec3').ruleIds, [1, 3])
})

test.run()
