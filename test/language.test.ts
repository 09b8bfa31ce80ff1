/**
 * The language beyond what CRS uses: operators with data of the user's, datasets, paths, names that one engine
 * knows and another does not.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { languageReference } from '../cli/language-reference.js'
import { refusals } from '../engine/compile/availability.js'
import {
  actions,
  ctlOptions,
  directives,
  evaluate,
  exclusionKinds,
  type LoadedRuleset,
  loadRuleset,
  type NameFamily,
  operators,
  type PlatformName,
  RulesetError,
  type TransactionRecord,
  transformations,
  type Verdict,
  variables,
} from '../engine/index.js'
import { folderWith, wafsim } from './support/cli.js'
import { mmdbOf } from './support/mmdb.js'
import { play, request, rules } from './support/scenario.js'
import { repositoryRoot } from './support/test-data.js'

function from(ip: string): TransactionRecord {
  return { ...request(), client: { ip, port: 1024 } }
}

function data(verdict: Verdict, ruleId: number): string | undefined {
  return verdict.matches.find((match) => match.ruleId === ruleId)?.logdata
}

function warnings({ ruleset }: LoadedRuleset): string[] {
  return ruleset.warnings.map((warning) => warning.code)
}

const geoRules = `
SecRule REMOTE_ADDR "@geoLookup" "id:1,phase:1,pass,log,logdata:'%{GEO.COUNTRY_CODE} %{GEO.city}'"
SecRule GEO:COUNTRY_CODE "@streq DE" "id:2,phase:1,pass,log"
SecRule &GEO:COUNTRY_CODE "@eq 0" "id:3,phase:1,pass,log"`

/** Rules in a folder with data files beside them. */
function rulesBeside(
  files: Readonly<Record<string, string | Buffer>>,
  text: string,
  platform: PlatformName = 'modsec3',
): LoadedRuleset {
  const at = folderWith({ ...files, 'rules.conf': `SecRuleEngine On\n${text}` })
  return loadRuleset({ parts: [{ kind: 'file', path: at('rules.conf') }], platform })
}

const csv = `# ours
network,country_code,"city"
192.0.2.0/24,DE,"K\xf6ln, am Rhein"
192.0.2.128/25,FR,Paris
2001:db8::/32,NL,
198.51.100.7,US,
`

test('@geoLookup reads a CSV: the narrowest network counts', () => {
  const { ruleset } = rulesBeside({ 'geo.csv': csv }, `SecGeoLookupDb geo.csv\n${geoRules}`)
  assert.equal(ruleset.unsimulated, [])
  const of = (ip: string): [readonly number[], string | undefined] => {
    const verdict = evaluate(ruleset, from(ip))
    return [verdict.ruleIds, data(verdict, 1)]
  }
  assert.equal(of('192.0.2.5'), [[1, 2], 'DE K\xf6ln, am Rhein'])
  assert.equal(of('192.0.2.200'), [[1], 'FR Paris'])
  assert.equal(of('2001:db8::1'), [[1], 'NL '])
  assert.equal(of('198.51.100.7'), [[1], 'US '])
  assert.equal(of('198.51.100.8'), [[3], undefined])
  assert.equal(of('no address'), [[3], undefined])
})

test('@geoLookup reads a MaxMind database', () => {
  const record = { country: { iso_code: 'DE', names: { en: 'Germany' } }, location: { latitude: 50.9 } }
  const { ruleset } = rulesBeside(
    { 'geo.mmdb': mmdbOf([192, 0, 2, 0], 24, record) },
    `SecGeoLookupDb geo.mmdb\n${geoRules}
     SecRule &GEO "@gt 0" "id:4,phase:1,pass,log,logdata:'%{GEO.COUNTRY_NAME} %{GEO.LATITUDE}'"`,
  )
  const verdict = evaluate(ruleset, from('192.0.2.5'))
  assert.equal(verdict.ruleIds, [1, 2, 4])
  assert.is(data(verdict, 4), 'Germany 50.900000')
  assert.equal(evaluate(ruleset, from('192.0.3.5')).ruleIds, [3])
})

test('@geoLookup without a database says so; a database that is not there is a warning', () => {
  const what = (loaded: LoadedRuleset): unknown => loaded.ruleset.unsimulated.map((each) => [each.ruleId, each.what])
  assert.equal(what(rules(geoRules)), [[1, '@geoLookup']])
  const absent = rules(`SecGeoLookupDb /nowhere/GeoIP.dat\n${geoRules}`)
  assert.equal(warnings(absent), ['missing-geo-database'])
  assert.equal(what(absent), [[1, '@geoLookup']])
  assert.equal(what(rules(geoRules, 'coraza')), [])
  assert.equal(evaluate(rules(geoRules, 'coraza').ruleset, from('192.0.2.1')).ruleIds, [1, 3])
})

