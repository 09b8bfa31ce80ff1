/**
 * multiMatch: behind which transformations each engine tests a value again. Expectations were read off the engines
 * (bench/peers), as counts of a `setvar:tx.n=+1`.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { evaluate, type PlatformName } from '../engine/index.js'
import { request, rules } from './support/scenario.js'

/** How often a rule that always matches does so. */
function stages(platform: PlatformName, transformations: string, query: string): number {
  const text = `SecRule ARGS:a "@unconditionalMatch" "id:1,phase:2,pass,log,t:none,${transformations},multiMatch"`
  const verdict = evaluate(rules(text, platform).ruleset, request({ uri: `/?a=${query}` }))
  return verdict.matches.length
}

const platforms = ['modsec2', 'modsec3', 'coraza'] as const

/** Transformations, value, count on ModSecurity 2, libmodsecurity 3, Coraza. */
const counts: readonly (readonly [string, string, number, number, number])[] = [
  ['t:lowercase', 'etc', 1, 1, 1],
  ['t:lowercase,t:trim', 'Etc%20', 3, 3, 3],
  ['t:cmdLine', 'etc', 2, 1, 1],
  ['t:cmdLine', 'etc;x', 2, 2, 2],
  ['t:utf8toUnicode,t:urlDecodeUni,t:removeNulls,t:cmdLine', '../etc', 2, 1, 1],
  ['t:hexEncode', '', 2, 1, 2],
  ['t:base64Decode', 'a', 1, 2, 2],
  ['t:compressWhitespace', '%09', 1, 2, 2],
  ['t:compressWhitespace', 'a%20%09b', 2, 2, 2],
  ['t:utf8toUnicode', 'a%00b', 1, 2, 1],
  ['t:utf8toUnicode', '%C3%A9', 2, 2, 2],
  ['t:urlDecode', '%25zz', 1, 1, 2],
  ['t:none', 'etc', 0, 1, 1],
]

for (const [transformations, query, ...expected] of counts)
  test(`${transformations} of "${query}"`, () => {
    assert.equal(
      platforms.map((platform) => stages(platform, transformations, query)),
      expected,
    )
  })

test.run()
