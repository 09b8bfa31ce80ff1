/**
 * What Coraza does in its own way. Every expectation was read off Coraza 3.8.1 (bench/peers/coraza).
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { PlatformName } from '../engine/index.js'
import { play, type RequestShape } from './support/scenario.js'

/** Whether the rule logs. */
function fires(rule: string, shape: RequestShape, platform: PlatformName = 'coraza'): boolean {
  return play(`SecRule ${rule} "id:1,phase:2,pass,log"`, shape, platform).ruleIds.includes(1)
}

const euro = 'a=%E2%82%AC' // the euro sign, three bytes

test('patterns: a character of UTF-8 is one character, a byte that is none is one too', () => {
  assert.ok(fires('ARGS "@rx ^.$"', { uri: `/?${euro}` }))
  assert.not(fires('ARGS "@rx ^.$"', { uri: `/?${euro}` }, 'modsec3'))
  assert.not(fires('ARGS "@rx \\W{2}"', { uri: `/?${euro}` }))
  assert.ok(fires('ARGS "@rx ^\\W{2}$"', { uri: '/?a=%E2%82' }))
  assert.ok(fires('ARGS "@rx ^\\W{3}$"', { uri: '/?a=%FF%E2%82%AC%80' }))
  assert.ok(fires('ARGS "@rx ^€$"'.replace('€', '\xe2\x82\xac'), { uri: `/?${euro}` }))
  assert.not(fires('ARGS "@rx ^\\s$"', { uri: '/?a=%0B' }))
})

test('patterns: one that writes bytes is matched byte by byte, the dot short of line ends', () => {
  assert.ok(fires('ARGS "@rx ^[\\x80-\\xff]{3}$"', { uri: `/?${euro}` }))
  assert.not(fires('ARGS "@rx a.[\\xff]"', { uri: '/?a=a%0A%FF' }))
  assert.ok(fires('ARGS "@rx [^\\x00-\\x7f]"', { uri: `/?${euro}` }))
})

test('patterns: captures are the bytes of the value', () => {
  const rule = (value: string) =>
    `SecRule ARGS "@rx x(.)(.)" "id:2,phase:2,pass,nolog,capture,chain"\nSecRule TX:2 "@streq ${value}" "setvar:tx.seen=1"\nSecRule TX:seen "@eq 1" "id:1,phase:2,pass,log"`
  assert.ok(play(rule('\xff'), { uri: '/?a=%80x%E2%82%AC%FF' }, 'coraza').ruleIds.includes(1))
  assert.ok(play(rule('\xe2\x82\xac'), { uri: '/?a=x%80%E2%82%AC' }, 'coraza').ruleIds.includes(1))
})

test('@detectXSS captures nothing', () => {
  const rules =
    'SecRule ARGS "@detectXSS" "id:2,phase:2,pass,nolog,capture"\nSecRule TX:0 "@rx script" "id:1,phase:2,pass,log"'
  assert.equal(play(rules, { uri: '/?a=<script>' }, 'coraza').ruleIds, [])
  assert.equal(play(rules, { uri: '/?a=<script>' }, 'modsec3').ruleIds, [1])
  assert.equal(play(rules, { uri: '/?a=<script>' }, 'modsec2').ruleIds, [1])
})

test('a body of no known type is read as a form where the body variable is forced', () => {
  const text =
    'SecAction "id:2,phase:1,pass,nolog,ctl:forceRequestBodyVariable=On"\nSecRule ARGS_NAMES "@streq a" "id:1,phase:2,pass,log"'
  const shape = { body: 'a=1', headers: [['Content-Type', 'text/plain']] as const }
  assert.equal(play(text, shape, 'coraza').ruleIds, [1])
  assert.equal(play(text, shape, 'modsec3').ruleIds, [])
})

test('a Content-Type names a form by how it begins', () => {
  const shape = { body: 'a=1', headers: [['Content-Type', ' Application/x-www-form-urlencodedX']] as const }
  assert.ok(fires('ARGS_NAMES "@streq a"', shape))
})

/** Arguments, files and the strict flag of a multipart body whose boundary is B. */
function multipart(body: string, type = 'multipart/form-data; boundary=B') {
  const text = ['ARGS', 'FILES', 'MULTIPART_PART_HEADERS', 'MULTIPART_STRICT_ERROR', 'REQBODY_ERROR']
    .map((name, n) => `SecRule ${name} "@unconditionalMatch" "id:${n + 1},phase:2,pass,log"`)
    .join('\n')
  const { matches } = play(text, { body, headers: [['Content-Type', type]] }, 'coraza')
  const values = (id: number) => matches.filter((match) => match.ruleId === id).map((match) => match.value)
  return { args: values(1), files: values(2), headers: values(3), strict: values(4)[0] || '0', error: values(5)[0] }
}

function part(header: string, value = 'v'): string {
  return `--B\r\n${header}\r\n\r\n${value}\r\n`
}

const named = 'Content-Disposition: form-data; name="a"'

