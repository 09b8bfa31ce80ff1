/**
 * Which phases run, and what ends one: `allow`, phase 5, responses that are not read. Expectations were read off the
 * engines (bench/peers) with rules that count.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { PlatformName } from '../engine/index.js'
import { play } from './support/scenario.js'

const platforms = ['modsec2', 'modsec3', 'coraza'] as const

/** A rule behind `action` in each phase; their ids are the phases. */
function logged(platform: PlatformName, phase: number, action: string): string {
  const steps = [1, 2, 3, 4, 5].flatMap((each) => [
    ...(each === phase ? [`SecAction "id:10,phase:${each},${action},nolog"`] : []),
    `SecAction "id:${each},phase:${each},pass,log,auditlog,msg:'x'"`,
    `SecAction "id:${each + 20},phase:${each},pass,nolog"`,
  ])
  const response = { status: 200, headers: [['Content-Type', 'text/plain'] as const], body: 'x' }
  return play(steps.join('\n'), { response }, platform).ruleIds.join('')
}

/** Action, its phase, phases of the rules that log: ModSecurity 2, libmodsecurity 3, Coraza. */
const ends: readonly (readonly [string, number, string, string, string])[] = [
  ['pass', 1, '12345', '12345', '12345'],
  ['allow', 1, '5', '5', ''],
  ['allow', 2, '15', '15', '1'],
  ['allow:phase', 1, '2345', '2345', '2345'],
  ['allow:request', 1, '345', '345', '345'],
  ['allow:request', 3, '1245', '1245', '12345'],
  ['deny', 2, '15', '15', '15'],
]

for (const [action, phase, ...expected] of ends)
  test(`${action} in phase ${phase}`, () => {
    assert.equal(
      platforms.map((platform) => logged(platform, phase, action)),
      expected,
    )
  })

test('COMPAT: a disruptive rule of phase 5 ends the phase on libmodsecurity, not on Coraza', () => {
  assert.is(logged('modsec3', 5, 'deny'), '1234')
  assert.is(logged('coraza', 5, 'deny'), '12345')
  assert.is(logged('modsec3', 5, 'allow'), '1234')
})

/** Directives, content types of the response, phase 4 and RESPONSE_BODY on libmodsecurity 3, on Coraza. */
const reads: readonly (readonly [string, readonly string[], string, string])[] = [
  ['SecResponseBodyMimeType text/plain', ['text/plain'], '1 2', '1 2'],
  ['SecResponseBodyMimeType text/plain', ['text/plain; charset=x'], '1 2', '1 2'],
  ['SecResponseBodyMimeType text/plain', ['Text/Plain'], '', '1'],
  ['SecResponseBodyMimeType text/plain', ['text/html', 'text/plain'], '1 2', '1 2'],
  ['SecResponseBodyMimeType text/plain', ['text/plain', 'text/html'], '', '1'],
  ['SecResponseBodyMimeType text/plain', [], '', '1'],
  ['SecResponseBodyMimeType text/plain\nSecResponseBodyMimeType text/html', ['text/plain'], '1 2', '1'],
  ['SecResponseBodyMimeTypesClear', ['text/plain'], '', '1'],
  ['', ['text/plain'], '1 2', '1'],
  ['', [], '1 2', '1'],
  ['SecResponseBodyAccess Off', ['text/plain'], '', '1'],
]

for (const [directives, types, ...expected] of reads)
  test(`a response of ${types.join(', ') || 'no type'} behind ${directives || 'no directive'}`, () => {
    const text = `${directives}
      SecAction "id:1,phase:4,pass,log,msg:'x'"
      SecRule RESPONSE_BODY "@rx ^abc" "id:2,phase:4,pass,log,msg:'x'"`
    const response = { status: 200, headers: types.map((type) => ['Content-Type', type] as const), body: 'abc' }
    assert.equal(
      (['modsec3', 'coraza'] as const).map((platform) => play(text, { response }, platform).ruleIds.join(' ')),
      expected,
    )
  })

test.run()
