/**
 * Installs, lists, verifies and finds OWASP CRS releases.
 *
 * No rule of CRS is part of wafsim: a release is fetched once, kept for the user under its version, and its
 * digests are compared every time it is used. Versions stand side by side.
 */
import { UsageError } from '../engine/errors.js'
import { readRelease } from './crs-archives.js'
import {
  archiveUrl,
  debianTree,
  type Fetched,
  fetchArchive,
  fetchFailure,
  fetchGoModule,
  goModule,
  type OriginOptions,
} from './crs-origins.js'
import {
  findDifferences,
  type InstallRecord,
  readRecord,
  type StoreLocation,
  storedVersions,
  storeFolder,
  storeRelease,
  versionFolder,
} from './crs-store.js'

/** The release that is installed where none is named. */
const defaultVersion = '4.25.0'

export interface CrsStoreOptions extends StoreLocation, OriginOptions {}

export interface InstallRequest extends CrsStoreOptions {
  /** E.g. `4.25.0` or `v4.25.0`; absent: `defaultVersion`, or what `from` holds. */
  readonly version?: string
  /** A folder, `.tar.gz` or `.zip`; nothing else is tried then. */
  readonly from?: string
  /** Installs again although the version is there. */
  readonly force?: boolean
}

export interface CrsInstallation {
  readonly version: string
  /** Root of the tree. */
  readonly path: string
  readonly source: string
  /** `store`: kept by wafsim and verified; `debian`: the system's package, used in place. */
  readonly kind: 'store' | 'debian'
  /** sha256 over the release; null for a package used in place. */
  readonly digest: string | null
  /** ISO 8601; null for a package used in place. */
  readonly installed: string | null
}

export interface CrsVerification {
  readonly version: string
  readonly path: string
  readonly digest: string | null
  /** Empty: every file is as it was installed. */
  readonly differences: readonly string[]
}

/** Installs a release, or says that it is there. Throws one UsageError that lists everything tried. */
export async function installCrs(request: InstallRequest = {}): Promise<CrsInstallation> {
  const wanted = request.version === undefined ? undefined : checkedVersion(request.version)
  if (request.from !== undefined) return installFrom(request.from, wanted, request)
  const version = wanted ?? defaultVersion
  const present = request.force === true ? null : intactInstallation(version, request)
  if (present !== null) return present
  const tried: string[] = []
  const attempts: readonly [string, () => Promise<Fetched>, (error: unknown) => string][] = [
    [`official archive ${archiveUrl(version, request)}`, () => fetchArchive(version, request), fetchFailure],
    [`Go module ${goModule}@v${version}`, () => fetchGoModule(version, request), (error) => (error as Error).message],
  ]
  for (const [name, attempt, reason] of attempts) {
    let fetched: Fetched
    try {
      fetched = await attempt()
      checkRelease(fetched, version)
    } catch (error) {
      tried.push(`${name}: ${reason(error)}`)
      continue
    }
    return store(fetched, request)
  }
  const debian = debianInstallation(request)
  if (debian !== null && (wanted === undefined || debian.version === wanted)) return debian
  tried.push(`Debian package modsecurity-crs: ${debian === null ? 'not installed' : `is version ${debian.version}`}`)
  throw new UsageError(nothingWorked(version, tried, request))
}

/** All releases that can be used, newest first; a store release goes before a package of the same version. */
export function listCrs(options: CrsStoreOptions = {}): CrsInstallation[] {
  const stored = storedVersions(options).map((version) => {
    const folder = versionFolder(version, options)
    return installation(readRecord(folder), folder)
  })
  const debian = debianInstallation(options)
  const all = debian === null ? stored : [...stored, debian]
  return all.sort((a, b) => compareVersions(b.version, a.version))
}

/**
 * The release of that version, or the newest. Its rule files are compared with the recorded digests.
 * Throws UsageError where it is not installed or was changed.
 */
export function findCrs(version?: string, options: CrsStoreOptions = {}): CrsInstallation {
  const wanted = version === undefined ? undefined : checkedVersion(version)
  const all = listCrs(options)
  const found = all.find((each) => wanted === undefined || each.version === wanted)
  if (found === undefined) {
    const there =
      all.length === 0 ? 'no release is installed' : `installed: ${all.map((each) => each.version).join(', ')}`
    const name = wanted === undefined ? 'OWASP CRS' : `OWASP CRS ${wanted}`
    throw new UsageError(
      `${name} is not installed (${there}); run: wafsim crs install${wanted === undefined ? '' : ` ${wanted}`}`,
    )
  }
  if (found.kind === 'store') {
    const differences = findDifferences(found.path, readRecord(found.path), false)
    if (differences.length > 0) throw new UsageError(changedMessage(found, differences))
  }
  return found
}

