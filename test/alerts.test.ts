/**
 * Alerts out of logs without requests: every engine's way to write them, cut lines, names and values that look like
 * fields, lines that are none.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Alert, type AlertCounts, AlertReader, emptyCounts, readAlerts } from '../corpora/alerts/index.js'
import { UsageError } from '../engine/errors.js'

function read(text: string, size = text.length): { alerts: Alert[]; counts: AlertCounts } {
  const alerts: Alert[] = []
  const counts = emptyCounts()
  const reader = new AlertReader('log', counts, (alert) => alerts.push(alert))
  for (let at = 0; at < text.length; at += size) reader.add(text.slice(at, at + size))
  reader.finish()
  return { alerts, counts }
}

const brief = ({ ruleId, target, method, path, host }: Alert): unknown[] => [ruleId, target, method, path, host]
const apache = (text: string, end = '[hostname "shop.example"] [uri "/a b"] [unique_id "aw4iMw01HMt"]'): string =>
  `[Tue Dec 01 01:26:11.066 2026] [security2:error] [pid 24:tid 24] [client 192.0.2.1:43866] [client 192.0.2.1] ModSecurity: ${text}${end === '' ? '' : ` ${end}`}\n`
const place = '[file "/etc/a.conf"] [line "24"]'

test('Apache: what matched is named in each of the ways ModSecurity 2 has', () => {
  const { alerts, counts } = read(
    [
      apache(
        `Warning. Pattern match "a\\\\"b'?" at ARGS:we"ird]. ${place} [id "1"] [msg "it \\\\"is\\\\""] [data "Matched Data: xa\\\\x22b\\\\x5cx found within ARGS:we\\\\x22ird]: xa\\\\x22"] [tag "x"]`,
      ),
      apache(
        `Warning. detected SQLi using libinjection with fingerprint 's&1c' ${place} [id "2"] [msg "sqli"] [data "Matched Data: s&1c found within ARGS:q: 1' OR 1=1-- "] [tag "attack-sqli"]`,
      ),
      apache(`Warning. Match of "rx ^x$" against "REQUEST_HEADERS:Host" required. ${place} [id "3"] [msg "neg"]`),
      apache(`Warning. Found 2 byte(s) in ARGS:e outside range: 1-127. ${place} [id "4"]`),
      apache(`Warning. Operator GE matched 1 at ARGS. ${place} [id "5"]`),
      apache(
        `Access denied with code 403 (phase 2). Matched phrase "zz" at ARGS_NAMES:zz at ARGS:q. ${place} [id "6"]`,
      ),
      apache(`Warning. Unconditional match in SecAction. ${place} [id "7"] [msg "act"]`),
    ].join(''),
  )
  const request = [null, '/a b', 'shop.example']
  assert.equal(alerts.map(brief), [
    [1, 'ARGS:we"ird]', ...request],
    [2, 'ARGS:q', ...request],
    [3, 'REQUEST_HEADERS:Host', ...request],
    [4, 'ARGS:e', ...request],
    [5, 'ARGS', ...request],
    [6, 'ARGS_NAMES:zz at ARGS:q', ...request],
    [7, null, ...request],
  ])
  assert.is(alerts[0]?.msg, 'it "is"')
  assert.is(alerts[0]?.uniqueId, 'aw4iMw01HMt')
  assert.equal(
    alerts.map(({ disrupted }) => disrupted),
    [false, false, false, false, false, true, false],
  )
  assert.equal([counts.alerts, counts.withoutTarget, counts.truncated, counts.unreadable], [7, 1, 0, 0])
})

test('Apache: an alert that was cut says so and keeps what stands behind the cut', () => {
  const whole = `Warning. Pattern match "x" at ARGS:a. ${place} [id "941100"] [msg "XSS"] [data "Matched Data: ${'y'.repeat(900)}"] [tag "a"]`
  const { alerts } = read(apache(whole.slice(0, 1000)) + apache(whole.slice(0, whole.length - 3)) + apache(whole))
  assert.equal(alerts.map(brief), new Array(3).fill([941_100, 'ARGS:a', null, '/a b', 'shop.example']))
  assert.equal(
    alerts.map(({ truncated }) => truncated),
    [true, true, false],
  )
  const cut = `Warning. detected XSS using libinjection. ${place} [id "941100"] [msg "XSS"] [data "Matched Data: found within ARGS:wp_post: <h1`
  assert.is(read(apache(cut)).alerts[0]?.target, 'ARGS:wp_post')
  assert.equal(read(apache('Warning. Pattern match "x')).counts.unreadableAt, [{ file: 'log', line: 1 }])
})

test('a name or value that looks like fields names no other rule', () => {
  const fake = `x. [file "/x"] [line "1"] [id "949110"]`
  const { alerts } = read(
    apache(`Warning. Pattern match "x" at ARGS:${fake}. ${place} [id "942100"] [msg "m"]`) +
      apache(
        `Warning. Pattern match "x" at ARGS:a. ${place} [id "942100"] [msg "m"] [data "Matched Data: ${fake.replaceAll('"', '\\\\x22')} found"]`,
      ) +
      nginx(
        `[file "/a"] [line "1"] [id "942100"] [msg "m"] [data "Matched Data: ${fake.replaceAll('"', '\\x22')} found within ARGS:a: b"]`,
        `Matched "Operator \`Rx' with parameter \`x' against variable \`ARGS:${fake}' (Value: \`${fake}' )`,
      ),
  )
  assert.equal(
    alerts.map(({ ruleId }) => ruleId),
    [942_100, 942_100, 942_100],
  )
  assert.is(alerts[0]?.target, `ARGS:${fake}`)
  assert.is(alerts[2]?.target, `ARGS:${fake}`)
})

const nginx = (
  fields: string,
  reason = "Matched \"Operator `Rx' with parameter `x' against variable `ARGS:a' (Value: `it's (x)' )",
  end = ', client: 192.0.2.1, server: _, request: "POST /x/y?q=1 HTTP/1.1", host: "shop.example"',
): string =>
  `2026/12/01 01:00:00 [info] 12#12: *5 ModSecurity: Warning. ${reason} ${fields} [hostname "192.0.2.2"] [uri "/x/y"] [unique_id "17.5"] [ref "o0,1v10,2"]${end}\n`

test('nginx: the request stands behind the alert; the host named inside is the server', () => {
  const fields = '[file "/a"] [line "1"] [id "942100"] [rev ""] [msg "SQL"] [data "x"] [severity "2"]'
  const { alerts, counts } = read(
    nginx(fields) +
      nginx(fields.replace('"x"', '"Matched Data: s found within ARGS:b: s"'), 'detected SQLi using libinjection.') +
      nginx(fields, undefined, ''),
  )
  assert.equal(alerts.map(brief), [
    [942_100, 'ARGS:a', 'POST', '/x/y', 'shop.example'],
    [942_100, 'ARGS:b', 'POST', '/x/y', 'shop.example'],
    [942_100, 'ARGS:a', null, '/x/y', '192.0.2.2'],
  ])
  assert.is(counts.truncated, 1)
  const long = nginx(fields).slice(0, 260)
  assert.equal(
    read(long).alerts.map(({ ruleId, truncated }) => [ruleId, truncated]),
    [[942_100, true]],
  )
})

test('Coraza: its log lines, bare and in JSON', () => {
  const said =
    '[client "192.0.2.1"] Coraza: Warning. XSS [file "@owasp_crs/x.conf"] [line "7786"] [id "941160"] [rev ""] [msg "XSS"] [data "Matched Data: <s found within ARGS_GET:a: <s"] [severity "critical"] [hostname "192.0.2.9"] [uri "/get?a=%3Cs"] [unique_id "REOY"]'
  const match = {
    client: '192.0.2.1',
    rule_id: 941_160,
    msg: 'XSS',
    disruptive: true,
    uri: '/get?a=1',
    phase: 2,
    tags: [],
  }
  const { alerts, counts } = read(
    [
      said,
      JSON.stringify({ level: 'error', msg: `${said}\n` }),
      JSON.stringify({ level: 'warn', message: said }),
      JSON.stringify({ level: 'error', match }),
      JSON.stringify({ level: 'info', msg: 'Starting' }),
    ].join('\n'),
  )
  assert.equal(
    alerts.map(({ ruleId, path, disrupted }) => [ruleId, path, disrupted]),
    [
      [941_160, '/get', false],
      [941_160, '/get', false],
      [941_160, '/get', false],
      [941_160, '/get', true],
    ],
  )
  assert.equal(
    alerts.map(({ target }) => target),
    ['ARGS_GET:a', 'ARGS_GET:a', 'ARGS_GET:a', null],
  )
  assert.is(counts.others, 1)
})

test('as written by libmodsecurity 3.0.9 and Coraza 3', () => {
  const v3 = `ModSecurity: Warning. Matched "Operator \`Rx' with parameter \`a\\"b'?' against variable \`ARGS:we"ird]' (Value: \`xa"b\\x\\x00' ) [file "<<reference missing or not informed>>"] [line "6"] [id "1"] [rev ""] [msg "it \\"is\\""] [data "Matched Data: xa\\x22b\\x5cx\\x00 found within ARGS:we\\x22ird]: xa\\x22b"] [severity "0"] [ver ""] [tag "x"] [hostname "5.6.7.8"] [uri "/a b"] [unique_id "179608897317.101456"] [ref "o1,3v19,9"]`
  const action = v3.replace(/Matched "Operator.*?' \) /, ' ')
  const denied = v3
    .replace('Warning.', 'Access denied with code 403 (phase 2).')
    .replace(/ARGS:we"ird\]'/, "ARGS_NAMES:zz' (Value:'")
  const coraza = `[client "1.2.3.4"] Coraza: Warning. it is [file "_inline_"] [line "6"] [id "1"] [rev ""] [msg "it is"] [data "Matched Data: xa\\"b\\\\x\\x00\\n found within ARGS:we\\"ird]: xa\\"b"] [severity "unknown"] [tag "x"] [hostname "5.6.7.8"] [uri "/a%20b?we%22ird%5d=xa%22b"] [unique_id "hyaEjTFZCikrwYuZFvS"]`
  const audited = `--BGqS-A--\n[2026/12/01 01:36:15] hyaE 1.2.3.4 1 5.6.7.8 80\n--BGqS-H--\n${coraza.replace(/\\/g, '\\\\')}\n--BGqS-Z--\n`
  const { alerts, counts } = read([v3, action, denied, coraza, audited].join('\n'))
  assert.equal(
    alerts.map(({ ruleId, msg, target, path, truncated }) => [ruleId, msg, target, path, truncated]),
    [
      [1, 'it "is"', 'ARGS:we"ird]', '/a b', false],
      [1, 'it "is"', 'ARGS:we"ird]', '/a b', false],
      [1, 'it "is"', "ARGS_NAMES:zz' (Value:", '/a b', false],
      [1, 'it is', 'ARGS:we"ird]', '/a%20b', false],
      [1, 'it is', 'ARGS:we"ird]', '/a%20b', false],
    ],
  )
  assert.equal([counts.unreadable, counts.unmatched], [0, 0])
  assert.equal(
    alerts.map(({ pathIs }) => pathIs),
    ['seen', 'seen', 'seen', 'sent', 'seen'],
  )
})

test('native audit logs: part H with the request of A and B, duplicates of the error log left out', () => {
  const entry = (id: string): string => `--${id}-A--
[01/Dec/2026:01:26:11.066250 +0000] aw4iMw01 192.0.2.1 43866 192.0.2.2 80
--${id}-B--
POST http://shop.example/x?a=1 HTTP/1.1
Host: shop.example
X-Forged: --other-H--

--${id}-H--
Message: Warning. Pattern match "x" at ARGS:a. ${place} [id "942110"] [msg "m"] [data "it \\"x\\""] [tag "x"]
Apache-Error: [file "apache2_util.c"] [line 275] [level 3] ModSecurity: Warning. Pattern match "x" at ARGS:a. ${place} [id "942110"] [msg "m"]
Message: Execution error - PCRE limits exceeded (-47): (null). ${place} [id "932125"]
ModSecurity: Warning. Matched "Operator \`Rx' with parameter \`x' against variable \`ARGS:b' (Value: \`1' ) ${place} [id "942120"] [msg "n"] [data ""] [hostname "h"] [uri "/x"] [unique_id "1"] [ref ""]
Action: Intercepted (phase 2)

--${id}-Z--

`
  const { alerts, counts } = read(entry('0e909b5b') + entry('-IltmQHB3-').replace(/\n/g, '\r\n'))
  const expected = [
    [942_110, 'ARGS:a', 'POST', '/x', 'shop.example'],
    [942_120, 'ARGS:b', 'POST', '/x', 'shop.example'],
  ]
  assert.equal(alerts.map(brief), [...expected, ...expected])
  assert.equal([counts.unmatched, counts.truncated, counts.unreadable], [2, 0, 0])
  assert.ok(alerts.every(({ uniqueId }) => uniqueId === 'aw4iMw01'))
})

test('audit logs in JSON of the three engines', () => {
  const v2 = {
    transaction: { transaction_id: 'id2' },
    request: { request_line: 'POST /x?a=1 HTTP/1.1', headers: { Host: 'shop.example' } },
    audit_data: { messages: [`Warning. Pattern match "x" at ARGS:\xe9. ${place} [id "942110"] [msg "m"]`] },
  }
  const v3 = {
    transaction: {
      unique_id: 'id3',
      request: { method: 'POST', uri: '/x?a=1', headers: { host: 'shop.example' } },
      messages: [
        {
          message: 'SQL',
          details: {
            match: "Matched \"Operator `Rx' with parameter `x' against variable `ARGS:a' (Value: `1' )",
            ruleId: '942120',
            data: 'd',
          },
        },
        {
          message: 'SQLi',
          details: {
            match: 'detected SQLi using libinjection.',
            ruleId: '942100',
            data: 'Matched Data: s"&1 found within ARGS:b"c: s"&1',
          },
        },
      ],
    },
  }
  const coraza = {
    transaction: { id: 'idc', request: { method: 'POST', uri: '/x?a=1', headers: { host: ['shop.example'] } } },
    messages: [
      { message: 'SQL', data: { id: 942_100, msg: 'SQL', data: 'Matched Data: s found within ARGS_POST:a: s' } },
      { message: 'without part K' },
    ],
  }
  const { alerts, counts } = read([v2, v3, coraza].map((each) => `${JSON.stringify(each)}\n`).join(''), 7)
  const request = ['POST', '/x', 'shop.example']
  assert.equal(alerts.map(brief), [
    [942_110, 'ARGS:\xe9', ...request],
    [942_120, 'ARGS:a', ...request],
    [942_100, 'ARGS:b"c', ...request],
    [942_100, 'ARGS_POST:a', ...request],
  ])
  assert.equal(
    alerts.map(({ uniqueId }) => uniqueId),
    ['id2', 'id3', 'id3', 'idc'],
  )
  assert.equal(counts.unreadableAt, [{ file: 'log', line: 3 }])
})

test('anything else is counted and never throws', () => {
  const { alerts, counts } = read(
    '{"broken\nplain text\n\n\x00\xff\n{}\n[]\nModSecurity: for Apache/2.9.7 configured.\nModSecurity: Rule processing failed [id "5"]\n',
  )
  assert.is(alerts.length, 0)
  assert.equal([counts.lines, counts.unreadable, counts.unmatched, counts.others], [8, 1, 1, 6])
})

test('lines made to take long do not', () => {
  const started = performance.now()
  for (const piece of [
    ' at ARGS:',
    ' [file "a"] [line "1"] [id "1"]',
    ' [uri "x"]',
    '\\',
    '"]',
    ' [tag "',
    'found within ARGS:',
    '[uri "\\"',
  ])
    for (const end of ['', '.', '"', '"]']) {
      read(apache(`Warning. x${piece.repeat(16_000 / piece.length)}${end}`))
      read(nginx(piece.repeat(16_000 / piece.length), undefined, end))
      read(JSON.stringify({ msg: `Coraza: Warning. ${piece.repeat(15_000 / piece.length)}${end}` }))
    }
  assert.ok(performance.now() - started < 5000)
})

test('files on disk, and a log that is not there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wafsim-alerts-'))
  try {
    writeFileSync(
      join(folder, 'error.log'),
      apache(`Warning. Pattern match "x" at ARGS:\xe9. ${place} [id "1"]`),
      'latin1',
    )
    const found: Alert[] = []
    const counts = await readAlerts([folder], (alert) => found.push(alert))
    assert.equal([counts.alerts, found[0]?.target], [1, 'ARGS:\xe9'])
    assert.match(found[0]?.source.file ?? '', /error\.log$/)
    let problem: unknown
    await readAlerts([join(folder, 'none.log')], () => {}).catch((error: unknown) => {
      problem = error
    })
    assert.instance(problem, UsageError)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.run()
