/**
 * The rule language through `evaluate`: flow, scores, chains, macros, exclusions, phases, bodies.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { evaluate, RulesetError } from '../engine/index.js'
import { play, request, rules } from './support/scenario.js'

const form = (body: string) => ({ body, uri: '/contact' })

test('a rule that matches logs its id, target and value', () => {
  const verdict = play(
    `SecRule ARGS "@rx sel(ect)" "id:1,phase:2,pass,log,msg:'found %{MATCHED_VAR_NAME}'"`,
    form('a=x&message=select'),
  )
  assert.equal(verdict.ruleIds, [1])
  assert.is(verdict.verdict, 'pass')
  assert.is(verdict.matches[0]?.target, 'ARGS:message')
  assert.is(verdict.matches[0]?.value, 'select')
  assert.is(verdict.matches[0]?.msg, 'found ARGS:message')
})

test('deny blocks with its status, and phase 5 still runs', () => {
  const verdict = play(
    `SecRule ARGS "@streq x" "id:1,phase:1,deny,status:406"
     SecAction "id:2,phase:2,pass,msg:'x'"
     SecAction "id:3,phase:5,pass,msg:'x'"`,
    { uri: '/?a=x' },
  )
  assert.is(verdict.verdict, 'block')
  assert.is(verdict.status, 406)
  assert.equal(verdict.ruleIds, [1, 3])
  assert.equal(verdict.phasesRun, [1, 5])
  assert.equal(verdict.blockedBy, { kind: 'rule', ruleId: 1, phase: 1, action: 'deny' })
})

test('detection only blocks nothing and says what would be blocked', () => {
  const verdict = play(`SecRuleEngine DetectionOnly\nSecRule ARGS "@streq x" "id:1,phase:1,deny"`, { uri: '/?a=x' })
  assert.is(verdict.verdict, 'pass')
  assert.is(verdict.wouldBlock, true)
  assert.is(verdict.status, 200)
})

test('block does what SecDefaultAction says', () => {
  const verdict = play(
    `SecDefaultAction "phase:1,log,auditlog,deny,status:429"\nSecRule ARGS "@streq x" "id:1,phase:1,block"`,
    { uri: '/?a=x' },
  )
  assert.is(verdict.status, 429)
})

test('setvar runs once per matched target, and each entry says what it added', () => {
  const verdict = play(
    `SecAction "id:1,phase:1,pass,nolog,setvar:tx.critical_anomaly_score=5,setvar:tx.inbound_anomaly_score_pl1=0"
     SecRule ARGS "@contains evil" "id:2,phase:2,pass,setvar:'tx.inbound_anomaly_score_pl1=+%{tx.critical_anomaly_score}'"
     SecAction "id:3,phase:2,pass,nolog,setvar:'tx.blocking_inbound_anomaly_score=+%{tx.inbound_anomaly_score_pl1}'"`,
    form('a=evil&b=evil&c=fine'),
  )
  assert.equal(
    verdict.matches.filter((m) => m.ruleId === 2).map((m) => [m.target, m.scoreAdded]),
    [
      ['ARGS:a', 5],
      ['ARGS:b', 5],
    ],
  )
  assert.equal(
    verdict.matches.filter((m) => m.ruleId === 3).map((m) => m.scoreAdded),
    [0],
  )
  assert.is(verdict.score.inbound, 10)
  assert.equal(verdict.scoreByLevel.inbound, [10, 0, 0, 0])
})

test('setvar arithmetic, removal and default value', () => {
  const verdict = play(
    `SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=7,setvar:tx.a=-2,setvar:tx.b,setvar:tx.c=1,setvar:!tx.c"
     SecRule TX:a "@eq 5" "id:2,phase:1,pass"
     SecRule TX:b "@eq 1" "id:3,phase:1,pass"
     SecRule &TX:c "@eq 0" "id:4,phase:1,pass"`,
  )
  assert.equal(verdict.ruleIds, [2, 3, 4])
})

test('a chain matches only when every link does, and is its head', () => {
  const text = `SecRule ARGS:a "@rx ^(\\w+)$" "id:1,phase:2,deny,capture,chain,msg:'m'"
     SecRule TX:1 "@streq boo" "t:none"`
  assert.equal(play(text, form('a=boo')).ruleIds, [1])
  assert.equal(play(text, form('a=baa')).ruleIds, [])
  assert.equal(
    play(text, form('a=boo')).matches.map((m) => m.link),
    [0, 1],
  )
})

test('COMPAT(modsec3): MATCHED_VARS keep the matches of earlier rules, up to one that did not match', () => {
  const text = `SecRule ARGS:a "@rx x" "id:1,phase:2,pass"
     SecAction "id:2,phase:2,pass,nolog"
     SecRule ARGS:b "@rx x" "id:3,phase:2,pass,chain"
     SecRule MATCHED_VARS "@streq ax" "t:none"
     SecRule ARGS:a "@rx x" "id:4,phase:2,pass"
     SecRule ARGS:none "@rx x" "id:5,phase:2,pass"
     SecRule ARGS:b "@rx x" "id:6,phase:2,pass,chain"
     SecRule MATCHED_VARS "@streq ax" "t:none"`
  assert.equal(play(text, form('a=ax&b=bx'), 'modsec3').ruleIds, [1, 3, 4])
  assert.equal(play(text, form('a=ax&b=bx'), 'modsec2').ruleIds, [1, 4])
  assert.equal(play(text, form('a=ax&b=bx'), 'coraza').ruleIds, [1, 4])
})

test('COMPAT(modsec3): multiMatch logs at once, with nolog and where the chain fails', () => {
  const text = `SecRule ARGS:a "@rx x" "id:1,phase:2,pass,log,multiMatch,t:none,t:lowercase,chain"
     SecRule ARGS:b "@rx nowhere" "t:none"
     SecRule ARGS:a "@rx x" "id:2,phase:2,pass,nolog,multiMatch,t:none,t:lowercase"
     SecRule ARGS:a "@rx x" "id:3,phase:2,pass,log,chain"
     SecRule ARGS:b "@rx nowhere" "t:none,multiMatch"
     SecRule ARGS:a "@rx x" "id:4,phase:2,pass,nolog,chain"
     SecRule ARGS:b "@rx x" "t:none,multiMatch,chain"
     SecRule ARGS:b "@rx nowhere" "t:none"`
  assert.equal(play(text, form('a=ax&b=bx'), 'modsec3').ruleIds, [1, 2, 4])
  assert.equal(play(text, form('a=ax&b=bx'), 'modsec2').ruleIds, [])
  assert.equal(play(text, form('a=ax&b=bx'), 'coraza').ruleIds, [])
})

test('COMPAT(modsec3): a collection is visited in the order of its hash table', () => {
  const last = (body: string, platform: 'modsec2' | 'modsec3'): string =>
    play(`SecRule ARGS "@rx ^v.*$" "id:1,phase:2,pass,msg:'x'"`, form(body), platform).matches.at(-1)?.value ?? ''
  const named = (body: string, platform: 'modsec2' | 'modsec3'): string =>
    play(`SecRule ARGS:x "@rx ." "id:1,phase:2,pass,msg:'x'"`, form(body), platform).matches.at(-1)?.value ?? ''
  // One key's values stand together, as do keys whose bytes add up to the same.
  assert.is(last('a=v1&b=v2&a=v3', 'modsec3'), 'v2')
  assert.is(last('ab=v1&c=v2&ba=v3', 'modsec3'), 'v2')
  assert.is(last('ab=v1&c=v2&ba=v3', 'modsec2'), 'v3')
  assert.is(named('x=1&x=2', 'modsec3'), '1')
  assert.is(named('x=1&x=2', 'modsec2'), '2')
  // As seen on libmodsecurity 3.0.9: 12 values no longer fit in 11 buckets.
  for (const [body, value] of [
    ['_j=v0&ga=v1&e=v2&%5Bx=v3&d=v4&ak=v5&%C3%A9=v6&_i=v7&b=v8&_j=v9&c=v10&kj=v11', 'v9'],
    ['e=v0&_j=v1&ga=v2&%C3%A9=v3&c=v4&kj=v5&ak=v6&_j=v7&%5Bx=v8&b=v9&d=v10&_i=v11', 'v0'],
    ['b=v0&c=v1&d=v2&ga=v3&%5Bx=v4&_j=v5&e=v6&kj=v7&ak=v8&%C3%A9=v9&_i=v10&_j=v11', 'v1'],
  ] as const)
    assert.is(last(body, 'modsec3'), value)
})

test('captures are TX:0 to TX:9 and are renewed by the next capture', () => {
  const verdict = play(
    `SecRule ARGS:a "@rx (o)(n)(e)" "id:1,phase:2,pass,capture"
     SecRule TX:2 "@streq n" "id:2,phase:2,pass"
     SecRule ARGS:b "@rx (t)wo" "id:3,phase:2,pass,capture"
     SecRule &TX:2 "@eq 0" "id:4,phase:2,pass"`,
    form('a=one&b=two'),
  )
  assert.equal(verdict.ruleIds, [1, 2, 3, 4])
})

test('skipAfter goes on behind its marker, skip jumps over rules', () => {
  const verdict = play(
    `SecAction "id:1,phase:1,pass,msg:'x',skipAfter:END"
     SecAction "id:2,phase:1,pass,msg:'x'"
     SecMarker "END"
     SecAction "id:3,phase:1,pass,msg:'x',skip:1"
     SecAction "id:4,phase:1,pass,msg:'x'"
     SecAction "id:5,phase:1,pass,msg:'x'"`,
  )
  assert.equal(verdict.ruleIds, [1, 3, 5])
})

test('nolog keeps a rule out of ruleIds', () => {
  const verdict = play('SecAction "id:1,phase:1,pass,nolog"')
  assert.equal(verdict.ruleIds, [])
  assert.equal(verdict.allRuleIds, [1])
})

test('counts, negation, regex selectors and exceptions', () => {
  const text = `SecRule &ARGS "@eq 3" "id:1,phase:2,pass"
     SecRule ARGS:/^p_/ "@streq x" "id:2,phase:2,pass"
     SecRule ARGS|!ARGS:skip "@streq y" "id:3,phase:2,pass"
     SecRule ARGS|!ARGS:/^sk/ "@streq y" "id:4,phase:2,pass"
     SecRule REQUEST_METHOD "!@streq GET" "id:5,phase:2,pass"
     SecRule REQUEST_HEADERS:X-None "!@streq GET" "id:6,phase:2,pass"`
  assert.equal(play(text, form('p_1=x&skip=y&z=1')).ruleIds, [1, 2, 5])
})

test('names compare without case', () => {
  assert.equal(
    play(`SecRule REQUEST_HEADERS:x-thing "@streq 1" "id:1,phase:1,pass"`, { headers: [['X-Thing', '1']] }).ruleIds,
    [1],
  )
})

test('multiMatch sees the value between transformations', () => {
  const text = `SecRule ARGS:a "@streq A%41" "id:1,phase:2,pass,t:none,t:urlDecode,t:lowercase,multiMatch"
     SecRule ARGS:a "@streq AA" "id:2,phase:2,pass,t:none,t:urlDecode,t:lowercase,multiMatch"
     SecRule ARGS:a "@streq AA" "id:3,phase:2,pass,t:none,t:urlDecode,t:lowercase"`
  assert.equal(play(text, form('a=A%2541')).ruleIds, [1, 2])
})

test('multiMatch acts at every stage that matches', () => {
  const verdict = play(
    `SecAction "id:1,phase:1,pass,nolog,setvar:tx.n=0"
     SecRule ARGS:a "@contains x" "id:2,phase:2,pass,t:none,t:urlDecode,t:lowercase,t:lowercase,multiMatch,setvar:tx.n=+1"
     SecRule TX:n "@eq 3" "id:3,phase:2,pass"`,
    form('a=x%2541'),
  )
  assert.equal(verdict.ruleIds, [2, 3])
  assert.equal(
    verdict.matches.filter((m) => m.ruleId === 2).map((m) => m.value),
    ['x%41', 'xA', 'xa'],
  )
})

test('ctl removes rules and targets for the transaction', () => {
  const text = `SecRule REQUEST_FILENAME "@streq /contact" "id:1,phase:1,pass,nolog,ctl:ruleRemoveById=10,ctl:ruleRemoveTargetById=11;ARGS:a,ctl:ruleRemoveByTag=loud"
     SecRule ARGS "@streq x" "id:10,phase:2,pass"
     SecRule ARGS "@streq x" "id:11,phase:2,pass"
     SecRule ARGS "@streq x" "id:12,phase:2,pass,tag:'loud'"`
  assert.equal(play(text, form('a=x')).ruleIds, [])
  const other = play(text, form('a=x&b=x'))
  assert.equal(other.ruleIds, [11])
  assert.equal(
    other.matches.filter((m) => m.log).map((m) => m.target),
    ['ARGS:b'],
  )
  assert.equal(play(text, { body: 'a=x', uri: '/other' }).ruleIds, [10, 11, 12])
})

test('directives remove rules and change targets and actions', () => {
  const text = `SecRule ARGS "@streq x" "id:10,phase:2,pass"
     SecRule ARGS "@streq x" "id:11,phase:2,pass"
     SecRule ARGS "@streq x" "id:12,phase:2,pass,tag:'t'"
     SecRule ARGS "@streq x" "id:13,phase:2,pass,msg:'hello'"
     SecRule ARGS "@streq x" "id:14,phase:2,pass"
     SecRule ARGS:none "@streq x" "id:15,phase:2,pass"
     SecRuleRemoveById 10 20-30
     SecRuleUpdateTargetById 11 "!ARGS:a"
     SecRuleRemoveByTag t
     SecRuleRemoveByMsg hello
     SecRuleUpdateActionById 14 "deny,status:418"
     SecRuleUpdateTargetById 15 "ARGS:a"`
  const verdict = play(text, form('a=x'))
  assert.equal(verdict.ruleIds, [14])
  assert.is(verdict.status, 418)
})

test('a removal that stands before its rule reaches it on libmodsecurity only', () => {
  const text = 'SecRuleRemoveById 1\nSecAction "id:1,phase:1,pass,log,msg:x"'
  assert.equal(play(text, {}, 'modsec3').ruleIds, [])
  assert.equal(play(text, {}, 'modsec2').ruleIds, [1])
  assert.equal(play(text, {}, 'coraza').ruleIds, [1])
})

test('bodies are read in phase 2 by their processor', () => {
  const json = play(
    `SecRule REQUEST_HEADERS:Content-Type "^application/json" "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
     SecRule ARGS "@streq deep" "id:2,phase:2,pass"`,
    { body: '{"a":{"b":["deep"]}}', headers: [['Content-Type', 'application/json']] },
  )
  assert.equal(
    json.matches.filter((m) => m.ruleId === 2).map((m) => m.target),
    ['ARGS:json.a.b.array_0'],
  )
  const broken = play(
    `SecRule REQUEST_HEADERS:Content-Type "^application/json" "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
     SecRule REQBODY_ERROR "!@eq 0" "id:2,phase:2,deny,status:400"`,
    { body: '{"a":', headers: [['Content-Type', 'application/json']] },
  )
  assert.is(broken.status, 400)
})

test('a body over the limit is refused without a rule', () => {
  const verdict = play('SecRequestBodyLimit 10\nSecAction "id:1,phase:2,pass"', form('a=0123456789'))
  assert.is(verdict.verdict, 'block')
  assert.is(verdict.blockedBy?.kind, 'body-limit')
  assert.is(verdict.blockedBy?.ruleId, null)
  assert.is(play('SecRequestBodyLimit 10', form('a=0123456789'), 'modsec2').status, 413)
  const partial = play(
    'SecRequestBodyLimit 4\nSecRequestBodyLimitAction ProcessPartial\nSecRule ARGS:a "@streq 01" "id:1,phase:2,pass"',
    form('a=0123456789'),
  )
  assert.equal(partial.ruleIds, [1])
})

test('responses are inspected where one is recorded', () => {
  const response = { status: 500, headers: [['Content-Type', 'text/html']] as const, body: 'ORA-12345' }
  const text = `SecRule RESPONSE_STATUS "@eq 500" "id:1,phase:3,pass"\nSecRule RESPONSE_BODY "@contains ORA-" "id:2,phase:4,deny"`
  const verdict = play(text, { response })
  assert.equal(verdict.ruleIds, [1, 2])
  assert.equal(verdict.phasesRun, [1, 2, 3, 4, 5])
  assert.equal(play(text).phasesRun, [1, 2, 5])
})

test('allow ends the phases but logging', () => {
  const verdict = play(
    `SecAction "id:1,phase:1,allow,msg:x"\nSecAction "id:2,phase:1,pass,msg:x"\nSecAction "id:3,phase:2,deny,msg:x"\nSecAction "id:4,phase:5,pass,msg:x"`,
  )
  assert.equal(verdict.ruleIds, [1, 4])
  const phase = play(
    `SecAction "id:1,phase:1,allow:phase,msg:x"\nSecAction "id:2,phase:1,pass,msg:x"\nSecAction "id:3,phase:2,pass,msg:x"`,
  )
  assert.equal(phase.ruleIds, [1, 3])
})

test('the path is decoded, in Apache behind phase 1; REQUEST_URI on libmodsecurity too, once', () => {
  const text = `SecRule REQUEST_FILENAME "@streq /a b" "id:1,phase:1,pass"
     SecRule REQUEST_URI "@streq /a b?x=%y z+w" "id:2,phase:1,pass"
     SecRule REQUEST_URI "@streq /a%20b?x=%25y%20z+w" "id:3,phase:1,pass"
     SecRule REQUEST_BASENAME "@streq a b" "id:4,phase:1,pass"`
  const uri = '/a%20b?x=%25y%20z+w'
  assert.equal(play(text, { uri }, 'modsec3').ruleIds, [1, 2, 4])
  assert.equal(play(text, { uri }, 'modsec2').ruleIds, [3])
})

test('names of variables keep their bytes above 0x7F', () => {
  const text = `SecRule ARGS_NAMES "@rx ." "id:1,phase:2,pass,nolog,setvar:'TX.count_%{MATCHED_VAR}=+1'"
     SecRule TX:/^count_/ "@eq 2" "id:2,phase:2,pass"`
  assert.equal(play(text, form('%D0%9A=1&%D0%9A=2')).ruleIds, [2])
})

test('bytes stay bytes', () => {
  const text = `SecRule ARGS:a "@rx ^\\xc3\\xa9$" "id:1,phase:2,pass"\nSecRule ARGS:a "@streq \xc3\xa9" "id:2,phase:2,pass"`
  assert.equal(play(text, form('a=%C3%A9')).ruleIds, [1, 2])
})

test('all diagnostics come at once, with file, line and the nearest name', () => {
  let caught: unknown
  try {
    rules(`SecRule ARGZ "@rx x" "id:1,phase:1,pass"
SecRule ARGS "@rxx x" "id:2,phase:1,pass"
SecRule ARGS "@rx x" "id:3,phase:1,pass,t:lowercas"
SecRule ARGS "@rx (" "id:4,phase:1,pass"
SecRule ARGS "@rx x" "id:3,phase:9,pas"
SecRuleEngin On`)
  } catch (error) {
    caught = error
  }
  assert.instance(caught, RulesetError)
  const { diagnostics } = caught as RulesetError
  const codes = diagnostics.map((d) => d.code)
  for (const code of [
    'unknown-variable',
    'unknown-operator',
    'unknown-transformation',
    'bad-phase',
    'unknown-action',
    'unknown-directive',
    'duplicate-id',
  ])
    assert.ok(codes.includes(code), `${code} in ${codes.join(', ')}`)
  const variable = diagnostics.find((d) => d.code === 'unknown-variable')
  assert.is(variable?.span.line, 4)
  assert.is(variable?.hint, 'did you mean "ARGS"?')
  assert.ok(
    diagnostics.some((d) => d.span.line === 7),
    'the broken pattern is reported',
  )
})

test('an open chain is an error', () => {
  assert.throws(() => rules('SecAction "id:1,phase:1,pass,chain"'), /has no next rule/)
})

test('a transaction leaves nothing behind for the next', () => {
  const { ruleset } = rules(
    `SecRule ARGS:a "@streq x" "id:1,phase:1,pass,setvar:tx.seen=1,ctl:ruleRemoveById=3"
     SecRule TX:seen "@eq 1" "id:2,phase:1,pass"
     SecAction "id:3,phase:1,pass,msg:'x'"`,
  )
  assert.equal(evaluate(ruleset, request({ uri: '/?a=x' })).ruleIds, [1, 2])
  assert.equal(evaluate(ruleset, request({ uri: '/?a=y' })).ruleIds, [3])
})

test.run()
