/**
 * What Apache makes of a request before ModSecurity 2 sees it: refusals, merged headers.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { evaluate, type PlatformName, type TransactionRecord, type Verdict } from '../engine/index.js'
import { request, rules } from './support/scenario.js'

const host: [string, string] = ['Host', 'example.com']
/** A request with these headers and no others. */
function send(text: string, changes: Partial<TransactionRecord['request']>, platform: PlatformName): Verdict {
  const record = request()
  const shape = { ...record, request: { ...record.request, headers: [host], ...changes } }
  return evaluate(rules(text, platform).ruleset, shape)
}

const watch = 'SecAction "id:1,phase:1,pass,log,msg:a"\nSecAction "id:5,phase:5,pass,log,msg:a"'

test('Apache answers 400 before any rule; the libraries run theirs', () => {
  const refused = send(watch, { uri: '/a b' }, 'modsec2')
  assert.is(refused.verdict, 'block')
  assert.is(refused.status, 400)
  assert.equal(refused.blockedBy, { kind: 'server', ruleId: null, phase: 1, action: 'deny' })
  assert.equal(refused.ruleIds, [])
  assert.equal(refused.phasesRun, [])
  assert.equal(send(watch, { uri: '/a b' }, 'modsec3').ruleIds, [1, 5])
})

test('what Apache refuses and what it lets through', () => {
  const status = (changes: Partial<TransactionRecord['request']>) => send(watch, changes, 'modsec2').status
  assert.is(status({}), 200)
  assert.is(status({ method: 'GE(T' }), 400)
  assert.is(status({ uri: '/a#b' }), 400)
  assert.is(status({ uri: 'no-path' }), 400)
  assert.is(status({ uri: 'http://example.com/' }), 200)
  assert.is(status({ uri: '*', method: 'OPTIONS' }), 200)
  assert.is(status({ method: 'CONNECT', uri: 'example.com:443' }), 200)
  assert.is(status({ method: 'CONNECT', uri: 'example.com' }), 400)
  assert.is(status({ headers: [] }), 400)
  assert.is(status({ headers: [], httpVersion: '1.0' }), 200)
  assert.is(status({ headers: [host, ['X Y', '1']] }), 400)
  assert.is(status({ headers: [host, ['X', 'a\x01']] }), 400)
  assert.is(status({ headers: [host, ['X', 'a\tb']] }), 200)
  assert.is(status({ headers: [host, ['Content-Length', '1x']] }), 400)
  assert.is(status({ headers: [['Host', 'a/b']] }), 400)
})

test('Apache refuses a framing that is not one', () => {
  const status = (...headers: [string, string][]) => send(watch, { headers: [host, ...headers] }, 'modsec2').status
  for (const encoding of ['chunked', ' Chunked\t', 'gzip, chunked', 'gzip,chunked', ', chunked', 'chunked, chunked'])
    assert.is(status(['Transfer-Encoding', encoding]), 200, encoding)
  for (const encoding of ['', 'identity', 'chunked, identity', 'chunked,', 'chunked;q=1', 'xchunked'])
    assert.is(status(['Transfer-Encoding', encoding]), 400, encoding)
  assert.is(status(['Transfer-Encoding', 'gzip'], ['Transfer-Encoding', 'chunked']), 200)
  assert.is(status(['Transfer-Encoding', 'chunked'], ['Transfer-Encoding', 'gzip']), 400)
  assert.is(status(['Transfer-Encoding', 'chunked'], ['Content-Length', 'abc']), 400)
  for (const length of ['', '+4', '-4', '4, 4', '9223372036854775808'])
    assert.is(status(['Content-Length', length]), 400, length)
  assert.is(status(['Content-Length', '4'], ['Content-Length', '4']), 400)
  assert.is(status(['Content-Length', '004']), 200)
})

