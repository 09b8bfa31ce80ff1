/**
 * Body processors: what becomes arguments, files and flags; what is an error; what hostile bodies do.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bodyProcessors, findBodyProcessor, parseCookies, parseUrlEncoded } from '../engine/bodies/index.js'
import type { BodyResult } from '../engine/model/definitions.js'
import { type PlatformName, platforms } from '../engine/model/platform.js'

interface Input {
  readonly type?: string
  readonly platform?: PlatformName
  readonly depth?: number
  readonly args?: number
  readonly files?: number
}

function process(name: string, body: string, input: Input = {}): BodyResult {
  const processor = findBodyProcessor(name)
  if (processor === null) throw new Error(`no processor ${name}`)
  return processor.process({
    body,
    contentType: input.type ?? '',
    argumentSeparator: '&',
    limits: { depth: input.depth ?? 512, args: input.args ?? 1000, files: input.files ?? 100 },
    platform: platforms[input.platform ?? 'modsec3'],
  })
}

function pairs(result: BodyResult): string[] {
  return result.args.map(({ key, value }) => `${key}=${value}`)
}

test('forms: names and values are decoded, broken sequences stay and are flagged', () => {
  const form = (text: string, platform: PlatformName = 'modsec3') => {
    const { entries, error } = parseUrlEncoded(text, '&', platforms[platform])
    return { pairs: entries.map(({ key, value }) => `${key}=${value}`), error }
  }
  assert.equal(form('a=1&b=x+y%20z&c'), { pairs: ['a=1', 'b=x y z', 'c='], error: false })
  assert.equal(form('a=%41%zz%4'), { pairs: ['a=A%zz%4'], error: true })
  assert.equal(form('a=1&a=2&=x&&b='), { pairs: ['a=1', 'a=2', '=x', '=', 'b='], error: false })
  assert.equal(form('a=1&&b=', 'coraza'), { pairs: ['a=1', 'b='], error: false })
  assert.equal(form('a=%zz', 'coraza'), { pairs: ['a=%zz'], error: false })
  assert.equal(form('n%61me=%C3%A9%00'), { pairs: ['name=\xc3\xa9\0'], error: false })
  assert.equal(form(''), { pairs: [], error: false })
  assert.is(process('URLENCODED', 'a=1&b=2&c=3', { args: 2 }).args.length, 2)
  assert.is(process('URLENCODED', 'a=1&b=2&c=3', { args: 2 }).error, null)
  assert.ok(process('URLENCODED', 'a=1&b=2&c=3', { args: 2, platform: 'modsec2' }).error)
})

test('cookies: split at semicolons, values as they are', () => {
  const cookies = (text: string) => parseCookies(text, platforms.modsec3).map(({ key, value }) => `${key}=${value}`)
  assert.equal(cookies('a=1; b=x=y;c;  d="q r"'), ['a=1', 'b=x=y', 'c=', 'd="q r"'])
  assert.equal(cookies(''), [])
})

test('JSON: names as each platform spells them', () => {
  const body = '{"a":[{"b":1},"x"],"c":{"d":true,"e":null}}'
  assert.equal(pairs(process('JSON', body)), ['json.a.array_0.b=1', 'json.a.array_1=x', 'json.c.d=true', 'json.c.e='])
  assert.equal(pairs(process('JSON', body, { platform: 'coraza' })), [
    'json.a.0.b=1',
    'json.a.1=x',
    'json.a=2',
    'json.c.d=true',
    'json.c.e=',
  ])
  assert.ok(pairs(process('JSON', body, { platform: 'modsec2' })).includes('c.d=true'))
})

test('JSON: bytes, escapes, numbers and duplicate keys are kept', () => {
  assert.equal(pairs(process('JSON', '{"k":"caf\xc3\xa9\\u00e9\\n\\"\\ud83d\\ude00"}')), [
    'json.k=caf\xc3\xa9\xc3\xa9\n"\xf0\x9f\x98\x80',
  ])
  assert.equal(pairs(process('JSON', '{"n":1.50e+3,"n":-0}')), ['json.n=1.50e+3', 'json.n=-0'])
  assert.equal(pairs(process('JSON', ' "top" ')), ['json=top'])
  assert.equal(pairs(process('JSON', '[1,[2,[3]]]')), [
    'json.array_0=1',
    'json.array_1.array_0=2',
    'json.array_1.array_1.array_0=3',
  ])
})

test('JSON: what is broken is an error, and arguments before it are kept', () => {
  for (const body of [
    '{"a":1,}',
    '{"a"',
    '{a:1}',
    '[1 2]',
    '"\xff"',
    '{"a":01}',
    '{}x',
    '',
    '{"a":"\\x"}',
    '[1,2',
    "{'a':1}",
  ]) {
    const result = process('JSON', body)
    assert.match(result.error ?? '', /^JSON parsing error/, body)
  }
  assert.equal(pairs(process('JSON', '{"a":1,"b":')), ['json.a=1'])
  assert.ok(process('JSON', '[[[1]]]', { depth: 2 }).error)
  assert.is(process('JSON', '[[1]]', { depth: 2 }).error, null)
})

const type = 'multipart/form-data; boundary=B'

function part(disposition: string, value: string, more = ''): string {
  return `--B\r\nContent-Disposition: ${disposition}\r\n${more}\r\n${value}\r\n`
}

test('multipart: fields are arguments, parts with a file name are files', () => {
  const platform = 'modsec2'
  const body = `${part('form-data; name="a"', 'line 1\r\nline 2')}${part('form-data; name="f"; filename="x\\"y.txt"', 'data', 'Content-Type: text/plain\r\n')}--B--\r\n`
  const result = process('MULTIPART', body, { type, platform })
  assert.is(result.error, null)
  assert.equal(pairs(result), ['a=line 1\r\nline 2'])
  assert.equal(
    result.parts?.map(({ name, fileName, value }) => [name, fileName, value]),
    [
      ['a', null, 'line 1\r\nline 2'],
      ['f', 'x"y.txt', 'data'],
    ],
  )
  assert.equal(result.parts?.[1]?.headerLines, [
    'Content-Disposition: form-data; name="f"; filename="x\\"y.txt"',
    'Content-Type: text/plain',
  ])
  assert.ok(Object.values(result.flags ?? {}).every((flag) => flag === false || flag === 0))
})

const good = `${part('form-data; name="a"', 'x')}--B--\r\n`

test('multipart: each odd thing raises its flag', () => {
  const flags = (body: string, contentType = type, input: Input = {}) =>
    Object.entries(process('MULTIPART', body, { ...input, type: contentType, platform: 'modsec2' }).flags ?? {})
      .filter(([, on]) => on !== false && on !== 0)
      .map(([name]) => name)
  assert.equal(flags(good), [])
  assert.equal(flags(good, 'multipart/form-data; boundary="B"'), ['boundaryQuoted'])
  assert.equal(flags(good.replaceAll('--B', '-- B'), 'multipart/form-data; boundary= B'), ['boundaryWhitespace'])
  assert.equal(flags(good, 'multipart/form-data boundary=B'), ['missingSemicolon'])
  assert.equal(flags(`junk\r\n${good}`), ['dataBefore'])
  assert.equal(flags(`${good}junk\r\n`), ['dataAfter'])
  assert.equal(flags(good.replaceAll('\r\n', '\n')), ['lfLine'])
  assert.equal(flags(good.replace('\r\n', '\n')), ['lfLine', 'crlfLf'])
  assert.equal(flags(good.replace('form-data; ', 'form-data;\r\n ')), ['headerFolding'])
  assert.equal(flags(good.replace('"a"', "'a'")), ['invalidQuoting'])
  assert.equal(flags(`--X\r\n${good}`), ['dataBefore', 'unmatchedBoundary'])
  const two = part('form-data; name="f"; filename="1"', 'x') + part('form-data; name="g"; filename="2"', 'y')
  assert.equal(flags(`${two}--B--\r\n`, type, { files: 1 }), ['fileLimitExceeded'])
})

test('multipart: libmodsecurity takes line breaks out of values and counts boundaries', () => {
  const read = (body: string) => process('MULTIPART', body, { type })
  assert.equal(pairs(read(`${part('form-data; name="a"', 'x\r\ny\nz')}--B--`)), ['a=xyz'])
  const stray = `${part('form-data; name="a"', 'x\r\n-- \r\nsignature')}--B--`
  assert.is(read(stray).flags?.unmatchedBoundary, 1)
  assert.is(read(`${stray}\r\n`).flags?.unmatchedBoundary, 2)
  assert.is(process('MULTIPART', stray, { type, platform: 'modsec2' }).flags?.unmatchedBoundary, 1)
  assert.is(read(good).flags?.unmatchedBoundary, 2)
  assert.is(read(good.trimEnd()).flags?.unmatchedBoundary, 0)
  assert.match(read(good.replace('"a"', '""')).error ?? '', /Final boundary missing/)
  assert.match(process('MULTIPART', '', { type: 'multipart/form-data' }).error ?? '', /Boundary not found/)
})

test('multipart: what cannot be read is an error', () => {
  const errors: readonly (readonly [string, string, RegExp])[] = [
    [good, 'multipart/form-data', /Boundary not found/],
    [good, 'multipart/form-data; boundary=', /empty/],
    [good, 'multipart/form-data; boundary=B; boundary=C', /Multiple boundary/],
    [good, 'multipart/form-data; boundary="B', /quote/],
    ['no boundary at all', type, /No boundaries found/],
    [good.replace('--B--', '--B'), type, /Final boundary missing|colon missing/],
    [good.replace('--B\r', '--Bx\r'), type, /Invalid boundary/],
    [good.replace('Content-Disposition: form-data; name="a"', 'X: 1'), type, /missing Content-Disposition/],
    [good.replace('form-data; name="a"', 'attachment'), type, /Invalid Content-Disposition header \(-1\)/],
    [good.replace('; name="a"', ''), type, /missing name field/],
    [good.replace('name="a"', 'name="a"; name="b"'), type, /Invalid Content-Disposition header \(-14\)/],
    [good.replace('\r\n\r\n', '\r\nno colon\r\n\r\n'), type, /colon missing/],
    [good.replace('\r\n\r\n', '\r\nContent-Disposition: form-data; name="b"\r\n\r\n'), type, /Duplicate part header/],
  ]
  for (const [body, contentType, message] of errors)
    assert.match(process('MULTIPART', body, { type: contentType, platform: 'modsec2' }).error ?? '', message)
})

test('XML: text of the root element, attributes, XPath', () => {
  const body = '<?xml version="1.0"?><a x="1"><b y="&lt;2">hello</b> <c>caf\xc3\xa9</c></a>'
  const node = process('XML', body)
  assert.is(node.error, null)
  assert.equal(node.xml?.select('/*'), ['hello caf\xc3\xa9'])
  assert.equal(node.xml?.select('//@*'), ['1', '<2'])
  assert.equal(node.xml?.select('/a/b/text()'), ['hello'])
  assert.equal(process('XML', body, { platform: 'coraza' }).xml?.select('/*'), ['hello', 'caf\xc3\xa9'])
  assert.equal(process('XML', '<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>').xml?.select('/*'), ['\xc3\xa9'])
})

test('XML: broken and deep documents are errors', () => {
  const bodies = [
    '<a><b></a>',
    'not xml',
    '',
    '<a>\xff</a>',
    '<a>'.repeat(5000) + '</a>'.repeat(5000),
    '<a>'.repeat(100_000),
  ]
  for (const body of bodies) assert.match(process('XML', body).error ?? '', /^XML parsing error/, body.slice(0, 40))
})

test('no body makes a processor throw', () => {
  let state = 7
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const seeds = [
    good,
    '{"a":[1,{"b":"c"}]}',
    '<a x="1"><b>c</b></a>',
    'a=1&b=%41',
    `${part('form-data; name="f"; filename="x"', 'y')}--B--`,
  ]
  for (let round = 0; round < 4000; round++) {
    const bytes = [...(seeds[random(seeds.length)] ?? '')]
    for (let edits = random(6); edits >= 0; edits--) {
      const at = random(bytes.length + 1)
      const byte = String.fromCharCode(random(256))
      if (random(3) === 0) bytes.splice(at, 1 + random(4))
      else if (random(2) === 0) bytes.splice(at, 0, byte)
      else bytes[at] = byte
    }
    const body = bytes.join('')
    for (const name of Object.keys(bodyProcessors)) {
      const result = process(name, body, {
        type: round % 3 === 0 ? `${type}${String.fromCharCode(random(256))}` : type,
      })
      for (const { key, value } of result.args) assert.not.match(`${key}${value}`, /[^\x00-\xff]/)
    }
  }
})

test.run()
