/**
 * Values of variables that libmodsecurity 3.0.9 has otherwise than the manual says; every one was seen on the engine.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { play, type RequestShape } from './support/scenario.js'

/** `name value` of all that a rule without a condition sees; null where there is nothing. */
function seen(target: string, phase: number, shape: RequestShape = {}): string | null {
  const { matches } = play(
    `SecRule REQUEST_HEADERS:Content-Type "@rx json" "id:9,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule ${target} "@unconditionalMatch" "id:1,phase:${phase},pass,log,logdata:'%{MATCHED_VAR_NAME} %{MATCHED_VAR}'"`,
    shape,
  )
  return matches.find(({ ruleId }) => ruleId === 1)?.logdata ?? null
}

test('what nothing has set has one empty value', () => {
  for (const name of ['AUTH_TYPE', 'REQBODY_ERROR', 'MULTIPART_STRICT_ERROR', 'ARGS_COMBINED_SIZE', 'REQUEST_BODY'])
    assert.is(seen(name, 1), `${name} `)
  assert.is(seen('REQBODY_ERROR', 2), 'REQBODY_ERROR 0')
  assert.is(seen('REQBODY_ERROR', 2, { body: 'a=1' }), 'REQBODY_ERROR ')
  assert.is(seen('MULTIPART_STRICT_ERROR', 2, { body: 'a=1' }), 'MULTIPART_STRICT_ERROR ')
  assert.is(seen('INBOUND_DATA_ERROR', 2), 'INBOUND_DATA_ERROR 0')
})

test('a count is named without its sign', () => {
  assert.is(seen('&ARGS', 1, { uri: '/?a=1' }), 'ARGS 1')
})

test('ARGS_COMBINED_SIZE is a decimal', () => {
  assert.is(seen('ARGS_COMBINED_SIZE', 2, { uri: '/?a=12' }), 'ARGS_COMBINED_SIZE 3.000000')
})

test('JSON is in ARGS, and not in ARGS_POST', () => {
  const json: RequestShape = { body: '{"a":1}', headers: [['Content-Type', 'application/json']] }
  assert.is(seen('ARGS', 2, json), 'ARGS:json.a 1')
  assert.is(seen('ARGS_POST', 2, json), null)
  assert.is(seen('ARGS_POST_NAMES', 2, json), null)
})

test('the last Content-Type that names a form or multipart counts', () => {
  const form: [string, string] = ['Content-Type', 'application/x-www-form-urlencoded']
  const text: [string, string] = ['Content-Type', 'text/plain']
  assert.is(seen('ARGS', 2, { body: 'a=1', headers: [form, text] }), 'ARGS:a 1')
  assert.is(seen('ARGS', 2, { body: 'a=1', headers: [text, form] }), 'ARGS:a 1')
  assert.is(seen('REQBODY_PROCESSOR', 1, { body: 'a=1', headers: [form, text] }), 'REQBODY_PROCESSOR URLENCODED')
})

test('FULL_REQUEST has no request line', () => {
  const shape: RequestShape = { body: 'a=1' }
  assert.match(seen('FULL_REQUEST', 2, shape) ?? '', /^FULL_REQUEST Host: www\.example\.com\n.*\n\n\na=1$/s)
})

test('SERVER_NAME ends at the first colon', () => {
  assert.match(seen('SERVER_NAME', 1) ?? '', /^SERVER_NAME www/)
})

test('the line of the response is what the connector says', () => {
  const response = { status: 200, headers: [['Content-Type', 'text/html; charset=utf-8']] as const, body: '' }
  assert.is(seen('RESPONSE_PROTOCOL', 3, { response }), 'RESPONSE_PROTOCOL HTTP 1.1')
  assert.is(seen('RESPONSE_CONTENT_TYPE', 3, { response }), 'RESPONSE_CONTENT_TYPE text/html')
  assert.match(seen('STATUS_LINE', 3, { response }) ?? '', / 200$/)
})

test('values come in the order of libmodsecurity 3.0.9, whose hash takes the byte FF for -1', () => {
  const text = `
SecRule REQUEST_COOKIES "@rx ." "id:1,phase:1,pass,nolog,setvar:'tx.order=%{tx.order}%{MATCHED_VAR}'"
SecRule TX:order "@rx ." "id:2,phase:1,pass,log,msg:'seen',logdata:'%{MATCHED_VAR}'"
`
  for (const [names, expected] of [
    [['a', 'c\xff\xff', 'c', 'bb'], '1243'],
    [['acb', 'a', 'b', '\xffaa'], '1234'],
    [['b\xffd', 'db', '\xff', 'b\xfe'], '1243'],
    [['b\xffb', '\xff', 'cca', 'b\xfe'], '1234'],
  ] as const) {
    const cookie = names.map((name, at) => `${name}=${at + 1}`).join('; ')
    const verdict = play(text, { headers: [['Cookie', cookie]] })
    assert.is(verdict.matches.find(({ ruleId }) => ruleId === 2)?.logdata, expected, cookie)
  }
})

test.run()