/** Compares every file of the releases (all, or one version) with the recorded digests. Throws UsageError where none is there. */
export function verifyCrs(version?: string, options: CrsStoreOptions = {}): CrsVerification[] {
  const wanted = version === undefined ? undefined : checkedVersion(version)
  const chosen = listCrs(options).filter((each) => wanted === undefined || each.version === wanted)
  if (chosen.length === 0)
    throw new UsageError(`OWASP CRS ${wanted ?? ''}: nothing to verify; run: wafsim crs install ${wanted ?? ''}`.trim())
  return chosen.map(({ version: own, path, digest, kind }) => ({
    version: own,
    path,
    digest,
    differences: kind === 'store' ? findDifferences(path, readRecord(path), true) : [],
  }))
}

/** The stored release where every file is as it was installed, else null. */
function intactInstallation(version: string, location: StoreLocation): CrsInstallation | null {
  if (!storedVersions(location).includes(version)) return null
  const folder = versionFolder(version, location)
  try {
    const record = readRecord(folder)
    return findDifferences(folder, record, true).length === 0 ? installation(record, folder) : null
  } catch {
    return null
  }
}

async function installFrom(
  from: string,
  wanted: string | undefined,
  request: InstallRequest,
): Promise<CrsInstallation> {
  const fetched = { release: await readRelease(from), source: from }
  if (wanted !== undefined) checkRelease(fetched, wanted)
  return store(fetched, request)
}

function checkRelease({ release, source }: Fetched, version: string): void {
  if (release.version !== version) throw new UsageError(`${source}: holds CRS ${release.version}, not ${version}`)
}

function store({ release, source }: Fetched, request: InstallRequest): CrsInstallation {
  const folder = storeRelease(release, source, request)
  return installation(readRecord(folder), folder)
}

function installation(record: InstallRecord, path: string): CrsInstallation {
  const { version, source, digest, installed } = record
  return { version, path, source, kind: 'store', digest, installed }
}

function debianInstallation(options: CrsStoreOptions): CrsInstallation | null {
  const tree = debianTree(options)
  if (tree === null) return null
  return {
    version: tree.version,
    path: tree.root,
    source: 'Debian package modsecurity-crs',
    kind: 'debian',
    digest: null,
    installed: null,
  }
}

/** Only what can be a version becomes part of a path or a URL. */
function checkedVersion(version: string): string {
  const bare = version.replace(/^v/, '')
  if (/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(bare)) return bare
  throw new UsageError(`"${version}" is no CRS version; write it like ${defaultVersion}`)
}

/** Negative where `a` is older; a release candidate is older than its release. */
function compareVersions(a: string, b: string): number {
  const [mainA = '', preA] = a.split(/-(.*)/)
  const [mainB = '', preB] = b.split(/-(.*)/)
  const byNumbers = mainA.localeCompare(mainB, 'en', { numeric: true })
  if (byNumbers !== 0) return byNumbers
  if (preA === undefined || preB === undefined) return (preA === undefined ? 1 : 0) - (preB === undefined ? 1 : 0)
  return preA.localeCompare(preB, 'en', { numeric: true })
}

function changedMessage({ version, path }: CrsInstallation, differences: readonly string[]): string {
  const shown = differences.slice(0, 3).join(', ')
  const more = differences.length > 3 ? ` and ${differences.length - 3} more` : ''
  return (
    `OWASP CRS ${version} in ${path} is not as it was installed: ${shown}${more}. ` +
    `Install it again (wafsim crs install ${version} --force); to work with changed rules, copy the folder and name the copy in --rules, ` +
    'or put your own text into --setup, --before and --after files'
  )
}

function nothingWorked(version: string, tried: readonly string[], location: StoreLocation): string {
  return [
    `OWASP CRS ${version} could not be installed. Tried:`,
    ...tried.map((line) => `  ${line}`),
    'What to do: where there is no network, load the release archive elsewhere and run',
    `  wafsim crs install --from v${version}.tar.gz`,
    `(a folder or a .zip will do too); or install the package modsecurity-crs and use --rules crs. Releases are kept in ${storeFolder(location)}`,
  ].join('\n')
}
