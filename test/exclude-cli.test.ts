/**
 * `wafsim exclude` end to end: formats, fields of the contract, the way back through `run`, refusals, labels, hostile
 * captures, narrow terminals, exit statuses.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { ProvenExclusion } from '../engine/index.js'
import { folderWith, type Outcome, wafsim } from './support/cli.js'

const score = "setvar:'tx.inbound_anomaly_score_pl1=+5'"
const rules = `SecRuleEngine On
SecRequestBodyAccess On
SecAction "id:900990,phase:1,pass,nolog,setvar:tx.inbound_anomaly_score_threshold=5,setvar:tx.blocking_paranoia_level=1,setvar:tx.detection_paranoia_level=1,setvar:tx.inbound_anomaly_score_pl1=0,setvar:'tx.allowed_methods=GET HEAD POST'"
SecRule REQUEST_METHOD "!@within %{tx.allowed_methods}" "id:911100,phase:1,pass,log,msg:'Method',tag:'attack-generic',${score}"
SecRule ARGS|ARGS_NAMES "@contains evil" "id:942100,phase:2,pass,log,msg:'SQL words',tag:'attack-sqli',${score}"
SecRule ARGS|REQUEST_COOKIES "@contains script" "id:941100,phase:2,pass,log,msg:'Script',tag:'attack-xss',${score}"
SecAction "id:949060,phase:2,pass,nolog,setvar:tx.blocking_inbound_anomaly_score=%{tx.inbound_anomaly_score_pl1}"
SecRule TX:blocking_inbound_anomaly_score "@ge %{tx.inbound_anomaly_score_threshold}" "id:949110,phase:2,deny,status:403,log,msg:'Score exceeded'"
`

interface Shape {
  readonly id: string
  readonly label?: string
  readonly method?: string
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: string
  readonly ip?: string
  readonly time?: string
}

function line(uri: string, { id, label = 'benign', method, headers = [], body = '', ip, time }: Shape): string {
  return `${JSON.stringify({
    id,
    label,
    ...(time === undefined ? {} : { time }),
    ...(ip === undefined ? {} : { client: { ip, port: 40_000 } }),
    request: {
      method: method ?? (body === '' ? 'GET' : 'POST'),
      uri,
      httpVersion: '1.1',
      headers: [
        ['Host', 'www.example.com'],
        ...headers,
        ...(body === ''
          ? []
          : [
              ['Content-Type', 'application/x-www-form-urlencoded'],
              ['Content-Length', String(body.length)],
            ]),
      ],
      body,
    },
  })}\n`
}

const benign =
  line('/contact', { id: 'b1', body: 'message=an+evil+word' }) +
  line('/contact', { id: 'b2', body: 'message=evil+and+script&title=x' }) +
  line('/search?q=script', { id: 'b3', headers: [['Cookie', 'sid=1']] }) +
  line('/user/123', { id: 'b4', method: 'PUT' }) +
  line('/fine?q=hello', { id: 'b5' })
const attacks =
  line('/login?name=evil+1', { id: 'a1', label: 'attack' }) + line('/x?y=script', { id: 'a2', label: 'attack' })

const files = { 'rules.conf': rules, 'benign.ndjson': benign, 'attacks.ndjson': attacks }
const at = folderWith(files)

function exclude(args: readonly string[], folder = at, env: NodeJS.ProcessEnv = {}): Outcome {
  const given = args.includes('--corpus') ? [] : ['--corpus', folder('benign.ndjson')]
  const priced = ['--no-standard-attacks', '--attacks', at('attacks.ndjson')]
  return wafsim(['exclude', '--rules', at('rules.conf'), ...given, ...priced, '--workers', '0', ...args], { env })
}

interface Report {
  readonly before: { readonly falsePositives: number; readonly benignAlerted: number }
  readonly after: { readonly falsePositives: number; readonly benignAlerted: number }
  readonly exclusions: readonly ProvenExclusion[]
  readonly attacksBefore: number
  readonly attacksLost: number
  readonly detectionsLost: number
  readonly plain: { readonly attacksLost: number }
  readonly unlabelled: readonly { readonly target: string; readonly path: string; readonly verdict: string }[]
}

function reportOf(result: Outcome): Report {
  assert.is(result.status, 0, result.err)
  return JSON.parse(result.out) as Report
}

const report = reportOf(exclude(['--format', 'json']))

test('json: the fields of the contract', () => {
  assert.equal(report.before, { falsePositives: 4, benignAlerted: 4 })
  assert.equal(report.after, { falsePositives: 0, benignAlerted: 0 })
  assert.ok(report.exclusions.length >= 4)
  for (const each of report.exclusions) {
    assert.match(each.key, /^[0-9a-f]{12}$/)
    assert.ok(each.ruleIds.length === 1 && Array.isArray(each.tags) && Array.isArray(each.targets))
    assert.equal(Object.keys(each.scope).sort(), ['host', 'method', 'path'])
    assert.is(each.platform, 'modsec3')
    assert.ok(['setup', 'before', 'after', 'location'].includes(each.placement))
    assert.ok(each.configIds.every((id) => id >= 10_000 && id <= 49_999 && each.directive.includes(`id:${id}`)))
    assert.is(each.proof, 'replayed')
    assert.ok(each.clears.hits > 0 && each.clears.requests === each.clears.recordIds.length)
    assert.type(each.attacksLost, 'number')
    assert.type(each.detectionsLost, 'number')
    assert.is(each.evidence.of, 5)
    assert.ok(
      each.alternatives.some(({ kind }) => kind === 'remove-by-id'),
      'the plain answer is always shown',
    )
    assert.ok(each.alternatives.every(({ proof }) => proof === 'unproven'))
  }
  assert.type(report.attacksBefore, 'number')
  assert.ok(report.attacksLost <= report.plain.attacksLost)
})

test('what is printed, loaded at its places, leaves no false positive; nor does the conf text', () => {
  const texts = (placement: string): string =>
    report.exclusions
      .filter((each) => each.placement === placement)
      .map(({ directive }) => `${directive}\n`)
      .join('')
  const folder = folderWith({
    'setup.conf': texts('setup'),
    'before.conf': texts('before'),
    'after.conf': texts('after'),
    'all.conf': exclude(['--format', 'conf', '--quiet']).out,
  })
  const run = (...more: readonly string[]): { falsePositives: number; missedAttacks: number } => {
    const corpora = ['--corpus', at('benign.ndjson'), '--corpus', at('attacks.ndjson')]
    const result = wafsim(['run', '--rules', at('rules.conf'), ...corpora, '--format', 'json', '--quiet', ...more])
    assert.is(result.status, 0, result.err)
    return (JSON.parse(result.out) as { totals: { falsePositives: number; missedAttacks: number } }).totals
  }
  assert.is(run().falsePositives, 4)
  const used = ['setup', 'before', 'after'].filter((place) => texts(place) !== '')
  const placed = run(...used.flatMap((place) => [`--${place}`, folder(`${place}.conf`)]))
  assert.equal([placed.falsePositives, placed.missedAttacks], [0, 0])
  const whole = run('--before', folder('all.conf'))
  assert.equal([whole.falsePositives, whole.missedAttacks], [0, 0])
})

test('text: before and after, the price, every directive', () => {
  const { out, status } = exclude([])
  assert.is(status, 0)
  for (const { directive } of report.exclusions)
    for (const each of directive.split('\n')) assert.ok(out.includes(each.trim()), each)
  assert.match(out, /attack/)
})

test('text in 40 columns: no line is wider, but for directives', () => {
  const out = Buffer.from(exclude([], at, { COLUMNS: '40' }).out, 'latin1').toString('utf8')
  const directives = new Set(
    report.exclusions.flatMap(({ directive }) => directive.split('\n')).map((each) => each.trim()),
  )
  for (const each of out.split('\n'))
    if (each.length > 40)
      assert.ok(
        [...directives].some((text) => each.includes(text)),
        `${each.length}: ${each}`,
      )
})

test('ids and keys stay when the corpus grows', () => {
  const folder = folderWith({
    'benign.ndjson':
      line('/about?q=evil', { id: 'n1' }) + benign + line('/contact', { id: 'n2', body: 'comment=script' }),
  })
  const grown = new Map(reportOf(exclude(['--format', 'json'], folder)).exclusions.map((each) => [each.key, each]))
  assert.ok(grown.size > report.exclusions.length)
  for (const each of report.exclusions) {
    assert.equal(grown.get(each.key)?.configIds, each.configIds, each.directive)
    assert.is(grown.get(each.key)?.directive, each.directive)
  }
})

test('bad usage is refused, with what to do', () => {
  const refused = (args: readonly string[], message: RegExp): void => {
    const { status, err, out } = exclude(args)
    assert.is(status, 2, `${args.join(' ')}: ${out}${err}`)
    assert.match(err, message)
    assert.is(out, '')
  }
  refused(['--corpus', '-'], /standard input/)
  refused(['--layout', 'haproxy'], /layout/)
  refused(['--layout', 'caddy', '--platform', 'modsec2'], /caddy/)
  refused(['--layout', 'location', '--platform', 'coraza'], /location/)
  refused(['--id-range', '5'], /range/)
  refused(['--id-range', '20-10'], /range/)
  refused(['--id-range', '942000-942999'], /CRS/)
  refused(['--id-range', '10000-10001'], /no room/)
  refused(['--date', '2026-13-01'], /--date/)
  refused(['--date', '1 Dec'], /--date/)
  refused(['--param', 'q'], /--rule/)
  refused(['--path', '/x'], /--rule/)
  refused(['--fail-on', 'rain'], /fail-on/)
  refused(['--target-score', '-1'], /target-score/)
  refused(['--corpus', at('nothing.ndjson')], /nothing/)
})

test('exit statuses of --fail-on', () => {
  const attack = folderWith({ 'benign.ndjson': line('/login?name=evil', { id: 'x' }) })
  assert.is(exclude(['--fail-on', 'false-positive']).status, 0)
  const lost = exclude(['--fail-on', 'missed-attack', '--format', 'json'], attack)
  assert.is(lost.status, (JSON.parse(lost.out) as Report).attacksLost > 0 ? 1 : 0)
  const scoring = folderWith({ 'benign.ndjson': line('/fine?q=hello', { id: 'x' }) })
  const clean = exclude(['--fail-on', 'false-positive', '--fail-on', 'placebo', '--fail-on', 'missed-attack'], scoring)
  assert.is(clean.status, 0, clean.err)
})

test('labels: by hand, none at all', () => {
  const unlabelled = folderWith({ 'benign.ndjson': benign.replaceAll('"label":"benign",', '') })
  assert.equal(reportOf(exclude(['--format', 'json'], unlabelled)).exclusions, [])
  const { out, status } = exclude([], unlabelled)
  assert.is(status, 0)
  assert.match(out, /--label|--assume-benign/)
  const labelled = reportOf(exclude(['--format', 'json', '--label', 'path=/contact benign'], unlabelled))
  assert.is(labelled.before.falsePositives, 2)
  assert.ok(labelled.exclusions.every(({ scope }) => scope.path === '/contact'))
  assert.equal(reportOf(exclude(['--format', 'json', '--assume-benign'], unlabelled)).exclusions, report.exclusions)
})

test('a scanner is attack-like and gets no exclusion; a form that many people fill in is likely benign', () => {
  const day = (n: number): string =>
    `2026-11-${String(1 + (n % 20)).padStart(2, '0')}T${String(n % 24).padStart(2, '0')}:00:00Z`
  let mixed = ''
  for (let n = 0; n < 60; n++) {
    const ip = `192.0.2.${n + 1}`
    mixed += line('/comment', {
      id: `people-${n}`,
      label: 'unknown',
      ip,
      time: day(n),
      body: `text=number+${n}+is+evil+I+think`,
    })
    mixed += line('/', { id: `home-${n}`, label: 'unknown', ip, time: day(n) })
  }
  for (let n = 0; n < 60; n++) {
    const time = `2026-11-21T03:00:${String(n).padStart(2, '0')}Z`
    mixed += line(`/scan-${n % 7}?id=1'+evil+or+script-${n}--`, {
      id: `scan-${n}`,
      label: 'unknown',
      ip: '198.51.100.9',
      time,
    })
  }
  const folder = folderWith({ 'benign.ndjson': mixed })
  assert.equal(reportOf(exclude(['--format', 'json'], folder)).exclusions, [])
  const likely = reportOf(exclude(['--format', 'json', '--likely-benign'], folder))
  for (const { scope, clears } of likely.exclusions) {
    assert.not(scope.path?.startsWith('/scan'), scope.path ?? 'everywhere')
    assert.not(clears.recordIds.some((id) => id.startsWith('scan')))
  }
  const people = likely.unlabelled.filter(({ path }) => path === '/comment')
  assert.ok(
    people.length > 0 && people.every(({ verdict }) => verdict === 'likely-false-positive'),
    JSON.stringify(people),
  )
  assert.ok(likely.exclusions.some(({ scope }) => scope.path === '/comment'))
})

/** Would move the cursor, end a comment, a string or a command. */
const hostile = ['\x1b[2J\x07', 'a\nSecRuleEngine Off\n', '"\n', "';`id`", '\x9b31m', '\r\x00', '{$HOME}</Location>']

