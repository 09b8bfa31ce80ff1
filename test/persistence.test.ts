/**
 * Persistent collections over several records: opening, expiry, deprecation, clock, platforms, the pool.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  createPersistentStore,
  createPool,
  evaluate,
  type LoadedRuleset,
  type PlatformName,
  type TransactionRecord,
  type Verdict,
} from '../engine/index.js'
import { folderWith, wafsim } from './support/cli.js'
import { request, rules } from './support/scenario.js'

/** A record of client `ip`, `seconds` into the capture; null: the capture has no time for it. */
function at(seconds: number | null, ip = '192.0.2.1', uri = '/'): TransactionRecord {
  const time = seconds === null ? {} : { time: new Date(Date.UTC(2026, 4, 1) + seconds * 1000).toISOString() }
  return { ...request({ id: `${ip}@${seconds}`, uri }), client: { ip, port: 1024 }, ...time }
}

function run(text: string, platform: PlatformName, records: readonly TransactionRecord[]): Verdict[] {
  const store = createPersistentStore()
  const { ruleset } = rules(text, platform)
  return records.map((record) => evaluate(ruleset, record, { store }))
}

/** What the rule logged as data, one text a record; empty where it did not log. */
function data(verdicts: readonly Verdict[], ruleId: number): string[] {
  return verdicts.map((verdict) => verdict.matches.find((match) => match.ruleId === ruleId)?.logdata ?? '')
}

const counting = `
SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}"
SecAction "id:2,phase:1,pass,nolog,setvar:ip.count=+1"
SecRule IP:count "@gt 0" "id:3,phase:1,pass,log,logdata:'%{IP.count}'"`

for (const platform of ['modsec2', 'modsec3'] as const)
  test(`${platform}: a counter lives on, one a client`, () => {
    const verdicts = run(counting, platform, [at(0), at(1), at(2, '192.0.2.2'), at(3)])
    assert.equal(data(verdicts, 3), ['1', '2', '1', '3'])
  })

test('without a store each record stands alone', () => {
  const { ruleset } = rules(counting)
  assert.equal(data([evaluate(ruleset, at(0)), evaluate(ruleset, at(1))], 3), ['1', '1'])
})

for (const platform of ['modsec2', 'modsec3'] as const)
  test(`${platform}: what expirevar does, by the clock of the capture`, () => {
    const verdicts = run(
      `SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}"
       SecRule &IP:block "@gt 0" "id:2,phase:1,pass,log,logdata:'blocked'"
       SecRule REQUEST_URI "@streq /bad" "id:3,phase:1,pass,nolog,setvar:ip.block=1,expirevar:ip.block=60"`,
      platform,
      [at(0, '192.0.2.1', '/bad'), at(10), at(59), at(60), at(61)],
    )
    // libmodsecurity 3.0.9 takes the action and does nothing: seen with `expirevar:ip.c=0`.
    const later = platform === 'modsec2' ? '' : 'blocked'
    assert.equal(data(verdicts, 2), ['', 'blocked', 'blocked', later, later])
  })

test('the clock never goes back, and an undated record leaves it', () => {
  const verdicts = run(
    `SecAction "id:1,phase:1,pass,nolog,initcol:ip=x"
     SecRule &IP:a "@gt 0" "id:2,phase:1,pass,log,logdata:'there'"
     SecRule REQUEST_URI "@streq /set" "id:3,phase:1,pass,nolog,setvar:ip.a=1,expirevar:ip.a=10"`,
    'modsec2',
    [at(100, '192.0.2.1', '/set'), at(105), at(null), at(50), at(110), at(20)],
  )
  assert.equal(data(verdicts, 2), ['', 'there', 'there', 'there', '', ''])
})

test('modsec2: the built-in variables', () => {
  const verdicts = run(
    `SecCollectionTimeout 600
     SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR},setvar:ip.n=+1"
     SecRule IP:key "@rx ." "id:2,phase:1,pass,log,logdata:'%{IP.key} %{IP.timeout} new=%{IP.is_new} counter=%{IP.update_counter} rate=%{IP.update_rate} updated=%{IP.last_update_time} created=%{IP.create_time}'"`,
    'modsec2',
    [at(0), at(30), at(60)],
  )
  const epoch = Date.UTC(2026, 4, 1) / 1000
  assert.equal(data(verdicts, 2), [
    `192.0.2.1 600 new=1 counter=0 rate= updated= created=${epoch}`,
    `192.0.2.1 600 new= counter=1 rate=2 updated=${epoch} created=${epoch}`,
    `192.0.2.1 600 new= counter=2 rate=2 updated=${epoch + 30} created=${epoch}`,
  ])
})

