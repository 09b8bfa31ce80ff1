/**
 * Multipart bodies as libmodsecurity 3.0.9 reads them; every expectation was seen on the engine.
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
    [`${disposition}; filename="x.txt`, 'matched headers file'],
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

test('header lines keep the CR of their ends', () => {
  const { ruleIds } = play('SecRule MULTIPART_PART_HEADERS "@rx \\r$" "id:1,phase:2,pass,log,t:none"', {
    body: good + last,
    headers: [['Content-Type', 'multipart/form-data; boundary=BB']],
  })
  assert.equal(ruleIds, [1])
})

test.run()
