/**
 * What Coraza does in its own way. Every expectation was read off Coraza 3.8.1 (bench/peers/coraza).
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { PlatformName } from '../engine/index.js'
import { play, type RequestShape } from './support/scenario.js'

/** Whether the rule logs. */
function fires(rule: string, shape: RequestShape, platform: PlatformName = 'coraza'): boolean {
  return play(`SecRule ${rule} "id:1,phase:2,pass,log"`, shape, platform).ruleIds.includes(1)
}

const euro = 'a=%E2%82%AC' // the euro sign, three bytes

test('patterns: a character of UTF-8 is one character, a byte that is none is one too', () => {
  assert.ok(fires('ARGS "@rx ^.$"', { uri: `/?${euro}` }))
  assert.not(fires('ARGS "@rx ^.$"', { uri: `/?${euro}` }, 'modsec3'))
  assert.not(fires('ARGS "@rx \\W{2}"', { uri: `/?${euro}` }))
  assert.ok(fires('ARGS "@rx ^\\W{2}$"', { uri: '/?a=%E2%82' }))
  assert.ok(fires('ARGS "@rx ^\\W{3}$"', { uri: '/?a=%FF%E2%82%AC%80' }))
  assert.ok(fires('ARGS "@rx ^€$"'.replace('€', '\xe2\x82\xac'), { uri: `/?${euro}` }))
  assert.not(fires('ARGS "@rx ^\\s$"', { uri: '/?a=%0B' }))
})

test('patterns: one that writes bytes is matched byte by byte, the dot short of line ends', () => {
  assert.ok(fires('ARGS "@rx ^[\\x80-\\xff]{3}$"', { uri: `/?${euro}` }))
  assert.not(fires('ARGS "@rx a.[\\xff]"', { uri: '/?a=a%0A%FF' }))
  assert.ok(fires('ARGS "@rx [^\\x00-\\x7f]"', { uri: `/?${euro}` }))
})

test('patterns: captures are the bytes of the value', () => {
  const rule = (value: string) =>
    `SecRule ARGS "@rx x(.)(.)" "id:2,phase:2,pass,nolog,capture,chain"\nSecRule TX:2 "@streq ${value}" "setvar:tx.seen=1"\nSecRule TX:seen "@eq 1" "id:1,phase:2,pass,log"`
  assert.ok(play(rule('\xff'), { uri: '/?a=%80x%E2%82%AC%FF' }, 'coraza').ruleIds.includes(1))
  assert.ok(play(rule('\xe2\x82\xac'), { uri: '/?a=x%80%E2%82%AC' }, 'coraza').ruleIds.includes(1))
})

test('a body of no known type is read as a form where the body variable is forced', () => {
  const text =
    'SecAction "id:2,phase:1,pass,nolog,ctl:forceRequestBodyVariable=On"\nSecRule ARGS_NAMES "@streq a" "id:1,phase:2,pass,log"'
  const shape = { body: 'a=1', headers: [['Content-Type', 'text/plain']] as const }
  assert.equal(play(text, shape, 'coraza').ruleIds, [1])
  assert.equal(play(text, shape, 'modsec3').ruleIds, [])
})

test('a Content-Type names a form by how it begins', () => {
  const shape = { body: 'a=1', headers: [['Content-Type', ' Application/x-www-form-urlencodedX']] as const }
  assert.ok(fires('ARGS_NAMES "@streq a"', shape))
})

test.run()