test('modsec3 has no built-in variables, and no collection as a whole', () => {
  const verdicts = run(
    `${counting}
     SecRule &IP:is_new|&IP "@gt 0" "id:4,phase:1,pass,log"
     SecRule IP "@rx ." "id:5,phase:1,pass,log"`,
    'modsec3',
    [at(0)],
  )
  assert.equal(verdicts[0]?.ruleIds, [3])
})

test('modsec2: a collection without an update for SecCollectionTimeout is new again', () => {
  const verdicts = run(`SecCollectionTimeout 60\n${counting}`, 'modsec2', [at(0), at(59), at(118), at(178)])
  assert.equal(data(verdicts, 3), ['1', '2', '3', '1'])
})

test('deprecatevar lowers by whole periods since the last update, not below zero', () => {
  const verdicts = run(
    `SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}"
     SecAction "id:2,phase:1,pass,nolog,deprecatevar:ip.score=10/60"
     SecRule &IP:score "@eq 0" "id:3,phase:1,pass,nolog,setvar:ip.score=25"
     SecRule IP:score "@ge 0" "id:4,phase:1,pass,log,logdata:'%{IP.score}'"`,
    'modsec2',
    [at(0), at(59), at(60), at(179), at(300)],
  )
  assert.equal(data(verdicts, 4), ['25', '25', '15', '5', '0'])
})

test('setsid, setuid and setrsc open their collections, under the name of the application', () => {
  const text = (application: string) => `SecWebAppId ${application}
     SecRule ARGS:s "@rx ^\\w+$" "id:1,phase:1,pass,nolog,setsid:%{ARGS.s},setuid:joe,setrsc:%{REQUEST_FILENAME}"
     SecAction "id:2,phase:1,pass,nolog,setvar:session.n=+1,setvar:user.n=+2,setvar:resource.n=+3"
     SecRule SESSION:n "@gt 0" "id:3,phase:1,pass,log,logdata:'%{SESSIONID} %{USERID} %{SESSION.n} %{USER.n} %{RESOURCE.n} %{WEBAPPID}'"`
  for (const platform of ['modsec2', 'modsec3'] as const) {
    const store = createPersistentStore()
    const play = (application: string, uri: string): string =>
      data([evaluate(rules(text(application), platform).ruleset, at(0, '192.0.2.1', uri), { store })], 3)[0] ?? ''
    assert.is(play('shop', '/a?s=one'), 'one joe 1 2 3 shop')
    assert.is(play('shop', '/a?s=two'), 'two joe 1 4 6 shop')
    assert.is(play('shop', '/b?s=two'), 'two joe 2 6 3 shop')
    assert.is(play('blog', '/b?s=two'), 'two joe 1 2 3 blog')
  }
})

test('a second opening: modsec2 keeps the first, modsec3 takes the second', () => {
  const text = `SecAction "id:1,phase:1,pass,nolog,initcol:ip=a"
     SecAction "id:2,phase:1,pass,nolog,setvar:ip.n=5"
     SecAction "id:3,phase:1,pass,nolog,initcol:ip=b"
     SecRule &IP:n "@ge 0" "id:4,phase:1,pass,log,logdata:'%{IP.n}'"`
  assert.equal(data(run(text, 'modsec2', [at(0)]), 4), ['5'])
  assert.equal(data(run(text, 'modsec3', [at(0)]), 4), [''])
})

test('modsec3 runs setvar before the other actions of a rule, modsec2 in the order written', () => {
  const text = `SecAction "id:1,phase:1,pass,nolog,initcol:ip=a,setvar:ip.n=+1"
     SecRule &IP:n "@ge 0" "id:2,phase:1,pass,log,logdata:'%{IP.n}'"`
  assert.equal(data(run(text, 'modsec2', [at(0), at(1)]), 2), ['1', '2'])
  assert.equal(data(run(text, 'modsec3', [at(0), at(1)]), 2), ['', ''])
})

