/**
 * Which matches are logged; every expectation for libmodsecurity 3.0.9 was seen on the engine.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { play } from './support/scenario.js'

function logs(text: string): boolean {
  return play(text).ruleIds.includes(1)
}

test('libmodsecurity: the last of log, nolog, auditlog and noauditlog counts', () => {
  const rule = (actions: string): string => `SecRule REQUEST_METHOD "@streq GET" "id:1,phase:2,pass,${actions}"`
  const cases: readonly (readonly [string, boolean])[] = [
    ['nolog,auditlog', true],
    ['auditlog,nolog', false],
    ['noauditlog,log', true],
    ['log,noauditlog', false],
    ['noauditlog,auditlog', true],
    ['t:none', true],
  ]
  for (const [actions, expected] of cases) assert.is(logs(rule(actions)), expected, actions)
  const defaults = (actions: string): string => `SecDefaultAction "phase:2,${actions},pass"\n${rule('t:none')}`
  assert.ok(logs(defaults('nolog,auditlog')))
  assert.not(logs(defaults('log,noauditlog')))
})

test('libmodsecurity: a SecAction logs its message, and block', () => {
  assert.not(logs('SecAction "id:1,phase:1,pass,log"'))
  assert.not(logs('SecAction "id:1,phase:1,deny,log"'))
  assert.ok(logs('SecAction "id:1,phase:1,pass,log,msg:\'x\'"'))
  assert.not(logs('SecAction "id:1,phase:1,pass,nolog,msg:\'x\'"'))
  assert.ok(logs('SecDefaultAction "phase:1,pass,nolog"\nSecAction "id:1,phase:1,block,nolog"'))
})

test.run()