test('Apache hands on no byte beyond Content-Length', () => {
  const text = 'SecRule REQUEST_BODY "@streq a=bc" "id:1,phase:2,pass,log"'
  const headers: [string, string][] = [host, ['Content-Type', 'application/x-www-form-urlencoded']]
  const ids = (length: string, platform: PlatformName): readonly number[] =>
    send(text, { method: 'POST', headers: [...headers, ['Content-Length', length]], body: 'a=bcdef' }, platform).ruleIds
  assert.equal(ids('4', 'modsec2'), [1])
  assert.equal(ids('4', 'modsec3'), [])
  assert.equal(ids('7', 'modsec2'), [])
})

test('Apache merges headers of one name; the libraries see each', () => {
  const text = `SecRule &REQUEST_HEADERS:X "@eq 2" "id:1,phase:1,pass,log"
    SecRule REQUEST_HEADERS:X "@streq a, b" "id:2,phase:1,pass,log"
    SecRule REQUEST_HEADERS:Content-Length "@unconditionalMatch" "id:3,phase:1,pass,log"`
  const headers: [string, string][] = [
    host,
    ['X', 'a'],
    ['x', 'b'],
    ['Content-Length', '0'],
    ['Transfer-Encoding', 'chunked'],
  ]
  assert.equal(send(text, { headers }, 'modsec2').ruleIds, [2])
  assert.equal(send(text, { headers }, 'modsec3').ruleIds, [1, 3])
})

test('Apache merges cookies with a comma, and takes the blanks around values off', () => {
  const text = `SecRule REQUEST_COOKIES:a "@streq 1, b=2" "id:1,phase:1,pass,log"
    SecRule REQUEST_COOKIES:c "@streq 3" "id:2,phase:1,pass,log"
    SecRule REQUEST_HEADERS:X "@streq x" "id:3,phase:1,pass,log"`
  const headers: [string, string][] = [host, ['Cookie', 'a=1'], ['Cookie', 'b=2; c=3 '], ['X', ' x\t']]
  assert.equal(send(text, { headers }, 'modsec2').ruleIds, [1, 2, 3])
})

test('cookies of a header without a semicolon end at commas, for ModSecurity 2', () => {
  const text = `SecRule REQUEST_COOKIES:a "@streq 1" "id:1,phase:1,pass,log"
    SecRule REQUEST_COOKIES:b "@streq 2" "id:2,phase:1,pass,log"
    SecRule REQUEST_COOKIES:a "@streq 1, b=2" "id:3,phase:1,pass,log"`
  const ids = (platform: PlatformName, ...cookies: string[]): readonly number[] =>
    send(text, { headers: [host, ...cookies.map((each): [string, string] => ['Cookie', each])] }, platform).ruleIds
  assert.equal(ids('modsec2', 'a=1, b=2'), [1, 2])
  assert.equal(ids('modsec2', 'a=1', 'b=2'), [1, 2])
  assert.equal(ids('modsec2', 'a=1, b=2;'), [3])
  assert.equal(ids('modsec2', 'a=1, b=2,c=3'), [1, 2])
  assert.equal(ids('modsec2', 'a=1,c=3, b=2'), [])
  assert.equal(ids('modsec3', 'a=1, b=2'), [3])
})

test('ModSecurity 2 sees the path as Apache has it: as sent in phase 1, normalised and decoded behind it', () => {
  const text = `SecRule REQUEST_FILENAME "@streq /a/../x%41%20y//z" "id:1,phase:1,pass,log"
    SecRule REQUEST_FILENAME "@streq /xA y/z" "id:2,phase:2,pass,log"
    SecRule REQUEST_URI "@streq /xA y/z?q=%41" "id:3,phase:2,pass,log"
    SecRule REQUEST_URI_RAW "@streq //a/../x%41%20y//z?q=%41" "id:4,phase:2,pass,log"
    SecRule REQUEST_BASENAME "@streq z" "id:5,phase:2,pass,log"`
  assert.equal(send(text, { uri: '//a/../x%41%20y//z?q=%41' }, 'modsec2').ruleIds, [1, 2, 3, 4, 5])
})

