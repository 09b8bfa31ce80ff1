/**
 * Where test data that is not part of the repository is found: OWASP CRS releases.
 *
 * A test that needs them says so when they are missing (`announceSkipped`): it never passes silently. Folders
 * are looked up relative to the repository, by an environment variable, or where Debian installs them.
 */
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { listCrs } from '../../rulesets/index.js'

/** The root of the repository: the nearest folder above with a package.json, from the sources as from the build. */
export function repositoryRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder)
    if (parent === folder) return process.cwd()
    folder = parent
  }
  return folder
}

/**
 * A CRS 4 tree: the folder that WAFSIM_CRS_TESTS names (or whose tests it names), else `../shared/crs-4.25.0` beside the repository, else the
 * newest installed release that has its regression tests.
 */
export function crsTree(): string | null {
  const named = process.env.WAFSIM_CRS_TESTS
  if (named !== undefined && named !== '')
    return [resolve(named), resolve(named, '..')].find((folder) => existsSync(join(folder, 'rules'))) ?? null
  for (const base of [process.cwd(), repositoryRoot()]) {
    const beside = resolve(base, '..', 'shared', 'crs-4.25.0')
    if (existsSync(join(beside, 'rules'))) return beside
  }
  return listCrs().findLast((release) => existsSync(join(release.path, 'tests')))?.path ?? null
}

/** The CRS 3 that Debian's package `modsecurity-crs` installs: rules and setup. */
export function debianCrs(): { readonly rules: string; readonly setup: string } | null {
  const rules = '/usr/share/modsecurity-crs/rules'
  const setup = '/etc/modsecurity/crs/crs-setup.conf'
  return existsSync(rules) && existsSync(setup) ? { rules, setup } : null
}

/** The engine configuration of Debian's ModSecurity package. */
export function debianEngineConfiguration(): string | null {
  const path = '/etc/modsecurity/modsecurity.conf-recommended'
  return existsSync(path) ? path : null
}

/** All rule files of the CRS releases at hand; empty and announced where there are none. */
export function crsFiles(test: string): string[] {
  const files: string[] = []
  const tree = crsTree()
  if (tree === null) announceSkipped(test, 'no CRS 4 tree: set WAFSIM_CRS_TESTS')
  else
    files.push(
      ...configurationFiles(tree),
      ...configurationFiles(join(tree, 'rules')),
      ...configurationFiles(join(tree, 'plugins')),
    )
  const debian = debianCrs()
  if (debian === null) announceSkipped(test, 'no Debian package modsecurity-crs')
  else files.push(debian.setup, ...configurationFiles(debian.rules))
  const engine = debianEngineConfiguration()
  if (engine === null) announceSkipped(test, 'no modsecurity.conf-recommended')
  else files.push(engine)
  return files
}

export function announceSkipped(test: string, reason: string): void {
  process.stdout.write(`SKIPPED ${test}: ${reason}\n`)
}

function configurationFiles(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => /\.conf(?:\.example)?$/.test(name))
    .sort()
    .map((name) => join(folder, name))
}
