/**
 * Payloads in the places of values: what is placed is what the engine reads back, wherever a client can write it.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bundledCorpora, corpusReader } from '../corpora/index.js'
import {
  type Carried,
  inspectedValues,
  loadRuleset,
  neutral,
  type PlatformName,
  placePayload,
  platforms,
  type Ruleset,
  type TransactionRecord,
} from '../engine/index.js'
import { collect, recordsIn } from './support/corpus.js'
import { type RequestShape, request } from './support/scenario.js'

const platformNames = Object.keys(platforms) as PlatformName[]

/** What the recommended configurations do for JSON and XML. */
const readers = `
SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyJsonDepthLimit 512
SecRule REQUEST_HEADERS:Content-Type "@rx ^(?:application(?:/soap\\+|/)|text/)xml" "id:1,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "@rx ^application/(?:[a-z0-9.-]+\\+)?json" "id:2,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
`

function rulesetOf(platform: PlatformName): Ruleset {
  return loadRuleset({ parts: [{ kind: 'text', name: 'carriers.conf', text: readers }], platform }).ruleset
}

const rulesets = new Map(platformNames.map((name) => [name, rulesetOf(name)]))

/** A generator of numbers below `n`, the same in every run. */
function dice(seed: number): (n: number) => number {
  let state = seed
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
}

const alphabets = [
  (roll: (n: number) => number): string => String.fromCharCode(roll(256)),
  (roll: (n: number) => number): string => `'"<>;&=%+\\/ {}[]:,\n\t-#?`[roll(23)] as string,
  (roll: (n: number) => number): string => ['a', 'Z', '0', ' ', "'", '(', 'é', '=', '<'][roll(9)] as string,
]

function randomBytes(roll: (n: number) => number): string {
  const one = alphabets[roll(alphabets.length)] as (roll: (n: number) => number) => string
  const text = Array.from({ length: 1 + roll(24) }, () => one(roll)).join('')
  return one === alphabets[2] ? Buffer.from(text, 'utf8').toString('latin1') : text
}

async function benign(): Promise<readonly TransactionRecord[]> {
  const folder = bundledCorpora().benign
  const specs = readdirSync(folder)
    .filter((name) => name.endsWith('.ndjson'))
    .map((name) => join(folder, name))
  return recordsIn(await collect(corpusReader({ specs, assumeBenign: false, labels: [], filters: [] }).items))
}

function seenAt(ruleset: Ruleset, record: TransactionRecord, target: string): readonly string[] {
  return inspectedValues(ruleset, record)
    .filter((each) => each.target === target)
    .map(({ value }) => value)
}

/** A JSON string holds text alone; a file's or part's text may not hold its boundary. */
function isJson({ request: { headers } }: TransactionRecord): boolean {
  return headers.some(([name, value]) => name.toLowerCase() === 'content-type' && /json/i.test(value))
}

for (const platform of platformNames)
  test(`${platform}: random bytes at every argument of the bundled benign records are read back as they are`, async () => {
    const ruleset = rulesets.get(platform) as Ruleset
    const roll = dice(20_261_201)
    let placed = 0
    let asked = 0
    for (const record of await benign()) {
      const before = inspectedValues(ruleset, record)
      for (const target of new Set(before.map((each) => each.target).filter((each) => each.startsWith('ARGS:')))) {
        const payload = randomBytes(roll)
        asked++
        const placement = placePayload(ruleset, record, target, payload)
        if ('refused' in placement) {
          // A JSON string holds text; the length of an array, which Coraza counts among the arguments, is no value.
          const isText = !Buffer.from(payload, 'latin1').toString('utf8').includes('\ufffd')
          const isLength = before.some((each) => each.target === target && /^\d+$/.test(each.value))
          assert.ok(isJson(record) && (!isText || isLength), `${record.id} ${target}: ${placement.refused}`)
          continue
        }
        placed++
        const { seen } = placement
        assert.ok(seen === payload || seen === payload.replace(/\r?\n/g, ''))
        const after = inspectedValues(ruleset, placement.record)
        assert.ok(after.some((each) => each.target === target && each.value === seen))
        const others = (values: typeof before): string[] =>
          values.filter((each) => each.target.startsWith('ARGS:') && each.target !== target).map(({ value }) => value)
        assert.equal(others(after).sort(), others(before).sort())
      }
    }
    assert.ok(placed > 1500 && placed > 0.8 * asked, `${placed} of ${asked}`)
  })

