/**
 * Exclusions lifted: what a replay notes of them, and that taking away what they suppress gives the plain verdict.
 */
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { corpusReader } from '../corpora/index.js'
import {
  createPool,
  evaluate,
  type Lift,
  type LoadedRuleset,
  loadRuleset,
  type Match,
  noShortcuts,
  type PlatformName,
  type SourcePart,
  type TransactionRecord,
  type Verdict,
} from '../engine/index.js'
import { resolveRuleset } from '../rulesets/index.js'
import { collect, recordsIn } from './support/corpus.js'
import { request } from './support/scenario.js'
import { announceSkipped, crsTree, repositoryRoot } from './support/test-data.js'

const preamble = 'SecRuleEngine On\nSecRequestBodyAccess On\n'

function kept(text: string, platform: PlatformName = 'modsec3'): LoadedRuleset {
  const parts: SourcePart[] = [{ kind: 'text', name: 'scenario.conf', text: preamble + text }]
  return loadRuleset({ parts, platform, keepExclusions: true })
}

function lifted(text: string, uri: string, lift: Lift = true, platform: PlatformName = 'modsec3'): Verdict {
  return evaluate(kept(text, platform).ruleset, request({ uri }), { liftExclusions: lift })
}

const seen = ({ matches }: Verdict) =>
  matches.map(({ ruleId, target, suppressedBy = [] }) => `${ruleId} ${target} ${suppressedBy.join('+')}`.trim())

const attackRule = (id: number, actions = '') => `SecRule ARGS "@contains bad" "id:${id},phase:2,pass,log${actions}"\n`

test('notes what a directive takes away', () => {
  const text = `${attackRule(1)}${attackRule(2)}SecRuleRemoveById 1\nSecRuleUpdateTargetById 2 "!ARGS:a,!ARGS:b"\n`
  const verdict = lifted(text, '/?a=bad&c=bad')
  assert.equal(seen(verdict), ['1 ARGS:a 0', '1 ARGS:c 0', '2 ARGS:a 1', '2 ARGS:c'])
  assert.equal(verdict.lifted, { fired: [], touched: [0, 1] })
  assert.equal(seen(evaluate(kept(text).ruleset, request({ uri: '/?a=bad&c=bad' }))), ['2 ARGS:c'])
})

test('lifts those that are named and applies the others', () => {
  const text = `${attackRule(1)}${attackRule(2)}SecRuleRemoveById 1\nSecRuleUpdateTargetById 2 "!ARGS:a"\n`
  assert.equal(seen(lifted(text, '/?a=bad&c=bad', [0])), ['1 ARGS:a 0', '1 ARGS:c 0', '2 ARGS:c'])
  assert.equal(seen(lifted(text, '/?a=bad&c=bad', [1])), ['2 ARGS:a 1', '2 ARGS:c'])
  assert.equal(seen(lifted(text, '/?a=bad&c=bad', [])), ['2 ARGS:c'])
})

test('notes ctl actions that ran, and several exclusions of one match', () => {
  const text = `
SecRule REQUEST_FILENAME "@streq /x" "id:10,phase:1,pass,nolog,ctl:ruleRemoveById=1,ctl:ruleRemoveTargetById=2;ARGS:a"
SecRule REQUEST_FILENAME "@streq /y" "id:11,phase:1,pass,nolog,ctl:ruleRemoveTargetByTag=t;ARGS"
${attackRule(1, ',tag:t')}${attackRule(2)}SecRuleUpdateTargetByTag t "!ARGS:a"
`
  const { ruleset } = kept(text)
  assert.equal(
    ruleset.standing.map(({ number, text, host }) => [number, text, host?.ruleId ?? 0]),
    [
      [0, 'SecRuleUpdateTargetByTag t !ARGS:a', 0],
      [1, 'ctl:ruleRemoveById=1', 10],
      [2, 'ctl:ruleRemoveTargetById=2;ARGS:a', 10],
      [3, 'ctl:ruleRemoveTargetByTag=t;ARGS', 11],
    ],
  )
  const atX = lifted(text, '/x?a=bad')
  assert.equal(seen(atX), ['1 ARGS:a 0+1', '2 ARGS:a 2'])
  assert.equal(atX.lifted, { fired: [1, 2], touched: [0, 1, 2] })
  assert.equal(seen(lifted(text, '/y?a=bad')), ['1 ARGS:a 0+3', '2 ARGS:a'])
})

