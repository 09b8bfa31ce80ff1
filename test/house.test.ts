/**
 * Holds the house in order: who imports whom, no cycles, one importer for each package that has one, no file
 * of tests that never runs, no file that is too long without saying why.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folders = ['engine', 'corpora', 'rulesets', 'bench', 'cli', 'test']

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !path.includes('/build/'))
}

const files = folders.flatMap(sourceFiles).sort()
const text = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]))

interface Import {
  readonly from: string
  readonly to: string
  /** Types only: gone after compilation. */
  readonly typeOnly: boolean
}

function importsOf(file: string): Import[] {
  const found: Import[] = []
  const source = text.get(file) ?? ''
  for (const line of source.matchAll(/^(import|export)\s(type\s)?[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'/gms))
    found.push({ from: file, to: target(file, line[3] ?? line[4] ?? ''), typeOnly: line[2] !== undefined })
  for (const line of source.matchAll(/\bimport\('([^']+)'\)/g))
    found.push({ from: file, to: target(file, line[1] ?? ''), typeOnly: false })
  return found
}

function target(file: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier
  return relative(root, resolve(root, dirname(file), specifier)).replace(/\.js$/, '.ts')
}

const imports = files.flatMap(importsOf)

/** The room a file is in: the engine's folders and single files, a top-level folder, or the measuring that cli shares. */
function roomOf(file: string): string {
  if (file.startsWith('bench/measure/')) return 'measure'
  if (!file.startsWith('engine/')) return file.split('/')[0] ?? ''
  return (file.split('/')[1] ?? '').replace(/\.ts$/, '')
}

const tables = ['actions', 'bodies', 'operators', 'transformations', 'variables']
const foundations = ['model', 'errors', 'patterns', 'near-name', 'utf8', 'html-entities', 'percent', 'time-budget']

/** What each room may import of ours. A room that is missing here fails the test. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  model: ['errors'],
  'near-name': [],
  'thread-time': [],
  'time-budget': ['thread-time'],
  patterns: ['model', 'errors', 'utf8', 'time-budget'],
  utf8: ['model'],
  'html-entities': ['model', 'utf8'],
  percent: ['model'],
  seclang: ['model', 'errors'],
  exclusions: foundations,
  actions: [...foundations, 'exclusions'],
  bodies: foundations,
  operators: foundations,
  transformations: foundations,
  variables: foundations,
  compile: [...foundations, ...tables, 'exclusions', 'seclang'],
  matching: ['model', 'errors', 'time-budget'],
  transaction: ['model', 'errors', 'matching', 'variables', 'bodies', 'percent', 'time-budget'],
  profiling: [],
  pool: ['profiling', 'model', 'errors', 'compile', 'matching', 'patterns', 'transaction'],
  tally: ['model'],
  'settings-in-force': ['model', 'matching', 'transaction'],
  tuning: [
    'model',
    'errors',
    'settings-in-force',
    'transaction',
    'exclusions',
    'seclang',
    'patterns',
    'compile',
    'utf8',
  ],
  corpora: ['model', 'errors'],
  rulesets: ['model', 'errors'],
  measure: ['index', 'corpora', 'rulesets'],
  cli: ['index', 'corpora', 'rulesets', 'measure'],
  bench: ['index', 'operators', 'matching', 'seclang', 'corpora', 'rulesets', 'measure'],
}

/** The engine's door and the tests see everything. */
const unrestricted = ['index', 'test']

test('imports point one way', () => {
  const wrong = imports
    .filter(({ from, to }) => text.has(to) && roomOf(from) !== roomOf(to))
    .filter(({ from, to }) => {
      const room = roomOf(from)
      if (unrestricted.includes(room)) return false
      const may = allowed[room]
      return may === undefined || !may.includes(roomOf(to))
    })
    .map(({ from, to }) => `${from} imports ${to}`)
  assert.equal(wrong, [])
})

test('every import of ours exists', () => {
  const lost = imports.filter(({ to }) => to.endsWith('.ts') && !text.has(to)).map(({ from, to }) => `${from}: ${to}`)
  assert.equal(lost, [])
})

test('no circular import', () => {
  const graph = new Map<string, string[]>()
  for (const { from, to, typeOnly } of imports)
    if (!typeOnly && text.has(to)) graph.set(from, [...(graph.get(from) ?? []), to])
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file)
    if (at >= 0) {
      cycles.push([...path.slice(at), file].join(' → '))
      return
    }
    if (done.has(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  assert.equal(cycles, [])
})

const onlyImporters: Readonly<Record<string, readonly string[]>> = {
  piscina: ['engine/pool/serve.ts', 'engine/pool/threads.ts'],
  re2: ['engine/patterns/index.ts', 'engine/patterns/go-pattern.ts'],
  msgpackr: ['engine/pool/wire.ts', 'corpora/formats/mpk.ts'],
  echarts: ['bench/plots.ts'],
  '@datadog/pprof': ['engine/profiling/thread-profile.ts'],
  'pprof-format': ['engine/profiling/merged-profile.ts'],
  '@datadog/native-appsec': ['bench/libinjection/native-appsec.ts'],
}

test('packages with one importer have one', () => {
  for (const [name, importers] of Object.entries(onlyImporters)) {
    const found = imports.filter(({ to, from }) => to === name && !from.startsWith('test/')).map(({ from }) => from)
    for (const file of found) assert.ok(importers.includes(file), `${file} imports ${name}`)
  }
})

test('no re-export of everything', () => {
  const found = files.filter((file) => /^export \*/m.test(text.get(file) ?? ''))
  assert.equal(found, [])
})

test('the map names every room of the engine', () => {
  const map = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
  const rooms = new Set(
    files
      .filter((file) => file.startsWith('engine/'))
      .map((file) => (dirname(file) === 'engine' ? (file.split('/')[1] ?? '') : `${dirname(file)}/`)),
  )
  assert.equal(
    [...rooms].filter((room) => !map.includes(`\`${room}\``) && !map.includes(`\`engine/${room}\``)),
    [],
  )
})

test('every test file runs its tests', () => {
  const silent = files.filter((file) => file.endsWith('.test.ts') && !/\.run\(\)/.test(text.get(file) ?? ''))
  assert.equal(silent, [])
})

test('every file begins with what lives in it', () => {
  const bare = files.filter((file) => !/^(?:#!.*\n)?\/\*\*?\s/.test(text.get(file) ?? ''))
  assert.equal(bare, [])
})

test('no file over 500 lines without a reason in its header', () => {
  const long = files.filter((file) => {
    const source = text.get(file) ?? ''
    return source.split('\n').length > 500 && !/^\s*\*.*over 500 lines/im.test(source)
  })
  assert.equal(long, [])
})

test.run()
