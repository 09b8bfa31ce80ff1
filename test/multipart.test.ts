/**
 * Multipart bodies as libmodsecurity 3.0.9 and, at the end, ModSecurity 2.9.7 read them; every expectation was seen on
 * the engine.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { play } from './support/scenario.js'

const conditions = [
  ['error', 'REQBODY_ERROR "!@eq 0"'],
  ['strict', 'MULTIPART_STRICT_ERROR "!@eq 0"'],
  ['stray', 'MULTIPART_UNMATCHED_BOUNDARY "@eq 1"'],
  ['matched', 'MULTIPART_UNMATCHED_BOUNDARY "@eq 2"'],
  ['headers', 'MULTIPART_PART_HEADERS "@rx (?i)^content-disposition"'],
  ['field', 'ARGS_POST_NAMES "@rx ."'],
  ['file', 'FILES "@rx ."'],
  ['part', 'MULTIPART_INVALID_PART "!@eq 0"'],
  ['quoting', 'MULTIPART_INVALID_QUOTING "!@eq 0"'],
  ['before', 'MULTIPART_DATA_BEFORE "!@eq 0"'],
  ['after', 'MULTIPART_DATA_AFTER "!@eq 0"'],
] as const

const rules = conditions
  .map(([, rule], index) => `SecRule ${rule} "id:${index + 1},phase:2,pass,log,t:none"`)
  .join('\n')

function seen(body: string, type = 'multipart/form-data; boundary=BB'): string {
  const { ruleIds } = play(rules, { body, headers: [['Content-Type', type]] })
  return ruleIds.map((id) => conditions[id - 1]?.[0]).join(' ')
}

const disposition = 'Content-Disposition: form-data; name="a"'
const last = '--BB--\r\n'
const part = (head: string): string => `--BB\r\n${head}\r\n\r\nv\r\n`
const good = part(disposition)

test('Content-Disposition', () => {
  const cases: readonly (readonly [string, string])[] = [
    [disposition, 'matched headers field'],
    [disposition.toLowerCase(), 'matched headers field'],
    [disposition.toUpperCase(), 'error strict part'],
    ['Content-Disposition: Form-Data; name=a', 'error strict part'],
    [`${disposition}; size=10`, 'error strict part'],
    [`${disposition};`, 'matched headers field'],
    [`${disposition}; filename="o'neil.doc"`, 'matched headers file'],
    [`${disposition}; filename=o'neil.doc`, 'strict matched headers file quoting'],
    [`${disposition}; filename=""`, 'matched headers field'],
    [`${disposition}; filename="x.txt`, 'error strict part'],
    [`${disposition}; filename =x`, 'error strict part'],
    [`${disposition}; filename=x; filename=y`, 'error strict part'],
    [`${disposition}; filename="x"; filename*=UTF-8''a%20b`, 'matched headers file'],
    [`${disposition}; filename*=UTF-8'en'a; filename="x"`, 'matched headers file'],
    [`${disposition}; filename*=UTF-8''a%20b`, 'error strict part'],
    [`${disposition}; filename="x"; filename*=UTF-8''o'neil`, 'error strict part'],
    [`${disposition}; filename="x"; filename*="UTF-8''a"`, 'error strict part'],
  ]
  for (const [head, expected] of cases) assert.is(seen(part(head) + last), expected, head)
})

test('part headers that cannot be read', () => {
  assert.is(seen(part('X-Y: 1') + last), 'error strict part')
  assert.is(seen(part('X-Y: 1') + good + last), 'error strict matched headers field part')
  assert.is(seen(part('Content-Disposition: Form-Data; name=b') + good + last), 'error strict part')
  assert.is(seen(part('X: y') + good + part('Y: z') + last), 'error strict matched headers part')
  assert.is(seen(part(`${disposition}\r\nX: 1\r\nx: 2`) + last), 'matched headers field')
  assert.is(seen(part(`${disposition}\r\nX`) + last), 'error matched headers field')
})

test('boundaries', () => {
  assert.is(seen(`${good}--BB--`), 'headers field')
  assert.is(seen(good), 'error')
  assert.is(seen(`${good}--foo\r\n${last}`), 'matched headers field')
  assert.is(seen(`${good}${last}\r\n`), 'strict matched headers field after')
  assert.is(seen(`${good}${last}${good}`), 'strict matched headers field after')
  assert.is(seen(`${good}--BBx\r\n${last}`), 'error strict matched')
  assert.is(seen(`${good}x ${last}`), 'error stray')
})

test('a line end of LF alone before a boundary', () => {
  const seenFlags = (body: string): readonly number[] =>
    play('SecRule MULTIPART_LF_LINE "@eq 1" "id:1,phase:2,pass,log"', {
      body,
      headers: [['Content-Type', 'multipart/form-data; boundary=BB']],
    }).ruleIds
  const head = `--BB\r\n${disposition}\r\n\r\n`
  assert.equal(seenFlags(`${head}x\n${last}`), [1])
  assert.equal(seenFlags(`\n${head}x\r\n${last}`), [1])
  assert.equal(seenFlags(`${head}x\ny\r\n${last}`), [])
})

test('a boundary where the data of a part should begin is none', () => {
  const head = `--BB\r\n${disposition}\r\n\r\n`
  assert.is(seen(head + last), 'error strict part')
  assert.is(seen(`${head}\r\n${last}`), 'matched headers field')
  assert.is(seen(`--BB\r\n${disposition}\r\n${good}${last}`), 'error strict matched headers field part')
  assert.is(seen(`${head}--BB--`), 'strict headers field part')
  assert.is(seen(`--BB\r\n${disposition}\r\n--BB--`), 'strict part')
  assert.is(seen(`${head}x\n--BB--`), 'strict headers field')
})

test('lines longer than the buffer of the engine', () => {
  const long = (bytes: number): string => `--BB\r\n${disposition}\r\n\r\n${'x'.repeat(bytes)}`
  assert.is(seen(`${long(4200)}${last}${last}`), 'matched headers field')
  assert.is(seen(`${long(200)}${last}${last}`), 'matched headers field')
  assert.is(seen(part(`${disposition}\r\nX: ${'x'.repeat(4096)}`) + last), 'error strict')
})

test('names of refused parts are variables too, keyed by themselves', () => {
  const { matches } = play(
    `SecRule MULTIPART_NAME "@rx ." "id:1,phase:2,pass,log"
SecRule MULTIPART_FILENAME "@rx .+" "id:2,phase:2,pass,log"`,
    {
      body: part('Content-Disposition: form-data; name="a"; filename="b.txt"; size=3') + last,
      headers: [['Content-Type', 'multipart/form-data; boundary=BB']],
    },
  )
  assert.equal(
    matches.map(({ target, value }) => `${target} ${value}`),
    ['MULTIPART_NAME:a a', 'MULTIPART_FILENAME:b.txt b.txt'],
  )
})

test('the boundary of the Content-Type', () => {
  const typed = (rest: string): string => seen(good + last, `multipart/form-data${rest}`)
  assert.is(typed('; boundary=BB; charset=utf-8'), 'matched headers field')
  assert.is(typed('; charset=utf-8; boundary=BB'), 'error strict')
  assert.is(typed('; Boundary=BB'), 'error strict')
  assert.is(typed('; boundary='), '')
  assert.is(typed('; boundary= BB'), 'error strict stray before')
  assert.is(typed(' boundary=BB'), 'strict matched headers field')
  assert.is(typed('X; boundary=BB'), 'error strict')
})

test('header lines keep their ends', () => {
  const { ruleIds } = play('SecRule MULTIPART_PART_HEADERS "@rx \\r\\n\\z" "id:1,phase:2,pass,log,t:none"', {
    body: good + last,
    headers: [['Content-Type', 'multipart/form-data; boundary=BB']],
  })
  assert.equal(ruleIds, [1])
})

/** What ModSecurity 2 makes of it: error text, flags that are set, fields. */
function seenByTwo(body: string): string {
  const flags = ['INVALID_PART', 'UNMATCHED_BOUNDARY', 'INVALID_HEADER_FOLDING', 'LF_LINE', 'CRLF_LF_LINES']
  const text = [
    `SecRule REQBODY_ERROR "@eq 1" "id:1,phase:2,pass,log,logdata:'%{REQBODY_ERROR_MSG}'"`,
    ...flags.map((name, at) => `SecRule MULTIPART_${name} "@eq 1" "id:${at + 2},phase:2,pass,log,logdata:'${name}'"`),
    `SecRule ARGS_POST|FILES "@unconditionalMatch" "id:9,phase:2,pass,log,logdata:'%{MATCHED_VAR}'"`,
  ].join('\n')
  const headers: [string, string][] = [['Content-Type', 'multipart/form-data; boundary=BB']]
  const verdict = play(text, { method: 'POST', body, headers }, 'modsec2')
  const found = verdict.matches.map(({ logdata }) => logdata.replace('Multipart parsing error: Multipart: ', ''))
  return verdict.status === 200 ? found.join('; ') : String(verdict.status)
}