const unicodeRules = `
SecRule REQUEST_HEADERS:A "@streq A" "id:1,phase:1,pass,log,t:none,t:urlDecodeUni"
SecRule REQUEST_HEADERS:A "@rx ^\\xc0$" "id:2,phase:1,pass,log,t:none,t:urlDecodeUni"
SecRule REQUEST_HEADERS:Stop "@streq ." "id:3,phase:1,pass,log,t:none,t:urlDecodeUni"
SecRule REQUEST_HEADERS:Stop "@rx ^\\x02$" "id:4,phase:1,pass,log,t:none,t:urlDecodeUni"
SecRule REQUEST_HEADERS:Wide "@streq <" "id:5,phase:1,pass,log,t:none,t:urlDecodeUni"
`
const unicodeRequest = request({
  headers: [
    ['A', '%u00c0'],
    ['Stop', '%u3002'],
    ['Wide', '%uff1c'],
  ],
})

test('urlDecodeUni maps as SecUnicodeMapFile says, wherever it stands; without it only full-width forms', () => {
  const ids = (text: string, platform: PlatformName): readonly number[] =>
    evaluate(
      rulesBeside({ 'own.mapping': '932 (x)\n00c0:41\n\n1252 (y)\n0100:41\n' }, text, platform).ruleset,
      unicodeRequest,
    ).ruleIds
  for (const platform of ['modsec2', 'modsec3'] as const) {
    assert.equal(ids(unicodeRules, platform), [2, 4, 5])
    assert.equal(ids(`SecUnicodeMapFile unicode.mapping 20127\n${unicodeRules}`, platform), [1, 3, 5])
    assert.equal(ids(`${unicodeRules}SecUnicodeMapFile unicode.mapping 20127`, platform), [1, 3, 5])
    assert.equal(ids(`SecUnicodeMapFile own.mapping 932\n${unicodeRules}`, platform), [1, 3, 5])
    assert.equal(ids(`SecUnicodeMapFile own.mapping 1252\n${unicodeRules}`, platform), [2, 3, 5])
  }
  assert.equal(ids(`SecUnicodeMapFile own.mapping\n${unicodeRules}`, 'modsec2'), [2, 4, 5])
  assert.equal(ids(unicodeRules.replaceAll(/\\x(c0|02)/g, '[^A.]'), 'coraza'), [1, 4, 5])
  for (const wrong of [
    'other.mapping 20127',
    'unicode.mapping 1252',
    'own.mapping abc',
    'own.mapping 1250',
    'own.mapping',
  ])
    assert.throws(
      () => ids(`SecUnicodeMapFile ${wrong}\n${unicodeRules}`, 'modsec3'),
      (error: unknown) => error instanceof RulesetError,
      wrong,
    )
})

test('a broken database is an error', () => {
  for (const [name, bytes] of [
    ['a.csv', 'country_code\nDE\n'],
    ['a.csv', 'network,colour\n192.0.2.0/24,red\n'],
    ['a.csv', 'network,city\n192.0.2.0/99,x\n'],
    ['a.dat', '\x00\x01\x02\x03'],
    ['a.mmdb', '\xab\xcd\xefMaxMind.com\xff\xff'],
  ] as const)
    assert.throws(
      () => rulesBeside({ [name]: Buffer.from(bytes, 'latin1') }, `SecGeoLookupDb ${name}\n${geoRules}`),
      (error: unknown) => error instanceof RulesetError,
      bytes,
    )
})

const rblRules = `
SecRule REMOTE_ADDR "@rbl bl.example.org" "id:1,phase:1,pass,log,capture,logdata:'%{TX.0}'"
SecRule REQUEST_HEADERS:Host "@rbl hosts.example.org" "id:2,phase:1,pass,log"`

test('@rbl asks the listings of --rbl', () => {
  const at = folderWith({
    'rules.conf': `SecRuleEngine On\n${rblRules}`,
    'listed.txt':
      '# zone address answer\nBL.example.org 192.0.2.1\nbl.example.org. 198.51.100.0/24 127.0.0.9 spam source\nhosts.example.org evil.test\n',
    'c.ndjson': [
      ['192.0.2.1', 'www.test'],
      ['198.51.100.77', 'www.test'],
      ['192.0.2.2', 'EVIL.test'],
    ]
      .map(([ip, host], n) =>
        JSON.stringify({
          id: `r${n}`,
          client: { ip, port: 1 },
          request: { method: 'GET', uri: '/', headers: [['Host', host]], body: '' },
        }),
      )
      .join('\n'),
  })
  const base = ['run', '--rules', at('rules.conf'), '--corpus', at('c.ndjson'), '--format', 'ndjson', '--quiet']
  const result = wafsim([...base, '--rbl', at('listed.txt'), '--workers', '1'])
  assert.is(result.status, 0, result.err)
  const lines = result.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(
    lines.map((line) => line.ruleIds),
    [[1], [1], [2]],
  )
  assert.is(lines[0].matches[0].logdata, '127.0.0.2')
  assert.is(lines[1].matches[0].logdata, '127.0.0.9 spam source')
  const check = wafsim(['rules', 'check', '--rules', at('rules.conf')])
  assert.match(check.out, /rule 1: @rbl is not simulated: .*--rbl/)
  assert.not.match(wafsim(['rules', 'check', '--rules', at('rules.conf'), '--rbl', at('listed.txt')]).out, /rule 1:/)
  assert.is(wafsim([...base, '--rbl', at('rules.conf')]).status, 0)
  assert.is(wafsim([...base, '--rbl', at('none.txt')]).status, 2)
})

