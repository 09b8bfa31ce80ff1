/**
 * The minimal reproducer: it fires the same rules at the same targets, nothing more can be left out of it, and what is
 * written of it as a rule test and as a curl command says the same request.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseRuleTests } from '../corpora/formats/ftw.js'
import { bundledCorpora, curlCommand, recordOf, ruleTestYaml } from '../corpora/index.js'
import {
  evaluate,
  type LoadedRuleset,
  loadRuleset,
  type PlatformName,
  type TransactionRecord,
  type Verdict,
} from '../engine/index.js'
import { masked, maskOfUnit, needed, textUnits } from '../engine/tuning/reproduction/delta-debugging.js'
import { jsonContainers, parseJsonTree, printJsonTree } from '../engine/tuning/reproduction/json-tree.js'
import { listSites, textSites } from '../engine/tuning/reproduction/reduction-sites.js'
import { type ReproduceOptions, type Reproducer, reproduce } from '../engine/tuning/reproduction/reproduce.js'
import { parseXmlTree, xmlLists } from '../engine/tuning/reproduction/xml-tree.js'
import { resolveRuleset } from '../rulesets/index.js'
import { request, rules } from './support/scenario.js'
import { announceSkipped, crsTree } from './support/test-data.js'

const score = (id: number, target: string, pattern: string): string =>
  `SecRule ${target} "@rx ${pattern}" "id:${id},phase:2,pass,log,setvar:tx.inbound_anomaly_score_pl1=+5"\n`

const bodies = `SecRule REQUEST_HEADERS:Content-Type "@contains json" "id:90,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "@contains xml" "id:91,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"
`

const { ruleset } = rules(
  bodies +
    score(1, 'ARGS', 'union.{1,9}select') +
    score(2, 'ARGS', '<b>[a-z]{3}') +
    score(3, 'REQUEST_COOKIES', 'evil') +
    score(4, 'REQUEST_HEADERS:X-Note', '[0-9]{4}') +
    score(5, 'XML:/*', 'attack') +
    score(6, 'ARGS_NAMES', 'weird') +
    score(7, '&REQUEST_HEADERS:Host', '^0$'),
)

const run = (record: TransactionRecord): Verdict => evaluate(ruleset, record)

function reduced(record: TransactionRecord, options?: ReproduceOptions): Reproducer {
  const found = reproduce(record, run, options)
  if (found === null) throw new Error('nothing to reproduce')
  return found
}

test('a form keeps the one parameter and what of it the rule needs', () => {
  const record = request({
    uri: '/shop/checkout?lang=en&page=3',
    headers: [
      ['User-Agent', 'Mozilla/5.0'],
      ['Cookie', 'session=4711; theme=dark'],
      ['Accept', '*/*'],
    ],
    body: 'name=Ann+O%27Hara&note=Our+Union%3A+please+union+may+select+it&phone=555',
    response: { status: 200, headers: [], body: 'ok' },
  })
  const { record: small, ruleIds, minimal, steps } = reduced(record)
  assert.equal(ruleIds, [1])
  assert.is(minimal, true)
  assert.equal(small.request, {
    method: 'POST',
    uri: '/',
    httpVersion: '1.1',
    headers: [
      ['Content-Length', '17'],
      ['Content-Type', 'application/x-www-form-urlencoded'],
      ['Host', 'localhost'],
    ],
    body: 'note=union+select',
  })
  assert.is(small.response, undefined)
  assert.ok(steps.every(({ bytes }, n) => n === 0 || bytes <= (steps[n - 1]?.bytes ?? 0)))
})