test('takes nothing from rules that ran before the ctl action', () => {
  const text = `${attackRule(1)}SecAction "id:10,phase:2,pass,nolog,ctl:ruleRemoveById=1"\n`
  assert.equal(seen(lifted(text, '/?a=bad')), ['1 ARGS:a'])
})

test('follows the platform behind the head of a chain', () => {
  const text = `
SecAction "id:10,phase:1,pass,nolog,ctl:ruleRemoveTargetById=1;ARGS:a"
SecRule REQUEST_METHOD "@streq GET" "id:1,phase:2,pass,log,chain"
SecRule ARGS "@contains bad" ""
`
  assert.equal(seen(lifted(text, '/?a=bad')).at(-1), '1 ARGS:a')
  assert.equal(seen(lifted(text, '/?a=bad', true, 'coraza')).at(-1), '1 ARGS:a 0')
})

test('notes a match of a chain that failed, and what a rule without log did', () => {
  const chain = `
SecRule ARGS "@contains bad" "id:1,phase:2,pass,log,chain"
SecRule REQUEST_METHOD "@streq POST" ""
SecRuleRemoveById 1
`
  const failed = lifted(chain, '/?a=bad')
  assert.equal(seen(failed), [])
  assert.equal(failed.lifted?.touched, [0])
  const silent = `SecRule ARGS "@contains bad" "id:1,phase:2,pass,nolog,setvar:tx.a=1"\nSecRuleRemoveById 1\n`
  assert.equal(seen(lifted(silent, '/?a=bad')), ['1 ARGS:a 0'])
  assert.equal(seen(lifted(silent, '/?a=good')), [])
})

test('looks at counts as they are without the exclusion', () => {
  const text = `SecRule &ARGS "@ge 2" "id:1,phase:2,pass,log"\nSecRuleUpdateTargetById 1 "!ARGS:a"\n`
  assert.equal(seen(lifted(text, '/?a=1&b=2', true, 'coraza')), ['1 &ARGS 0'])
  assert.equal(seen(evaluate(kept(text, 'coraza').ruleset, request({ uri: '/?a=1&b=2' }))), [])
  assert.equal(seen(lifted(text, '/?a=1&b=2')), ['1 ARGS'])
})

test('leaves a removed rule out where another has taken its id', () => {
  const text = `${attackRule(1)}SecRuleRemoveById 1\nSecRule ARGS "@contains worse" "id:1,phase:2,pass,log"\n`
  const { ruleset } = kept(text, 'coraza')
  assert.is(ruleset.rules.length, 1)
  assert.equal(seen(evaluate(ruleset, request({ uri: '/?a=bad' }), { liftExclusions: true })), [])
})

const exclusionsBefore = `
SecRule REQUEST_METHOD "@streq POST" "id:10001,phase:1,pass,t:none,nolog,ctl:ruleRemoveTargetByTag=attack-sqli;ARGS:message,ctl:ruleRemoveById=942100"
SecRule ARGS_NAMES "@rx e" "id:10002,phase:2,pass,t:none,nolog,ctl:ruleRemoveTargetById=942230;ARGS,ctl:ruleRemoveById=932230-932240"
SecAction "id:10003,phase:1,pass,t:none,nolog,ctl:ruleRemoveTargetById=942440;REQUEST_COOKIES"
`
const exclusionsAfter = `
SecRuleRemoveById 941100 "930100-930199"
SecRuleUpdateTargetById 942190 "!ARGS"
SecRuleUpdateTargetByTag attack-xss "!REQUEST_HEADERS:User-Agent"
SecRuleRemoveByTag attack-rce
SecRuleRemoveById 942011
`

