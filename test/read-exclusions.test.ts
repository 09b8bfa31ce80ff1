/**
 * Reading exclusions back: what each directive and ctl excludes, for whom, where it belongs and where it stands.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { formatDiagnostic } from '../engine/errors.js'
import { beginComment, endComment } from '../engine/tuning/markers.js'
import { type ReadExclusion, readExclusions } from '../engine/tuning/read-exclusions.js'

function read(text: string): readonly ReadExclusion[] {
  const { exclusions, diagnostics } = readExclusions(text, 'x.conf', 'modsec3')
  assert.equal(diagnostics.map(formatDiagnostic), [])
  return exclusions
}

const brief = (list: readonly ReadExclusion[]): unknown[] =>
  list.map(({ kind, placement, selector, targets }) => [kind, placement, selector, ...targets])

test('directives that remove rules and targets', () => {
  const list = read(
    [
      'SecRuleRemoveById 942100 "942110-942120"',
      'SecRuleRemoveByTag "attack-sqli"',
      "SecRuleRemoveByMsg 'XSS Attack'",
      'SecRuleUpdateTargetById 942100 "!ARGS:a|!REQUEST_COOKIES:/^x,|y/|ARGS:added"',
      'SecRuleUpdateTargetByTag "OWASP_CRS" "!ARGS:password"',
      'SecRuleUpdateTargetById 942100 "ARGS:only_added"',
      'SecRuleUpdateActionById 942100 "pass"',
      'SecRuleEngine DetectionOnly',
    ].join('\n'),
  )
  assert.equal(brief(list), [
    ['remove-by-id', 'after', '942100 942110-942120'],
    ['remove-by-tag', 'after', 'attack-sqli'],
    ['remove-by-msg', 'after', 'XSS Attack'],
    ['update-target-by-id', 'after', '942100', 'ARGS:a', 'REQUEST_COOKIES:/^x,|y/'],
    ['update-target-by-tag', 'after', 'OWASP_CRS', 'ARGS:password'],
    ['update-action-by-id', 'after', '942100'],
  ])
  assert.equal(list[0]?.ids, [
    [942100, 942100],
    [942110, 942120],
  ])
  assert.equal(list[4]?.tags, ['OWASP_CRS'])
  assert.is(list[3]?.span.line, 4)
})

test('ctl actions, with the links that must match before them', () => {
  const list = read(`SecRule REQUEST_HEADERS:Host "@streq shop.example.com" \\
    "id:10001,phase:1,pass,t:none,nolog,chain"
    SecRule REQUEST_FILENAME "@streq /a" "t:none,ctl:ruleRemoveTargetById=942100;ARGS:x,ctl:ruleRemoveByTag=attack-xss,chain"
    SecRule ARGS "@rx y" "t:lowercase"
SecAction "id:10002,phase:1,pass,nolog,ctl:ruleEngine=Off"
SecRule REMOTE_ADDR "@ipMatch 192.0.2.1" "id:10003,phase:1,allow,nolog"
`)
  assert.equal(brief(list), [
    ['ctl-remove-target-by-id', 'before', '942100', 'ARGS:x'],
    ['ctl-remove-by-tag', 'before', 'attack-xss'],
    ['ctl-switch', 'before', 'ruleEngine=Off'],
    ['allow', 'before', 'allow'],
  ])
  const [first, , switched] = list
  assert.equal(first?.scope, { path: '/a', host: 'shop.example.com', method: null })
  assert.equal(
    first?.conditions.map((each) => each.targets),
    [['REQUEST_HEADERS:Host'], ['REQUEST_FILENAME']],
  )
  assert.is(first?.linksBehind, 1)
  assert.equal(first?.holder, { id: 10001, phase: '1' })
  assert.equal(first?.lines, [1, 4])
  assert.equal(switched?.conditions, [])
})

test('settings are a SecAction that does nothing else; a rule that removes nothing is none', () => {
  const list = read(`SecAction \\
    "id:900200,phase:1,pass,t:none,nolog,\\
    setvar:'tx.allowed_methods=GET HEAD POST PUT'"
SecAction "id:2,phase:1,deny,setvar:tx.a=1"
SecRule ARGS "@rx x" "id:3,phase:2,deny"
`)
  assert.equal(brief(list), [['setting', 'setup', 'tx.allowed_methods', 'TX:allowed_methods']])
  assert.is(list[0]?.value, 'GET HEAD POST PUT')
})

test('containers of requests are a place of their own, other containers are looked through', () => {
  const list = read(`<IfModule security2_module>
  SecRuleRemoveById 1
  <LocationMatch "^/x$">
    SecRuleRemoveById 942100
    SecRuleEngine Off
  </LocationMatch>
</IfModule>
`)
  assert.equal(brief(list), [
    ['remove-by-id', 'after', '1'],
    ['location-remove-by-id', 'location', '942100'],
    ['engine-switch', 'location', 'SecRuleEngine=Off'],
  ])
  assert.equal(list[1]?.containers, ['<IfModule security2_module>', '<LocationMatch "^/x$">'])
})

test('a file falls apart by place, each part with the lines of the file', () => {
  const lines = [
    '# about the setting',
    'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
    '# about the rule',
    'SecRule REQUEST_FILENAME "@streq /a" \\',
    '    "id:2,phase:1,pass,nolog,ctl:ruleRemoveById=942100"',
    '',
    '# about the removal',
    'SecRuleRemoveById 942100',
    '<Location /x>',
    '  SecRuleRemoveById 942100',
    '</Location>',
  ]
  const { texts } = readExclusions(lines.join('\n'), 'x.conf', 'modsec2')
  const kept = (text: string): number[] => text.split('\n').flatMap((line, at) => (line === '' ? [] : [at + 1]))
  assert.equal(kept(texts.setup), [1, 2])
  assert.equal(kept(texts.before), [3, 4, 5])
  assert.equal(kept(texts.after), [7, 8])
  assert.equal(kept(texts.location), [9, 10, 11])
  assert.is(texts.after.split('\n')[7], 'SecRuleRemoveById 942100')
})

test('blocks that wafsim wrote give their key; text that cannot be parsed is reported', () => {
  const mark = {
    key: 'abc123',
    kind: 'remove-by-id',
    placement: 'after',
    rules: [942100],
    ids: [],
    date: '2026-12-01',
    price: null,
  } as const
  const body = ['SecRuleRemoveById 942100']
  const text = [beginComment(mark), ...body, endComment('abc123', body), 'SecRuleRemoveById 942110'].join('\n')
  assert.equal(
    read(text).map((each) => each.key),
    ['abc123', null],
  )
  const broken = readExclusions('SecRuleRemoveById 1\n"oops\n', 'x.conf', 'modsec3')
  assert.is(broken.exclusions.length, 1)
  assert.is(broken.diagnostics[0]?.span.line, 2)
})

test.run()
