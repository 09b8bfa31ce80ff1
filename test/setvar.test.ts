/**
 * The arithmetic of `setvar`. Every expectation was read off the engines (bench/peers with `--inbound n`).
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { evaluate, type PlatformName } from '../engine/index.js'
import { request, rules } from './support/scenario.js'

/** TX:n behind the actions, as a rule sees it; null: not set. */
function outcome(platform: PlatformName, actions: string): string | null {
  const text = `SecAction "id:1,phase:1,pass,nolog,${actions}"
    SecRule TX:n "@unconditionalMatch" "id:2,phase:2,pass,log"`
  const verdict = evaluate(rules(text, platform).ruleset, request({ uri: '/?q=3' }))
  return verdict.matches[0]?.value ?? null
}

/** Actions, TX:n on ModSecurity 2, libmodsecurity 3, Coraza. */
const sums: readonly (readonly [string, string | null, string | null, string | null])[] = [
  ['setvar:tx.n=10,setvar:tx.n=+5', '15', '15', '15'],
  ['setvar:tx.n=-5', '0', '-5', '-5'],
  ["setvar:tx.n=10,setvar:'tx.n=+%{ARGS.q}'", '13', '13', '13'],
  ["setvar:tx.n=10,setvar:'tx.n=+%{tx.unset}'", '10', '10', '10'],
  ["setvar:tx.n=10,setvar:'tx.n=+ 3'", '10', '13', '+ 3'],
  ["setvar:tx.n=10,setvar:'tx.n=--3'", '10', '13', '13'],
  ['setvar:tx.n=10,setvar:tx.n=+3.7', '13', '13', '+3.7'],
  ['setvar:tx.n=10x,setvar:tx.n=+1', '11', '11', '10x'],
  ['setvar:tx.n=2147483647,setvar:tx.n=+1', '0', '-2147483648', '2147483648'],
  ["setvar:'tx.n=4%{nothing.x}5%{}'", '45', '4%{nothing.x}5%{}', '4%{nothing.x}5%{}'],
  ["setvar:'tx.n=4%{ARGS:q}'", '4', '43', '4%{ARGS:q}'],
  ['setvar:tx.n=99999999999,setvar:tx.n=+1', '1215752192', '1', '100000000000'],
]

for (const [actions, ...expected] of sums)
  test(actions, () => {
    assert.equal(
      (['modsec2', 'modsec3', 'coraza'] as const).map((platform) => outcome(platform, actions)),
      expected,
    )
  })

test.run()
