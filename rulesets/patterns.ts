/**
 * File patterns of the command line and of Include lines: `*`, `?`, `[…]`, `{a,b}`, sorted, hidden files left out.
 */

import { createRequire } from 'node:module'
import { join, resolve, sep } from 'node:path'

const load = createRequire(import.meta.url)
/** Loaded with the first pattern. */
const tinyglobby = (): typeof import('tinyglobby') => load('tinyglobby')

export function isPattern(text: string): boolean {
  return /[*?[{]/.test(text)
}

/** The files that a pattern matches, absolute and sorted. Only the part from the first wildcard on is a pattern. */
export function globFiles(pattern: string, baseDirectory = '.'): string[] {
  const parts = resolve(baseDirectory, pattern).split(sep)
  const first = parts.findIndex(isPattern)
  if (first < 0) return []
  const folder = parts.slice(0, first).join(sep) || sep
  const options = { cwd: folder, onlyFiles: true, expandDirectories: false, caseSensitiveMatch: true }
  return tinyglobby()
    .globSync(parts.slice(first).join('/'), options)
    .map((path) => join(folder, path))
    .sort()
}
