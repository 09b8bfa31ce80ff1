/**
 * Files of exclusions on disk: read back, and written so that there is always a whole one.
 */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Exclusion, idName, UsageError } from '../../engine/index.js'
import { type AppliedFile, applyLayout } from './apply.js'
import { scanFile } from './blocks.js'
import type { LayoutDefinition, LayoutOptions } from './definition.js'
import { hostLanguages, ruleFile } from './hosts.js'

/**
 * Updates what `path` names: the file of a layout that has one, else the directory that its files lie in. Throws
 * UsageError where it cannot be read or written; nothing is written then but whole files.
 */
export function updateFiles(
  path: string,
  layout: LayoutDefinition,
  exclusions: readonly Exclusion[],
  options: LayoutOptions,
): readonly AppliedFile[] {
  const pathOf = (name: string): string => (layout.files.length === 1 ? path : join(path, name))
  if (layout.files.length > 1 && !isDirectory(path))
    throw new UsageError(
      `${path}: --layout ${layout.name} writes ${layout.files.length} files; give an existing directory`,
    )
  const before = new Map<string, string | null>()
  const applied = applyLayout(layout, exclusions, options, (name) => {
    const text = readIfThere(pathOf(name))
    before.set(name, text)
    return text
  }).map((file) => ({ ...file, name: pathOf(file.name) }))
  const old = [...before.values()]
  for (const [at, file] of applied.entries()) if (file.text !== (old[at] ?? '')) writeWhole(file.name, file.text)
  return applied
}

/** Ids by their names (`idName`), as `allocateIds` takes them for the previous ones. */
export function idsInFile(text: string): ReadonlyMap<string, number> {
  const ids = new Map<string, number>()
  for (const { mark } of scanFile(text, hostOf(text)).blocks)
    for (const [at, id] of mark.ids.entries()) ids.set(idName(mark.key, at), id)
  return ids
}

/** The SecLang in a file of any layout, with the lines of the file: those of the host language are empty. */
export function secLangOf(text: string): string {
  const fileLines = text.split('\n').map((line) => line.replace(/\r$/, ''))
  return hostOf(text)
    .decode(fileLines)
    .map((line) => line ?? '')
    .join('\n')
}

function hostOf(text: string) {
  return hostLanguages.find((host) => host.sniff(text)) ?? ruleFile
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw unusable(path, 'read', error)
  }
}

/** Through a file beside it that takes its place: a reader sees the old text or the new one. */
function writeWhole(path: string, text: string): void {
  let temporary = ''
  try {
    const target = existsSync(path) ? realpathSync(path) : path
    temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`)
    writeFileSync(temporary, text, { encoding: 'latin1', flag: 'wx' })
    if (existsSync(target)) chmodSync(temporary, statSync(target).mode)
    renameSync(temporary, target)
  } catch (error) {
    if (temporary !== '' && existsSync(temporary)) unlinkSync(temporary)
    throw unusable(path, 'written', error)
  }
}

function unusable(path: string, done: string, error: unknown): UsageError {
  return new UsageError(
    `${path}: cannot be ${done} (${(error as NodeJS.ErrnoException).code ?? 'unknown'}); check the path and the rights of its directory`,
  )
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