/** One record of each kind of place, with the target there by platform. */
interface Place {
  readonly name: string
  readonly shape: RequestShape
  readonly target: string | Readonly<Record<PlatformName, string>>
}

const multipart = [
  '--b0',
  'Content-Disposition: form-data; name="title"',
  '',
  'a title',
  '--b0',
  'Content-Disposition: form-data; name="file"; filename="a.png"',
  'Content-Type: image/png',
  '',
  'PNG',
  '--b0--',
  '',
].join('\r\n')
const asMultipart: RequestShape['headers'] = [['Content-Type', 'multipart/form-data; boundary=b0']]
const asJson: RequestShape['headers'] = [['Content-Type', 'application/json']]
const asXml: RequestShape['headers'] = [['Content-Type', 'text/xml']]
const json = '{"a": 1, "list": [{"b": "x"}, {"b": "y"}], "z": null}'

const places: readonly Place[] = [
  { name: 'query string', shape: { uri: '/p?a=b&q=old&q2=x' }, target: 'ARGS:q' },
  { name: 'argument without =', shape: { uri: '/p?a=b&q' }, target: 'ARGS:q' },
  { name: 'form', shape: { body: 'a=b&q=old' }, target: 'ARGS:q' },
  { name: 'form, after the query string', shape: { uri: '/?a=1', body: 'q=old' }, target: 'ARGS_POST:q' },
  { name: 'multipart field', shape: { headers: asMultipart, body: multipart }, target: 'ARGS:title' },
  {
    name: 'file name',
    shape: { headers: asMultipart, body: multipart },
    target: { coraza: 'FILES:', modsec2: 'FILES:file', modsec3: 'FILES:file' },
  },
  {
    name: 'JSON number',
    shape: { headers: asJson, body: json },
    target: { coraza: 'ARGS:json.a', modsec2: 'ARGS:a', modsec3: 'ARGS:json.a' },
  },
  {
    name: 'JSON in an array',
    shape: { headers: asJson, body: json },
    target: { coraza: 'ARGS:json.list.1.b', modsec2: 'ARGS:list.list.b', modsec3: 'ARGS:json.list.array_1.b' },
  },
  { name: 'XML text', shape: { headers: asXml, body: '<a x="1"><b>text</b></a>' }, target: 'XML:/*' },
  { name: 'XML attribute', shape: { headers: asXml, body: '<a x="1"><b>text</b></a>' }, target: 'XML://@*' },
  { name: 'cookie', shape: { headers: [['Cookie', 'a=b; uid=1; c=d']] }, target: 'REQUEST_COOKIES:uid' },
  { name: 'header', shape: { headers: [['Referer', 'http://a/']] }, target: 'REQUEST_HEADERS:Referer' },
]

const payloads = [
  "1' or 1=1-- -",
  '<script>alert("x")</script>',
  '../../etc/passwd',
  '$\x7bjndi:ldap://a/b}',
  'caf\xc3\xa9',
]

function targetOf({ target }: Place, platform: PlatformName): string {
  return typeof target === 'string' ? target : target[platform]
}

function placedIn(placement: Carried, what: string): TransactionRecord {
  if ('refused' in placement) throw new Error(`${what}: ${placement.refused}`)
  return placement.record
}

for (const platform of platformNames)
  for (const place of places)
    test(`${platform}: a payload in a ${place.name}`, () => {
      const ruleset = rulesets.get(platform) as Ruleset
      const target = targetOf(place, platform)
      for (const payload of payloads) {
        const record = placedIn(placePayload(ruleset, request(place.shape), target, payload), payload)
        const seen = seenAt(ruleset, record, target)
        assert.ok(seen.includes(payload), `${payload} in ${JSON.stringify(seen)}`)
        const length = record.request.headers.find(([name]) => name === 'Content-Length')?.[1]
        assert.is(length, String(record.request.body.length))
      }
    })

