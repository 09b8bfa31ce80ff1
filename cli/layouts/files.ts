/**
 * Files of exclusions on disk: read back, and written so that there is always a whole one.
 */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import {
  type BeginMark,
  type Diagnostic,
  type Exclusion,
  idName,
  type PlatformName,
  type ReadExclusion,
  readExclusions,
  UsageError,
} from '../../engine/index.js'
import { type AppliedFile, applyLayout, defaultPluginName } from './apply.js'
import { scanFile } from './blocks.js'
import type { LayoutDefinition, LayoutOptions, Placement } from './definition.js'
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

export interface WrittenIds {
  /** Of our blocks, by their names (`idName`): what `allocateIds` takes for the previous ones. */
  readonly previous: ReadonlyMap<string, number>
  /** Of rules that people wrote. */
  readonly taken: ReadonlySet<number>
}

/** The ids in the files of a layout below `path`; none where there are no files yet. */
export function idsAt(path: string, layout: LayoutDefinition, pluginName = defaultPluginName): WrittenIds {
  const all = pathsOf(path, layout, pluginName).map((each) => idsInFile(readIfThere(each) ?? ''))
  return {
    previous: new Map(all.flatMap(({ previous }) => [...previous])),
    taken: new Set(all.flatMap(({ taken }) => [...taken])),
  }
}

/**
 * The files of a layout below `path` without the exclusions that would be written anew, by their real paths: what such
 * a file hides must be seen again by a run that updates it, where it is a part of the ruleset. Lines keep their place.
 */
export function withoutOurs(
  path: string,
  layout: LayoutDefinition,
  pluginName = defaultPluginName,
): ReadonlyMap<string, string> {
  const texts = new Map<string, string>()
  for (const each of pathsOf(path, layout, pluginName)) {
    const text = readIfThere(each)
    if (text === null) continue
    const { blocks, fileLines } = scanFile(text, layout.host)
    const lines = [...fileLines]
    for (const { first, end, edited } of blocks) if (!edited) lines.fill('\n', first, end)
    texts.set(realpathSync(each), lines.join(''))
  }
  return texts
}

function pathsOf(path: string, { files }: LayoutDefinition, pluginName: string): readonly string[] {
  return files.length === 1 ? [path] : files.map((file) => join(path, file.fileName(pluginName)))
}

/** The ids in a file of any layout. */
export function idsInFile(text: string): WrittenIds {
  const { blocks, lines } = scanFile(text, hostOf(text))
  const previous = new Map<string, number>()
  for (const { mark } of blocks) for (const [at, id] of mark.ids.entries()) previous.set(idName(mark.key, at), id)
  const ours = new Set(previous.values())
  const taken = new Set<number>()
  for (const line of lines)
    for (const [, id] of (line ?? '').matchAll(/\bid:'?(\d{1,10})\b/g)) if (!ours.has(Number(id))) taken.add(Number(id))
  return { previous, taken }
}

export interface WrittenTexts {
  readonly exclusions: readonly ReadExclusion[]
  readonly diagnostics: readonly Diagnostic[]
  readonly paths: readonly string[]
  /** Of the blocks that wafsim wrote, by key, and whether people have edited them. */
  readonly marks: ReadonlyMap<string, { readonly mark: BeginMark; readonly edited: boolean }>
  /** SecLang by place, with the file's lines where they are in the file. */
  readonly texts: readonly { readonly placement: Placement; readonly name: string; readonly text: string }[]
}

/**
 * What a file of exclusions holds, or a directory of them: of any layout, written by us or by people. Throws UsageError
 * where it cannot be read.
 */
export function readWritten(path: string, platform: PlatformName): WrittenTexts {
  const paths = isDirectory(path) ? filesIn(path) : [path]
  const files = paths.map((each) => {
    const text = readIfThere(each)
    if (text === null) throw new UsageError(`${each}: no such file; check the path`)
    const { blocks } = scanFile(text, hostOf(text))
    return { name: each, blocks, ...readExclusions(secLangOf(text), each, platform) }
  })
  const order: readonly Placement[] = ['setup', 'before', 'after', 'location']
  return {
    exclusions: files.flatMap((file) => file.exclusions),
    diagnostics: files.flatMap((file) => file.diagnostics),
    paths,
    marks: new Map(files.flatMap(({ blocks }) => blocks.map(({ mark, edited }) => [mark.key, { mark, edited }]))),
    texts: order.flatMap((placement) =>
      files
        .map(({ name, texts }) => ({ placement, name, text: texts[placement] }))
        .filter(({ text }) => /^[ \t]*[^#\s]/m.test(text)),
    ),
  }
}

function filesIn(directory: string): readonly string[] {
  const found = readdirSync(directory)
    .filter((name) => name.endsWith('.conf') && !isRuleFileOfCrs(name))
    .sort()
    .map((name) => join(directory, name))
  if (found.length === 0) throw new UsageError(`${directory}: no file in this directory ends in .conf`)
  return found
}

/** Among the rules of CRS two files are there for exclusions. */
function isRuleFileOfCrs(name: string): boolean {
  return /^(?:REQUEST|RESPONSE)-9\d\d-/.test(name) && !/^(?:REQUEST-900|RESPONSE-999)-EXCLUSION-RULES-/.test(name)
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
