/**
 * Follows the Include lines of plain files, as far as it takes to know which settings the rules read and where
 * settings of the command line belong.
 *
 * A file that includes CRS is cut before the line that includes its initialisation: what a setup sets comes
 * before, what the rules complete comes behind. Lines keep their numbers.
 */
import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { ByteString } from '../engine/model/exchange.js'
import type { SourcePart } from '../engine/model/ruleset.js'
import { expandInclude, includedFiles, initialisationFile } from './crs-tree.js'

/** LIMIT: includes nested deeper are not followed; the compiler reports a cycle. */
const deepest = 16

/** The files and everything they include, each once. Files that cannot be read are left to the compiler. */
export function filesReached(paths: readonly string[]): Set<string> {
  const reached = new Set<string>()
  const visit = (path: string, depth: number): void => {
    if (reached.has(path)) return
    let included: string[]
    try {
      included = includedFiles(path)
    } catch {
      return
    }
    reached.add(path)
    if (depth < deepest) for (const next of included) visit(next, depth + 1)
  }
  for (const path of paths) visit(path, 0)
  return reached
}

/**
 * The file as parts with `inserted` before the line that includes the CRS initialisation; null where it
 * includes none, or only inside a container, which cannot be cut.
 */
export function splitAtInitialisation(path: string, inserted: readonly SourcePart[], depth = 0): SourcePart[] | null {
  if (depth > deepest) return null
  let text: ByteString
  try {
    text = readFileSync(path, 'latin1')
  } catch {
    return null
  }
  if (initialisationFile.test(basename(path))) return [...inserted, { kind: 'file', path }]
  const lines = text.split('\n')
  let containers = 0
  for (const [index, line] of lines.entries()) {
    if (/^\s*<\//.test(line)) containers--
    else if (/^\s*</.test(line)) containers++
    const included = containers === 0 ? expandInclude(line, dirname(path)) : null
    const at = included?.findIndex((file) => filesReachedHoldInitialisation(file)) ?? -1
    if (included === null || at < 0) continue
    const inner = splitAtInitialisation(included[at] as string, inserted, depth + 1)
    if (inner === null) continue
    return [
      { kind: 'text', name: path, text: lines.slice(0, index).join('\n') },
      ...included.slice(0, at).map((file): SourcePart => ({ kind: 'file', path: file })),
      ...inner,
      ...included.slice(at + 1).map((file): SourcePart => ({ kind: 'file', path: file })),
      { kind: 'text', name: path, text: '\n'.repeat(index + 1) + lines.slice(index + 1).join('\n') },
    ]
  }
  return null
}

function filesReachedHoldInitialisation(path: string): boolean {
  for (const file of filesReached([path])) if (initialisationFile.test(basename(file))) return true
  return false
}