test('members of JSON, elements of XML and parts of multipart go where they are not needed', () => {
  const json = { a: [{ n: 12345 }, { text: 'x <b>Big</b> and <b>small</b>', more: [1, 2, { y: null }] }], c: 'é€' }
  const type = (value: string): [string, string][] => [['Content-Type', value]]
  const ofJson = reduced(request({ headers: type('application/json; charset=utf-8'), body: JSON.stringify(json) }))
  assert.is(ofJson.record.request.body, '{"a":[{"text":"<b>xxx"}]}')
  const xml = '<?xml version="1.0"?><r a="1"><x>attacker</x><y><z/>more</y></r>'
  assert.is(reduced(request({ headers: type('text/xml'), body: xml })).record.request.body, '<r><x>attack</x></r>')
  const part = (head: string, body: string): string => `--Zb\r\n${head}\r\n\r\n${body}\r\n`
  const disposition = (name: string): string => `Content-Disposition: form-data; name="${name}"`
  const multipart = `${part(disposition('a'), 'hello')}${part(`${disposition('b')}\r\nContent-Type: text/plain`, 'the <b>abcde\r\nnext')}--Zb--\r\n`
  const small = reduced(request({ headers: type('multipart/form-data; boundary="Zb"'), body: multipart })).record
  assert.is(small.request.body, `--boundary\r\n${disposition('b')}\r\n\r\n<b>xxx\r\n--boundary--\r\n`)
  assert.ok(
    small.request.headers.some(
      ([name, value]) => name === 'Content-Length' && value === String(small.request.body.length),
    ),
  )
})

test('where the body has no part in it, a GET is left', () => {
  const cookie = reduced(request({ body: 'a=1&b=2', headers: [['Cookie', 'one=1; two=very evil thing']] })).record
    .request
  assert.equal([cookie.method, cookie.body], ['GET', ''])
  assert.equal(cookie.headers, [
    ['Cookie', 'two=evil'],
    ['Host', 'localhost'],
  ])
  const header = reduced(request({ headers: [['X-Note', 'order 471122 of Ann']] })).record.request
  assert.equal(header.headers, [
    ['Host', 'localhost'],
    ['X-Note', '0000'],
  ])
})

test('the name that matched is shortened, a name beside the value is not', () => {
  assert.is(reduced(request({ uri: '/?very_weird_name=1&x=2' })).record.request.uri, '/?weird=')
})

test('only the rules asked for must still fire, at the target asked for', () => {
  const record = request({ uri: '/?q=union+all+select&r=%3Cb%3Ehey&s=union+select' })
  assert.equal(reduced(record).ruleIds, [1, 2])
  const one = reduced(record, { ruleIds: [2] })
  assert.equal([one.ruleIds, one.record.request.uri], [[2], '/?r=%3Cb%3Exxx'])
  assert.is(reduced(record, { ruleIds: [1], target: 'ARGS:s' }).record.request.uri, '/?s=union+select')
  assert.is(reproduce(record, run, { ruleIds: [3] }), null)
  assert.is(reproduce(record, run, { ruleIds: [1], target: 'ARGS:r' }), null)
  assert.is(reproduce(request({ uri: '/' }), run), null)
})

test('no rule fires that did not before: Host stays', () => {
  assert.ok(reduced(request({ uri: '/?q=union+select' })).record.request.headers.some(([name]) => name === 'Host'))
})

test('evaluations are bounded, and what was reached is kept', () => {
  const record = request({ uri: `/?q=${'lorem+'.repeat(400)}union+select${'+ipsum'.repeat(400)}` })
  const { evaluations, minimal, ruleIds, record: small } = reduced(record, { evaluations: 20 })
  assert.is(evaluations, 20)
  assert.is(minimal, false)
  assert.equal(ruleIds, [1])
  assert.ok(small.request.uri.length < record.request.uri.length)
})

test('a body that is not what it says, or nested too deep, is shortened as text or left', () => {
  const type: [string, string][] = [
    ['Content-Type', 'application/json'],
    ['X-Note', '1234'],
  ]
  for (const body of ['{"a":', `${'['.repeat(5000)}${']'.repeat(5000)}`, '{"a":1}x', 'union select']) {
    const { ruleIds } = reduced(request({ headers: type, body }))
    assert.equal(ruleIds, [4])
  }
})

