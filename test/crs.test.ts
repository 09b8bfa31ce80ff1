/**
 * OWASP CRS on the engine: whole releases load, settings reach them, false positives get exclusions.
 *
 * CRS is not part of the repository; where it is not at hand the tests say so.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  checkParts,
  createDiskReader,
  evaluate,
  HitGroups,
  IdRange,
  loadRuleset,
  type PlatformName,
  platforms,
  proposeExclusion,
  settingsInForce,
  type TransactionRecord,
} from '../engine/index.js'
import { type RulesetRequest, resolveRuleset } from '../rulesets/index.js'
import { request } from './support/scenario.js'
import { announceSkipped, crsTree, debianCrs } from './support/test-data.js'

const tree = crsTree()
const debian = debianCrs()

function plan(rules: string, more: Partial<RulesetRequest> = {}) {
  return resolveRuleset({ rules: [rules], platform: 'modsec3', set: [], ...more })
}

function load(rules: string, more: Partial<RulesetRequest> = {}) {
  return loadRuleset({ parts: plan(rules, more).parts, platform: more.platform ?? 'modsec3', engineMode: 'on' })
}

function contactForm(body: string): TransactionRecord {
  return request({
    method: 'POST',
    uri: '/contact',
    body,
    headers: [
      ['User-Agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'],
      ['Accept', 'text/html'],
    ],
  })
}

if (tree === null) announceSkipped('CRS 4', 'no CRS 4 tree: set WAFSIM_CRS_TESTS')
else {
  for (const platform of Object.keys(platforms) as PlatformName[])
    test(`CRS 4 at paranoia level 4 loads without a diagnostic on ${platform}`, () => {
      const { parts } = plan(tree, { paranoia: 4, platform })
      const { ruleset, diagnostics } = checkParts(parts, createDiskReader(), { platform: platforms[platform] })
      assert.equal(diagnostics, [])
      assert.ok((ruleset?.rules.length ?? 0) > 500)
    })

  test('settings reach CRS 4 under its names', () => {
    const { ruleset } = load(tree, { paranoia: 3, detectionParanoia: 4, threshold: 9, outboundThreshold: 7 })
    const settings = settingsInForce(ruleset)
    assert.is(settings.blockingParanoia, 3)
    assert.is(settings.detectionParanoia, 4)
    assert.is(settings.inboundThreshold, 9)
    assert.is(settings.outboundThreshold, 7)
  })

  test('a contact form that 942100 flags gets its exclusion, which clears it and no attack', () => {
    const before = load(tree).ruleset
    const post = contactForm("name=Maria&message=1' or '1'='1 is what the form said")
    const verdict = evaluate(before, post)
    assert.ok(verdict.ruleIds.includes(942100), `rules ${verdict.ruleIds}`)
    assert.is(verdict.verdict, 'block')

    const groups = new HitGroups()
    groups.add({ ...post, label: 'benign' }, { ...verdict, label: 'benign' })
    const found = groups.list()
    const input = {
      ruleset: before,
      platform: platforms.modsec3,
      settings: settingsInForce(before),
      of: 1,
    }
    const ids = new IdRange()
    const proposals = found.flatMap((group) => proposeExclusion(group, input, ids) ?? [])
    const narrow = proposals.find((each) => each.ruleIds.includes(942100))
    assert.is(narrow?.kind, 'ctl-remove-target-by-id')
    assert.equal(narrow?.targets, ['ARGS:message'])
    assert.equal(narrow?.scope, { path: '/contact', host: null, method: null })
    assert.is(narrow?.alternatives[0]?.directive, 'SecRuleRemoveById 942100')

    const { parts } = plan(tree)
    const at = parts.findIndex((part) => part.kind === 'file' && /REQUEST-901/.test(part.path))
    const text = proposals.map((each) => each.directive).join('\n')
    const after = loadRuleset({
      parts: [...parts.slice(0, at), { kind: 'text', name: 'proposed', text }, ...parts.slice(at)],
      engineMode: 'on',
    }).ruleset
    assert.is(evaluate(after, post).verdict, 'pass')
    const attack = contactForm("name=1' or '1'='1&message=hello")
    assert.is(evaluate(after, attack).verdict, 'block')
    const elsewhere = { ...post, request: { ...post.request, uri: '/login' } }
    assert.is(evaluate(after, elsewhere).verdict, 'block')
  })
}

if (debian === null) announceSkipped('CRS 3', 'no Debian package modsecurity-crs')
else {
  test('CRS 3 loads where its patterns compile, and its settings are its own', () => {
    for (const platform of ['modsec2', 'modsec3'] as const) {
      const { parts } = plan(debian.rules, { paranoia: 2, threshold: 7, platform })
      const { ruleset, diagnostics } = checkParts(parts, createDiskReader(), { platform: platforms[platform] })
      assert.equal(
        diagnostics.filter((d) => d.severity === 'error'),
        [],
      )
      if (ruleset === null) throw new Error('no ruleset')
      const settings = settingsInForce(ruleset)
      assert.is(settings.blockingParanoia, 2)
      assert.is(settings.inboundThreshold, 7)
    }
  })

  test('Coraza refuses CRS 3 for the patterns that Go cannot express and for single values of IP', () => {
    const { parts } = plan(debian.rules, { platform: 'coraza' })
    const { ruleset, diagnostics } = checkParts(parts, createDiskReader(), { platform: platforms.coraza })
    const errors = diagnostics.filter((d) => d.severity === 'error')
    assert.is(ruleset, null)
    assert.ok(errors.length > 0)
    assert.equal([...new Set(errors.map((d) => d.code))].sort(), ['bad-pattern', 'not-selectable'])
  })

  test('CRS 3 scores and blocks', () => {
    const { ruleset } = load(debian.rules)
    const verdict = evaluate(ruleset, contactForm("name=1' or '1'='1&message=hello"))
    assert.is(verdict.verdict, 'block')
    assert.ok(verdict.ruleIds.includes(942100))
    assert.ok(verdict.score.inbound >= 5)
    assert.is(verdict.score.inbound, verdict.scoreByLevel.inbound[0])
  })
}

test.run()
