/**
 * Operators: vectors for each entry of the table, data files, the phrase automaton against a naive search.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DefinitionError } from '../engine/errors.js'
import type { OperatorTest, TransactionView } from '../engine/model/definitions.js'
import { type PlatformName, platforms } from '../engine/model/platform.js'
import { findOperator, operators } from '../engine/operators/index.js'
import { phrasesOf, phrasesOfFile } from '../engine/operators/phrase.js'
import { PhraseAutomaton } from '../engine/operators/phrase-automaton.js'
import { repositoryRoot } from './support/test-data.js'

interface Vector {
  readonly argument: string
  readonly input: string
  readonly match: boolean
  readonly captures?: readonly string[]
  readonly note?: string
  /** modsec3 where none is said. */
  readonly platform?: PlatformName
}

/** Operators whose argument is a file; they have tests of their own. */
const fromFiles = ['ipMatchFromDataset', 'ipMatchFromFile', 'pmFromDataset', 'pmFromFile', 'restpath']
const folder = join(repositoryRoot(), 'test', 'vectors', 'operators')
/** Operators with constant arguments never look at the transaction. */
const noView = null as unknown as TransactionView

function compile(
  name: string,
  argument: string,
  files: Readonly<Record<string, string>> = {},
  platform: PlatformName = 'modsec3',
): OperatorTest {
  const definition = findOperator(name)
  if (definition === null) throw new Error(`no operator ${name}`)
  return definition.compile({
    argument: { constant: argument, expand: () => argument },
    platform: platforms[platform],
    lookups: {
      geo: null,
      blocklists: null,
      datasets: new Map([
        ['words', ['foo', 'bar']],
        ['nets', ['192.0.2.0/24']],
      ]),
    },
    settings: { pcreMatchLimit: 1500 },
    readDataFile: (file) => {
      const text = files[file]
      if (text === undefined) throw new DefinitionError(`no file ${file}`)
      return text
    },
  })
}

test('vectors', () => {
  const files = readdirSync(folder).map((name) => name.replace(/\.json$/, ''))
  const simulated = Object.values(operators)
    .filter((operator) => operator.unsimulated === undefined && !fromFiles.includes(operator.name))
    .map((operator) => operator.name)
  assert.equal(
    simulated.filter((name) => !files.includes(name)),
    [],
    'operators without vectors',
  )
  assert.equal(
    files.filter((name) => !simulated.includes(name)),
    [],
    'vectors without an operator',
  )
  let ran = 0
  for (const name of files)
    for (const vector of JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Vector[]) {
      const found = compile(name, vector.argument, {}, vector.platform)(vector.input, noView)
      const said = `@${name} ${vector.argument} (${vector.platform ?? 'any'}) on ${JSON.stringify(vector.input)} ${vector.note ?? ''}`
      assert.is(found !== null, vector.match, said)
      if (vector.captures !== undefined) assert.equal(found?.captures, vector.captures, said)
      ran++
    }
  process.stdout.write(`operator vectors: ${ran} ran, 0 missing\n`)
  assert.ok(ran > 100)
})

test('phrases and addresses from files', () => {
  const files = {
    'a.data': '# comment\n  Foo bar \n\nbaz\r\n',
    'b.data': 'qux\n',
    'ip.data': '192.0.2.0/24 # us\n\n::1\n',
  }
  const pm = compile('pmFromFile', 'a.data b.data', files)
  assert.equal(pm('xx foo BAR xx', noView)?.captures, ['Foo bar'])
  assert.ok(pm('QUX', noView))
  assert.ok(pm('baz', noView))
  assert.is(pm('comment', noView), null)
  const ip = compile('ipMatchFromFile', 'ip.data', files)
  assert.ok(ip('192.0.2.9', noView))
  assert.ok(ip('::1', noView))
  assert.is(ip('192.0.3.9', noView), null)
  assert.throws(() => compile('pmFromFile', 'none.data', files), /no file none\.data/)
})

test('phrases are split at blanks, hex is decoded, comments of files are dropped', () => {
  assert.equal(phrasesOf(' one  two\tthree ', true), ['one', 'two', 'three'])
  assert.equal(phrasesOf('a|20 62|c d', true), ['a bc', 'd'])
  assert.equal(phrasesOfFile('#x\n a b \n\n'), ['a b'])
})

test('what cannot be used is refused', () => {
  for (const [name, argument] of [
    ['rx', '('],
    ['rx', 'a**'],
    ['rx', '[z-a]'],
    ['rx', '\\u0041'],
    ['ipMatch', '300.1.1.1'],
    ['ipMatch', '192.0.2.0/40'],
    ['validateByteRange', '0-256'],
    ['validateByteRange', 'x'],
    ['pm', ' '],
  ] as const)
    assert.throws(
      () => compile(name, argument),
      (error: unknown) => error instanceof DefinitionError,
      `@${name} ${argument}`,
    )
})

test('names are found in any case and by their other spellings', () => {
  assert.is(findOperator('PMF')?.name, 'pmFromFile')
  assert.is(findOperator('ipmatchf')?.name, 'ipMatchFromFile')
  assert.is(findOperator('BEGINSWITH')?.name, 'beginsWith')
  assert.is(findOperator('constructor'), null)
})

test('the phrase automaton agrees with a naive search', () => {
  let state = 42
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const text = (length: number): string => Array.from({ length }, () => 'abAB\xe9\x00 '[random(7)] ?? 'a').join('')
  for (let round = 0; round < 3000; round++) {
    const phrases = Array.from({ length: 1 + random(6) }, () => text(1 + random(4)))
    const value = text(random(30))
    const fold = (s: string): string => s.replace(/[A-Z]/g, (c) => c.toLowerCase())
    const expected = phrases.some((phrase) => fold(value).includes(fold(phrase)))
    const found = new PhraseAutomaton(phrases, 'complete').find(value)
    assert.is(found !== null, expected, JSON.stringify({ phrases, value }))
    if (found !== null) assert.ok(phrases.includes(found) && fold(value).includes(fold(found)))
  }
})

test('the phrase matcher of both ModSecurities misses what begins inside another phrase', () => {
  const found = (phrases: string[], value: string) => new PhraseAutomaton(phrases, 'acmp').find(value)
  assert.is(found(['.env', 'secrets.yml'], 'secrets.env'), null)
  assert.is(found(['.env', 'secrets.yml'], 'ts.env'), '.env')
  assert.is(found(['bcd', 'abce'], 'abcd'), 'bcd')
  assert.is(new PhraseAutomaton(['.env', 'secrets.yml'], 'complete').find('secrets.env'), '.env')
})

test.run()
