/**
 * What Coraza makes of requests, bodies and captures in its own way. Every expectation was read off Coraza 3.8.1
 * (bench/peers/coraza).
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type PlatformName, RulesetError } from '../engine/index.js'
import { play, type RequestShape, rules } from './support/scenario.js'

/** Which of the tests (`TARGET OPERATOR`) hold, by position, behind the rules of `before`. */
function holding(tests: readonly string[], shape: RequestShape, before = '', platform: PlatformName = 'coraza') {
  const text = tests.map((test, n) => {
    const [target = '', ...operator] = test.split(' ')
    return `SecRule ${target} "${operator.join(' ')}" "id:${n + 1},phase:2,pass,log"`
  })
  return play([before, ...text].join('\n'), shape, platform).ruleIds.filter((id) => id < 100)
}

function capturing(id: number, target: string, operator: string): string {
  return `SecRule ${target} "${operator}" "id:${id},phase:1,pass,nolog,capture"\n`
}

function multipart(...parts: readonly string[]): RequestShape {
  const body = `${parts.map((part) => `--B\r\nContent-Disposition: form-data; ${part}\r\n`).join('')}--B--\r\n`
  return { body, headers: [['Content-Type', 'multipart/form-data; boundary=B']] }
}

test('captures: what a match has no value for stays; all are there from the start', () => {
  const before = capturing(100, 'ARGS:a', '@rx ^(.)(.)(.)') + capturing(101, 'ARGS:b', '@rx ^(x)')
  const shape = { uri: '/?a=abc&b=xy' }
  const tests = ['TX:0 @streq x', 'TX:1 @streq x', 'TX:2 @streq b', 'TX:3 @streq c', 'TX:4 @rx ^$', '&TX:11 @eq 0']
  assert.equal(holding(tests, shape, before), [1, 2, 3, 4, 5, 6])
  assert.equal(holding(tests, shape, before, 'modsec3'), [1, 2, 6])
  assert.equal(holding(['&TX @eq 11', 'TX:10 @rx ^$'], {}), [1, 2])
})

test('captures: nine of a pattern, all phrases, the fingerprint of @detectSQLi', () => {
  const ten = capturing(100, 'ARGS:a', `@rx ^${'(.)'.repeat(11)}`)
  assert.equal(holding(['TX:8 @streq h', 'TX:9 @rx .'], { uri: '/?a=abcdefghijk' }, ten), [1])
  const phrases = capturing(100, 'ARGS:a', '@pm foo bar foobar')
  const found = ['TX:0 @streq FooBar', 'TX:1 @streq Bar', 'TX:2 @streq bar', 'TX:3 @rx .']
  assert.equal(holding(found, { uri: '/?a=xFooBarxbar' }, phrases), [1, 2, 3])
  assert.equal(holding(['TX:0 @streq foo', 'TX:1 @rx .'], { uri: '/?a=xFooBarxbar' }, phrases, 'modsec3'), [1])
  const sqli = capturing(100, 'ARGS:a', '@rx ^(.)(.)') + capturing(101, 'ARGS:b', '@detectSQLi')
  assert.equal(holding(['TX:0 @rx &', 'TX:1 @streq x'], { uri: "/?a=xy&b=1' or 1=1--" }, sqli), [1, 2])
})

test('macros: what has no such key is its text, a capture is empty', () => {
  const set = (value: string) => `SecAction "id:100,phase:1,pass,nolog,setvar:tx.a=%{${value}}"`
  assert.equal(holding(['TX:a @streq tx.none'], {}, set('tx.none')), [1])
  assert.equal(holding(['TX:a @rx ^$'], {}, set('tx.3')), [1])
  assert.equal(holding(['TX:a @streq args'], { uri: '/?b=1' }, set('args')), [1])
  assert.equal(holding(['TX:a @streq UNKNOWN'], {}, set('MATCHED_VAR_NAME')), [1])
})

test('macros: patterns and phrases hold none', () => {
  const set = 'SecAction "id:100,phase:1,pass,nolog,setvar:tx.a=x"'
  const tests = ['ARGS @rx ^%{tx.a}$', 'ARGS @pm %{tx.a}', 'ARGS @streq %{tx.a}', 'ARGS @within %{tx.a}']
  assert.equal(holding(tests, { uri: '/?b=x' }, set), [3, 4])
  assert.equal(holding(tests, { uri: '/?b=x' }, set, 'modsec3'), [1, 2, 3, 4])
  assert.equal(holding(tests, { uri: '/?b=%25{tx.a}' }, set), [1, 2])
})

test('REQUEST_BODY_LENGTH is that of a form', () => {
  const length = ['REQUEST_BODY_LENGTH @eq 3', 'REQUEST_BODY_LENGTH @eq 0']
  assert.equal(holding(length, { body: 'a=1' }), [1])
  assert.equal(holding(length, { body: 'a=1', headers: [['Content-Type', 'text/plain']] }), [2])
  assert.equal(holding(length, { body: 'a=1', headers: [['Content-Type', 'text/plain']] }, '', 'modsec3'), [1])
})