function crsWith(tree: string, platform: PlatformName, exclusions: boolean, keepExclusions: boolean): LoadedRuleset {
  const { parts } = resolveRuleset({ rules: [tree], platform, setup: [], before: [], after: [], set: [], paranoia: 2 })
  const first = parts.findIndex((part) => part.kind === 'file' && /REQUEST-901/.test(part.path))
  const before: SourcePart = { kind: 'text', name: 'before.conf', text: exclusionsBefore }
  const after: SourcePart = { kind: 'text', name: 'after.conf', text: exclusionsAfter }
  const all = exclusions ? [...parts.slice(0, first), before, ...parts.slice(first), after] : parts
  return loadRuleset({ parts: all, platform, engineMode: 'detection-only', keepExclusions })
}

/** Records of the bundled corpora that are looked at: every so many. */
const everyNth = 6
const data = join(repositoryRoot(), 'corpora', 'data')

async function bundled(): Promise<TransactionRecord[]> {
  const specs = [join(data, 'benign'), join(data, 'attacks')]
  const items = await collect(corpusReader({ specs, assumeBenign: false, labels: [], filters: [] }).items)
  return recordsIn(items).filter((_, at) => at % everyNth === 0)
}

/** Matches that stay where every exclusion acts: a rule stays as long as each of its links keeps one. */
function staying(matches: readonly Match[]): string[] {
  const byRule = new Map<number, Match[]>()
  for (const match of matches) byRule.set(match.ruleId, [...(byRule.get(match.ruleId) ?? []), match])
  return [...byRule.values()].flatMap((all) => {
    const left = all.filter(({ suppressedBy }) => suppressedBy === undefined)
    const isWhole = new Set(all.map(({ link }) => link)).size === new Set(left.map(({ link }) => link)).size
    return isWhole ? left.filter(({ scoreAdded }) => scoreAdded > 0).map(describe) : []
  })
}

const describe = ({ ruleId, link, target, value, scoreAdded }: Match): string =>
  JSON.stringify([ruleId, link, target, value, scoreAdded])

for (const platform of ['modsec2', 'modsec3', 'coraza'] as const) {
  test(`gives the plain verdict without what exclusions suppress: ${platform}`, async () => {
    const tree = crsTree()
    if (tree === null) return announceSkipped('lifted exclusions of CRS', 'no CRS 4 tree: set WAFSIM_CRS_TESTS')
    const plain = crsWith(tree, platform, true, false).ruleset
    const keeping = crsWith(tree, platform, true, true).ruleset
    const lift = keeping.standing.filter(({ span }) => /^(?:before|after)\.conf$/.test(span.file)).map((e) => e.number)
    assert.is(lift.length, 10)
    let suppressed = 0
    for (const record of await bundled()) {
      const expected = evaluate(plain, record)
      const unlifted = evaluate(keeping, record)
      assert.equal(unlifted, expected, record.id)
      const verdict = evaluate(keeping, record, { liftExclusions: lift })
      suppressed += verdict.matches.filter(({ suppressedBy }) => suppressedBy !== undefined).length
      const scoring = expected.matches.filter(({ scoreAdded }) => scoreAdded > 0)
      assert.equal(staying(verdict.matches).sort(), scoring.map(describe).sort(), record.id)
      if (suppressed > 0 && record.id.endsWith('7'))
        assert.equal(evaluate(keeping, record, { liftExclusions: lift, shortcuts: noShortcuts }), verdict)
    }
    assert.ok(suppressed > 100, String(suppressed))
  })
}

test('without exclusions a lifted replay is the plain one, also through a pool', async () => {
  const tree = crsTree()
  if (tree === null) return announceSkipped('lifted exclusions of CRS', 'no CRS 4 tree: set WAFSIM_CRS_TESTS')
  const plain = crsWith(tree, 'modsec3', false, false)
  const keeping = crsWith(tree, 'modsec3', false, true)
  const records = (await bundled()).slice(0, 300)
  const pool = createPool(keeping, { workers: 1, liftExclusions: [] })
  async function* parts() {
    yield* records
  }
  const results = await collect(pool.run(parts()))
  await pool.close()
  results.forEach(({ verdict: { lifted, ...verdict } }, at) => {
    assert.equal(lifted, { fired: [], touched: [] })
    assert.equal(verdict, evaluate(plain.ruleset, records[at] as TransactionRecord))
  })
})

test.run()
