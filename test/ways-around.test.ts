/**
 * Ways around the scope of an exclusion: a careful one leaves none open, a careless one shows which.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  evaluate,
  inspectedValues,
  type PlatformName,
  platforms,
  settingCarriers,
  type Variant,
  type WayScope,
  waysAround,
} from '../engine/index.js'
import { type RequestShape, request, rules } from './support/scenario.js'

const platformNames = Object.keys(platforms) as PlatformName[]

const detection = `
SecRule REQUEST_HEADERS:Content-Type "@contains json" "id:900,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
`
const rule = 'SecRule ARGS|REQUEST_COOKIES "@contains attack" "id:1,phase:2,deny"'

const everywhere: WayScope = { path: null, host: null, method: null, hasTargets: false }
const contact: WayScope = { path: '/contact', host: null, method: 'POST', hasTargets: true }
const form: RequestShape = { uri: '/contact', body: 'message=text&a=b' }

/** Names of the variants that pass with the exclusion, are blocked without it, and are beyond its scope. */
function open(exclusion: string, scope: WayScope, shape: RequestShape, target: string, platform: PlatformName) {
  const before = rules(`${detection}${rule}`, platform).ruleset
  const after = rules(`${detection}${exclusion}\n${rule}`, platform).ruleset
  const passes = ({ record }: Variant): boolean =>
    evaluate(before, record).wouldBlock && !evaluate(after, record).wouldBlock
  const passing = waysAround(before, request(shape), target, 'an attack', scope).filter(passes)
  return {
    beyond: passing.filter(({ sameScope }) => !sameScope).map(({ name }) => name),
    within: passing.filter(({ sameScope }) => sameScope).map(({ name }) => name),
  }
}

function excludeAt(condition: string, target = 'ARGS:message'): string {
  return `SecRule ${condition} "id:10,phase:1,pass,t:none,nolog,chain"
    SecRule REQUEST_METHOD "@streq POST" "t:none,ctl:ruleRemoveTargetById=1;${target}"`
}

for (const platform of platformNames) {
  test(`${platform}: an exact path and a name leave open what they say, in the query string too`, () => {
    const { beyond, within } = open(
      excludeAt('REQUEST_FILENAME "@streq /contact"'),
      contact,
      form,
      'ARGS:message',
      platform,
    )
    assert.equal(beyond, ['same parameter in the query string'])
    assert.ok(within.includes('payload in a second parameter of the name'))
    assert.ok(within.includes('payload in the first of two parameters of the name'))
  })

  test(`${platform}: careless conditions show what they let in`, () => {
    const at = (condition: string): readonly string[] =>
      open(excludeAt(condition), contact, form, 'ARGS:message', platform).beyond
    const ending = at('REQUEST_FILENAME "@endsWith /contact"')
    assert.ok(ending.includes('prefix before the path'))
    assert.not(ending.includes('suffix behind the path'))
    const beginning = at('REQUEST_URI "@beginsWith /contact"')
    for (const name of ['path info behind the path', 'suffix behind the path', 'way out of the path'])
      assert.ok(beginning.includes(name), name)
    assert.ok(at('REQUEST_URI "@contains /contact"').includes('path in the query string'))
    assert.ok(at('REQUEST_FILENAME "@rx (?i)^/contact$"').includes('another case'))
  })

  test(`${platform}: a rule removed at a path leaves its other parameters open, and says so as its scope`, () => {
    const exclusion =
      'SecRule REQUEST_FILENAME "@streq /contact" "id:10,phase:1,pass,t:none,nolog,ctl:ruleRemoveById=1"'
    const scope: WayScope = { ...contact, method: null, hasTargets: false }
    const { beyond, within } = open(exclusion, scope, form, 'ARGS:message', platform)
    assert.equal(beyond, [])
    assert.ok(within.includes('another parameter'))
    assert.ok(within.includes('another method'))
  })

  test(`${platform}: with a host and a method in the scope, others are beyond it`, () => {
    const scope: WayScope = { ...everywhere, host: 'www.example.com', method: 'POST' }
    const { beyond } = open(
      'SecAction "id:10,phase:1,pass,nolog,ctl:ruleRemoveById=1"',
      scope,
      form,
      'ARGS:message',
      platform,
    )
    for (const name of ['another host', 'suffix behind the host', 'another method'])
      assert.ok(beyond.includes(name), name)
  })

  test(`${platform}: a JSON member's name excluded is one in the query string too`, () => {
    const shape: RequestShape = {
      uri: '/contact',
      headers: [['Content-Type', 'application/json']],
      body: '{"message":"text"}',
    }
    const target = platform === 'modsec2' ? 'ARGS:message' : 'ARGS:json.message'
    const { beyond } = open(excludeAt('REQUEST_FILENAME "@streq /contact"', target), contact, shape, target, platform)
    assert.equal(beyond, ['same parameter in the query string'])
  })
}