test('Coraza: datasets of phrases and of addresses', () => {
  const text = `SecDataset words \`
# comment
foo
 Bar baz
\`
SecDataset nets \`
192.0.2.0/24
\`
SecRule ARGS "@pmFromDataset words" "id:1,phase:1,pass,log"
SecRule REMOTE_ADDR "@ipMatchFromDataset nets" "id:2,phase:1,pass,log"`
  const of = (uri: string, ip: string): readonly number[] =>
    evaluate(rules(text, 'coraza').ruleset, { ...request({ uri }), client: { ip, port: 1 } }).ruleIds
  assert.equal(of('/?a=xFOOx', '192.0.2.3'), [1, 2])
  assert.equal(of('/?a=bar+baz', '192.0.3.3'), [1])
  assert.equal(of('/?a=comment', '192.0.3.3'), [])
  assert.throws(
    () => rules('SecRule ARGS "@pmFromDataset none" "id:1,phase:1,pass"', 'coraza'),
    (error: unknown) => error instanceof RulesetError && /no dataset "none"/.test(error.message),
  )
})

test('Coraza: @restpath names the parts of the path', () => {
  const text = `SecRule REQUEST_FILENAME "@restpath /users/{id}/posts/{post}" "id:1,phase:1,pass,log,logdata:'%{ARGS_PATH.id} %{ARGS_PATH.post}'"
SecRule ARGS_PATH:id "@rx ^\\d+$" "id:2,phase:1,pass,log"`
  const verdict = play(text, { uri: '/users/17/posts/abc?x=1' }, 'coraza')
  assert.equal(verdict.ruleIds, [1, 2])
  assert.is(data(verdict, 1), '17 abc')
  assert.equal(play(text, { uri: '/users//posts/abc' }, 'coraza').ruleIds, [])
})

test('a platform that does not know a name is a warning that says so', () => {
  const codes = (text: string, platform: PlatformName): string[] => warnings(rules(text, platform))
  assert.equal(codes('SecRule ARGS "@rx x" "id:1,phase:1,pass,t:sqlHexDecode"', 'coraza'), ['not-on-platform'])
  assert.equal(codes('SecRule ARGS "@rx x" "id:1,phase:1,pass,t:sqlHexDecode"', 'modsec2'), [])
  assert.equal(codes('SecRule ARGS "@containsWord x" "id:1,phase:1,pass"', 'coraza'), ['not-on-platform'])
  assert.equal(codes('SecRule ARGS "@rx x" "id:1,phase:1,pass,sanitiseMatched"', 'modsec3'), ['not-on-platform'])
  assert.equal(codes('SecRule ARGS "@rx x" "id:1,phase:1,pass,ctl:ruleRemoveByMsg=x"', 'modsec3'), ['not-on-platform'])
  assert.equal(codes('SecRule USERAGENT_IP "@rx x" "id:1,phase:1,pass"', 'coraza'), ['not-on-platform'])
  assert.equal(codes('SecRxPreFilter On', 'modsec2'), ['not-on-platform'])
  const [first] = rules('SecRxPreFilter On', 'modsec2').ruleset.warnings
  assert.match(first?.message ?? '', /ModSecurity 2.*SecRxPreFilter/)
})

test('docs/exclusions.md has the kinds of exclusions as the table has them', () => {
  const page = readFileSync(join(repositoryRoot(), 'docs', 'exclusions.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `([a-z-]+)` +\| (\S.*?) +\|.*\|.*\|$/gm)].map(([, kind, doc]) => ({ kind, doc }))
  const documented = rows.filter(({ kind }) => exclusionKinds.some((each) => each.kind === kind))
  assert.equal(
    documented,
    exclusionKinds.map(({ kind, doc }) => ({ kind, doc })),
  )
})

test('docs/seclang.md is what the tables say', () => {
  const committed = readFileSync(join(repositoryRoot(), 'docs', 'seclang.md'), 'utf8')
  assert.ok(committed === languageReference(), 'the page is stale: npm run docs')
})

test('every name that an engine refuses is in its table', () => {
  const known: Readonly<Record<NameFamily, readonly { readonly name: string }[]>> = {
    action: actions,
    ctl: ctlOptions(),
    directive: directives,
    operator: Object.values(operators),
    transformation: Object.values(transformations),
    variable: variables,
  }
  const stray = Object.entries(refusals).flatMap(([family, list]) =>
    list.flatMap(({ names }) => names.filter((name) => !known[family as NameFamily].some((e) => e.name === name))),
  )
  assert.equal(stray, [])
})

test.run()
