/**
 * Rule tests in the go-ftw YAML format: reading both schemas, building requests, the backend's answers, labels,
 * overrides; and the whole regression suite of a CRS release where one is at hand.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ftwFormat, parseRuleTests, type RuleTest } from '../corpora/formats/ftw.js'
import { answerOf } from '../corpora/formats/ftw-backend.js'
import { labelOf } from '../corpora/formats/ftw-label.js'
import { parseOverrides } from '../corpora/formats/ftw-overrides.js'
import { expandTemplate } from '../corpora/formats/ftw-template.js'
import { corpusReader, readRuleTests } from '../corpora/index.js'
import { CaptureError } from '../engine/errors.js'
import { isUnreadable, type RecordedRequest, type TransactionRecord } from '../engine/model/exchange.js'
import { readAll, reasonsIn, recordsIn } from './support/corpus.js'
import { announceSkipped, crsTree } from './support/test-data.js'

/** A test file of one test and one stage, whose input is these lines. */
function withInput(...lines: string[]): string {
  return [
    'rule_id: 942100',
    'tests:',
    '  - test_id: 1',
    '    stages:',
    '      - input:',
    ...lines.map((line) => `          ${line}`),
  ].join('\n')
}

function onlyTest(yaml: string): RuleTest {
  const tests = parseRuleTests('t.yaml', yaml)
  assert.is(tests.length, 1)
  return tests[0] as RuleTest
}

function requestOf(...lines: string[]): RecordedRequest {
  const [stage] = onlyTest(withInput(...lines)).stages
  assert.ok(stage !== undefined && 'record' in stage, JSON.stringify(stage))
  return (stage as { record: TransactionRecord }).record.request
}

function problemOf(...lines: string[]): string {
  const [stage] = onlyTest(withInput(...lines)).stages
  return stage !== undefined && 'problem' in stage ? stage.problem : 'no problem'
}

test('schema 3: ids, lines, expectations, several stages', () => {
  const tests = parseRuleTests(
    'dir/942100.yaml',
    `---
meta: {author: me, tags: [all]}
rule_id: 942100
tests:
  - test_id: 7
    desc: "two stages"
    tags: [PHP]
    stages:
      - input: {uri: /a, port: 8080, dest_addr: 192.0.2.9}
        output: {status: 403, log: {expect_ids: [942100, 941100], no_expect_ids: [920100], match_regex: 'x', no_match_regex: 'y'}}
      - input: {method: POST}
        output: {isolated: true, expect_error: true, response_contains: hello, log: {expect_ids: [949110]}}
  - stages:
      - input: {}
        output: {}
`,
  )
  assert.equal(
    tests.map(({ id, line, ruleId }) => [id, line, ruleId]),
    [
      ['942100-7', 5, 942100],
      ['942100-2', 13, 942100],
    ],
  )
  const [first, second] = tests[0]?.stages ?? []
  assert.ok(first !== undefined && 'record' in first && second !== undefined && 'record' in second)
  assert.equal(first.output, {
    expectIds: [942100, 941100],
    noExpectIds: [920100],
    matchRegex: 'x',
    noMatchRegex: 'y',
    statuses: [403],
    expectError: null,
    responseContains: null,
    isolated: false,
  })
  assert.equal(
    [second.output.isolated, second.output.expectError, second.output.responseContains],
    [true, true, 'hello'],
  )
  assert.is(first.record.id, '942100-7.1')
  assert.is(first.record.label, 'attack')
  assert.equal(first.record.tags, ['attack-sqli', 'attack-xss', 'all', 'PHP'])
  assert.equal(first.record.server, { ip: '192.0.2.9', port: 8080 })
  assert.equal(first.record.source, { file: 'dir/942100.yaml', line: 5 })
  assert.is(second.record.id, '942100-7.2')
})

