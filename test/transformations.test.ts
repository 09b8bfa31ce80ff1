/**
 * Transformations: the vectors of test/vectors/transformations, and what must hold for every value.
 *
 * A vector file is an array of {input, output, note}; strings are Latin-1 code points, one a byte. The expected
 * outputs were taken from the engines themselves: ModSecurity 2.9.7 in Apache, libmodsecurity 3.0.9, Coraza 3.8.1.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type PlatformName, platforms } from '../engine/model/platform.js'
import { findTransformation, transformationAliases, transformations } from '../engine/transformations/index.js'
import { repositoryRoot } from './support/test-data.js'

interface Vector {
  readonly input: string
  readonly output: string
  /** Of that engine alone; absent: of those that have no variant. */
  readonly platform?: PlatformName
  readonly note?: string
}

const folder = join(repositoryRoot(), 'test', 'vectors', 'transformations')
const names = Object.keys(transformations)

/** What is done twice is what is done once. */
const idempotent = [
  'cmdLine',
  'compressWhitespace',
  'lowercase',
  'none',
  'parityZero7bit',
  'removeNulls',
  'removeWhitespace',
  'replaceNulls',
  'trim',
  'trimLeft',
  'trimRight',
  'uppercase',
]

test('transformations as Coraza has them', () => {
  const file = join(repositoryRoot(), 'test', 'vectors', 'coraza', 'transformations.json')
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as [string, string, string][]
  for (const [name, input, output] of vectors)
    assert.is(findTransformation(name, platforms.coraza)?.apply(input), output, `${name}(${JSON.stringify(input)})`)
  assert.is(findTransformation('normalisePath', platforms.coraza)?.apply('/'), '//')
})

test('every vector of every transformation', () => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'))
  const withVectors = files.map((file) => file.replace(/\.json$/, ''))
  const missing = names.filter((name) => !withVectors.includes(name))
  const stray = withVectors.filter((name) => transformations[name] === undefined)
  let ran = 0
  const failed: string[] = []
  for (const name of withVectors) {
    const vectors = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Vector[]
    if (vectors.length < 3) failed.push(`${name}: only ${vectors.length} vectors`)
    for (const platform of Object.keys(transformations[name]?.variants ?? {}))
      if (!vectors.some((vector) => vector.platform === platform)) failed.push(`${name}: no vector of ${platform}`)
    for (const { input, output, platform, note } of vectors) {
      ran++
      const entry = platform === undefined ? transformations[name] : findTransformation(name, platforms[platform])
      const found = entry?.apply(input)
      if (found !== output)
        failed.push(
          `${name}(${JSON.stringify(input)}): ${JSON.stringify(found)}, not ${JSON.stringify(output)} (${note})`,
        )
    }
  }
  process.stdout.write(`transformation vectors: ${ran} ran, ${missing.length} missing\n`)
  assert.equal({ failed, missing, stray }, { failed: [], missing: [], stray: [] })
  assert.ok(ran > 300, 'vectors were found')
})

test('the table: alphabetical, keyed by name, documented, found in any case and by alias', () => {
  assert.equal(names, [...names].sort())
  for (const [name, definition] of Object.entries(transformations)) {
    assert.is(definition.name, name)
    assert.match(definition.doc, /^[^\n]{10,160}\.$/)
    assert.is(findTransformation(name.toUpperCase(), platforms.modsec3)?.name, name)
  }
  for (const [alias, name] of Object.entries(transformationAliases))
    assert.is(findTransformation(alias, platforms.modsec3)?.name, name)
  for (const name of ['', 'constructor', 'urlDecodeX', '__proto__'])
    assert.is(findTransformation(name, platforms.coraza), null)
})

test('random bytes: no throw, bytes out, the same string where nothing changed', () => {
  const random = generator(20_240_601)
  const values = Array.from({ length: 4000 }, () => randomValue(random))
  for (const { name, apply } of Object.values(transformations)) {
    for (const value of values) {
      const result = apply(value)
      if (/[^\0-\xff]/.test(result)) assert.unreachable(`${name}(${JSON.stringify(value)}) is not bytes`)
      if (result === value) continue
      if (idempotent.includes(name) && apply(result) !== result)
        assert.unreachable(`${name} twice differs from once on ${JSON.stringify(value)}`)
    }
  }
})

function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const pieces = [
  ...'/*-#<!&;\\%+"\'^,( .0x'.split(''),
  ...[
    '../',
    '/*',
    '*/',
    '<!--',
    '-->',
    '&#x',
    '&lt',
    '\\u00',
    '\\x4',
    '%u',
    '%4',
    '0x41',
    '\xc3\xa9',
    '\xc2\xa0',
    'aZ',
    '\t\n',
  ],
]

function randomValue(random: () => number): string {
  let value = ''
  for (let left = Math.floor(random() * 24); left > 0; left--)
    value +=
      random() < 0.7
        ? (pieces[Math.floor(random() * pieces.length)] as string)
        : String.fromCharCode(Math.floor(random() * 256))
  return value
}

test.run()
