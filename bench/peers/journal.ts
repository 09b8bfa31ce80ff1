/**
 * Finished comparisons kept on the disk, so that a run that was interrupted can go on where it was.
 *
 * A kept comparison is taken over only where nothing it depends on has changed: wafsim as built, the peer's program,
 * the rule files, the options.
 */
import { createHash, type Hash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { SourcePart } from '../../engine/index.js'
import type { Comparison } from './report.js'

export class Journal {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true })
  }

  /** The comparison kept under a key; null where there is none. */
  find(key: string): Comparison | null {
    try {
      return JSON.parse(readFileSync(join(this.#folder, `${key}.json`), 'utf8')) as Comparison
    } catch {
      return null
    }
  }

  keep(key: string, comparison: Comparison): void {
    writeFileSync(join(this.#folder, `${key}.json`), JSON.stringify(comparison))
  }
}

/** Digest of the programs in some folders (built files of both sides). */
export function digestOfFolders(folders: readonly string[]): string {
  const hash = createHash('sha256')
  for (const folder of folders) addFolder(hash, folder)
  return hash.digest('hex')
}

function addFolder(hash: Hash, folder: string): void {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) addFolder(hash, path)
    else if (!name.endsWith('.map')) hash.update(`${path}\n`).update(readFileSync(path))
  }
}

function addFiles(hash: Hash, folder: string): void {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name)
    if (statSync(path).isFile()) hash.update(`${path}\n`).update(readFileSync(path))
  }
}

/** The key of a comparison: a digest over what it depends on. */
export function keyOf(
  programs: string,
  parts: readonly SourcePart[],
  words: readonly (string | number | null)[],
): string {
  const hash = createHash('sha256').update(programs).update(JSON.stringify(words))
  const files = parts.flatMap((part) => (part.kind === 'file' ? [part.path] : []))
  for (const part of parts) if (part.kind === 'text') hash.update(part.text)
  // Data files stand beside the rules that name them.
  for (const folder of new Set(files.map(dirname))) addFiles(hash, folder)
  return hash.digest('hex').slice(0, 32)
}