test('Apache refuses some paths between phases 1 and 2; rules see its answer', () => {
  const text = `${watch}
    SecAction "id:2,phase:2,pass,log,msg:a"
    SecRule RESPONSE_STATUS "^40" "id:3,phase:3,pass,log"`
  const status = (uri: string): number => {
    const verdict = send(text, { uri }, 'modsec2')
    assert.equal(verdict.ruleIds, verdict.status === 200 ? [1, 2, 5] : [1, 3, 5])
    return verdict.status
  }
  assert.is(status('/a%2fb'), 404)
  assert.is(status('/a%00'), 404)
  assert.is(status('/a%zz'), 400)
  assert.is(status('/a/../../b'), 400)
  assert.is(status('/.%2e/b'), 400)
  assert.is(status('/a?b=%zz%2f/../..'), 200)
  assert.equal(send(text, { uri: '/a%2fb' }, 'modsec3').ruleIds, [1, 2, 5])
})

test('Apache answers TRACE and OPTIONS * by itself', () => {
  const text = `${watch}\nSecAction "id:2,phase:2,pass,log,msg:a"`
  assert.equal(send(text, { method: 'TRACE' }, 'modsec2').ruleIds, [1, 5])
  assert.equal(send(text, { method: 'OPTIONS', uri: '*' }, 'modsec2').ruleIds, [1, 5])
  const withBody = send(text, { method: 'TRACE', headers: [host, ['Content-Length', '1']], body: 'a' }, 'modsec2')
  assert.equal([withBody.status, withBody.ruleIds], [413, [1, 5]])
  assert.equal(send(text, { method: 'TRACE' }, 'modsec3').ruleIds, [1, 2, 5])
})

test('the host of the request target takes the place of Host', () => {
  const text = 'SecRule REQUEST_HEADERS:Host "@streq 1.2.3.4:80" "id:1,phase:1,pass,log"'
  assert.equal(send(text, { method: 'CONNECT', uri: '1.2.3.4:80' }, 'modsec2').ruleIds, [1])
  assert.equal(send(text, { uri: 'http://1.2.3.4:80/' }, 'modsec2').ruleIds, [1])
  assert.equal(send(text, { uri: 'http://1.2.3.4:80/' }, 'modsec3').ruleIds, [])
})

test('ModSecurity 2 answers 500 to a body that turns out broken at its end; phase 2 does not run', () => {
  const text = `SecRule REQUEST_HEADERS:Content-Type "json" "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
    SecRule REQBODY_ERROR "@eq 1" "id:2,phase:2,pass,log"
    SecAction "id:5,phase:5,pass,log,msg:a"`
  const json = (body: string, platform: PlatformName = 'modsec2'): Verdict =>
    send(text, { method: 'POST', headers: [host, ['Content-Type', 'application/json']], body }, platform)
  for (const body of ['{"a":1', '[1,', 'nul', '1.', '"a', ' ']) {
    assert.equal(json(body).ruleIds, [5], body)
    assert.is(json(body).status, 500, body)
    assert.equal(json(body, 'modsec3').ruleIds, [2, 5], body)
  }
  for (const body of ['{"a":1,}', '[1]]', '[nul]', '[1.]', '"\x80"']) assert.equal(json(body).ruleIds, [2, 5], body)
})

test('ModSecurity 2 reads multipart lines only whole, and header lines below 4096 bytes', () => {
  const text = 'SecRule REQBODY_ERROR "@eq 1" "id:2,phase:2,pass,log"'
  const form = (body: string): Verdict => {
    const type: [string, string] = ['Content-Type', 'multipart/form-data; boundary=b']
    return send(text, { method: 'POST', headers: [host, type], body }, 'modsec2')
  }
  const part = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n'
  assert.is(form(`${part}--b--`).status, 200)
  for (const body of [part, `${part}--b`, `${part}--b--junk`, '--b--', 'nothing'])
    assert.is(form(body).status, 500, body)
  const long = (length: number): string => `--b\r\nX: ${'x'.repeat(length - 3)}`
  assert.is(form(long(4095)).status, 500)
  assert.equal(form(long(4096)).ruleIds, [2])
})