for (const platform of platformNames)
  test(`${platform}: names, whole bodies, and what no client can write`, () => {
    const ruleset = rulesets.get(platform) as Ruleset
    const put = (shape: RequestShape, target: string, payload: string): Carried =>
      placePayload(ruleset, request(shape), target, payload)
    const named = placedIn(put({ body: 'a=b&q=old' }, 'ARGS_NAMES:q', '<script>'), 'a name')
    assert.is(named.request.body, 'a=b&%3Cscript%3E=old')
    const raw = placedIn(put({ body: 'a=b' }, 'REQUEST_BODY', '() { :;}; id'), 'a body')
    assert.is(raw.request.body, '() { :;}; id')
    const cookie = put({ headers: [['Cookie', 'uid=1']] }, 'REQUEST_COOKIES:uid', 'a;b')
    assert.is('seen' in cookie && cookie.seen, 'a%3Bb')
    const fileTarget = platform === 'coraza' ? 'FILES:' : 'FILES:file'
    const file = placedIn(put({ headers: asMultipart, body: multipart }, fileTarget, 'a\r\nb'), 'a file name')
    assert.ok(file.request.body.includes('filename="a%0D%0Ab"'))
    placedIn(put({ headers: asXml, body: '<a>text</a>' }, 'XML:/*', ' text\n'), 'text with blanks around it')
    assert.ok('refused' in put({ body: 'a=b' }, 'ARGS:other', 'x'))
    assert.ok('refused' in put({}, 'REQUEST_METHOD', 'x'))
    const blank = put({ headers: asXml, body: '<a>text</a>' }, 'XML:/*', ' ')
    assert.ok('refused' in blank || blank.seen === ' ')
    assert.ok('refused' in put({ headers: asXml, body: '<a>text</a>' }, 'XML:/*', '\x01'))
    assert.ok('refused' in put({ headers: asMultipart, body: multipart }, 'ARGS:title', 'x\r\n--b0--\r\n'))
  })

for (const platform of platformNames)
  test(`${platform}: what is made harmless is, and nothing else changes`, () => {
    const ruleset = rulesets.get(platform) as Ruleset
    const carrier = request({
      uri: '/p/page?a=<b>&keep=1',
      headers: [
        ['Cookie', 'uid=<c>; other=2'],
        ['Referer', '<d>'],
      ],
      body: 'q=<e>&q=<f>&r=3',
    })
    const targets = [
      'ARGS:a',
      'ARGS:q',
      'REQUEST_COOKIES:uid',
      'REQUEST_HEADERS:Referer',
      'REQUEST_HEADERS:Content-Type',
      'REQUEST_FILENAME',
    ]
    const { request: made } = neutral(ruleset, carrier, targets)
    assert.is(made.uri, '/p/page?a=x&keep=1')
    assert.is(made.body, 'q=x&q=x&r=3')
    assert.equal(made.headers.slice(1), [
      ['Cookie', 'uid=x; other=2'],
      ['Referer', 'x'],
      ['Content-Type', 'application/x-www-form-urlencoded'],
      ['Content-Length', '11'],
    ])
    const kept = neutral(ruleset, carrier, ['ARGS:a', 'ARGS_NAMES:q', 'ARGS:r', 'ARGS:q'], 'ARGS:q')
    assert.is(kept.request.uri, '/p/page?a=x&keep=1')
    assert.is(kept.request.body, 'q=x&q=x&r=x')
    assert.is(neutral(ruleset, carrier, ['ARGS_NAMES:q'], 'ARGS_NAMES:q').request.body, carrier.request.body)
  })

test('requests made to be slow to cut are cut in time', () => {
  const ruleset = rulesets.get('modsec3') as Ruleset
  const n = 300_000
  const hostile: readonly (readonly [RequestShape['headers'], string])[] = [
    [asJson, `{"a":"x","b":"${'\\"'.repeat(n)}`],
    [asJson, '"\\'.repeat(n)],
    [asJson, '['.repeat(n)],
    [asXml, '<'.repeat(n)],
    [asXml, '<a b="'.repeat(n / 3)],
    [asXml, `<a ${'b '.repeat(n)}>text</a>`],
    [asMultipart, '--b0\r\n\r\n'.repeat(n / 3)],
    [asMultipart, `--b0\r\nContent-Disposition: form-data${'; name="a\\"'.repeat(n / 3)}\r\n\r\nx\r\n--b0--\r\n`],
    [undefined, '&a=b'.repeat(n / 3)],
    [undefined, '&a='.repeat(n / 3)],
  ]
  for (const [headers, body] of hostile) {
    const begun = process.cpuUsage()
    const carrier = request({ ...(headers === undefined ? {} : { headers }), body })
    placePayload(ruleset, carrier, 'ARGS:a', 'payload')
    neutral(ruleset, carrier, ['ARGS:a', 'REQUEST_BODY', 'XML:/*'])
    const { user, system } = process.cpuUsage(begun)
    assert.ok(user + system < 5_000_000, `${body.slice(0, 20)}: ${(user + system) / 1000} ms`)
  }
})

test.run()
