/**
 * The ladder by hand and from alerts: every rung with its text, or why the platform or the rule does not allow it.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ladderText, layoutFor, renderLayout } from '../cli/layouts/index.js'
import {
  AlertGroups,
  type AlertSeen,
  defaultIdBounds,
  evaluate,
  formatDiagnostic,
  type HandInput,
  type HandLadder,
  idsOf,
  laddersAt,
  laddersByHand,
  loadRuleset,
  type PlatformName,
  platforms,
  readExclusions,
  settingsInForce,
} from '../engine/index.js'
import { hostileText, random } from './support/exclusions.js'
import { request, rules } from './support/scenario.js'

const text = `SecAction "id:900200,phase:1,pass,nolog,setvar:'tx.allowed_methods=GET HEAD POST',setvar:tx.inbound_anomaly_score_threshold=5"
SecRule ARGS|REQUEST_COOKIES|REQUEST_HEADERS:User-Agent "@contains evil" "id:942100,phase:2,deny,status:403,log,tag:'attack-sqli',msg:'SQLi'"
SecRule REQUEST_HEADERS:Host "@contains evil" "id:920350,phase:1,deny,log"
SecRule REQUEST_METHOD "@rx ." "id:920100,phase:2,deny,log,chain"
  SecRule ARGS "@contains other" ""
SecRule TX:inbound_anomaly_score "@ge 5" "id:949110,phase:2,deny,log"
`

function ladders(change: Partial<HandInput>, platform: PlatformName = 'modsec3'): readonly HandLadder[] {
  const { ruleset } = rules(text, platform)
  return laddersByHand({
    ruleset,
    settings: settingsInForce(ruleset),
    ruleId: 942_100,
    parameter: 'message',
    path: '/contact',
    ids: { bounds: defaultIdBounds, taken: idsOf(ruleset) },
    ...change,
  })
}

const shape = (list: readonly HandLadder[]): unknown =>
  list.map(({ target, rungs }) => [
    target,
    ...rungs.map(({ kind, unavailable }) => (unavailable === null ? kind : `no ${kind}`)),
  ])
const reason = (list: readonly HandLadder[], kind: string): string =>
  list[0]?.rungs.find((rung) => rung.kind === kind)?.unavailable ?? ''

test('the whole ladder, broad to narrow', () => {
  assert.equal(shape(ladders({})), [
    [
      'ARGS:message',
      'remove-by-tag',
      'remove-by-id',
      'update-target-by-tag',
      'no location-remove-by-id',
      'ctl-remove-by-tag',
      'ctl-remove-by-id',
      'update-target-by-id',
      'ctl-remove-target-by-tag',
      'ctl-remove-target-by-id',
      'no setting',
    ],
  ])
  const preferred = ladders({})[0]?.rungs.filter((rung) => rung.preferred)
  assert.equal(
    preferred?.map(({ kind }) => kind),
    ['ctl-remove-target-by-id'],
  )
})

test('what is not named, not read or not honoured is said', () => {
  assert.match(reason(ladders({ path: null }), 'ctl-remove-by-id'), '--path')
  assert.match(reason(ladders({ parameter: null }), 'update-target-by-id'), '--param')
  assert.match(reason(ladders({ parameter: 'FILES:x' }), 'update-target-by-id'), /does not read.*REQUEST_COOKIES/)
  assert.equal(ladders({ parameter: 'REQUEST_COOKIES:sid' })[0]?.target, 'REQUEST_COOKIES:sid')
  assert.equal(ladders({ parameter: 'REQUEST_HEADERS:User-Agent' })[0]?.target, 'REQUEST_HEADERS:User-Agent')
  assert.match(reason(ladders({ ruleId: 949_110 }), 'remove-by-id'), 'must not be excluded')
  assert.match(reason(ladders({ ruleId: 5 }), 'remove-by-id'), 'not in this ruleset')
  assert.match(reason(ladders({ ruleId: 920_350 }, 'modsec2'), 'location-remove-by-id'), 'phase 1')
  assert.is(reason(ladders({}, 'modsec2'), 'location-remove-by-id'), '')
  assert.match(reason(ladders({ ruleId: 920_100 }), 'ctl-remove-target-by-id'), 'chain')
  assert.is(reason(ladders({ ruleId: 920_100 }, 'coraza'), 'ctl-remove-target-by-id'), '')
})

for (const platform of ['modsec2', 'modsec3', 'coraza'] as const)
  test(`${platform}: each rung, loaded at its place, lets the request pass`, () => {
    const { rungs } = ladders({ method: 'GET', host: 'www.example.com' }, platform)[0] ?? { rungs: [] }
    const record = request({ uri: '/contact?message=evil' })
    assert.ok(evaluate(rules(text, platform).ruleset, record).wouldBlock)
    let tried = 0
    for (const { exclusion } of rungs) {
      if (exclusion === null || exclusion.placement === 'location') continue
      tried++
      const engine = 'SecRuleEngine On\nSecRequestBodyAccess On\n'
      const parts =
        exclusion.placement === 'after' ? [engine + text, exclusion.directive] : [engine, exclusion.directive, text]
      const { ruleset } = loadRuleset({
        platform,
        parts: parts.map((part) => ({ kind: 'text', name: 'part', text: `${part}\n` })),
      })
      assert.not.ok(evaluate(ruleset, record).wouldBlock, exclusion.directive)
      assert.is(exclusion.proof, 'unproven')
    }
    assert.is(tried, 8)
  })

test('a setting follows from what the rule compared', () => {
  const { ruleset } = rules(
    `SecAction "id:900200,phase:1,pass,nolog,setvar:'tx.allowed_methods=GET'"
SecRule REQUEST_METHOD "!@within %{tx.allowed_methods}" "id:911100,phase:1,deny,log"`,
  )
  const [ladder] = laddersByHand({
    ruleset,
    settings: settingsInForce(ruleset),
    ruleId: 911_100,
    parameter: null,
    path: null,
    compared: ['PUT'],
    ids: { bounds: defaultIdBounds, taken: idsOf(ruleset) },
  })
  const setting = ladder?.rungs.find(({ kind }) => kind === 'setting')?.exclusion
  assert.match(setting?.directive ?? '', 'tx.allowed_methods=GET PUT')
})

const alert = (change: Partial<AlertSeen>): AlertSeen => ({
  ruleId: 942_100,
  msg: 'SQLi',
  target: 'ARGS:message',
  path: '/contact',
  pathIs: 'sent',
  method: 'POST',
  host: null,
  uniqueId: null,
  disrupted: false,
  truncated: false,
  ...change,
})

test('alerts fall into groups by rule and place; paths and names become families', () => {
  const groups = new AlertGroups(platforms.coraza)
  for (let n = 0; n < 30; n++)
    groups.add(
      alert({ path: `/user/${1000 + n}/edit`, target: `ARGS_POST:items[${n % 5}][name]`, uniqueId: `u${n % 15}` }),
    )
  groups.add(alert({ target: null, truncated: true }))
  groups.add(alert({ ruleId: 949_110 }))
  const list = groups.list()
  assert.is(groups.ofProtectedRules, 1)
  assert.is(groups.requests, 16)
  assert.equal(
    list.map(({ target, path, alerts, requests }) => [target, path, alerts, requests]),
    [
      ['ARGS_POST:items[*][name]', '/user/{id}/edit', 30, 15],
      [null, '/contact', 1, 1],
    ],
  )
  const spot = list[0]?.spot
  assert.ok(spot)
  const { ruleset } = rules(text, 'coraza')
  const input = { ruleset, settings: settingsInForce(ruleset), ids: { bounds: defaultIdBounds, taken: idsOf(ruleset) } }
  const [ladder] = laddersAt([spot], input)
  assert.ok(ladder)
  assert.is(ladder.target, 'ARGS:items[*][name]')
  const narrow = ladder.rungs.find(({ kind }) => kind === 'ctl-remove-target-by-id')?.exclusion
  assert.match(narrow?.directive ?? '', /ARGS:\/\^items/)
})

for (const platform of ['modsec2', 'modsec3', 'coraza'] as const)
  test(`${platform}: a path with escapes is written as rules of phase 1 see it, however the log or a person has it`, () => {
    const { ruleset } = rules(text, platform)
    const record = request({ uri: '/a%20b/c%C3%A9?message=evil' })
    assert.ok(evaluate(ruleset, record).wouldBlock)
    const decoded = '/a b/c\xc3\xa9'
    const groups = new AlertGroups(ruleset.platform)
    groups.add(alert({ path: '/a%20b/c%C3%A9', pathIs: 'sent' }))
    if (platform !== 'coraza') groups.add(alert({ path: decoded, pathIs: 'seen' }))
    const list = groups.list()
    assert.is(list.length, 1)
    const input = {
      ruleset,
      settings: settingsInForce(ruleset),
      ids: { bounds: defaultIdBounds, taken: idsOf(ruleset) },
    }
    const typed = platform === 'coraza' ? ['/a%20b/c%C3%A9'] : ['/a%20b/c%C3%A9', decoded]
    const all = [
      ...laddersAt(
        list.flatMap(({ spot }) => spot ?? []),
        input,
      ),
      ...typed.flatMap((path) => ladders({ path }, platform)),
    ]
    for (const { rungs } of all) {
      const narrow = rungs.find(({ preferred }) => preferred)?.exclusion
      assert.is(narrow?.kind, 'ctl-remove-target-by-id')
      const loaded = rules(`${narrow?.directive}\n${text}`, platform)
      assert.not.ok(evaluate(loaded.ruleset, record).wouldBlock, narrow?.directive)
    }
  })

test('Apache compares locations with the decoded path', () => {
  const locationAt = (path: string) =>
    ladders({ path }, 'modsec2')[0]?.rungs.find(({ kind }) => kind === 'location-remove-by-id')
  assert.match(locationAt('/a%20b/c')?.exclusion?.directive ?? '', '<LocationMatch "\\A/a\\x20b/c\\z">')
  assert.match(locationAt('/a%2fb')?.unavailable ?? '', 'decoded')
})

test('ladders of many places share no id, and where the range ends the ones to choose come first', () => {
  const groups = new AlertGroups(platforms.modsec3)
  for (let n = 0; n < 300; n++)
    groups.add(
      alert({ path: `/p${'abcdefghij'[n % 10]}/${'klmnopqrst'[(n / 10) | 0] ?? n}`, target: `ARGS:a${n % 7}x` }),
    )
  const spots = groups.list().flatMap(({ spot }) => spot ?? [])
  const { ruleset } = rules(text)
  const settings = settingsInForce(ruleset)
  const all = (last: number) =>
    laddersAt(spots, { ruleset, settings, ids: { bounds: { first: 10_000, last }, taken: idsOf(ruleset) } }).flatMap(
      ({ rungs }) => rungs,
    )
  const owners = new Map<number, string>()
  for (const { exclusion } of all(49_999))
    for (const id of exclusion?.configIds ?? []) {
      assert.is(owners.get(id) ?? exclusion?.key, exclusion?.key)
      owners.set(id, exclusion?.key ?? '')
    }
  assert.ok(owners.size > 300)
  const tight = all(10_000 + spots.length - 1)
  assert.is(tight.filter(({ preferred }) => preferred).length, spots.length)
  assert.ok(tight.some(({ unavailable }) => unavailable?.includes('--id-range')))
})

for (const platform of ['modsec2', 'modsec3', 'coraza'] as const)
  test(`${platform}: whatever is named, each rung is written, read back and compiled as it is`, () => {
    const next = random(99)
    const layout = layoutFor('inline', platform)
    const engine = 'SecRuleEngine On\n'
    for (let round = 0; round < 150; round++) {
      const [ladder] = ladders(
        {
          parameter: hostileText(next),
          path: `/${hostileText(next)}`,
          method: next() < 0.5 ? hostileText(next) : null,
          host: next() < 0.5 ? hostileText(next) : null,
        },
        platform,
      )
      const list = (ladder?.rungs ?? []).flatMap(({ exclusion }) => exclusion ?? [])
      assert.ok(list.length > 2)
      const [file] = renderLayout(layout, list, { today: '2026-12-01', messages: new Map(), attacksBefore: null })
      const { exclusions, diagnostics, texts } = readExclusions(file?.text ?? '', 'x', platform)
      assert.equal(diagnostics.map(formatDiagnostic), [], file?.text)
      assert.equal(
        exclusions.map(({ key, kind }) => `${key} ${kind}`).sort(),
        list.map(({ key, kind }) => `${key} ${kind}`).sort(),
      )
      for (const read of exclusions) {
        const own = list.find(({ key }) => key === read.key)
        if (read.targets.length > 0)
          assert.ok(own?.targets.includes(read.targets[0] ?? ''), `${own?.targets} ${read.targets}`)
        if (read.holder !== null) assert.equal([read.holder.id], own?.configIds)
      }
      const parts = [engine, texts.setup, texts.before, text, texts.after].map((part) => ({
        kind: 'text' as const,
        name: 'part',
        text: part,
      }))
      const problems = loadRuleset({ platform, parts }).ruleset.warnings
      assert.equal(problems.map(formatDiagnostic), [], file?.text)
    }
  })

test('as text: every rung, and nothing raw', () => {
  const [ladder] = ladders({ parameter: 'm\x1b[31m\n', path: '/c\x07' })
  assert.ok(ladder)
  const shown = ladderText(ladder)
  assert.match(shown, /^[\x20-\x7e\n]*$/)
  assert.match(shown, 'unproven')
  assert.match(shown, 'SecRuleRemoveById 942100')
  assert.match(shown, 'location-remove-by-id: not here; <Location> is Apache')
})

test.run()
