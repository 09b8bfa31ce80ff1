/**
 * Our libinjection over seeded inputs, against the digests of the answers that the real ones gave.
 *
 * The digests are those that `node dist/bench/libinjection/fuzz.js --digest` prints; the golden file says how it
 * was called.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Dialect, fuzzKinds } from '../bench/libinjection/fuzz-kinds.js'
import { type Difference, FuzzDigest, fuzz, fuzzInputs, type InputDigest } from '../bench/libinjection/fuzz-run.js'
import { nativeAppsec } from '../bench/libinjection/native-appsec.js'
import { repositoryRoot } from './support/test-data.js'

interface Golden {
  readonly kind: string
  readonly dialect: Dialect
  readonly oracle: string
  readonly count: number
  readonly seed: number
  readonly digest: InputDigest
}

const file = join(repositoryRoot(), 'test', 'golden', 'libinjection.json')
const golden = JSON.parse(readFileSync(file, 'utf8')) as readonly Golden[]

for (const { kind: name, dialect, oracle, count, seed, digest } of golden)
  test(`${name} answers as ${oracle} on ${count} seeded inputs`, () => {
    const kind = fuzzKinds[name]
    if (kind === undefined) throw new Error(`no kind ${name}`)
    const ours = kind.ours(dialect)
    const seen = new FuzzDigest()
    for (const input of fuzzInputs({ kind, count, seed, payloads: [] })) seen.add(input, ours(input))
    const { inputs, answers } = seen.digest()
    assert.is(inputs, digest.inputs, 'the inputs have changed: ask the oracle again and write the golden file anew')
    assert.is(answers, digest.answers)
  })

for (const [name, kind] of Object.entries(fuzzKinds).filter(([, { dialects }]) => dialects.includes('appsec')))
  test(`${name} answers as native-appsec on what both can be asked`, async () => {
    const oracle = await nativeAppsec()
    const differences: Difference[] = []
    const plan = { kind, count: 20_000, seed: 7, payloads: [] }
    const { asked } = await fuzz(plan, oracle, kind.ours('appsec'), (each) => differences.push(each))
    oracle.close()
    assert.equal(differences, [])
    assert.ok(asked > 5000)
  })

test('every kind has a digest for every dialect of an engine', () => {
  for (const [name, { dialects }] of Object.entries(fuzzKinds))
    for (const dialect of dialects.filter((each) => each !== 'appsec'))
      assert.ok(golden.some((each) => each.kind === name && each.dialect === dialect))
})

test.run()
