/**
 * What is known of patterns: packed and learnt it is the same; kept on disk it changes no verdict, whatever is there.
 */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bundledCorpora } from '../corpora/index.js'
import { platforms } from '../engine/model/platform.js'
import { compilePattern, factsFound, learnFacts, packFacts } from '../engine/patterns/index.js'
import { isPlainPattern, requirementOnce } from '../engine/patterns/pattern-facts.js'
import { wafsim } from './support/cli.js'

const patterns = [
  '(?i)\\bunion\\s+select',
  'a[b-y]z|[0-9]{3}q',
  '^\\d+$',
  '',
  'x\\xe9[^a]',
  'a.*b',
  'sleep\\([\'"]?\\d',
  '(?:ab|cd)+ef',
  '<script.*>',
]

test('packed and learnt, a pattern requires what it did', () => {
  const required = patterns.map((pattern) => compilePattern(pattern, platforms.modsec3).requires)
  assert.ok(required.some((each) => each?.kind === 'all') && required.some((each) => each?.kind === 'any'))
  const { regexFlags } = platforms.modsec3
  // Under other flags, so that they are new.
  learnFacts(packFacts().replaceAll(`["${regexFlags} `, '["learnt '))
  const found = factsFound()
  patterns.forEach((pattern, at) => {
    const key = `learnt ${pattern}`
    assert.ok(isPlainPattern(key), pattern)
    const unknown = (): never => {
      throw new Error(`${pattern} was read again`)
    }
    assert.equal(requirementOnce(key, unknown), required[at])
  })
  assert.is(factsFound(), found)
})

test('patterns that RE2 does not take are not noted', () => {
  for (const pattern of ['a(?=b)', '(a)\\1', 'a++b']) {
    compilePattern(pattern, platforms.modsec3)
    assert.not.ok(isPlainPattern(`${platforms.modsec3.regexFlags} ${pattern}`), pattern)
  }
})

test('runs with what an earlier one kept, and with what is broken, give the same verdicts', () => {
  const home = mkdtempSync(join(tmpdir(), 'wafsim-patterns-'))
  const { attacks } = bundledCorpora()
  const verdicts = (...more: string[]): string => {
    const args = ['run', '--rules', 'starter', '--corpus', attacks, '--format', 'ndjson', '--quiet', ...more]
    const { status, out, err } = wafsim(args, { env: { WAFSIM_HOME: home } })
    assert.is(status, 0, err)
    return out
  }
  const first = verdicts()
  const [name = '', ...others] = readdirSync(join(home, 'patterns'))
  assert.equal(others, [])
  const file = join(home, 'patterns', name)
  const kept = readFileSync(file, 'latin1')
  assert.is(verdicts(), first)
  assert.is(verdicts('--workers', '1'), first)
  assert.is(verdicts('--platform', 'coraza'), verdicts('--platform', 'coraza'))
  const grown = readFileSync(file, 'latin1')
  assert.ok(grown.length > kept.length, 'the other platform adds its patterns')
  for (const broken of [grown.slice(0, 5000), '', `${grown.slice(0, 64)}{}`]) {
    writeFileSync(file, broken)
    assert.is(verdicts(), first)
  }
  assert.is(readFileSync(file, 'latin1'), kept)
})

test.run()
