/**
 * A CRS release as files in memory: which files of an archive or a folder belong to it, in which layout, and
 * whether it is complete.
 *
 * Archives are hostile until shown otherwise: nothing outside the release's own folders is taken, no links,
 * no paths that climb, no more bytes or files than a release can have. Only text data is kept, no program.
 */
import { UsageError } from '../engine/errors.js'
import { crsVersionIn } from './crs-tree.js'

/** Content by path relative to the release, `/` between folders. */
export type ReleaseFiles = ReadonlyMap<string, Buffer>

export interface Release {
  readonly version: string
  readonly files: ReleaseFiles
}

/** LIMIT: a release has about 500 files and 6 MB; what goes beyond these is refused. */
export const limits = {
  archiveBytes: 64 * 1024 * 1024,
  entries: 20_000,
  fileBytes: 16 * 1024 * 1024,
  totalBytes: 128 * 1024 * 1024,
} as const

/** Counts what an archive holds and throws UsageError where it is more than a release can be. */
export class Allowance {
  #entries = 0
  #bytes = 0
  constructor(readonly source: string) {}

  addEntry(path: string, bytes: number): void {
    this.#entries++
    this.#bytes += bytes
    if (this.#entries > limits.entries) throw this.#refusal(`holds more than ${limits.entries} entries`)
    if (bytes > limits.fileBytes)
      throw this.#refusal(`holds a file larger than ${limits.fileBytes / 1048576} MB (${shown(path)})`)
    if (this.#bytes > limits.totalBytes) throw this.#refusal(`unpacks to more than ${limits.totalBytes / 1048576} MB`)
  }

  #refusal(what: string): UsageError {
    return new UsageError(`${this.source}: ${what}; that is no CRS release`)
  }
}

/** Throws UsageError for a path that could leave the folder it is unpacked to. */
export function checkEntryPath(source: string, path: string): void {
  const isHostile = /^[/\\]|^[A-Za-z]:|[\0\\]/.test(path) || path.split('/').includes('..')
  if (isHostile) throw new UsageError(`${source}: holds the path "${shown(path)}", which leaves the archive; refused`)
}

export function refuseLink(source: string, path: string): UsageError {
  return new UsageError(`${source}: "${shown(path)}" is a link; a CRS release has none among its rules; refused`)
}

function shown(path: string): string {
  return path.slice(0, 120).replace(/[^\x20-\x7e]/g, '?')
}

/** Layouts a release comes in: which path of it becomes which path of the tree. */
const layouts: readonly { readonly marker: RegExp; readonly take: readonly (readonly [RegExp, string])[] }[] = [
  {
    // The Go module of Coraza; the marker stands one folder deeper.
    marker: /^(.*?)rules\/@crs-setup\.conf\.example$/,
    take: [
      [/^rules\/@crs-setup\.conf\.example$/, 'crs-setup.conf.example'],
      [/^rules\/@owasp_crs\/([^/]+\.(?:conf|conf\.example|data))$/, 'rules/$1'],
      [/^tests\/(.+\.ya?ml)$/, 'tests/regression/tests/$1'],
      [/^(LICENSE)$/, '$1'],
    ],
  },
  {
    marker: /^(.*?)crs-setup\.conf(?:\.example)?$/,
    take: [
      [/^(crs-setup\.conf(?:\.example)?)$/, '$1'],
      [/^(rules\/[^/]+\.(?:conf|conf\.example|data))$/, '$1'],
      [/^(plugins\/[^/]+\.(?:conf|data))$/, '$1'],
      [/^(tests\/regression\/.+\.ya?ml)$/, '$1'],
      [/^(LICENSE)$/, '$1'],
    ],
  },
]

/** Whether a file of an archive may be part of a release, whatever folder the release stands in. */
export function isWanted(path: string): boolean {
  return /(?:^|\/)(?:@?crs-setup\.conf(?:\.example)?|LICENSE)$|(?:^|\/)(?:rules|plugins|tests)\/.*\.(?:conf|conf\.example|data|ya?ml)$/.test(
    path,
  )
}

/** Picks the release out of what an archive or folder holds. Throws UsageError where there is none. */
export function pickRelease(source: string, found: ReleaseFiles): Release {
  for (const { marker, take } of layouts) {
    const bases = [...found.keys()].flatMap((path) => marker.exec(path)?.[1] ?? [])
    const base = bases.sort((a, b) => a.length - b.length)[0]
    if (base === undefined) continue
    const files = new Map<string, Buffer>()
    for (const [path, content] of found) {
      if (!path.startsWith(base)) continue
      const own = path.slice(base.length)
      const rule = take.find(([pattern]) => pattern.test(own))
      if (rule !== undefined) files.set(own.replace(rule[0], rule[1]), content)
    }
    return { version: checkedVersion(source, files), files }
  }
  throw new UsageError(`${source}: is no CRS release: it holds no crs-setup.conf.example`)
}

function checkedVersion(source: string, files: ReleaseFiles): string {
  const rules = [...files.keys()].filter((path) => /^rules\/.*\.conf$/.test(path))
  const first = files.get('rules/REQUEST-901-INITIALIZATION.conf')
  const hasEvaluation = files.has('rules/REQUEST-949-BLOCKING-EVALUATION.conf')
  if (first === undefined || !hasEvaluation)
    throw new UsageError(
      `${source}: is no complete CRS release: ${rules.length} rule files, among them not both REQUEST-901-INITIALIZATION.conf and REQUEST-949-BLOCKING-EVALUATION.conf`,
    )
  const version = crsVersionIn(first.toString('latin1'))
  if (version === null) throw new UsageError(`${source}: its rules do not say which CRS version they are`)
  return version
}
