/**
 * What is known of patterns, kept from run to run: a ruleset that was loaded before starts in a fraction of the time.
 *
 * One file for each build of wafsim, in the user's cache. Where it cannot be read or written there is none; verdicts are
 * the same with and without it.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { askPatterns, factsFound, type LoadedRuleset, learnFacts, patternFacts } from '../engine/index.js'
import { toolVersion } from './version.js'

/** Text that `learnPatterns` has read, good as long as nothing has been found out since. */
let learnt: string | null = null

/** To be called before a ruleset is compiled. */
export function learnPatterns(): void {
  if (learnt !== null) return
  const text = readCache()
  if (text === null) return
  try {
    learnFacts(text)
    learnt = text
  } catch {
    // Not written by this build after all.
  }
}

/** What is known of the ruleset's patterns, for the threads; keeps it where it is new. */
export function keepPatterns(loaded: LoadedRuleset): string {
  if (learnt !== null && factsFound() === 0) return learnt
  askPatterns(loaded.ruleset)
  const text = patternFacts(loaded)
  writeCache(text)
  return text
}

/** Builds whose files are kept. */
const keptBuilds = 3
const digestLength = 64

function readCache(): string | null {
  try {
    const text = readFileSync(join(cacheFolder(), cacheName()), 'latin1')
    const content = text.slice(digestLength)
    return text.slice(0, digestLength) === digestOf(content) ? content : null
  } catch {
    return null
  }
}

function writeCache(content: string): void {
  try {
    const folder = cacheFolder()
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const file = join(folder, cacheName())
    const draft = `${file}.${process.pid}`
    writeFileSync(draft, digestOf(content) + content, { encoding: 'latin1', mode: 0o600 })
    renameSync(draft, file)
    for (const name of oldest(folder)) rmSync(join(folder, name), { force: true })
  } catch {
    // Then the next run finds it all out again.
  }
}

function oldest(folder: string): string[] {
  return readdirSync(folder)
    .map((name) => ({ name, time: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => b.time - a.time)
    .slice(keptBuilds)
    .map(({ name }) => name)
}

function cacheFolder(): string {
  const { WAFSIM_HOME: home, XDG_CACHE_HOME: cache } = process.env
  if (home !== undefined && home !== '') return join(home, 'patterns')
  return join(cache !== undefined && cache !== '' ? cache : join(homedir(), '.cache'), 'wafsim', 'patterns')
}

/** Names the code that finds the facts out: another code may find others. */
function cacheName(): string {
  const engine = fileURLToPath(new URL('../engine/', import.meta.url))
  const hash = createHash('sha256').update(toolVersion())
  const patterns = readdirSync(join(engine, 'patterns'))
    .filter((name) => name.endsWith('.js'))
    .sort()
  for (const name of [...patterns.map((each) => join('patterns', each)), join('model', 'requirement.js')])
    hash.update(readFileSync(join(engine, name)))
  return `${hash.digest('hex').slice(0, 32)}.json`
}

function digestOf(content: string): string {
  return createHash('sha256').update(content, 'latin1').digest('hex')
}
