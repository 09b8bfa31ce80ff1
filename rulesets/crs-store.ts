/**
 * The releases installed for this user: one folder a version, with the digest of every file beside them.
 *
 * A release appears whole or not at all (written aside, then renamed). What is loaded is compared with the
 * recorded digests each time; a difference is an error, never a warning.
 */
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { UsageError } from '../engine/errors.js'
import type { Release } from './crs-release.js'

export interface StoreLocation {
  /** Folder in place of the user's cache (WAFSIM_HOME, else XDG_CACHE_HOME/wafsim, else ~/.cache/wafsim). */
  readonly home?: string
}

/** What is written beside an installed release. */
export interface InstallRecord {
  readonly version: string
  /** Where it came from, for people. */
  readonly source: string
  readonly installed: string
  /** sha256 over the sorted list of paths and file digests. */
  readonly digest: string
  /** sha256 of each file, by path in the release. */
  readonly files: Readonly<Record<string, string>>
}

const recordName = 'wafsim-install.json'

export function storeFolder({ home }: StoreLocation = {}): string {
  const named = home ?? process.env.WAFSIM_HOME
  if (named !== undefined && named !== '') return join(named, 'crs')
  const cache = process.env.XDG_CACHE_HOME
  return join(cache !== undefined && cache !== '' ? cache : join(homedir(), '.cache'), 'wafsim', 'crs')
}

/** Versions in the store, in no order. Folders without a record are none. */
export function storedVersions(location: StoreLocation): string[] {
  const folder = storeFolder(location)
  if (!existsSync(folder)) return []
  return readdirSync(folder).filter((name) => !name.startsWith('.') && existsSync(join(folder, name, recordName)))
}

export function versionFolder(version: string, location: StoreLocation): string {
  return join(storeFolder(location), version)
}

/** Throws UsageError where the record cannot be read. */
export function readRecord(folder: string): InstallRecord {
  try {
    const record = JSON.parse(readFileSync(join(folder, recordName), 'utf8')) as InstallRecord
    if (typeof record.version === 'string' && typeof record.digest === 'string' && typeof record.files === 'object')
      return record
  } catch {
    // Reported below.
  }
  throw new UsageError(`${join(folder, recordName)}: cannot be read; remove ${folder} and install the release again`)
}

/**
 * Writes a release and its record; replaces an installed one of the same version. Returns its folder.
 * Throws UsageError where the store cannot be written.
 */
export function storeRelease(release: Release, source: string, location: StoreLocation): string {
  const folder = versionFolder(release.version, location)
  const store = storeFolder(location)
  let aside: string | null = null
  try {
    mkdirSync(store, { recursive: true })
    aside = mkdtempSync(join(store, `.${release.version}-`))
    const files: Record<string, string> = {}
    for (const path of [...release.files.keys()].sort()) {
      const content = release.files.get(path) as Buffer
      const target = join(aside, path)
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, content)
      files[path] = sha256(content)
    }
    const record: InstallRecord = {
      version: release.version,
      source,
      installed: new Date().toISOString(),
      digest: digestOf(files),
      files,
    }
    writeFileSync(join(aside, recordName), `${JSON.stringify(record, null, 2)}\n`)
    moveIntoPlace(aside, folder)
    return folder
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? (error as Error).message
    throw new UsageError(
      `${store}: cannot be written (${code}); make it writable, or name another folder in WAFSIM_HOME`,
    )
  } finally {
    if (aside !== null) rmSync(aside, { recursive: true, force: true })
  }
}

/** A rename is atomic; an old release of the same version is moved away first. */
function moveIntoPlace(aside: string, folder: string): void {
  const old = `${aside}-old`
  try {
    if (existsSync(folder)) renameSync(folder, old)
    renameSync(aside, folder)
  } catch (error) {
    // Another process may have put the same release there in between; it has verified its own copy.
    if (!existsSync(join(folder, recordName))) throw error
  } finally {
    rmSync(old, { recursive: true, force: true })
  }
}

/**
 * What differs from the record: changed, missing and added files. Files of `tests/` only where `all` is set:
 * they are never loaded as rules.
 */
export function findDifferences(folder: string, record: InstallRecord, all: boolean): string[] {
  const differences: string[] = []
  const isChecked = (path: string) => all || !path.startsWith('tests/')
  for (const [path, expected] of Object.entries(record.files)) {
    if (!isChecked(path)) continue
    const file = join(folder, path)
    if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) differences.push(`${path} is missing`)
    else if (sha256(readFileSync(file)) !== expected) differences.push(`${path} was changed`)
  }
  for (const path of filesBelow(folder, ''))
    if (isChecked(path) && path !== recordName && !Object.hasOwn(record.files, path))
      differences.push(`${path} was added`)
  if (digestOf(record.files) !== record.digest) differences.push(`${recordName} was changed`)
  return differences
}

function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    return entry.isDirectory() ? filesBelow(root, path) : [path]
  })
}

function digestOf(files: Readonly<Record<string, string>>): string {
  const hash = createHash('sha256')
  for (const path of Object.keys(files).sort()) hash.update(`${files[path]}  ${path}\n`)
  return hash.digest('hex')
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