test('modsec2 counters stop at zero; modsec3 counters do not', () => {
  const text = `SecAction "id:1,phase:1,pass,nolog,initcol:ip=a"
     SecAction "id:2,phase:1,pass,nolog,setvar:ip.n=-5,setvar:tx.m=-3"
     SecRule IP:n "@lt 9" "id:3,phase:1,pass,log,logdata:'%{IP.n} %{TX.m}'"`
  assert.equal(data(run(text, 'modsec2', [at(0)]), 3), ['0 0'])
  assert.equal(data(run(text, 'modsec3', [at(0)]), 3), ['-5 -3'])
})

test('Coraza keeps nothing, and the ruleset says so', () => {
  // Coraza refuses rules that name a single value of IP.
  const text = counting.replace('IP:count', 'IP')
  const { ruleset } = rules(text, 'coraza')
  assert.equal(
    ruleset.unsimulated.map(({ ruleId, what }) => [ruleId, what]),
    [
      [1, 'initcol'],
      [2, 'setvar:ip'],
    ],
  )
  assert.not.ok(ruleset.persistent)
  assert.equal(data(run(text, 'coraza', [at(0), at(1)]), 3), ['', ''])
})

test('capture order is asked for where a collection is opened and read', () => {
  assert.ok(rules(counting).ruleset.persistent)
  assert.not.ok(rules('SecAction "id:1,phase:1,pass,initcol:ip=%{REMOTE_ADDR}"').ruleset.persistent)
  assert.not.ok(rules('SecRule TX:a "@eq 1" "id:1,phase:1,pass,setvar:tx.b=1"').ruleset.persistent)
  assert.ok(
    rules(`SecAction "id:1,phase:1,pass,setsid:a"\nSecRule ARGS "@streq %{session.a}" "id:2,phase:1,pass"`).ruleset
      .persistent,
  )
})

test('the pool keeps capture order, whatever the number of workers', async () => {
  const counts = async (loaded: LoadedRuleset, workers: number): Promise<string[]> => {
    const pool = createPool(loaded, { workers, batchSize: 3 })
    const verdicts: Verdict[] = []
    async function* items(): AsyncGenerator<TransactionRecord> {
      for (let n = 0; n < 40; n++) yield at(n, `192.0.2.${n % 2}`)
    }
    for await (const { verdict } of pool.run(items())) verdicts.push(verdict)
    await pool.close()
    return data(verdicts, 3)
  }
  const expected = Array.from({ length: 40 }, (_, n) => String(Math.floor(n / 2) + 1))
  for (const workers of [0, 2]) assert.equal(await counts(rules(counting, 'modsec2'), workers), expected)
})

test('the reports say that records were taken in capture order', () => {
  const rulesWith = (text: string): string =>
    `SecRuleEngine On\n${text}\nSecRule ARGS "@streq x" "id:9,phase:1,pass,log"\n`
  const record = (n: number): string =>
    `${JSON.stringify({ id: `r${n}`, request: { method: 'GET', uri: '/', headers: [], body: '' } })}\n`
  const file = folderWith({ 'a.conf': rulesWith(counting), 'b.conf': rulesWith(''), 'c.ndjson': record(1) + record(2) })
  const report = (name: string, format: string): string => {
    const words = ['run', '--rules', file(name), '--corpus', file('c.ndjson'), '--workers', '2', '--format', format]
    return wafsim([...words, '--quiet']).out
  }
  assert.is(JSON.parse(report('a.conf', 'json')).ruleset.evaluation, 'capture-order')
  assert.is(JSON.parse(report('b.conf', 'json')).ruleset.evaluation, 'parallel')
  assert.match(report('a.conf', 'text'), /one by one in capture order/)
  assert.not.match(report('b.conf', 'text'), /capture order/)
})

test('what cannot be used is refused', () => {
  for (const actions of [
    'deprecatevar:ip.a=5',
    'deprecatevar:ip.a=5/0',
    'expirevar:tx.a=5',
    'initcol:tx=5',
    'initcol:ip',
  ])
    assert.throws(() => rules(`SecAction "id:1,phase:1,pass,${actions}"`), undefined, actions)
})

test.run()