test('delta debugging leaves nothing out that is needed', () => {
  const items = Array.from({ length: 200 }, (_, n) => n)
  let tries = 0
  const kept = needed(items, (some) => {
    tries++
    return [3, 77, 78, 199].every((each) => some.includes(each))
  })
  assert.equal(kept, [3, 77, 78, 199])
  assert.ok(tries < 150, `${tries}`)
  assert.equal(
    needed(items, () => true),
    [],
  )
  assert.equal(masked([...'ab1-c'], maskOfUnit, (some) => some[1] === 'b').join(''), 'xb0-x')
})

test('units of text keep what belongs together', () => {
  assert.equal(textUnits('a%C3%A9%41+\xc3\xa9\xff\\u00e9\\ud83d\\ude00\\n&amp;&x%zz'), [
    'a',
    '%C3%A9',
    '%41',
    '+',
    '\xc3\xa9',
    '\xff',
    '\\u00e9',
    '\\ud83d\\ude00',
    '\\n',
    '&amp;',
    '&',
    'x',
    '%',
    'z',
    'z',
  ])
})

test('trees print what they read, and what is left of them is still JSON and XML', () => {
  const json = '{"a":[1,{"b":"\\u00e9\\"]"},[]],"a":null,"":{"x":-1.5e3}}'
  const tree = parseJsonTree(json)
  assert.is(tree === null ? null : printJsonTree(tree), json)
  for (const { count, keeping } of tree === null ? [] : jsonContainers(tree))
    for (let n = 0; n < count; n++) JSON.parse(printJsonTree(keeping([n])))
  for (const text of ['{"a":}', '[1,]', '{a:1}', '[1 2]', '', '{"a":1', '{"a" 1}', '[,1]'])
    assert.is(parseJsonTree(text), null, text)
  const xml = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><a x="1" y=\'>\'><b/>t<c>u<![CDATA[<z>]]></c ></a>'
  const nodes = parseXmlTree(xml)
  const [around] = nodes === null ? [] : xmlLists(nodes)
  assert.is(around?.keeping([0, 1]), xml)
  assert.is(around?.keeping([]), xml.slice(xml.indexOf('<a')))
  for (const text of ['<a>', '<a></b>', '</a>', '<a', `${'<a>'.repeat(1000)}${'</a>'.repeat(1000)}`])
    assert.is(parseXmlTree(text), null)
})

function random(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % limit
  }
}

/** Requests that try to break out of quotes, of YAML and of curl's own readings. */
function hostileRequests(count: number): readonly TransactionRecord[] {
  const next = random(23)
  const pieces = [
    "'",
    '"',
    '$(id)',
    '`id`',
    '!!',
    '\\',
    '%41',
    '%',
    '{{',
    '}}',
    '\n',
    '\r\n',
    '\t',
    '@/etc/hosts',
    '-',
    '#',
    ': ',
    '\xc3\xa9',
    '\xff',
    '\x00',
    '\x1b[31m',
    '\x85',
    '\xe2\x80\xae',
    ' ',
    'a',
    '~',
    '=',
    '&',
    '*',
    '[1]',
    '---',
    '|',
    '\x7f',
  ]
  const text = (most: number): string => Array.from({ length: next(most) }, () => pieces[next(pieces.length)]).join('')
  const onLine = (most: number): string => text(most).replace(/[\0\r\n]/g, '')
  return Array.from({ length: count }, (_, n) => {
    const body = next(3) === 0 ? '' : text(12)
    const types = ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x', '']
    const type = types[next(types.length)] ?? ''
    return {
      id: `r${n}`,
      label: 'benign' as const,
      tags: [],
      evidence: 'complete' as const,
      request: {
        method: ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'][next(5)] ?? 'GET',
        uri: `/${onLine(6).replaceAll(' ', '')}`,
        httpVersion: '1.1',
        headers: [
          ['Host', 'localhost'] as const,
          ...(type === '' ? [] : [['Content-Type', type] as const]),
          ['X-A', `v${onLine(8).trimEnd()}`] as const,
          ...(next(3) === 0 ? [['X-A', 'again'] as const, ['Accept', ''] as const] : []),
          ...(body === '' ? [] : [['Content-Length', String(body.length)] as const]),
        ],
        body,
      },
    }
  })
}