test('schema 2: wrapped stages, titles, log_contains, data as lines', () => {
  const [first, second] = parseRuleTests(
    't.yaml',
    `meta: {enabled: true, name: 941110.yaml}
tests:
  - test_title: 941110-1
    stages:
      - stage:
          input:
            stop_magic: true
            method: POST
            headers: {Content-Length: 4}
            data: ["a", "b"]
          output: {log_contains: id "941110", status: [200, 403]}
  - test_title: 941110-2
    stages:
      - stage: {input: {}, output: {no_log_contains: id "941110"}}
      - stage: {input: {}, output: {log_contains: 'msg "SQL.*'}}
`,
  )
  assert.is(first?.id, '941110-1')
  assert.is(first?.ruleId, 941110)
  const stage = first?.stages[0]
  assert.ok(stage !== undefined && 'record' in stage)
  assert.equal(stage.record.request.headers, [['Content-Length', '4']])
  assert.is(stage.record.request.body, 'a\r\nb')
  assert.equal([stage.output.expectIds, stage.output.statuses], [[941110], [200, 403]])
  const [absent, pattern] = second?.stages ?? []
  assert.ok(absent !== undefined && 'record' in absent && pattern !== undefined && 'record' in pattern)
  assert.equal(absent.output.noExpectIds, [941110])
  assert.equal([pattern.output.expectIds, pattern.output.matchRegex], [[], 'msg "SQL.*'])
})

test('defaults, automatic headers, sorted header names', () => {
  assert.equal(requestOf('{}'), {
    method: 'GET',
    uri: '/',
    httpVersion: '1.1',
    headers: [['Connection', 'close']],
    body: '',
  })
  const request = requestOf(
    'method: POST',
    'headers:',
    '  User-Agent: a',
    '  Host: localhost',
    '  X-Number: 0064',
    'data: var=1 OR 1',
  )
  assert.equal(request.headers, [
    ['Host', 'localhost'],
    ['User-Agent', 'a'],
    ['X-Number', '0064'],
    ['Content-Type', 'application/x-www-form-urlencoded'],
    ['Connection', 'close'],
    ['Content-Length', '10'],
  ])
  assert.is(request.body, 'var=1+OR+1')
  assert.equal(requestOf('method: PUT').headers, [
    ['Connection', 'close'],
    ['Content-Length', '0'],
  ])
  assert.equal(requestOf('autocomplete_headers: false', 'headers: {host: x}').headers, [['host', 'x']])
})

test('ordered_headers are sent as written, repeats included', () => {
  const request = requestOf(
    'ordered_headers:',
    '  - {name: X, value: 2}',
    '  - {name: A, value: b}',
    '  - {name: x, value: 1}',
  )
  assert.equal(request.headers.slice(0, 3), [
    ['X', '2'],
    ['A', 'b'],
    ['x', '1'],
  ])
})

test('form data is encoded unless it is already, and only as a form', () => {
  assert.is(requestOf('method: POST', 'data: "a=é&b c=<&d&"').body, 'a=%C3%A9&b+c=%3C&d')
  assert.is(requestOf('method: POST', 'data: "a=%41 b"').body, 'a=%41 b')
  assert.is(requestOf('method: POST', 'data: "a=1+1 <"').body, 'a=1+1 <')
  assert.is(requestOf('method: POST', 'headers: {content-type: text/plain}', 'data: "a=<é>"').body, 'a=<\xc3\xa9>')
})

test('block scalars, multipart line ends, templates, encoded data', () => {
  assert.is(requestOf('headers: {Content-Type: application/json}', 'data: |', '  {"a":', '   1}').body, '{"a":\n 1}\n')
  assert.is(
    requestOf('headers: {Content-Type: "multipart/form-data; boundary=x"}', 'data: |-', '  --x', '  y').body,
    '--x\r\ny',
  )
  assert.is(requestOf('headers: {Content-Type: a/b}', `data: '{{ "ab" | repeat 3 }}!'`).body, 'ababab!')
  assert.is(requestOf('headers: {Content-Type: a/b}', 'encoded_data: /wA=').body, '\xff\0')
  assert.match(problemOf(`data: '{{7*7}}'`), /template/)
  assert.match(problemOf('encoded_data: "*"'), /encoded_data is not base64/)
})

