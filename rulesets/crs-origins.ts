/**
 * Where CRS releases come from when the caller names no file: the official archive, the Go module of Coraza,
 * the package of Debian.
 *
 * Each origin either gives a release or throws an Error whose message says in one line why not; the order and
 * the final message are in crs.ts.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readArchive, readRelease } from './crs-archives.js'
import { limits, type Release } from './crs-release.js'
import { type CrsTree, detectCrsTree } from './crs-tree.js'

export interface OriginOptions {
  /** Folder of the release archives, without `/v<version>.tar.gz`. */
  readonly archiveBase?: string
  /** Milliseconds until a fetch is given up. */
  readonly fetchTimeout?: number
  /** Name or path of the Go command. */
  readonly goCommand?: string
  /** Where Debian's package puts its rules. */
  readonly debianFolder?: string
}

const officialArchives = 'https://github.com/coreruleset/coreruleset/archive/refs/tags'
export const goModule = 'github.com/corazawaf/coraza-coreruleset/v4'
const debianPackage = '/usr/share/modsecurity-crs'
const goTimeout = 120_000

/** Releases the module is known to serve; for the message where another is asked for. */
const goVersions = ['4.22.0', '4.25.0']

export interface Fetched {
  readonly release: Release
  /** For the install record. */
  readonly source: string
}

export function archiveUrl(version: string, options: OriginOptions): string {
  return `${options.archiveBase ?? officialArchives}/v${version}.tar.gz`
}

/** The release archive of the CRS project. */
export async function fetchArchive(version: string, options: OriginOptions): Promise<Fetched> {
  const url = archiveUrl(version, options)
  const response = await fetch(url, { signal: AbortSignal.timeout(options.fetchTimeout ?? 20_000) })
  if (!response.ok) {
    await response.body?.cancel()
    throw new Error(
      response.status === 404 ? 'no such release (status 404)' : `the server answered with status ${response.status}`,
    )
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > limits.archiveBytes) throw new Error(`the answer is larger than ${limits.archiveBytes / 1048576} MB`)
    chunks.push(chunk)
  }
  return { release: await readArchive(url, Buffer.concat(chunks)), source: url }
}

/** One line for a failed fetch: the cause under "fetch failed" says what happened. */
export function fetchFailure(error: unknown): string {
  if ((error as Error).name === 'TimeoutError') return 'no answer in time'
  const cause = (error as Error).cause as NodeJS.ErrnoException | undefined
  const reason = cause?.code ?? cause?.message
  return reason === undefined ? (error as Error).message : `${(error as Error).message} (${reason})`
}

/** The Go module, through the `go` command: its checksum database verifies what it loads. */
export async function fetchGoModule(version: string, options: OriginOptions): Promise<Fetched> {
  const folder = mkdtempSync(join(tmpdir(), 'wafsim-go-'))
  try {
    const { Dir, Sum } = await downloadModule(version, folder, options.goCommand ?? 'go')
    return { release: await readRelease(Dir), source: `Go module ${goModule}@v${version} (${Sum})` }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function downloadModule(version: string, folder: string, command: string): Promise<{ Dir: string; Sum: string }> {
  const env = { ...process.env, GOFLAGS: '-mod=mod', GOWORK: 'off', GO111MODULE: 'on' }
  const settings = { cwd: folder, env, timeout: goTimeout, maxBuffer: 1024 * 1024 }
  return new Promise((done, fail) => {
    execFile(command, ['mod', 'download', '-json', `${goModule}@v${version}`], settings, (error, stdout, stderr) => {
      if (error !== null && error.code === 'ENOENT') {
        fail(new Error(`the command "${command}" is not installed`))
        return
      }
      const answer = parseAnswer(stdout)
      if (typeof answer.Dir === 'string' && answer.Error === undefined) {
        done({ Dir: answer.Dir, Sum: String(answer.Sum) })
        return
      }
      const reason =
        typeof answer.Error === 'string' ? answer.Error : stderr || (error?.killed ? 'no answer in time' : 'no answer')
      const served = goVersions.includes(version) ? '' : `; the module is known to serve ${goVersions.join(' and ')}`
      fail(new Error(`${oneLine(reason)}${served}`))
    })
  })
}

function parseAnswer(stdout: string): Record<string, unknown> {
  try {
    return JSON.parse(stdout) as Record<string, unknown>
  } catch {
    return {}
  }
}

function oneLine(text: string): string {
  const line = text.trim().split('\n').at(-1) ?? ''
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}

/** The tree that Debian's package `modsecurity-crs` installs; null where it is not there or not complete. */
export function debianTree(options: OriginOptions): CrsTree | null {
  const folder = options.debianFolder ?? debianPackage
  if (!existsSync(join(folder, 'rules'))) return null
  try {
    return detectCrsTree(folder)
  } catch {
    return null
  }
}