test('a rule test that is written is read back as the same request', () => {
  let plain = 0
  for (const record of hostileRequests(400)) {
    const yaml = ruleTestYaml(record, { ruleId: 1, description: `of "${record.request.uri}"`, expectIds: [1, 2] })
    assert.match(yaml, /^[\n\x20-\x7e]*$/)
    if (!yaml.includes('encoded_request')) plain++
    const [ruleTest] = parseRuleTests('x.yaml', yaml)
    const stage = ruleTest?.stages[0]
    if (stage === undefined || !('record' in stage)) throw new Error(`no stage in ${yaml}`)
    assert.equal(stage.record.request, record.request, yaml)
    assert.equal([ruleTest?.id, stage.output.expectIds], ['1-1', [1, 2]])
  }
  assert.ok(plain > 100, `${plain} are plain`)
})

/** A stand-in for curl that writes its arguments and its standard input to files. */
const fakeCurl = (folder: string): string => `curl() {
  for word in "$@"; do printf '%s\\0' "$word"; done > '${folder}/words'
  piped=no
  for word in "$@"; do if [ "$word" = '@-' ]; then piped=yes; fi; done
  if [ $piped = yes ]; then cat > '${folder}/input'; else : > '${folder}/input'; fi
}
`

interface Sent {
  readonly words: readonly string[]
  readonly input: string
}

function sentBy(shell: string, command: string, folder: string): Sent {
  const ran = spawnSync(shell, { input: Buffer.from(fakeCurl(folder) + command, 'latin1') })
  assert.equal([ran.status, ran.stderr.toString(), ran.stdout.toString()], [0, '', ''], command)
  return {
    words: readFileSync(join(folder, 'words'), 'latin1').split('\0').slice(0, -1),
    input: readFileSync(join(folder, 'input'), 'latin1'),
  }
}

const following = ({ words }: Sent, option: string): string | undefined => words[words.indexOf(option) + 1]
const valuesOf = ({ words }: Sent, option: string): readonly string[] =>
  words.flatMap((word, n) => (word === option && words[n - 1] !== option ? [words[n + 1] ?? ''] : []))