test('multipart: framing as Go reads it', () => {
  assert.equal(multipart(`junk\r\n${part(named)}--B--\r\nmore`).args, ['v'])
  const lines = multipart(`--B\n${named}\n\nx\r\ny\n--B--\n`)
  assert.equal([lines.args, lines.strict, lines.error], [['x\r\ny'], '0', '0'])
  const open = multipart(part(named))
  assert.equal([open.args, open.strict, open.error], [['v'], '1', '0'])
  const none = multipart('a=1')
  assert.equal([none.args, none.strict, none.error], [[], '1', '1'])
  const cut = multipart(`${part(named)}--B\r\nContent-Type: x`)
  assert.equal([cut.args, cut.strict, cut.error], [['v'], '0', '0'])
  const stray = multipart(`${part(named, '1\r\n--Bx\r\n2')}--B--x\r\n`)
  assert.equal([stray.args, stray.strict, stray.error], [['1\r\n--Bx\r\n2'], '1', '1'])
})

test('multipart: part headers and names', () => {
  const odd = multipart(`${part('content-type: x\r\nX-a:\tb\r\n  c')}--B--\r\n`)
  assert.equal([odd.args, odd.headers, odd.strict], [['v'], ['Content-Type: x', 'X-A: b c'], '0'])
  assert.equal(multipart(`${part('no colon')}--B--\r\n`).error, '1')
  assert.equal(multipart(`${part(`${named}\r\n${named}`)}--B--\r\n`).strict, '1')
  assert.equal(multipart(`${part('Content-Disposition: form-data; name=é')}--B--\r\n`).strict, '1')
  const quoted = multipart(
    `${part(`${named}\r\nContent-Transfer-Encoding: quoted-printable`, 'a=3Cb=\r\nc=zz')}--B--\r\n`,
  )
  assert.equal([quoted.args, quoted.headers.length], [['a<bc=zz'], 1])
  const ended = multipart(
    `${part(`${named}\r\nContent-Transfer-Encoding: quoted-printable`, 'a=3C==')}${part(named)}--B--\r\n`,
  )
  const broken = multipart(
    `${part(`${named}; filename=f\r\nContent-Transfer-Encoding: quoted-printable`, '\x01')}${part(named)}--B--\r\n`,
  )
  assert.equal([broken.args, broken.files, broken.error], [[], [], '1'])
  assert.equal([ended.args, ended.strict, ended.error], [['a<'], '1', '0'])
})

test('multipart: a file has the name of filename* and that of filename', () => {
  const files = (more: string) => {
    const { args, files, strict } = multipart(`${part(`${named}; ${more}`)}--B--\r\n`)
    return [...files, args.length, strict]
  }
  assert.equal(files('filename="C:\\a\\"b"'), ['C:\\a"b', 0, '0'])
  assert.equal(files("filename=x; filename*=iso-8859-1''%41b"), ['Ab', 'x', 0, '0'])
  assert.equal(files("filename*=utf-8''%zz"), ['%zz', 0, '1'])
  assert.equal(files('filename*="utf-8\'\'b"'), ['b', 0, '1'])
  assert.equal(files('filename=a; filename*0=b'), ['a', 'b', 0, '1'])
  assert.equal(files('filename=""'), [1, '0'])
  assert.equal(files('filename=a; filename=b'), [1, '1'])
})

test('the request target is split and written anew as Go does', () => {
  const split = (uri: string) => {
    const text = ['REQUEST_URI', 'REQUEST_FILENAME', 'REQUEST_BASENAME', 'QUERY_STRING', 'URI_PARSE_ERROR']
      .map((name, n) => `SecRule ${name} "@unconditionalMatch" "id:${n + 1},phase:1,pass,log"`)
      .join('\n')
    return play(text, { uri }, 'coraza').matches.map((match) => match.value)
  }
  assert.equal(split('/a/b?c=%zz#d'), ['/a/b?c=%zz', '/a/b', 'b', 'c=%zz', '0'])
  assert.equal(split('/a/'), ['/a/', '/a/', '/a/', '', '0'])
  assert.equal(split('/%41%2f"?'), ['/A/%22?', '/A/"', '"', '', '0'])
  assert.equal(split("/%41('"), ["/%41('", "/A('", "A('", '', '0'])
  assert.equal(split('/%zz?a'), ['/%zz?a', '/%zz', '%zz', 'a', '1'])
  assert.equal(split('HTTP://h\xe9/x'), ['http://h%E9/x', '/x', 'x', '', '0'])
  assert.equal(split('a'), ['a', 'a', 'a', '', '1'])
})

test('XML: texts and attributes as Go reads them', () => {
  const xml = (body: string) => {
    const text = ['XML:/*', 'XML://@*', 'REQBODY_ERROR']
      .map((name, n) => `SecRule ${name} "@unconditionalMatch" "id:${n + 1},phase:2,pass,log"`)
      .join('\n')
    const rules = `SecAction "id:9,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"\n${text}`
    const { matches } = play(rules, { body, headers: [['Content-Type', 'text/xml']] }, 'coraza')
    return [1, 2, 3].map((id) => matches.filter((match) => match.ruleId === id).map((match) => match.value))
  }
  assert.equal(xml('<a k="1" m=x n> t <b><![CDATA[<u>]]></b></a>'), [['t', '<u>'], ['1', 'x', 'n'], ['0']])
  assert.equal(xml('<a>&eacute;&lang;&none;&#65;<br>x</a>'), [['\xc3\xa9\xe2\x8c\xa9&none;A', 'x'], [], ['0']])
  assert.equal(xml('<a>x<b>y')[2], ['0'])
  for (const broken of [
    '<a></b>',
    '<a>]]></a>',
    '<a>\x01</a>',
    '<a>\xff</a>',
    '<?xml version="1.0" encoding="latin1"?><a/>',
  ])
    assert.equal(xml(broken), [[], [], ['1']], broken)
})

test.run()
