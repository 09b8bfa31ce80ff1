/**
 * `wafsim exclude --reproduce`: the tests it writes do what they say, its commands carry the request, and nothing of the
 * capture is left that the rule does not need.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { folderWith, type Outcome, wafsim } from './support/cli.js'

const record = (id: string, label: string, message: string, more: object = {}): string =>
  JSON.stringify({
    id,
    label,
    request: {
      method: 'POST',
      uri: '/account/miriam-holt/notes?session=ZQX81Kd0',
      httpVersion: '1.1',
      headers: [
        ['Host', 'intranet.holt-partners.example'],
        ['User-Agent', 'Mozilla/5.0'],
        ['Cookie', 'sid=Geheimnis77'],
        ['Authorization', 'Bearer Topsecret99'],
        ['Content-Type', 'application/x-www-form-urlencoded'],
      ],
      body: `csrf=Token4711&message=${encodeURIComponent(message)}&name=Miriam`,
    },
    ...more,
  })

const union =
  'Dear Gwendolyn, the union all select committee meets; SELECT name FROM members WHERE iban=DE8937 is my query'
const secrets = ['miriam', 'ZQX81', 'holt', 'Geheimnis', 'Topsecret', '4711', 'Gwendolyn', 'committee', 'DE8937']
const corpus = [
  record('../../etc/$(touch hacked)', 'benign', union),
  record('longer', 'benign', `${union} and so on, and so on, and so on`),
  record('an attack', 'attack', "1' UNION SELECT password FROM users--"),
  record('harmless', 'benign', 'see you on Monday'),
  record('cut', 'benign', union, { evidence: 'truncated' }),
].join('\n')

function reproduce(...more: readonly string[]): Outcome & { readonly path: (name: string) => string } {
  const path = folderWith({ 'corpus.ndjson': corpus })
  const args = ['--rules', 'starter', '--corpus', path('corpus.ndjson'), '--workers', '0']
  const filled = more.map((word) => (word === 'OUT' ? path('out') : word))
  return { ...wafsim(['exclude', ...args, ...filled]), path }
}

interface Report {
  readonly reproducers: readonly {
    readonly recordId: string
    readonly ruleId: number
    readonly ruleIds: readonly number[]
    readonly bytesBefore: number
    readonly bytesAfter: number
    readonly minimal: boolean
    readonly yaml: string
    readonly curl: string | null
    readonly files: readonly string[]
  }[]
}

const reportOf = ({ out, status, err }: Outcome): Report => {
  assert.is(status, 0, err)
  return JSON.parse(out) as Report
}

const passes = (file: string): boolean => {
  const { status, err } = wafsim(['test', file, '--rules', 'starter'])
  assert.ok(status === 0 || status === 1, err)
  return status === 0
}

test('each rule has one test: it fails until the rule is mended, or passes until then', () => {
  const silent = reproduce('--reproduce', 'OUT')
  assert.is(silent.status, 0, silent.err)
  const names = readdirSync(silent.path('out'))
  assert.ok(names.length >= 2)
  for (const name of names) assert.match(name, /^\d+-1\.(?:yaml|sh)$/)
  const firing = reproduce('--reproduce', 'OUT', '--expect', 'fires')
  const tests = names.filter((name) => name.endsWith('.yaml'))
  for (const name of tests) {
    assert.is(passes(silent.path(`out/${name}`)), false, name)
    assert.is(passes(firing.path(`out/${name}`)), true, name)
    assert.match(readFileSync(silent.path(`out/${name}`), 'latin1'), 'no_expect_ids:')
    // Asked for the other way round, as the comment says.
    assert.match(readFileSync(firing.path(`out/${name}`), 'latin1'), /^# Passes .*no_expect_ids: \[\d+\]$/m)
  }
})

test('what is written is small, masked and safe', () => {
  const { reproducers } = reportOf(reproduce('--reproduce', '--format', 'json'))
  assert.ok(reproducers.length > 0)
  for (const { recordId, yaml, curl, minimal, bytesBefore, bytesAfter, ruleIds } of reproducers) {
    assert.is(recordId, '../../etc/$(touch hacked)')
    assert.is(ruleIds.length, 1)
    assert.ok(minimal)
    assert.ok(bytesAfter * 2 < bytesBefore, `${bytesBefore} to ${bytesAfter}`)
    for (const word of [...secrets, 'touch', 'etc'])
      for (const text of [yaml, curl ?? '']) assert.not.match(text.toLowerCase(), word.toLowerCase())
    assert.match(yaml + curl, /^[\n\x20-\x7e]*$/)
  }
})

test('a shell hands curl the request of the test', () => {
  const { path, ...outcome } = reproduce('--reproduce', 'OUT', '--format', 'json')
  for (const { files, yaml, ruleId } of reportOf(outcome).reproducers) {
    const script = files.find((file) => file.endsWith('.sh')) ?? ''
    assert.is(script, path(`out/${ruleId}-1.sh`))
    const words = path('words')
    const fake = `curl() { for word in "$@"; do printf '%s\\0' "$word"; done > '${words}'; }\n`
    const ran = spawnSync('sh', { input: fake + readFileSync(script, 'latin1') })
    assert.equal([ran.status, ran.stderr.toString()], [0, ''])
    const sent = readFileSync(words, 'latin1').split('\0')
    const following = (option: string): string => sent[sent.indexOf(option) + 1] ?? ''
    const body = /^ +data: (".*")$/m.exec(yaml)?.[1]
    assert.ok(body !== undefined && body.length > 2)
    assert.is(following('--data-binary'), JSON.parse(body))
    assert.match(yaml, `uri: "${following('--url').slice('http://localhost'.length)}"`)
  }
  assert.not.ok(existsSync('hacked'))
})

test('a record and a rule can be chosen', () => {
  const all = reportOf(reproduce('--reproduce', '--record', 'longer', '--format', 'json')).reproducers
  assert.is(all.length, 1)
  assert.is(all[0]?.recordId, 'longer')
  const [ruleId = 0] = all[0]?.ruleIds ?? []
  const one = reportOf(reproduce('--reproduce', '--rule', String(ruleId), '--format', 'json')).reproducers
  assert.equal(
    one.map(({ ruleIds, recordId }) => [ruleIds, recordId]),
    [[[ruleId], '../../etc/$(touch hacked)']],
  )
  const text = reproduce('--reproduce', '--rule', String(ruleId)).out
  assert.match(text, new RegExp(`^rule ${ruleId} in \\.\\./\\.\\./etc/\\S+.*: \\d+ bytes, reduced to \\d+`))
  assert.match(text, 'curl \\\n')
  assert.match(text, `rule_id: ${ruleId}`)
})

test('what is no false positive is refused', () => {
  const refused = (args: readonly string[], why: RegExp): void => {
    const { status, err } = reproduce(...args)
    assert.equal([status, why.test(err)], [2, true], `${args.join(' ')}: ${err}`)
  }
  refused(['--reproduce', '--record', 'an attack'], /not labelled benign/)
  refused(['--reproduce', '--record', 'harmless'], /not blocked/)
  refused(['--reproduce', '--record', 'cut'], /not complete/)
  refused(['--reproduce', '--record', 'longer', '--record', 'nobody'], /nobody: no such record/)
  refused(['--reproduce', '--rule', '7'], /no rule of this ruleset/)
  refused(['--reproduce', '--format', 'conf'], /--format text/)
  refused(['--reproduce', '--path', '/a'], /--path does not go with --reproduce/)
  refused(['--record', 'longer'], /go with --reproduce/)
  refused(['--expect', 'fires'], /go with --reproduce/)
  assert.match(reproduce('--reproduce', '--filter', 'path=/nowhere').err, /no benign record/)
})

test.run()
