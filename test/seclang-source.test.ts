/**
 * Reading rule files: Include patterns as Apache expands them, messages, and bundles that replace the disk.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { UsageError } from '../engine/errors.js'
import { createBundleReader, createDiskReader } from '../engine/seclang/source.js'

const test = suite('sources')
let folder = ''

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'wafsim-source-'))
  for (const name of ['b/2.conf', 'b/10.conf', 'b/x.data', 'b/.hidden.conf', 'c/deep/z.conf', 'a[1].conf']) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), `# ${name}\xff\n`, 'latin1')
  }
  symlinkSync(folder, join(folder, 'c', 'deep', 'loop'))
})

test.after(() => {
  rmSync(folder, { recursive: true })
})

function expand(pattern: string, base = folder): string[] {
  return createDiskReader()
    .expand(pattern, base)
    .map((path) => path.slice(folder.length + 1))
}

function message(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    assert.instance(error, UsageError)
    return (error as Error).message
  }
  return 'nothing was thrown'
}

test('patterns: sorted, hidden files left out, one part of the path after the other', () => {
  assert.equal(expand('b/*.conf'), ['b/10.conf', 'b/2.conf'])
  assert.equal(expand('[bc]/?.conf'), ['b/2.conf'])
  assert.equal(expand('*/[!0-9]*.data'), ['b/x.data'])
  assert.equal(expand(join(folder, 'b', '.h*'), '/'), ['b/.hidden.conf'])
  assert.equal(expand('b/*.none'), [])
  assert.equal(expand('b/[z-a].conf'), [])
})

test('a plain path, a missing one, a directory with everything below it', () => {
  assert.equal(expand('b/2.conf'), ['b/2.conf'])
  assert.equal(expand('b/3.conf'), [])
  assert.equal(expand('b'), ['b/.hidden.conf', 'b/10.conf', 'b/2.conf', 'b/x.data'])
})

test('a link to a parent folder does not go on for ever', () => {
  const found = expand('c')
  assert.ok(found.includes('c/deep/z.conf'))
  assert.ok(found.length < 1000, `${found.length} files`)
})

test('relative paths stand beside the file that names them', () => {
  const reader = createDiskReader()
  assert.is(reader.resolve('../x.data', join(folder, 'b', 'c')), join(folder, 'b', 'x.data'))
  assert.is(reader.resolve('/etc/a', folder), '/etc/a')
})

test('files are bytes; what cannot be read says what to do', () => {
  const reader = createDiskReader()
  assert.is(reader.read(join(folder, 'b', '2.conf')), '# b/2.conf\xff\n')
  assert.match(
    message(() => reader.read(join(folder, 'none.conf'))),
    /none\.conf: no such file; check the path/,
  )
  assert.match(
    message(() => reader.read(join(folder, 'b'))),
    /is a directory; name a file in it, or a pattern/,
  )
  assert.match(
    message(() => reader.read('/dev/null')),
    /neither a file nor a pipe/,
  )
})

test('a bundle answers as the disk did, and nothing else', () => {
  const disk = createDiskReader()
  const paths = disk.expand('b/*.conf', folder)
  const texts = paths.map((path) => disk.read(path))
  assert.equal(disk.expand('none*', folder), [])
  const bundle = JSON.parse(JSON.stringify(disk.bundle()))
  const reader = createBundleReader(bundle)
  assert.equal(reader.expand('b/*.conf', folder), paths)
  assert.equal(
    paths.map((path) => reader.read(path)),
    texts,
  )
  assert.equal(reader.expand('none*', folder), [])
  assert.match(
    message(() => reader.read(join(folder, 'b', 'x.data'))),
    /not among the files/,
  )
  assert.match(
    message(() => reader.read('constructor')),
    /not among the files/,
  )
})

test('a file is read once: later changes are not seen', () => {
  const path = join(folder, 'changing.conf')
  writeFileSync(path, 'one')
  const disk = createDiskReader()
  assert.is(disk.read(path), 'one')
  writeFileSync(path, 'two')
  assert.is(disk.read(path), 'one')
})

test.run()
