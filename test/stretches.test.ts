/**
 * Stretches of rules that look at TX alone: verdicts of rulesets made at random are the same with and without them.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createPersistentStore, evaluate } from '../engine/index.js'
import { allShortcuts, noShortcuts } from '../engine/matching/index.js'
import { type PlatformName, platforms } from '../engine/model/platform.js'
import { pick, type Random, randomFrom } from './support/random-patterns.js'
import { request, rules } from './support/scenario.js'

const keys = ['a', 'B', 'b', 'c', 'score', '0', '1']
const texts = ['0', '1', '2', 'x', '', '%{tx.a}', '%{TX.B}', '%{TX.0}', '%{REQUEST_METHOD}', 'y%{tx.score}']

function setvar(random: Random): string {
  const key = random(8) === 0 ? `%{tx.${pick(random, keys)}}k` : pick(random, keys)
  const how = random(10)
  if (how === 0) return `setvar:!tx.${key}`
  if (how < 4)
    return `setvar:'tx.${key}=${pick(random, ['+', '-'])}${pick(random, ['1', '3', '%{tx.a}', '%{tx.score}'])}'`
  return `setvar:'tx.${key}=${pick(random, texts)}'`
}

function target(random: Random): string {
  const how = random(20)
  if (how === 0) return pick(random, ['ARGS:q', 'REQUEST_METHOD', 'MATCHED_VAR', 'MATCHED_VARS', 'MATCHED_VAR_NAME'])
  if (how === 1) return pick(random, ['TX', '&TX', 'TX:/^[ab]/', 'HIGHEST_SEVERITY', 'RULE:id', 'REMOTE_ADDR'])
  return `${random(3) === 0 ? '&' : ''}TX:${pick(random, keys)}${random(6) === 0 ? `|TX:${pick(random, keys)}` : ''}`
}

function operator(random: Random): string {
  const negated = random(5) === 0 ? '!' : ''
  const what = pick(random, [
    '@eq 0',
    '@eq 1',
    '@ge 1',
    '@lt %{tx.a}',
    '@rx ^(.)(.?)',
    '@streq x',
    '@within %{tx.b} 1 x',
  ])
  return `${negated}${what}`
}

const rare = [
  'log',
  'log,severity:3',
  "log,logdata:'%{MATCHED_VAR} %{tx.a}'",
  'deny,log',
  'allow:phase',
  'capture',
  'multiMatch,t:lowercase,t:trim',
  't:length',
  'ctl:ruleEngine=DetectionOnly',
  'ctl:ruleEngine=Off',
  'ctl:ruleRemoveById=#',
  'ctl:ruleRemoveTargetById=#;TX:a',
  "msg:'%{MATCHED_VARS_NAMES}'",
  "tag:'t/%{tx.score}'",
  'setenv:a=%{tx.a}',
  'skip:2',
  'skipAfter:M',
]

function rule(random: Random, id: number, phase: number): string {
  const actions = [`id:${id}`, `phase:${phase}`]
  const chosen = random(3) === 0 ? [pick(random, rare).replace('#', String(id + 1 + random(4)))] : []
  actions.push(chosen.some((each) => /^(?:deny|allow)/.test(each)) ? 'status:403' : 'pass', 'nolog', ...chosen)
  const sets = Array.from({ length: random(3) }, () => setvar(random))
  if (random(4) === 0) return `SecAction "${[...actions, ...sets].join(',')}"`
  const chain = random(6) === 0
  const head = `SecRule ${target(random)} "${operator(random)}" "${[...actions, ...sets, ...(chain ? ['chain'] : [])].join(',')}"`
  if (!chain) return head
  return `${head}\n  SecRule ${target(random)} "${operator(random)}" "${setvar(random)}"`
}

function ruleset(random: Random): string {
  const lines = ['SecAction "id:1,phase:1,nolog,pass,setvar:tx.a=1,setvar:tx.B=2"']
  for (let n = 0; n < 40; n++) {
    if (random(8) === 0) lines.push('SecMarker M')
    lines.push(rule(random, 10 + n, [1, 1, 1, 2, 2, 5][random(6)] ?? 1))
  }
  return lines.join('\n')
}

for (const name of Object.keys(platforms) as PlatformName[])
  test(`what stretches come to is what their rules come to: ${name}`, () => {
    const random = randomFrom(31)
    let passed = 0
    for (let round = 0; round < 150; round++) {
      const text = ruleset(random)
      const loaded = rules(text, name)
      for (const allRules of [true, false])
        for (let n = 0; n < 8; n++) {
          const record = request({ id: `r${n}`, method: pick(random, ['GET', 'POST', 'x']), uri: `/?q=${random(3)}` })
          const verdict = (shortcuts: typeof allShortcuts): string =>
            JSON.stringify(evaluate(loaded.ruleset, record, { allRules, shortcuts, store: createPersistentStore() }))
          const plain = verdict(noShortcuts)
          for (const shortcuts of [allShortcuts, { ...noShortcuts, stretches: true }])
            assert.is(verdict(shortcuts), plain, `${text}\n${JSON.stringify(record)}`)
          if (JSON.parse(plain).verdict === 'pass') passed++
        }
    }
    assert.ok(passed > 200, `${passed} passed`)
  })

test.run()