test('JSON: no REQUEST_BODY even where it is forced; the text is TX:json_request_body', () => {
  const json = 'SecAction "id:100,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON,ctl:forceRequestBodyVariable=On"'
  const tests = ['REQUEST_BODY @rx .', 'TX:json_request_body @streq [1]']
  assert.equal(holding(tests, { body: '[1]' }, json), [2])
  assert.equal(holding(tests, { body: '[1' }, json), [])
})

test('RAW: the body as it is', () => {
  const raw = 'SecAction "id:100,phase:1,pass,nolog,ctl:requestBodyProcessor=RAW"'
  const tests = ['REQUEST_BODY @streq a=1', 'REQUEST_BODY_LENGTH @eq 3', '&ARGS @eq 0', 'REQBODY_ERROR @eq 0']
  assert.equal(holding(tests, { body: 'a=1' }, raw), [1, 2, 3, 4])
  assert.equal(holding(['REQBODY_ERROR @eq 1'], { body: 'a=1' }, raw, 'modsec3'), [1])
})

test('a name in capitals finds nothing in ARGS_NAMES', () => {
  const tests = ['ARGS_NAMES:A @rx .', 'ARGS_NAMES:a @rx .', 'ARGS:A @rx .', 'REQUEST_HEADERS_NAMES:Host @rx .']
  assert.equal(holding(tests, { uri: '/?A=1' }), [2, 3, 4])
})

test('files: no keys, sizes by file name, fields in the combined size', () => {
  const shape = multipart('name="a"; filename="x.txt"\r\n\r\n12345', 'name="b"\r\n\r\n123')
  const keys = ['FILES @streq x.txt', 'FILES:a @rx .', 'FILES_NAMES @streq a', 'FILES_NAMES:a @rx .']
  assert.equal(holding(keys, shape), [1, 3])
  assert.equal(holding(keys, shape, '', 'modsec3'), [1, 2, 3, 4])
  const sizes = [
    'FILES_SIZES:x.txt @eq 5',
    'FILES_SIZES:a @eq 5',
    'FILES_COMBINED_SIZE @eq 8',
    '&FILES_TMP_CONTENT @eq 0',
  ]
  assert.equal(holding(sizes, shape), [1, 3, 4])
})

test('SecArgumentSeparator is not honoured, SecArgumentsLimit also cuts the query', () => {
  assert.equal(holding(['ARGS:a @streq 1;b=2'], { uri: '/?a=1;b=2' }, 'SecArgumentSeparator ;'), [1])
  const limit = 'SecArgumentsLimit 2'
  const tests = ['ARGUMENTS_LIMIT_REACHED @eq 1', '&ARGS @eq 2', '&ARGS @eq 3', '&ARGS @eq 4']
  assert.equal(holding(tests, { uri: '/?a=1&a=2&a=3' }, limit), [1, 2])
  assert.equal(holding(tests, { uri: '/?a=1&b=2&&' }, limit), [2])
  assert.equal(holding(tests, { uri: '/?a=1', body: 'a=1&b=2' }, limit), [3])
  assert.equal(holding(tests, { uri: '/?a=1&b=2', body: 'a=1&b=2&c=3' }, limit), [1, 4])
  assert.equal(
    holding(tests, { body: '[1,2,3]' }, `${limit}\nSecAction "id:100,phase:1,pass,ctl:requestBodyProcessor=JSON"`),
    [1, 2],
  )
})

test('JSON: arguments and lengths of arrays are limited one by one', () => {
  const before = 'SecArgumentsLimit 2\nSecAction "id:100,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"\n'
  const tests = ['ARGUMENTS_LIMIT_REACHED @eq 1', 'ARGS:json @eq 2', '&ARGS @eq 2', '&ARGS @eq 4']
  assert.equal(holding(tests, { body: '[1,[2]]' }, before), [2, 4])
  assert.equal(holding(tests, { body: '[1,[2,3]]' }, before), [1, 3])
  assert.equal(holding(tests, { body: '[[[[1]]],2]' }, before), [1, 4])
})

test('of a form name in several cases the last spelling stays', () => {
  const tests = ['ARGS @streq 1', 'ARGS @streq 2', 'ARGS @streq 3']
  assert.equal(holding(tests, { body: 'a=1&A=2&a=3' }), [2])
  assert.equal(holding(tests, { uri: '/?a=1&A=2&a=3' }), [1, 2, 3])
})

test('values come name by name, those of the body behind the query', () => {
  const last = (shape: RequestShape, value: string) =>
    holding([`TX:0 @streq ${value}`], shape, 'SecRule ARGS "@rx ." "id:100,phase:2,pass,nolog,capture"')
  assert.equal(last({ uri: '/?a=1&b=2&a=3' }, '2'), [1])
  assert.equal(last({ uri: '/?a=1&b=2', body: 'a=3' }, '3'), [1])
})

