/**
 * Installing CRS releases: folders and archives, hostile archives, the order of origins, digests, messages.
 */
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from 'tar'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { UsageError } from '../engine/errors.js'
import { findCrs, type InstallRequest, installCrs, listCrs, verifyCrs } from '../rulesets/index.js'
import { madeUpRelease, writeFiles, type ZipEntry, zipOf } from './support/made-up-crs.js'

const test = suite('crs install')
let folder = ''
let release = ''
let homes = 0
let server: Server
let archives = ''

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wafsim-install-'))
  release = writeFiles(join(folder, 'coreruleset-4.99.1'), madeUpRelease())
  await create({ gzip: true, file: join(folder, 'v4.99.1.tar.gz'), cwd: folder }, ['coreruleset-4.99.1'])
  server = createServer((request, response) => {
    if (request.url === '/v4.99.1.tar.gz') response.end(readFileSync(join(folder, 'v4.99.1.tar.gz')))
    else if (request.url === '/v4.99.2.tar.gz') response.end(readFileSync(join(folder, 'v4.99.1.tar.gz')))
    else if (request.url === '/v4.99.3.tar.gz') response.end('<html>')
    else if (request.url === '/v4.99.4.tar.gz') response.writeHead(200).write('never ends')
    else response.writeHead(404).end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  archives = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

test.after(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

/** Options under which nothing of this machine is found. */
function alone(more: InstallRequest = {}): InstallRequest {
  homes++
  return {
    home: join(folder, `home-${homes}`),
    archiveBase: 'http://127.0.0.1:9',
    goCommand: join(folder, 'no-go'),
    debianFolder: join(folder, 'no-debian'),
    ...more,
  }
}

async function message(action: () => unknown): Promise<string> {
  try {
    await action()
  } catch (error) {
    assert.instance(error, UsageError)
    return (error as Error).message
  }
  return 'nothing was thrown'
}

function entries(more: readonly ZipEntry[] = []): ZipEntry[] {
  return [...Object.entries(madeUpRelease()).map(([path, content]) => ({ path: `crs/${path}`, content })), ...more]
}

function zip(name: string, content: readonly ZipEntry[]): string {
  const path = join(folder, name)
  writeFileSync(path, zipOf(content))
  return path
}

const installedFiles = [
  'LICENSE',
  'crs-setup.conf.example',
  'plugins/a-after.conf',
  'rules/REQUEST-901-INITIALIZATION.conf',
  'rules/RESPONSE-999-EXCLUSION-RULES-AFTER-CRS.conf.example',
  'rules/words.data',
  'tests/regression/tests/942/942001.yaml',
]

test('from a folder, a tar.gz and a zip: the same release', async () => {
  writeFiles(release, { 'util/run.sh': 'echo\n', 'rules/.hidden.conf': 'SecMarker x\n' })
  const digests = new Set<string | null>()
  for (const from of [release, join(folder, 'v4.99.1.tar.gz'), zip('r.zip', entries())]) {
    const options = alone({ from })
    const installed = await installCrs(options)
    assert.equal([installed.version, installed.kind, installed.source], ['4.99.1', 'store', from])
    digests.add(installed.digest)
    for (const path of installedFiles) assert.ok(existsSync(join(installed.path, path)), path)
    assert.not.ok(existsSync(join(installed.path, 'util')))
    assert.not.ok(existsSync(join(installed.path, 'rules', '.hidden.conf')))
    assert.is(readFileSync(join(installed.path, 'rules/words.data'), 'utf8'), 'union\nselect\n')
    assert.equal(readdirSync(join(options.home ?? '', 'crs')), ['4.99.1'], 'nothing is left aside')
    assert.is(findCrs(undefined, options).path, installed.path)
  }
  assert.is(digests.size, 1)
})

test("the layout of Coraza's Go module becomes that of a release", async () => {
  const files = Object.entries(madeUpRelease()).flatMap(([path, content]): ZipEntry[] => {
    if (path === 'crs-setup.conf.example') return [{ path: 'm/rules/@crs-setup.conf.example', content }]
    if (path.startsWith('rules/')) return [{ path: path.replace('rules/', 'm/rules/@owasp_crs/'), content }]
    if (path.startsWith('tests/')) return [{ path: `m/tests/942/942001.yaml`, content }]
    return path.startsWith('plugins/') ? [] : [{ path: `m/${path}`, content }]
  })
  const installed = await installCrs(alone({ from: zip('module.zip', files) }))
  for (const path of installedFiles.filter((each) => !each.startsWith('plugins')))
    assert.ok(existsSync(join(installed.path, path)), path)
})

test('versions stand side by side, newest first', async () => {
  const options = alone()
  for (const version of ['4.9.0', '4.10.0', '4.10.0-rc1', '3.3.5'])
    await installCrs({ ...options, from: writeFiles(join(folder, `v${version}`), madeUpRelease(version)) })
  assert.equal(
    listCrs(options).map((each) => each.version),
    ['4.10.0', '4.10.0-rc1', '4.9.0', '3.3.5'],
  )
  assert.is(findCrs(undefined, options).version, '4.10.0')
  assert.is(findCrs('v3.3.5', options).version, '3.3.5')
  assert.match(
    await message(() => findCrs('4.11.0', options)),
    /not installed \(installed: 4\.10\.0, .*run: wafsim crs install 4\.11\.0/,
  )
  assert.match(await message(() => findCrs('../x', options)), /is no CRS version/)
})

test('the official archive, and a second install that needs no server', async () => {
  const options = alone({ version: 'v4.99.1', archiveBase: archives })
  const installed = await installCrs(options)
  assert.is(installed.source, `${archives}/v4.99.1.tar.gz`)
  const again = await installCrs({ ...options, archiveBase: 'http://127.0.0.1:9' })
  assert.equal(again, installed)
})

test('the Go module is asked where the archive cannot be had', async () => {
  const module = join(folder, 'module')
  for (const [path, content] of Object.entries(madeUpRelease('4.77.0'))) {
    if (path === 'crs-setup.conf.example') writeFiles(module, { 'rules/@crs-setup.conf.example': content })
    else if (path.startsWith('rules/')) writeFiles(module, { [path.replace('rules/', 'rules/@owasp_crs/')]: content })
  }
  const goCommand = join(folder, 'go')
  writeFileSync(
    goCommand,
    `#!/bin/sh\n[ "$1 $2 $3" = "mod download -json" ] || exit 9\ncase "$4" in\n*@v4.77.0) echo '{"Dir":"${module}","Sum":"h1:made="}';;\n` +
      `*) echo '{"Error":"unknown revision"}'; exit 1;;\nesac\n`,
  )
  chmodSync(goCommand, 0o755)
  const installed = await installCrs(alone({ version: '4.77.0', goCommand }))
  assert.match(installed.source, /^Go module .*@v4\.77\.0 \(h1:made=\)$/)
  assert.match(
    await message(() => installCrs(alone({ version: '4.78.0', goCommand }))),
    /Go module .*@v4\.78\.0: unknown revision/,
  )
})

test("Debian's package is used in place where nothing else works", async () => {
  const { 'crs-setup.conf.example': setup = '', ...rest } = madeUpRelease('3.9.8')
  const debianFolder = writeFiles(join(folder, 'debian'), {
    ...rest,
    'etc/crs-setup.conf': setup,
    'owasp-crs.load': 'Include etc/crs-setup.conf\nInclude rules/*.conf\n',
  })
  const found = await installCrs(alone({ debianFolder }))
  assert.equal([found.kind, found.version, found.path, found.digest], ['debian', '3.9.8', debianFolder, null])
  const text = await message(() => installCrs(alone({ debianFolder, version: '4.99.1' })))
  assert.match(text, /Debian package modsecurity-crs: is version 3\.9\.8/)
})

test('where nothing works, one message lists what was tried, why it failed and what to do', async () => {
  const options = alone({ version: '4.98.0' })
  const lines = (await message(() => installCrs(options))).split('\n')
  assert.is(lines[0], 'OWASP CRS 4.98.0 could not be installed. Tried:')
  assert.match(lines[1] ?? '', /official archive http:\/\/127\.0\.0\.1:9\/v4\.98\.0\.tar\.gz: .+/)
  assert.match(lines[2] ?? '', /Go module .*: the command ".*no-go" is not installed/)
  assert.match(lines[3] ?? '', /Debian package modsecurity-crs: not installed/)
  assert.match(lines.slice(4).join('\n'), /What to do:[\s\S]*wafsim crs install --from v4\.98\.0\.tar\.gz[\s\S]*home-/)
  assert.not.ok(existsSync(options.home ?? ''))
})

test('answers that are no release, another release, missing or late are told', async () => {
  const told = async (version: string) =>
    (await message(() => installCrs(alone({ version, archiveBase: archives, fetchTimeout: 200 })))).split('\n')[1] ?? ''
  assert.match(await told('4.99.2'), /holds CRS 4\.99\.1, not 4\.99\.2/)
  assert.match(await told('4.99.3'), /neither a \.tar\.gz nor a \.zip/)
  assert.match(await told('4.99.4'), /no answer in time/)
  assert.match(await told('4.99.5'), /no such release \(status 404\)/)
  assert.match(await message(() => installCrs(alone({ version: '4.1' }))), /is no CRS version; write it like/)
})

test('hostile and broken archives are refused, and nothing is written', async () => {
  const refuse = async (from: string, pattern: RegExp) => {
    const options = alone({ from })
    assert.match(await message(() => installCrs(options)), pattern)
    assert.equal(listCrs(options), [])
  }
  const good = entries()
  await refuse(
    zip('up.zip', entries([{ path: 'crs/rules/../../../x.conf', content: 'x' }])),
    /leaves the archive|invalid relative path/,
  )
  await refuse(zip('root.zip', entries([{ path: '/etc/x.conf', content: 'x' }])), /leaves the archive|absolute path/)
  await refuse(
    zip('link.zip', entries([{ path: 'crs/rules/l.conf', content: '/etc/passwd', mode: 0o120777 }])),
    /is a link/,
  )
  await refuse(
    zip('big.zip', entries([{ path: 'crs/rules/big.data', content: 'x'.repeat(17 * 1024 * 1024) }])),
    /larger than 16 MB/,
  )
  await refuse(
    zip(
      'part.zip',
      good.filter(({ path }) => !path.includes('949')),
    ),
    /no complete CRS release/,
  )
  await refuse(zip('none.zip', [{ path: 'a.txt', content: 'a' }]), /no crs-setup\.conf\.example/)
  await refuse(join(folder, 'missing.zip'), /no such file or folder/)

  const linked = writeFiles(join(folder, 'linked'), madeUpRelease())
  symlinkSync('/etc/passwd', join(linked, 'rules', 'l.data'))
  await refuse(linked, /is a link/)
  await create({ gzip: true, file: join(folder, 'linked.tar.gz'), cwd: folder }, ['linked'])
  await refuse(join(folder, 'linked.tar.gz'), /is a link/)

  mkdirSync(join(folder, 'inside'))
  writeFileSync(join(folder, 'x.conf'), 'x')
  await create({ gzip: true, file: join(folder, 'up.tar.gz'), cwd: join(folder, 'inside'), preservePaths: true }, [
    '../x.conf',
  ])
  await refuse(join(folder, 'up.tar.gz'), /leaves the archive/)

  const bytes = readFileSync(join(folder, 'v4.99.1.tar.gz'))
  writeFileSync(join(folder, 'cut.tar.gz'), bytes.subarray(0, bytes.length >> 1))
  await refuse(join(folder, 'cut.tar.gz'), /cannot be unpacked|no complete CRS release|no CRS release/)
  writeFileSync(join(folder, 'noise.tar.gz'), Buffer.concat([bytes.subarray(0, 2), Buffer.alloc(500, 7)]))
  await refuse(join(folder, 'noise.tar.gz'), /cannot be unpacked/)
})

test('a changed, missing or added file is found when the release is used and when it is verified', async () => {
  const options = alone({ from: release })
  const { path } = await installCrs(options)
  assert.equal(
    verifyCrs(undefined, options).map((each) => each.differences),
    [[]],
  )

  appendFileSync(join(path, 'tests/regression/tests/942/942001.yaml'), '#')
  assert.is(findCrs(undefined, options).path, path, 'tests are no rules')
  assert.equal(verifyCrs('4.99.1', options)[0]?.differences, ['tests/regression/tests/942/942001.yaml was changed'])

  appendFileSync(join(path, 'rules/words.data'), 'x')
  rmSync(join(path, 'plugins/a-after.conf'))
  writeFileSync(join(path, 'rules/ZZZ.conf'), '')
  const text = await message(() => findCrs(undefined, options))
  assert.match(
    text,
    /not as it was installed: .*plugins\/a-after\.conf is missing.*rules\/words\.data was changed.*rules\/ZZZ\.conf was added/,
  )
  assert.match(text, /wafsim crs install 4\.99\.1 --force/)

  await installCrs({ ...options, force: true })
  assert.equal(verifyCrs(undefined, options)[0]?.differences, [])
  const record = join(path, 'wafsim-install.json')
  writeFileSync(record, readFileSync(record, 'utf8').replace('words.data', 'other.data'))
  assert.match(await message(() => findCrs(undefined, options)), /wafsim-install\.json was changed/)
  writeFileSync(record, '{')
  assert.match(
    await message(() => findCrs(undefined, options)),
    /cannot be read; remove .* and install the release again/,
  )
})

test('a store that cannot be written says which one', async () => {
  const home = join(folder, 'file-as-home')
  writeFileSync(home, '')
  assert.match(
    await message(() => installCrs(alone({ from: release, home }))),
    /file-as-home.*cannot be written .*WAFSIM_HOME/,
  )
})

test.run()
