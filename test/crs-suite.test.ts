/**
 * The regression suite of OWASP CRS, whole, on every platform.
 *
 * The tests are written for ModSecurity 2 in Apache. What another engine does otherwise is in `test/overrides/`, with
 * the reason; an override that is not needed fails, as does a file of more entries than the suite can bear.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runRuleTests } from '../cli/rule-tests.js'
import { readOverrides, readRuleTests } from '../corpora/index.js'
import { loadRuleset, type PlatformName, platforms } from '../engine/index.js'
import { resolveRuleset } from '../rulesets/index.js'
import { announceSkipped, crsTree, repositoryRoot } from './support/test-data.js'

const mostEntries = 25

const tree = crsTree()

if (tree === null || !existsSync(join(tree, 'tests')))
  announceSkipped('the CRS suite', 'no release with its tests: install one, or name its folder in WAFSIM_CRS_TESTS')
else {
  const tests = readRuleTests([join(tree, 'tests')])
  for (const platform of Object.keys(platforms) as PlatformName[])
    test(`the CRS suite on ${platform}`, async () => {
      const { parts } = resolveRuleset({ rules: [tree], platform, set: [], crsTestSettings: true })
      const loaded = loadRuleset({ parts, platform, engineMode: 'detection-only', server: 'apache' })
      const file = join(repositoryRoot(), 'test', 'overrides', `${platform}.yaml`)
      const overrides = await readOverrides(existsSync(file) ? [file] : [])
      const { totals, failures, needlessOverrides } = runRuleTests(loaded, tree, await tests, overrides)
      const { passed, overridden, failed, skipped } = totals
      process.stdout.write(
        `CRS suite on ${platform}: ${totals.tests} tests, ${passed - overridden} passed as written, ${overridden} overridden, ${failed} failed, ${skipped} skipped\n`,
      )
      assert.equal(
        failures.map(({ id, expected, actual }) => `${id}: expected ${expected}, got ${actual}`),
        [],
      )
      assert.equal(needlessOverrides, [])
      assert.is(passed, (await tests).length)
      const entries = new Set([...overrides.values()].map(({ id }) => id.replace(/-.*/, '')))
      assert.ok(entries.size <= mostEntries, `${entries.size} rules with overrides`)
    })
}

test.run()