test('a body of exactly the limit is over it', () => {
  const limit = (action: string) => `SecRequestBodyLimit 5\nSecRequestBodyLimitAction ${action}`
  const tests = ['ARGS @streq 123', 'ARGS @streq 12', 'INBOUND_DATA_ERROR @eq 1']
  assert.equal(holding(tests, { body: 'a=12' }, limit('Reject')), [2])
  assert.equal(holding(tests, { body: 'a=123' }, limit('ProcessPartial')), [1, 3])
  const late = `${limit('Reject')}\nSecRule INBOUND_DATA_ERROR "@eq 1" "id:100,phase:5,pass,log"`
  const refused = play(late, { body: 'a=123' }, 'coraza')
  assert.equal([refused.status, refused.verdict, refused.ruleIds], [413, 'block', [100]])
  const detecting = `${late}\nSecAction "id:101,phase:1,pass,nolog,ctl:ruleEngine=DetectionOnly"`
  assert.is(play(detecting, { body: 'a=123' }, 'coraza').status, 413)
  assert.is(play(`${late}\nSecRuleEngine DetectionOnly`, { body: 'a=123' }, 'coraza').status, 200)
  assert.is(play(late, { body: 'a=123' }, 'modsec3').status, 200)
})

test('no single value of IP can be named', () => {
  const load = (target: string, platform: PlatformName) => rules(`SecRule ${target} "@eq 1" "id:1,phase:1"`, platform)
  for (const target of ['IP:x', '&IP:x', 'ARGS|!IP:x']) {
    assert.throws(
      () => load(target, 'coraza'),
      (error: unknown) => error instanceof RulesetError,
    )
    load(target, 'modsec3')
  }
  load('IP', 'coraza')
})

test('REQBODY_ERROR_MSG begins with the processor', () => {
  const processor = (name: string) => `SecAction "id:100,phase:1,pass,nolog,ctl:requestBodyProcessor=${name}"`
  const messages = (name: string, message: string) => [
    `REQBODY_ERROR_MSG @streq ${name}: ${message}`,
    `REQBODY_PROCESSOR_ERROR_MSG @streq ${message}`,
  ]
  assert.equal(holding(messages('JSON', 'invalid JSON'), { body: '[1' }, processor('JSON')), [1, 2])
  assert.equal(holding(messages('FOO', 'invalid body processor'), { body: 'a' }, processor('FOO')), [1, 2])
})

test('variables that are empty, 0 or not there', () => {
  const there = ['&MULTIPART_LF_LINE @eq 0', '&FULL_REQUEST @eq 0', '&PATH_INFO @eq 0', 'FULL_REQUEST_LENGTH @streq 0']
  assert.equal(holding(there, {}), [1, 2, 3, 4])
  const empty = ['MULTIPART_STRICT_ERROR', 'INBOUND_DATA_ERROR', 'REQUEST_BODY', 'REMOTE_HOST', 'RESPONSE_STATUS']
  assert.equal(
    holding(
      empty.map((name) => `${name} @rx ^$`),
      {},
    ),
    [1, 2, 3, 4, 5],
  )
  assert.equal(holding(['REQUEST_BODY @streq 0', 'OUTBOUND_DATA_ERROR @streq 0'], { body: '0' }), [1, 2])
})

test('the response: its type, length and limit', () => {
  const limit = (action: string) =>
    `SecResponseBodyMimeType text/html\nSecResponseBodyLimit 10\nSecResponseBodyLimitAction ${action}\n`
  const logging = (before: string, tests: readonly string[], type: string, body: string) => {
    const texts = tests.map((test, n) => {
      const [target = '', ...operator] = test.split(' ')
      return `SecRule ${target} "${operator.join(' ')}" "id:${n + 1},phase:5,pass,log"`
    })
    const response = { status: 200, headers: [['Content-Type', type]] as const, body }
    return play(
      [before, 'SecRule OUTBOUND_DATA_ERROR "@eq 1" "id:100,phase:3,pass,nolog"', ...texts].join('\n'),
      { response },
      'coraza',
    ).ruleIds
  }
  const tests = ['RESPONSE_CONTENT_TYPE @streq text/html', 'RESPONSE_CONTENT_LENGTH @eq 5', 'OUTBOUND_DATA_ERROR @eq 1']
  assert.equal(logging(limit('Reject'), tests, 'text/html; charset=utf-8', 'hello'), [1, 2])
  assert.equal(logging(limit('Reject'), tests, 'text/html', '0123456789'), [1, 3])
  assert.equal(logging(limit('ProcessPartial'), tests, 'text/html', '0123456789'), [1, 3])
  assert.equal(logging(limit('Reject'), ['RESPONSE_CONTENT_LENGTH @rx ^$'], 'image/png', 'hello'), [1])
})

test.run()
