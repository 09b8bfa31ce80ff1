/**
 * Where rule files and their data come from: the disk in the main thread, a bundle of what was read there in
 * the workers.
 *
 * Everything below the compiler reads through a SourceReader, so that a worker compiles the same ruleset
 * without touching the disk. Files are byte strings; nothing is decoded.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { isAbsolute, join, normalize } from 'node:path'
import { UsageError } from '../errors.js'
import type { ByteString } from '../model/exchange.js'

export interface SourceReader {
  /** The bytes of a file. Throws UsageError that says what to do where it cannot be read. */
  read(path: string): ByteString
  /**
   * The files that an Include names, sorted: the file itself, all files below a directory, or what a pattern
   * with `*`, `?` and `[…]` matches. Empty where nothing is there.
   */
  expand(pattern: string, baseDirectory: string): string[]
  /** A path as written in a file of `baseDirectory`. */
  resolve(path: string, baseDirectory: string): string
}

/** What a compilation read: JSON-able, and all a worker needs to compile again. */
export interface SourceBundle {
  readonly files: Readonly<Record<string, ByteString>>
  /** Answers of `expand`, by `globKey`. */
  readonly globs: Readonly<Record<string, readonly string[]>>
}

export interface RecordingReader extends SourceReader {
  /** What was read and expanded so far. */
  bundle(): SourceBundle
}

/** LIMIT: a greater file is refused; the greatest data files of rulesets are some hundred kilobytes. */
const greatestFileBytes = 64 * 1024 * 1024

/** LIMIT: what lies deeper below an included directory is left out (a link to a parent would never end). */
const deepestDirectory = 32

/** Reads the disk and records every answer; each file is read once, so that all compilations see the same bytes. */
export function createDiskReader(): RecordingReader {
  const files = new Map<string, ByteString>()
  const globs = new Map<string, string[]>()
  return {
    read(path) {
      const known = files.get(path)
      if (known !== undefined) return known
      const text = readFile(path)
      files.set(path, text)
      return text
    },
    expand(pattern, baseDirectory) {
      const key = globKey(pattern, baseDirectory)
      const known = globs.get(key)
      if (known !== undefined) return [...known]
      const found = expandOnDisk(resolvePath(pattern, baseDirectory))
      globs.set(key, found)
      return [...found]
    },
    resolve: resolvePath,
    bundle: () => ({ files: Object.fromEntries(files), globs: Object.fromEntries(globs) }),
  }
}

/** Answers from a bundle alone; what is not in it was not read when it was made and is a UsageError. */
export function createBundleReader(bundle: SourceBundle): SourceReader {
  return {
    read(path) {
      const text = Object.hasOwn(bundle.files, path) ? bundle.files[path] : undefined
      if (text === undefined) throw new UsageError(`${path}: not among the files this ruleset was first compiled from`)
      return text
    },
    expand(pattern, baseDirectory) {
      const key = globKey(pattern, baseDirectory)
      return Object.hasOwn(bundle.globs, key) ? [...(bundle.globs[key] ?? [])] : []
    },
    resolve: resolvePath,
  }
}

function globKey(pattern: string, baseDirectory: string): string {
  return `${baseDirectory}\n${pattern}`
}

function resolvePath(path: string, baseDirectory: string): string {
  return isAbsolute(path) ? normalize(path) : join(baseDirectory, path)
}

function readFile(path: string): ByteString {
  try {
    const status = statSync(path)
    if (status.isDirectory())
      throw new UsageError(`${path}: is a directory; name a file in it, or a pattern such as ${join(path, '*.conf')}`)
    // A pipe is what `<(command)` of a shell gives.
    if (!status.isFile() && !status.isFIFO())
      throw new UsageError(`${path}: is neither a file nor a pipe; save its content to a file first`)
    if (status.size > greatestFileBytes)
      throw new UsageError(
        `${path}: is larger than ${greatestFileBytes / 1024 / 1024} MB; that is no rule or data file`,
      )
    return readFileSync(path, 'latin1')
  } catch (error) {
    throw error instanceof UsageError ? error : unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown): UsageError {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT' || code === 'ENOTDIR') return new UsageError(`${path}: no such file; check the path`)
  if (code === 'EACCES' || code === 'EPERM')
    return new UsageError(`${path}: may not be read; give this user the right to read it`)
  return new UsageError(`${path}: cannot be read (${code ?? String(error)})`)
}

function expandOnDisk(path: string): string[] {
  return /[*?[]/.test(path) ? expandPattern(path) : filesAt(path, 0)
}

/** The file itself; for a directory everything below it, as Apache reads a directory that is included. */
function filesAt(path: string, depth: number): string[] {
  const kind = kindOf(path)
  if (kind === 'file') return [path]
  if (kind === null || depth > deepestDirectory) return []
  return sortedNames(path).flatMap((name) => filesAt(join(path, name), depth + 1))
}

/** Matches a pattern one part of the path after the other, as Apache does; `*` stops at a slash. */
function expandPattern(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '')
  let found = [isAbsolute(path) ? '/' : '.']
  for (const [index, part] of parts.entries()) {
    const matches = found.flatMap((directory) => matchPart(directory, part))
    found = index === parts.length - 1 ? matches : matches.filter((match) => kindOf(match) === 'directory')
  }
  return found.flatMap((match) => filesAt(match, 0))
}

function matchPart(directory: string, part: string): string[] {
  if (!/[*?[]/.test(part)) return [join(directory, part)]
  const pattern = patternOf(part)
  return sortedNames(directory)
    .filter((name) => pattern.test(name) && (part.startsWith('.') || !name.startsWith('.')))
    .map((name) => join(directory, name))
}

/** `*`, `?` and `[…]` of a file name as a regex; one that matches nothing where a range is upside down. */
function patternOf(part: string): RegExp {
  const source = part.replace(/\[!?[^\]]+\]|[\s\S]/g, (token) => {
    if (token === '*') return '[^/]*'
    if (token === '?') return '[^/]'
    if (token.length > 2 && token.startsWith('['))
      return `[${token
        .slice(1, -1)
        .replace(/^!/, '^')
        .replace(/[\\[\]]/g, '\\$&')}]`
    return token.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  })
  try {
    return new RegExp(`^${source}$`, 's')
  } catch {
    return /(?!)/
  }
}

function kindOf(path: string): 'file' | 'directory' | null {
  try {
    const status = statSync(path)
    if (status.isDirectory()) return 'directory'
    return status.isFile() || status.isFIFO() ? 'file' : null
  } catch {
    return null
  }
}

function sortedNames(directory: string): string[] {
  try {
    return readdirSync(directory).sort()
  } catch {
    return []
  }
}