test('templates', () => {
  assert.is(expandTemplate('{"a":{"b":{}}}'), '{"a":{"b":{}}}')
  assert.is(expandTemplate('{{ repeat 2 "xy" }}-{{ "{{" }}7*7{{ `}}` }}'), 'xyxy-{{7*7}}')
  for (const text of ['{{', '{{}}', '{{ x }}', '{{- "a" -}}', '{{ "a" | repeat 999999999 }}', '{{ "a }}'])
    assert.is(expandTemplate(text), null, text)
})

test('the body is what the server hands on', () => {
  const unframed = ['autocomplete_headers: false', 'method: POST', 'data: "7\\r\\nfoo=bar\\r\\n0\\r\\n\\r\\n"']
  assert.is(requestOf(...unframed).body, '')
  assert.is(requestOf(...unframed, 'headers: {Transfer-Encoding: chunked}').body, 'foo=bar')
  assert.is(requestOf(...unframed, 'headers: {Content-Length: 4}').body, '7\r\nf')
})

test('whole requests in base64 keep their request line where it is not the usual one', () => {
  const encoded = (raw: string): RecordedRequest =>
    requestOf(`encoded_request: ${Buffer.from(raw, 'latin1').toString('base64')}`)
  assert.equal(encoded('POST /a b HTTP/1.0\r\nHost:  x \r\nContent-Length: 2\r\nX: 1\r\n 2\r\n\r\n\xff\0more'), {
    method: 'POST',
    uri: '/a b',
    httpVersion: '1.0',
    headers: [
      ['Host', 'x'],
      ['Content-Length', '2'],
      ['X', '1 2'],
    ],
    body: '\xff\0',
  })
  assert.is(encoded('GET /\r\n\r\n').line, 'GET /')
  assert.equal([encoded('GET /\r\n\r\n').method, encoded('GET /\r\n\r\n').httpVersion], ['GET', ''])
  assert.is(encoded('GET / HTTP\\1.0\n\n').line, 'GET / HTTP\\1.0')
  assert.is(encoded('JUNK').line, 'JUNK')
  assert.is(
    encoded('POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n').body,
    'abcde',
  )
  assert.is(requestOf('raw_request: "GET /x HTTP/1.1\\r\\n\\r\\n"').uri, '/x')
  assert.match(problemOf('encoded_request: "%%"'), /not base64/)
  assert.match(problemOf('encoded_request: R0VU', 'data: x'), /both given/)
})

test('versions that are not HTTP/x are kept in the request line', () => {
  assert.is(requestOf('version: HTTP/1.0').line, undefined)
  assert.is(requestOf('version: HTTP/1.0').httpVersion, '1.0')
  assert.equal([requestOf('version: ""').line, requestOf('version: ""').httpVersion], ['GET / ', ''])
  assert.is(requestOf('method: "\\tGET"', 'version: JUNK/1.0').line, '\tGET / JUNK/1.0')
})

test('several URIs, redirects, responses in the test', () => {
  const { stages } = onlyTest(withInput('uris: [/a, /b]'))
  assert.equal(
    stages.map((stage) => 'record' in stage && [stage.record.id, stage.record.request.uri]),
    [
      ['942100-1/1', '/a'],
      ['942100-1/2', '/b'],
    ],
  )
  const yaml = `rule_id: 1
tests:
  - test_id: 1
    stages:
      - input: {method: POST, uri: /reflect, headers: {Content-Type: application/json}, data: '{"status": 302, "headers": {"Location": "http://h/to?x=1"}}'}
      - input: {follow_redirect: true}
      - input: {follow_redirect: true}
      - input: {response: {status: 500, headers: {X: y}, body: "oops <b>"}}`
  const [, followed, notFollowed, answered] = onlyTest(yaml).stages
  assert.is(followed !== undefined && 'record' in followed && followed.record.request.uri, '/to?x=1')
  assert.match((notFollowed as { problem: string }).problem, /was not redirected/)
  assert.equal(answered !== undefined && 'record' in answered && answered.record.response, {
    status: 500,
    httpVersion: '1.1',
    headers: [
      ['X', 'y'],
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['Content-Length', '8'],
    ],
    body: 'oops <b>',
  })
})

