/**
 * The options that switch shortcuts off, end to end: other ways to the same bytes.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bundledCorpora } from '../corpora/index.js'
import { folderWith, wafsim } from './support/cli.js'

const switches = ['--no-prefilter', '--no-memo', '--no-shared-transformations', '--no-stretches'] as const
const { attacks } = bundledCorpora()

test('run: verdicts are the same bytes with each shortcut off, and with all off in a worker', () => {
  const base = ['run', '--rules', 'starter', '--corpus', attacks, '--format', 'ndjson', '--quiet']
  const all = wafsim(base)
  assert.is(all.status, 0, all.err)
  assert.ok(all.out.split('\n').length > 250)
  for (const off of [...switches.map((each) => [each]), [...switches, '--workers', '1']]) {
    const result = wafsim([...base, ...off])
    assert.is(result.status, 0, result.err)
    assert.ok(result.out === all.out, `other verdicts with ${off.join(' ')}`)
  }
})

test('test: reports are the same with every shortcut off', () => {
  const folder = folderWith({
    'rules.conf': 'SecRuleEngine On\nSecRule ARGS "@rx (?i)union" "id:1000,phase:2,pass"\n',
    'tests.yaml': `---
meta: {author: someone}
rule_id: 1000
tests:
  - test_id: 1
    stages: [{input: {dest_addr: 127.0.0.1, uri: "/?a=union"}, output: {log: {expect_ids: [1000]}}}]
  - test_id: 2
    stages: [{input: {dest_addr: 127.0.0.1, uri: "/?a=x"}, output: {log: {expect_ids: [1000]}}}]
`,
  })
  const report = (...options: string[]): unknown => {
    const { out, err } = wafsim(
      ['test', folder('tests.yaml'), '--rules', folder('rules.conf'), '--format', 'json'].concat(options),
    )
    assert.is(err, '')
    return { ...JSON.parse(out), timing: null }
  }
  assert.is((report() as { totals: { failed: number } }).totals.failed, 1)
  assert.equal(report(...switches), report())
})

test('--help leaves them out, --help-all lists them', () => {
  for (const command of ['run', 'test']) {
    const short = wafsim([command, '--help']).out
    const long = wafsim([command, '--help-all'])
    assert.is(long.status, 0)
    for (const each of switches) {
      assert.not.match(short, each)
      assert.match(long.out, each)
    }
    assert.match(short, '--help-all')
  }
})

test.run()
