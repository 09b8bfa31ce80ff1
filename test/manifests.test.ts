/**
 * Every bundled data folder says where its files come from, under which licence, and what they are: its
 * manifest's digests hold. `WAFSIM_RENEW=1 npm test` writes the digests anew.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { repositoryRoot } from './support/test-data.js'

interface Manifest {
  readonly source: string
  readonly licence: string
  readonly files: Readonly<Record<string, string>>
}

const folders = ['corpora/data/attacks', 'corpora/data/benign', 'rulesets/starter']

function digests(folder: string): Record<string, string> {
  const names = readdirSync(folder).filter((name) => /\.(?:ndjson|conf|data)$/.test(name))
  return Object.fromEntries(
    names.sort().map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex'),
    ]),
  )
}

for (const name of folders)
  test(`the manifest of ${name} is true`, () => {
    const folder = join(repositoryRoot(), name)
    const path = join(folder, 'manifest.json')
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest
    assert.is(manifest.licence, 'Apache-2.0')
    assert.ok(manifest.source.length > 0)
    const found = digests(folder)
    if (process.env.WAFSIM_RENEW === '1')
      writeFileSync(path, `${JSON.stringify({ ...manifest, files: found }, null, 2)}\n`)
    else assert.equal(manifest.files, found)
  })

test.run()