test('the backend: an empty 200, reflection, refusals', () => {
  const ask = (body: string, uri = '/reflect', method = 'POST') => {
    const { status, headers, body: answer } = answerOf({ method, uri, httpVersion: '1.1', headers: [], body })
    return [status, headers.find(([name]) => name === 'Content-Type')?.[1], answer]
  }
  assert.equal(ask('x', '/anything'), [200, undefined, ''])
  assert.equal(ask('{"body":"a"}', '/reflect', 'GET'), [200, undefined, ''])
  assert.equal(ask('{"body":"a"}', '/reflect/x?y'), [200, 'text/plain; charset=utf-8', 'a'])
  assert.equal(ask('{"status":503,"Body":"<HTML >","headers":{"X":"y"}}'), [503, 'text/html; charset=utf-8', '<HTML >'])
  assert.equal(ask('{"encodedBody":"/wA="}'), [200, 'application/octet-stream', '\xff\0'])
  assert.equal(ask('{"encodedBody":"*"}'), [
    200,
    'text/plain; charset=utf-8',
    'invalid base64 encoding of response body',
  ])
  assert.equal(ask('{"headers":{"Content-Type":"a/b"},"body":"\\u00e9"}'), [200, 'a/b', '\xc3\xa9'])
  assert.equal(ask('{"status":204,"body":"x"}'), [204, undefined, ''])
  for (const bad of ['', '[]', '{"status":"200"}', '{"body":1}', '{"headers":{"a":1}}'])
    assert.equal(ask(bad), [400, 'text/plain; charset=utf-8', 'Invalid JSON in request body'], bad)
  assert.equal(ask('{"status":600}')[2], 'Invalid status code: 600')
})

test('labels by the rules expected', () => {
  assert.equal(labelOf([920100, 942100, 949110]), { label: 'attack', tags: ['attack-sqli'] })
  assert.equal(labelOf([944100, 932100, 932200]), { label: 'attack', tags: ['attack-injection-java', 'attack-rce'] })
  assert.equal(labelOf([951100]), { label: 'unknown', tags: ['leak'] })
  for (const ids of [[], [920100], [949110], [911100, 980170], [2_942_100]])
    assert.equal(labelOf(ids), { label: 'unknown', tags: ['protocol'] })
})

test('broken files are CaptureErrors with file and line; broken stages are problems', () => {
  const refused = (yaml: string, message: RegExp) =>
    assert.throws(
      () => parseRuleTests('t.yaml', yaml),
      (error: unknown) => error instanceof CaptureError && message.test(error.message),
      yaml,
    )
  refused('a: [', /^t\.yaml:\d+: not valid YAML/)
  refused('tests:\n  - a: 1\n    a: 2\n', /^t\.yaml:3: not valid YAML/)
  refused('hello: world', /^t\.yaml:1: not a rule test file/)
  refused('just text', /not a rule test file/)
  refused('tests:\n  - 7\n', /^t\.yaml:2: a test must be a map/)
  for (const empty of ['', '---\n', '# only a comment\n', 'tests: []', 'rule_id: 1\ntests:\n', 'test_overrides: []'])
    assert.equal(parseRuleTests('t.yaml', empty), [])
  const stage = (output: string) => onlyTest(`${withInput('{}')}\n        output: ${output}`).stages[0]
  for (const [output, problem] of [
    ['{log: {expected_ids: [1]}}', /unknown expectation "log\.expected_ids"/],
    ['{stat: 200}', /unknown expectation "stat"/],
    ['{log: {expect_ids: [x]}}', /must be numbers/],
  ] as const)
    assert.match((stage(output) as { problem: string }).problem, problem)
  assert.match((onlyTest('tests: [{test_id: 1, stages: [7]}]').stages[0] as { problem: string }).problem, /needs a map/)
})

