/**
 * From what `--corpus` names to files: files, directories, patterns, `-` for standard input; and their bytes.
 */
import { createReadStream, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { relative, resolve, sep } from 'node:path'
import { CaptureError, UsageError } from '../engine/errors.js'

const load = createRequire(import.meta.url)
/** Loaded with the first folder or pattern. */
const tinyglobby = (): typeof import('tinyglobby') => load('tinyglobby')

export interface CaptureFile {
  readonly path: string
  /** 0 for standard input. */
  readonly bytes: number
}

/** Throws UsageError for what does not exist or holds no file with one of the endings. */
export function expandFiles(specs: readonly string[], option: string, extensions: readonly string[]): CaptureFile[] {
  return specs.flatMap((spec) => (spec === '-' ? [{ path: '-', bytes: 0 }] : filesOf(spec, option, extensions)))
}

function filesOf(spec: string, option: string, extensions: readonly string[]): CaptureFile[] {
  const stat = statSync(spec, { throwIfNoEntry: false })
  if (stat?.isFile() === true) return [{ path: spec, bytes: stat.size }]
  if (stat?.isDirectory() === true) {
    const found = glob(
      extensions.map((ending) => `**/*${ending}`),
      spec,
    )
    if (found.length === 0)
      throw new UsageError(`${option} ${spec}: no file in this directory ends in ${extensions.join(', ')}`)
    return found
  }
  if (!/[*?[{]/.test(spec)) throw new UsageError(`${option} ${spec}: no such file or directory`)
  const found = glob([spec.split(sep).join('/')], '.')
  if (found.length === 0) throw new UsageError(`${option} ${spec}: no file matches this pattern`)
  return found
}

function glob(patterns: readonly string[], folder: string): CaptureFile[] {
  return tinyglobby()
    .globSync([...patterns], { cwd: folder, onlyFiles: true, expandDirectories: false, caseSensitiveMatch: false })
    .sort()
    .map((name) => {
      const path = relative('.', resolve(folder, name)) || name
      return { path: path.startsWith('..') ? resolve(folder, name) : path, bytes: statSync(resolve(folder, name)).size }
    })
}

/**
 * The bytes of a file or of standard input; `onBytes` hears of each chunk. Throws CaptureError where the file cannot
 * be read.
 */
export async function* chunksOf(
  path: string,
  onBytes: (count: number) => void,
): AsyncGenerator<Buffer, void, undefined> {
  const stream = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1 << 18 })
  try {
    for await (const chunk of stream) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : (chunk as Buffer)
      onBytes(bytes.length)
      yield bytes
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new CaptureError(`cannot be read (${code})`, path)
  }
}
