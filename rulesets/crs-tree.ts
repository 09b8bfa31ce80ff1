/**
 * Recognises a CRS tree and says which of its files belong where.
 *
 * A tree is a release as it is unpacked (`crs-setup.conf[.example]` beside `rules/`) or as Debian installs it
 * (`rules/` beside `owasp-crs.load`, which names the setup). Nothing is loaded here.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { UsageError } from '../engine/errors.js'
import { globFiles, isPattern } from './patterns.js'

export interface CrsTree {
  readonly root: string
  /** As its rules say it; `unknown` where they do not. */
  readonly version: string
  readonly setup: string
  readonly pluginConfigs: readonly string[]
  readonly pluginsBefore: readonly string[]
  readonly pluginsAfter: readonly string[]
  /** In load order, exclusion files included where they are present. */
  readonly rules: readonly string[]
}

/** The first rule file of every release since 3.0; it checks and completes the settings. */
export const initialisationFile = /^REQUEST-901-INITIALIZATION\.conf$/

/**
 * The tree that `directory` is, or whose `rules/` it is; null where it is no CRS tree.
 * Throws UsageError where it is a tree that cannot be loaded.
 */
export function detectCrsTree(directory: string): CrsTree | null {
  const root = resolve(directory)
  if (isDirectory(join(root, 'rules'))) {
    const setup = [join(root, 'crs-setup.conf'), join(root, 'crs-setup.conf.example')].find((path) => existsSync(path))
    if (setup !== undefined) return unpackedTree(root, setup)
    const load = join(root, 'owasp-crs.load')
    if (existsSync(load)) return packagedTree(root, load)
    if (isInitialised(join(root, 'rules')))
      throw new UsageError(
        `${directory}: CRS rules without crs-setup.conf or crs-setup.conf.example beside rules/; copy the example of the release there`,
      )
    return null
  }
  if (basename(root) === 'rules' && isInitialised(root)) return detectCrsTree(dirname(root))
  return null
}

function unpackedTree(root: string, setup: string): CrsTree {
  const rules = filesOf(join(root, 'rules'), /\.conf$/)
  const plugins = join(root, 'plugins')
  return {
    root,
    version: versionOf(rules),
    setup,
    pluginConfigs: filesOf(plugins, /-config\.conf$/),
    pluginsBefore: filesOf(plugins, /-before\.conf$/),
    pluginsAfter: filesOf(plugins, /-after\.conf$/),
    rules,
  }
}

/** Debian's layout: the `.load` file includes the setup, the exclusion files and the rules, in this order. */
function packagedTree(root: string, load: string): CrsTree {
  const files = includedFiles(load)
  const setupAt = files.findIndex((path) => basename(path) === 'crs-setup.conf')
  const setup = files[setupAt]
  if (setup === undefined)
    throw new UsageError(`${load}: names no crs-setup.conf that exists; install the package again`)
  const rules = files.slice(setupAt + 1)
  return { root, version: versionOf(rules), setup, pluginConfigs: [], pluginsBefore: [], pluginsAfter: [], rules }
}

/** The files that the Include lines of a file name, in order; those of containers too. */
export function includedFiles(path: string): string[] {
  return readFileSync(path, 'latin1')
    .split('\n')
    .flatMap((line) => expandInclude(line, dirname(path)) ?? [])
}

/** The files that a line includes; null where it is no Include. */
export function expandInclude(line: string, baseDirectory: string): string[] | null {
  const match = /^\s*Include(?:Optional)?\s+(?:"([^"]*)"|'([^']*)'|(\S+))\s*$/i.exec(line)
  if (match === null) return null
  const pattern = match[1] ?? match[2] ?? match[3] ?? ''
  if (isPattern(pattern)) return globFiles(pattern, baseDirectory)
  const path = resolve(baseDirectory, pattern)
  return existsSync(path) && !isDirectory(path) ? [path] : []
}

/** `4.25.0` from the rules' `ver` action or component signature. */
function versionOf(rules: readonly string[]): string {
  const first = rules.find((path) => initialisationFile.test(basename(path)))
  if (first === undefined) return 'unknown'
  return crsVersionIn(readFileSync(first, 'latin1')) ?? 'unknown'
}

/** The release that a rule file of CRS names; null where it names none. */
export function crsVersionIn(text: string): string | null {
  return /^[^#\n]*\bOWASP_CRS\/(\d+\.\d+\.\d+[\w.-]*)/m.exec(text)?.[1] ?? null
}

function isInitialised(rules: string): boolean {
  return readdirSync(rules).some((name) => initialisationFile.test(name))
}

function filesOf(directory: string, pattern: RegExp): string[] {
  if (!isDirectory(directory)) return []
  return readdirSync(directory)
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(directory, name))
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