test('an unanchored pattern of names shows names around it', () => {
  const update = `${rule}\nSecRuleUpdateTargetById 1 "!ARGS:/^message$/"`
  const before = rules(rule).ruleset
  const passing = (ruleset: typeof before): readonly string[] =>
    waysAround(before, request(form), 'ARGS:message', 'an attack', contact)
      .filter(({ record }) => !evaluate(ruleset, record).wouldBlock)
      .map(({ name }) => name)
  assert.ok(
    passing(rules(`${rule}\nSecRuleUpdateTargetById 1 "!ARGS:/message/"`).ruleset).includes('suffix behind the name'),
  )
  assert.not(passing(rules(update).ruleset).includes('suffix behind the name'))
})

test('the attack stands in every variant, and a second cookie of the name is one', () => {
  const { ruleset } = rules(`${detection}${rule}`)
  const cookie: RequestShape = { headers: [['Cookie', 'uid=1; a=b']] }
  for (const [shape, target] of [
    [form, 'ARGS:message'],
    [{ uri: '/contact?message=x&a=b' }, 'ARGS:message'],
    [cookie, 'REQUEST_COOKIES:uid'],
  ] as const) {
    const variants = waysAround(ruleset, request(shape), target, "an attack';", everywhere)
    assert.ok(variants.length > 15)
    assert.is(new Set(variants.map(({ name }) => name)).size, variants.length)
    for (const { name, record } of variants)
      assert.ok(
        inspectedValues(ruleset, record).some(
          ({ value }) => value.startsWith('an attack') || value.startsWith('an%20attack'),
        ),
        name,
      )
  }
  const names = waysAround(ruleset, request(cookie), 'REQUEST_COOKIES:uid', 'x', everywhere).map(({ name }) => name)
  assert.ok(names.includes('payload in a second cookie of the name'))
})

test('there are no variants of what cannot be carried', () => {
  const { ruleset } = rules(rule)
  assert.equal(waysAround(ruleset, request(form), 'ARGS:missing', 'x', everywhere), [])
})

const limits = `
SecRule REQUEST_HEADERS:Content-Type "!@within |application/x-www-form-urlencoded| |multipart/form-data|" "id:920420,phase:1,deny,chain"
  SecRule REQUEST_HEADERS:Content-Type "!@contains urlencoded"
SecRule ARGS "@gt 400" "id:920370,phase:2,deny,t:length"
`

test('a content type newly allowed is tried with a form and with the bare payload in it', () => {
  const before = rules(`${limits}${rule}`).ruleset
  const after = rules(rule).ruleset
  const variants = settingCarriers(920_420, ['|text/plain|', 'no type', '|text/plain|'], 'an attack')
  assert.equal(
    variants.map(({ name }) => name),
    ['form in the content type', 'payload as the body in the content type'],
  )
  for (const { record } of variants) {
    assert.ok(evaluate(before, record).wouldBlock)
    assert.not(evaluate(after, record).wouldBlock)
  }
})

test('a greater length is tried with the payload at either end of it', () => {
  const { ruleset } = rules(limits)
  const variants = settingCarriers(920_370, ['450', '500'], 'an attack')
  assert.is(variants.length, 2)
  for (const { record } of variants) {
    assert.is(evaluate(ruleset, record).blockedBy?.ruleId, 920_370)
    const [value] = inspectedValues(ruleset, record).filter(({ target }) => target === 'ARGS:field')
    assert.is(value?.value.length, 501)
  }
})

test('every setting has requests that hold the payload; a rule without a setting has none', () => {
  const { ruleset } = rules(detection)
  const compared = ['|text/plain|', '300', 'PUT', 'HTTP/2', '.bak/', '/x-old/']
  const ids = [911_100, 920_360, 920_370, 920_380, 920_390, 920_400, 920_430, 920_440, 920_450, 920_650]
  for (const id of ids) {
    const variants = settingCarriers(id, compared, 'an attack')
    assert.ok(variants.length > 0, String(id))
    for (const { record, name } of variants) {
      const { request: sent } = record
      const whole = decodeURIComponent([sent.uri, sent.body, ...sent.headers.flat()].join('\n'))
      assert.ok(whole.includes('an attack') && inspectedValues(ruleset, record).length > 0, `${id} ${name}`)
    }
  }
  assert.equal(settingCarriers(942_100, compared, 'an attack'), [])
  assert.equal(settingCarriers(920_420, ['\r\nX: y'], 'an attack'), [])
})

test.run()
