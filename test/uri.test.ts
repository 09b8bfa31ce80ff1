/**
 * The parts of a request target as libmodsecurity 3.0.9 gives them; every expectation was seen on the engine.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { evaluate } from '../engine/index.js'
import { play, request, rules } from './support/scenario.js'

/** Whether the variable of the target is the text. */
function is(uri: string, variable: string, text: string): boolean {
  const pattern = text.replace(/[^A-Za-z0-9]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return play(`SecRule ${variable} "@rx ^${pattern}\\z" "id:1,phase:1,pass,log,t:none"`, { uri }).ruleIds.length > 0
}

test('libmodsecurity splits a target that is decoded already', () => {
  const cases: readonly (readonly [string, string, string, string, string])[] = [
    ['/a%3Fb%0d?zz=1', '/a?b\r?zz=1', '/a', 'a', 'zz=1'],
    ['/a%0d%3Fb?zz', '/a\r?b?zz', '/a\r', 'a\r', 'zz'],
    ['http://h/a?x=y', '/a?x=y', 'http://h/a', 'a', 'x=y'],
    ['http://h', 'http://h', 'http://h', 'h', ''],
    ['http%3a//h/a', '/a', 'http://h/a', 'a', ''],
    ['/a?b#zz', '/a?b', '/a', 'a', 'b'],
    ['/a%23zz', '/a#zz', '/a#zz', 'a#zz', ''],
    ['*', '*', '*', '', ''],
    ['/a%zz/', '/a%zz/', '/a%zz/', '', ''],
  ]
  for (const [target, uri, path, base, query] of cases) {
    assert.ok(is(target, 'REQUEST_URI', uri), `REQUEST_URI of ${target}`)
    assert.ok(is(target, 'REQUEST_FILENAME', path), `REQUEST_FILENAME of ${target}`)
    assert.ok(is(target, 'REQUEST_BASENAME', base), `REQUEST_BASENAME of ${target}`)
    assert.ok(is(target, 'QUERY_STRING', query), `QUERY_STRING of ${target}`)
  }
})

test('counters keep the bytes of their names', () => {
  const rules =
    'SecRule ARGS_NAMES "@rx ." "id:1,phase:2,pass,nolog,setvar:\'tx.n_%{MATCHED_VAR}=+1\'"\n' +
    'SecRule TX:/^n_/ "@eq 2" "id:2,phase:2,pass,log"'
  assert.equal(play(rules, { uri: '/?%C3%9C=1&%C3%9C=2' }).ruleIds, [2])
})

test('libmodsecurity names HTTP/0.9 in the request line', () => {
  const { ruleset } = rules('SecRule REQUEST_LINE "@streq GET / HTTP/0.9" "id:1,phase:1,pass,log,t:none"')
  const record = request()
  assert.equal(evaluate(ruleset, { ...record, request: { ...record.request, httpVersion: '' } }).ruleIds, [1])
})

test.run()