test('ModSecurity 2: a boundary where a part has no data yet is a line of it', () => {
  const colon = 'Invalid part header (colon missing): --BB--\\r\\n.; INVALID_PART'
  assert.is(seenByTwo(`--BB\r\n${disposition}\r\n${last}`), colon)
  assert.is(seenByTwo(`--BB\r\n${last}`), colon)
  assert.is(seenByTwo(`--BB\r\n${disposition}\r\n--BB: y\r\n\r\nv\r\n${last}`), 'INVALID_PART; v')
  assert.is(seenByTwo(`--BB\r\n${disposition}\r\n\r\n${last}`), '500')
  assert.is(seenByTwo(`--BB\r\n${disposition}\r\n\r\n${good}${last}`), `INVALID_PART; ${good.trimEnd()}`)
  assert.is(seenByTwo(`--BB\r\n${disposition}\r\n\r\n--BB--`), 'INVALID_PART; ')
  assert.is(seenByTwo(`--BB\r\n${disposition}\r\n\r\n\r\n${last}`), '')
})

test('ModSecurity 2: a boundary behind other text of a line is unmatched', () => {
  for (const line of ['x --BB', '"--BB"', 'x\0--BB--', 'x -----BBB'])
    assert.is(seenByTwo(`--BB\r\n${disposition}\r\n\r\n${line}\r\n${last}`).split(';')[0], 'UNMATCHED_BOUNDARY', line)
  assert.is(seenByTwo(part(`${disposition}\r\nX: --BB`) + last), 'UNMATCHED_BOUNDARY; v')
  assert.is(seenByTwo(`x --BB\r\n${good}${last}`), 'UNMATCHED_BOUNDARY; v')
  assert.is(seenByTwo(`--BB\r\n${disposition}\r\n\r\n${'y'.repeat(4094)}--BB\r\n${last}`).includes('UNM'), false)
})

test('ModSecurity 2: an error takes the fields away, not the files', () => {
  const file = part(`${disposition}; filename="x.txt"`)
  assert.is(seenByTwo(`${good}${file}${part('X')}${last}`), 'Invalid part header (colon missing): X\\r\\n.; x.txt')
  assert.is(
    seenByTwo(good + part(`${disposition}x`) + last).split(';')[0],
    'Invalid Content-Disposition header (-12): form-data',
  )
  assert.is(seenByTwo(part(`${disposition}\r\n${disposition}`) + last), 'Duplicate part header: Content-Disposition.')
})

test('ModSecurity 2: line ends before boundaries, white space before folded lines', () => {
  assert.is(seenByTwo(`--BB\r\n${disposition}\r\n\r\nv\n${last}`), 'LF_LINE; CRLF_LF_LINES; v')
  assert.is(seenByTwo(part(`${disposition}\r\nX: y\r\n  \x0bz`) + last), 'INVALID_HEADER_FOLDING; v')
  assert.is(seenByTwo(part(`${disposition}\r\nX: y\r\n  `) + last), 'INVALID_HEADER_FOLDING; v')
  assert.is(seenByTwo(part(`${disposition}\r\nX: y\r\n  z`) + last), 'v')
})

test.run()