test('a multipart body that is announced and empty has its boundary judged', () => {
  const text = 'SecRule MULTIPART_STRICT_ERROR "@eq 1" "id:3,phase:2,pass,log"'
  const type: [string, string] = ['Content-Type', 'multipart/form-data; boundary= b']
  const send2 = (headers: [string, string][]): Verdict => send(text, { method: 'POST', headers }, 'modsec2')
  assert.equal(send2([host, type, ['Content-Length', '0']]).ruleIds, [3])
  assert.equal(send2([host, type]).ruleIds, [])
})

test('ModSecurity 2 reads Content-Disposition as a grammar of its own; what follows the last boundary is data', () => {
  const text = `SecRule REQBODY_ERROR "@eq 1" "id:1,phase:2,pass,log"
    SecRule MULTIPART_STRICT_ERROR "@eq 1" "id:2,phase:2,pass,log"
    SecRule ARGS_POST "@streq x" "id:3,phase:2,pass,log"`
  const ids = (disposition: string, end = '--b--\r\n') => {
    const body = `--b\r\nContent-Disposition: ${disposition}\r\n\r\nx\r\n${end}`
    const type: [string, string] = ['Content-Type', 'multipart/form-data; boundary=b']
    return send(text, { method: 'POST', headers: [host, type], body }, 'modsec2').ruleIds
  }
  for (const good of [
    'form-data; name=abc',
    'form-data; name=""',
    'form-data ;name = "a;b";',
    'form-data; name="a\\"b"',
  ])
    assert.equal(ids(good), [3], good)
  assert.equal(ids("form-data; name='a'"), [2, 3])
  const bad = ['name=a[b]', 'name=\xd0\xba', 'name="a"b"', 'NAME="a"', 'name="a"; size=1', 'name', 'name=', '']
  for (const each of bad) assert.equal(ids(`form-data; ${each}`), [1, 2], each)
  assert.equal(ids('FORM-DATA; name="a"'), [1, 2])
  assert.equal(ids('form-data; name="a"', '--b--\r\n\r\n'), [2, 3])
})

test('ModSecurity 2 wants the boundary alone in Content-Type', () => {
  const text = `SecRule REQBODY_ERROR "@eq 1" "id:1,phase:2,pass,log"
    SecRule MULTIPART_STRICT_ERROR "@eq 1" "id:2,phase:2,pass,log"
    SecRule ARGS_POST "@streq x" "id:3,phase:2,pass,log"`
  const ids = (type: string, boundary = 'b') => {
    const body = `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--${boundary}--\r\n`
    const header: [string, string] = ['Content-Type', `multipart/form-data${type}`]
    return send(text, { method: 'POST', headers: [host, header], body }, 'modsec2').ruleIds
  }
  for (const each of [';boundary=b', ' ;  boundary=b', '; boundary=b ']) assert.equal(ids(each), [3], each)
  assert.equal(ids('; boundary=b,c', 'b,c'), [3])
  for (const each of [' boundary=b', '; boundary="b"', '; boundary =b']) assert.equal(ids(each), [2, 3], each)
  assert.equal(ids('; boundary= b', ' b'), [2, 3])
  const bad = [
    '; charset=utf-8; boundary=b',
    '; boundary=b; charset=utf-8',
    '; BOUNDARY=b',
    ';; boundary=b',
    ', boundary=b',
  ]
  for (const each of [...bad, '; boundary=b;', '; boundary="b', '; boundaryx=b']) assert.equal(ids(each), [1, 2], each)
})

test('MATCHED_VAR holds nothing behind a NUL on ModSecurity 2, but is as long', () => {
  const text = `SecRule ARGS:a "@rx ." "id:1,phase:2,pass,log,t:none,chain"
    SecRule MATCHED_VAR "@contains /" "t:none"
    SecRule ARGS:a "@rx ." "id:2,phase:2,pass,log,t:none,chain"
    SecRule MATCHED_VARS "@rx ^x.{2}$" "t:none"`
  assert.equal(send(text, { uri: '/?a=x%00/' }, 'modsec2').ruleIds, [2])
  assert.equal(send(text, { uri: '/?a=x%00/' }, 'modsec3').ruleIds, [1, 2])
})

test.run()