test('a shell hands curl exactly the bytes of the request', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wafsim-curl-'))
  try {
    const shells = ['sh', 'bash'].filter((shell) => spawnSync(shell, ['-c', ':']).status === 0)
    assert.ok(shells.includes('sh'))
    for (const record of hostileRequests(150)) {
      const written = curlCommand(record)
      if ('problem' in written) throw new Error(written.problem)
      assert.match(written.command, /^[\n\x20-\x7e]*$/)
      for (const shell of shells) {
        const sent = sentBy(shell, written.command, folder)
        const { method, uri, headers, body } = record.request
        const data = sent.words.includes('--data-binary') ? following(sent, '--data-binary') : ''
        assert.is(data === '@-' ? sent.input : data, body)
        assert.is(data === '@-' || !data?.startsWith('@'), true)
        assert.is(sent.words.includes('--request') ? following(sent, '--request') : 'GET', method)
        const target = sent.words.includes('--request-target')
          ? following(sent, '--request-target')
          : following(sent, '--url')?.slice('http://localhost'.length)
        assert.is(target, uri)
        const given = valuesOf(sent, '--header').filter(
          (line) => !/^(?:User-Agent|Accept|Content-Type|Content-Length):$/.test(line),
        )
        const wanted = headers.filter(([name]) => name !== 'Content-Length')
        assert.equal(
          given,
          wanted.map(([name, value]) => (value === '' ? `${name};` : `${name}: ${value}`)),
        )
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('what curl would read otherwise is refused', () => {
  const base = request({ uri: '/x' })
  const changed = (change: Partial<TransactionRecord['request']>): TransactionRecord => ({
    ...base,
    request: { ...base.request, ...change },
  })
  const refused = [
    changed({ headers: [['@/etc/passwd', 'x']] }),
    changed({ headers: [['X', 'a\nb']] }),
    changed({ headers: [['X;', 'a']] }),
    changed({ uri: '/a\nb' }),
    changed({ uri: '' }),
    changed({ method: 'GET /' }),
    changed({ line: 'GET /x' }),
  ]
  for (const record of refused) assert.ok('problem' in curlCommand(record))
  assert.match((curlCommand(changed({ method: 'HEAD' })) as { command: string }).command, /--head/)
})

const tree = crsTree()
if (tree === null) announceSkipped('reproducers of the bundled false positives', 'no OWASP CRS')
else for (const platform of ['modsec2', 'modsec3', 'coraza'] as const) reproducesBundled(tree, platform)

function loadCrs(rulesFolder: string, platform: PlatformName): LoadedRuleset {
  const { parts } = resolveRuleset({ rules: [rulesFolder], platform, set: [], paranoia: 2 })
  return loadRuleset({ parts, platform, engineMode: 'detection-only' })
}

/** Rules and the targets at which they scored; of elements of lists any. */
function placesIn({ matches }: Verdict): readonly string[] {
  return matches.flatMap(({ ruleId, scoreAdded, target }) =>
    scoreAdded > 0 ? [`${ruleId} ${target.replace(/[0-9]+/g, '0').replace(/_NAMES:.*/s, '')}`] : [],
  )
}

function reproducesBundled(rulesFolder: string, platform: PlatformName): void {
  test(`reproducers of bundled false positives on ${platform}: minimal, and the same as a rule test`, () => {
    const crs = loadCrs(rulesFolder, platform).ruleset
    const judge = (record: TransactionRecord): Verdict => evaluate(crs, record)
    const scored = (record: TransactionRecord): readonly number[] =>
      [...new Set(judge(record).matches.flatMap(({ ruleId, scoreAdded }) => (scoreAdded > 0 ? [ruleId] : [])))].sort(
        (a, b) => a - b,
      )
    const { benign } = bundledCorpora()
    const lines = readdirSync(benign)
      .filter((file) => file.endsWith('.ndjson'))
      .flatMap((file) => readFileSync(join(benign, file), 'utf8').trim().split('\n'))
    let seen = 0
    for (const line of lines.filter((_, n) => n % 29 === 0)) {
      const record = recordOf(JSON.parse(line), { file: 'bundled', line: 1 })
      const before = scored(record)
      const found = reproduce(record, judge)
      if (found === null) {
        assert.equal(before, [])
        continue
      }
      seen++
      assert.equal(found.ruleIds, before, record.id)
      assert.equal(scored(found.record), before)
      assert.is(found.minimal, true)
      const places = new Set(placesIn(judge(record)))
      const isSame = (changed: TransactionRecord): boolean =>
        scored(changed).join() === before.join() && placesIn(judge(changed)).every((place) => places.has(place))
      assert.ok(isSame(found.record))
      for (const { count, keeping } of listSites(found.record))
        for (let n = 0; n < count; n++) {
          const kept = Array.from({ length: count }, (_, at) => at).filter((at) => at !== n)
          assert.not(isSame(keeping(kept)), `${record.id} needs each of its parts`)
        }
      for (const { units, isWhole, writing } of textSites(found.record))
        for (let n = 0; n < units.length && !isWhole; n++)
          assert.not(isSame(writing(units.filter((_, at) => at !== n))), `${record.id} needs each of its characters`)
      const yaml = ruleTestYaml(found.record, { ruleId: before[0] ?? 0, description: 'reproducer', expectIds: before })
      const stage = parseRuleTests('x.yaml', yaml)[0]?.stages[0]
      if (stage === undefined || !('record' in stage)) throw new Error(yaml)
      assert.equal(scored(stage.record), before, yaml)
      assert.ok(!('problem' in curlCommand(found.record)))
    }
    assert.ok(seen >= 3, `${seen} false positives`)
  })
}

test.run()