test('aliases, nulls and the rule id of the file name', () => {
  const [first] = parseRuleTests(
    'x/920100.yml',
    'tests:\n - test_id: 1\n   stages:\n    - input: &i {uri: /x, method: ~, version: }\n    - input: *i\n',
  )
  assert.is(first?.id, '920100-1')
  assert.equal(
    first?.stages.map(
      (stage) =>
        'record' in stage && [stage.record.request.method, stage.record.request.uri, stage.record.request.httpVersion],
    ),
    [
      ['GET', '/x', '1.1'],
      ['GET', '/x', '1.1'],
    ],
  )
})

test('overrides by test, by rule, without output', () => {
  const overrides = parseOverrides(
    'o.yaml',
    `test_overrides:
  - {rule_id: 1, test_ids: [2, 3], reason: r, output: {status: 400}}
  - {rule_id: 4, reason: all, output: {log: {no_expect_ids: [4]}}}
  - {rule_id: 4, test_ids: [9], reason: none}`,
  )
  assert.equal(
    [overrides.get('1-2')?.output.statuses, overrides.get('1-2')?.reason, overrides.get('1-4')],
    [[400], 'r', undefined],
  )
  assert.equal(overrides.get('4-1')?.output.noExpectIds, [4])
  assert.equal(overrides.get('4-9')?.output.noExpectIds, [])
  for (const bad of [
    'x: 1',
    'test_overrides: [{reason: a}]',
    'test_overrides: [{rule_id: 1, stage_ids: [1]}]',
    'test_overrides: [{rule_id: 1, output: {a: 1}}]',
  ])
    assert.throws(
      () => parseOverrides('o.yaml', bad),
      (error: unknown) => error instanceof CaptureError,
      bad,
    )
})

test('as a corpus: what cannot be built or read is an entry', async () => {
  const yaml = `${withInput('{}')}\n  - test_id: 2\n    stages:\n      - input: {data: '{{x}}'}`
  const items = await readAll(ftwFormat, Buffer.from(yaml))
  assert.is(recordsIn(items).length, 1)
  assert.match(reasonsIn(items)[0] ?? '', /^t\.ftw:7: data holds a template/)
  assert.match(reasonsIn(await readAll(ftwFormat, Buffer.from('a: [')))[0] ?? '', /^t\.ftw:\d+: not valid YAML/)
})

test('the regression suite of CRS: every test is read', async () => {
  const tree = crsTree()
  if (tree === null) return announceSkipped('corpora-ftw: CRS suite', 'no CRS 4 tree: set WAFSIM_CRS_TESTS')
  const folder = join(tree, 'tests', 'regression', 'tests')
  const written = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => readFileSync(join(folder, name), 'utf8').match(/^\s*(?:- )?(?:#.*\n\s*)?test_id:/gm)?.length ?? 0)
    .reduce((sum, count) => sum + count, 0)
  const tests = await readRuleTests([folder])
  assert.is(tests.length, written)
  // Releases differ; an archive may leave out files that the repository has.
  assert.ok(tests.length > 1000, `${tests.length} tests`)
  assert.is(new Set(tests.map(({ id }) => id)).size, tests.length)
  const stages = tests.flatMap((each) => each.stages)
  assert.equal(
    stages.filter((stage) => 'problem' in stage),
    [],
  )

  const counts: Record<string, number> = {}
  const corpus = corpusReader({ specs: [folder], assumeBenign: false, labels: [], filters: [] })
  for await (const item of corpus.items) {
    assert.not(isUnreadable(item))
    const record = item as TransactionRecord
    for (const key of [record.label, ...record.tags.filter((tag) => tag === 'leak' || tag === 'protocol')])
      counts[key] = (counts[key] ?? 0) + 1
  }
  process.stdout.write(`CRS suite: ${tests.length} tests, ${stages.length} stages, ${JSON.stringify(counts)}\n`)
  assert.is((counts.attack ?? 0) + (counts.leak ?? 0) + (counts.protocol ?? 0), stages.length)
  assert.ok((counts.attack ?? 0) > 3000)
})

test.run()
