/**
 * A file of exclusions beside the ruleset it is for: the ruleset without it, and with it; what of it does not load.
 */
import { realpathSync } from 'node:fs'
import { type AddedText, type LoadedRuleset, type ReadExclusion, RulesetError, UsageError } from '../../engine/index.js'
import { readWritten, type WrittenTexts } from '../layouts/index.js'
import { loadFromOptions } from '../load.js'
import type { RulesetOptions } from '../options.js'

export interface LoadingError {
  readonly file: string
  readonly line: number
  readonly message: string
}

export interface WrittenFile {
  readonly written: WrittenTexts
  /** The ruleset without the file. */
  readonly without: RulesetOptions
  /** What is loaded beside the ruleset; files that it loads itself are not among them. */
  readonly texts: readonly AddedText[]
  /** With the exclusions, in detection only, keeping what they take away. */
  readonly loaded: LoadedRuleset
  readonly errors: readonly LoadingError[]
}

/** LIMIT: times that what does not load is taken out; each time something goes. */
const mostAttempts = 50

/** Throws UsageError where the file cannot be read, RulesetError where the ruleset itself does not load. */
export function loadWritten(path: string, options: RulesetOptions): WrittenFile {
  const written = readWritten(path, options.platform)
  if (written.exclusions.length === 0 && written.diagnostics.length === 0)
    throw new UsageError(`${path}: no exclusion in it; give a file or a directory that wafsim exclude or people wrote`)
  const standing = filesOf(loadFromOptions(options, { quiet: true }).loaded)
  const isLoaded = (name: string): boolean => standing.has(realpathSync(name))
  const replaced = new Map(written.paths.filter(isLoaded).map((each) => [realpathSync(each), '']))
  const without = replaced.size === 0 ? options : { ...options, replaced }
  const errors: LoadingError[] = []
  let texts = written.texts.flatMap(({ placement, name, text }): AddedText[] =>
    placement === 'location' || isLoaded(name) ? [] : [{ placement, name, text }],
  )
  for (let attempt = 1; ; attempt++) {
    try {
      const placed = texts.map((each) => ({ ...each, name: each.name ?? path }))
      const { loaded } = loadFromOptions(
        { ...options, engineMode: 'detection-only' },
        { quiet: true, keepExclusions: true, texts: placed },
      )
      return { written, without, texts, loaded, errors }
    } catch (error) {
      if (!(error instanceof RulesetError) || attempt === mostAttempts) throw error
      const own = error.diagnostics.filter(
        ({ severity, span }) => severity === 'error' && texts.some(({ name }) => name === span.file),
      )
      const left = texts.map((each) => withoutLines(each, own, written.exclusions))
      if (left.every(({ text }, at) => text === texts[at]?.text)) throw error
      for (const { span, message } of own) errors.push({ file: span.file, line: span.line, message })
      texts = left
    }
  }
}

function filesOf({ source }: LoadedRuleset): ReadonlySet<string> {
  const files = source.parts.flatMap((part) => (part.kind === 'file' ? [part.path] : []))
  return new Set([...files, ...Object.keys(source.bundle.files)].map(realPath))
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

/** The text with the directives empty that these errors stand in. */
function withoutLines(
  { placement, name = '', text }: AddedText,
  errors: readonly { readonly span: { readonly file: string; readonly line: number } }[],
  exclusions: readonly ReadExclusion[],
): AddedText {
  const lines = text.split('\n')
  for (const { span } of errors) {
    if (span.file !== name) continue
    const [first, last] = extentOf(
      span.line,
      lines,
      exclusions.filter((each) => each.span.file === name),
    )
    lines.fill('', first - 1, last)
  }
  return { placement, name, text: lines.join('\n') }
}

/** Lines, from 1, of the directive or chain that a line belongs to. */
function extentOf(line: number, lines: readonly string[], exclusions: readonly ReadExclusion[]): [number, number] {
  const around = exclusions.find((each) => each.lines[0] <= line && line <= each.lines[1])
  if (around !== undefined) return [around.lines[0], around.lines[1]]
  let first = line
  while (first > 1 && lines[first - 2]?.endsWith('\\') === true) first--
  let last = line
  while (last < lines.length && lines[last - 1]?.endsWith('\\') === true) last++
  return [first, last]
}