test('nothing captured reaches the terminal or a file as it is', () => {
  const encode = (text: string): string =>
    text.replace(/[^A-Za-z0-9]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
  const nasty = hostile
    .map(
      (text, n) =>
        line(`/p${encode(text)}?${encode(text)}=evil${encode(text)}`, {
          id: `${text}${n}`,
          headers: [['Cookie', `c${text.replace(/[\r\n\0;]/g, '')}=script`]],
        }) + line(`/raw${text.replace(/[\s\0?#]/g, '')}?q=script`, { id: `raw ${text}${n}` }),
    )
    .join('')
  const folder = folderWith({ 'benign.ndjson': nasty })
  const outputs = [
    exclude([], folder),
    exclude(['--format', 'conf'], folder),
    exclude(['--format', 'conf', '--platform', 'modsec2'], folder),
    exclude(['--format', 'conf', '--platform', 'coraza', '--layout', 'caddy'], folder),
    exclude(['--apply', folder('out.conf')], folder),
  ]
  for (const { status, out, err } of outputs) {
    assert.is(status, 0, err)
    // What wafsim writes itself is UTF-8; a byte that is not would be a captured one.
    for (const text of [out, err])
      assert.not.match(Buffer.from(text, 'latin1').toString('utf8'), /[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd]/)
    assert.not.match(out, /^\s*SecRuleEngine/m)
  }
  for (const { out } of outputs.slice(1, 4)) assert.not.match(out, /`id`/)
  assert.not.match(readFileSync(folder('out.conf'), 'latin1'), /^\s*SecRuleEngine|[\x00-\x08\x0b-\x1f\x7f-\xff]/m)
  const again = ['--before', folder('out.conf'), '--corpus', folder('benign.ndjson'), '--format', 'json', '--quiet']
  const run = wafsim(['run', '--rules', at('rules.conf'), ...again])
  assert.is(run.status, 0, run.err)
  assert.is((JSON.parse(run.out) as { totals: { falsePositives: number } }).totals.falsePositives, 0)
})

test('--apply twice changes nothing, and keeps what people wrote beside it', () => {
  const folder = folderWith({ 'benign.ndjson': benign })
  const target = folder('mine.conf')
  assert.is(exclude(['--apply', target, '--date', '2026-12-01'], folder).status, 0)
  const first = readFileSync(target, 'latin1')
  assert.is(exclude(['--apply', target, '--date', '2026-12-24'], folder).status, 0)
  assert.is(readFileSync(target, 'latin1'), first)
  writeFileSync(target, `# mine\n${first}\n# mine too\n`, 'latin1')
  assert.is(exclude(['--apply', target], folder).status, 0)
  assert.is(readFileSync(target, 'latin1'), `# mine\n${first}\n# mine too\n`)
})

test.run()
