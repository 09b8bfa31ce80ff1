/**
 * Families of parameter names: what is learned, and that the regex key of a family holds for its names on every
 * platform and for no other.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { evaluate, type PlatformName, platforms } from '../engine/index.js'
import { learnFamilies } from '../engine/tuning/parameter-families.js'
import { request, rules } from './support/scenario.js'

const names = Object.keys(platforms) as PlatformName[]

function texts(list: readonly string[], name: PlatformName = 'modsec3'): readonly string[] {
  const familyOf = learnFamilies(list, platforms[name])
  return list.map((each) => familyOf(each).text)
}

test('indexes in brackets are variable', () => {
  assert.equal(texts(['items[0][name]', 'a[12]', 'b[]', 'c[x]']), ['items[*][name]', 'a[*]', 'b[]', 'c[x]'])
  assert.equal(texts(['meta[3f2c8a9e-1d4b-4c6a-9f0e-7b5d2a1c8e4f]']), ['meta[*]'])
})

test('elements of JSON arrays are spelled as the platform does', () => {
  assert.equal(texts(['json.a.array_0.b', 'json.array_3', 'json.a.array_0.array_12', 'json.a.0.b']), [
    'json.a.array_*.b',
    'json.array_*',
    'json.a.array_*.array_*',
    'json.a.0.b',
  ])
  assert.equal(texts(['json.a.0.b', 'json.3', 'json.a.0.12', 'json.a'], 'coraza'), [
    'json.a.*.b',
    'json.*',
    'json.a.*.*',
    'json.a',
  ])
  assert.equal(texts(['json.a.array_0.b', 'json.a.0.b'], 'modsec2'), ['json.a.array_0.b', 'json.a.0.b'])
})

test('numbered names are a family where several numbers are seen', () => {
  assert.equal(texts(['field_1', 'field_2', 'field_30', 'q1', 'q2', 'x']), [
    'field_*',
    'field_*',
    'field_*',
    'q1',
    'q2',
    'x',
  ])
  assert.equal(texts(['p1_q1', 'p1_q2', 'p2_q3', 'p2_q4']), ['p1_q*', 'p1_q*', 'p2_q*', 'p2_q*'])
})

test('a family says what it is', () => {
  const family = learnFamilies(['Items[1][N]', 'Items[0][N]', 'other'], platforms.modsec3)('Items[7][N]')
  assert.equal(family.seen, ['Items[0][N]', 'Items[1][N]'])
  assert.is(family.regex, '\\AItems\\[[0-9]+\\]\\[N\\]\\z')
  assert.is(family.matches('items[99][n]'), true)
  assert.is(family.matches('items[99][n]x'), false)
  assert.is(family.matches('items[99][n]\n'), false)
  assert.is(learnFamilies([], platforms.coraza)('Items[7]').regex, '^items\\[[0-9]+\\]$')
  const literal = learnFamilies(['q'], platforms.modsec3)('q')
  assert.equal([literal.literal, literal.regex, literal.seen], [true, null, ['q']])
  const many = Array.from({ length: 500 }, (_, n) => `f[${n}]`)
  assert.is(learnFamilies(many, platforms.modsec3)('f[0]').seen.length, 64)
})

test('names are learned the same in one order or another', () => {
  const list = hostileNames(3, 300)
  const one = learnFamilies(list, platforms.coraza)
  const other = learnFamilies([...list].reverse(), platforms.coraza)
  for (const name of list) assert.equal({ ...one(name), matches: 0 }, { ...other(name), matches: 0 })
})

test('a name of a megabyte is literal', () => {
  const name = 'json.array_0'.repeat(100_000)
  assert.is(learnFamilies([name], platforms.modsec3)(name).literal, true)
})

const parts = [
  'a',
  'B',
  '.',
  '[',
  ']',
  '[0]',
  '[12]',
  '-',
  '_',
  '/',
  '|',
  ',',
  '"',
  "'",
  '\\',
  '\n',
  ' ',
  '^',
  '$',
  '(',
  '\xe9',
  '\xc3\xa9',
  '7',
  '19',
  '{1}',
  'json.',
  '.array_3.',
  '*',
  '\x00',
  ';',
  '%{tx.0}',
  '#',
]

function hostileNames(seed: number, count: number): string[] {
  let state = seed
  const next = (limit: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % limit
  }
  return Array.from({ length: count }, () => {
    const tail = Array.from({ length: next(5) }, () => parts[next(parts.length)]).join('')
    return `${['x', 'items[3]', 'json.a', 'n5'][next(4)]}${tail}`
  })
}

function query(name: string): string {
  return `/?${[...name].map((char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')}=1`
}

test('the regex key spares the names of its family, and only them', () => {
  for (const platform of names) {
    const list = hostileNames(11, 150)
    const familyOf = learnFamilies(list, platforms[platform])
    let families = 0
    for (const name of list) {
      const family = familyOf(name)
      assert.is(family.matches(name), true)
      if (family.regex === null) continue
      families++
      assert.match(family.regex, /^[\x21-\x7e]+$/)
      assert.not.match(family.regex, /["'/|,]|\\\\|%/)
      if (platform === 'coraza') assert.not.match(family.regex, /[A-Z]/)
      const rule = 'SecRule ARGS_GET "@unconditionalMatch" "id:1,phase:1,pass,log"\n'
      const key = `ARGS_GET:/${family.regex}/`
      const texts = [`${rule}SecRuleUpdateTargetById 1 "!${key}"`]
      if (platform === 'coraza')
        texts.push(`SecAction "id:2,phase:1,pass,nolog,ctl:ruleRemoveTargetById=1;${key}"\n${rule}`)
      for (const text of texts) {
        const { ruleset } = rules(text, platform)
        const fires = (other: string): boolean => evaluate(ruleset, request({ uri: query(other) })).ruleIds.includes(1)
        const shown = `${platform} ${JSON.stringify(name)} ${family.regex}`
        assert.is(fires(name), false, shown)
        for (const other of [`${name}x`, `x${name}`, `${name}\n`, `\n${name}`, `${name}[0]`, `y\n${name}\nz`])
          assert.is(fires(other), !family.matches(other), `${shown} ${JSON.stringify(other)}`)
      }
    }
    assert.ok(families > 30, `${families}`)
  }
})

test.run()
