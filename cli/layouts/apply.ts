/**
 * Writes exclusions into the text of a file: a new one, or one that wafsim wrote before.
 *
 * What people wrote or changed stays byte for byte. A block that wafsim wrote and nobody changed is replaced, or removed
 * where its exclusion is no longer proposed; the same proposal leaves the same text, with the date it was first written.
 */
import {
  type BeginMark,
  beginComment,
  type Exclusion,
  endComment,
  InternalError,
  UsageError,
} from '../../engine/index.js'
import { type Block, type ScannedFile, scanFile, sectionComment } from './blocks.js'
import { attacksTried, comment, commentLines } from './comments.js'
import type { FilePart, LayoutDefinition, LayoutFile, LayoutOptions, Placement } from './definition.js'

export interface AppliedFile {
  readonly name: string
  readonly text: string
  /** Keys of exclusions. */
  readonly added: readonly string[]
  readonly changed: readonly string[]
  readonly removed: readonly string[]
  readonly unchanged: readonly string[]
  /** Blocks people have changed, kept as they are, whether still proposed or not. */
  readonly edited: readonly { readonly key: string; readonly line: number; readonly proposed: boolean }[]
  /** Lines, from 1, of marks without a partner. */
  readonly broken: readonly number[]
}

export const defaultPluginName = 'wafsim-exclusions'

/** The texts of a layout, new. Throws UsageError where it cannot hold an exclusion. */
export function renderLayout(
  layout: LayoutDefinition,
  exclusions: readonly Exclusion[],
  options: LayoutOptions,
): readonly AppliedFile[] {
  return applyLayout(layout, exclusions, options, () => null)
}

/** The same for files that may be there already: `read` gives the text of one by its name, null where there is none. */
export function applyLayout(
  layout: LayoutDefinition,
  exclusions: readonly Exclusion[],
  options: LayoutOptions,
  read: (name: string) => string | null,
): readonly AppliedFile[] {
  const pluginName = options.pluginName ?? defaultPluginName
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(pluginName))
    throw new UsageError('the name of a plugin is made of lower case letters, digits and hyphens, 64 at most')
  checkPlacements(layout, exclusions)
  return layout.files.map((file) => {
    const name = file.fileName(pluginName)
    return applyTo(read(name) ?? '', name, exclusions, { layout, file, options })
  })
}

interface Target {
  readonly layout: LayoutDefinition
  readonly file: LayoutFile
  readonly options: LayoutOptions
}

function checkPlacements(layout: LayoutDefinition, exclusions: readonly Exclusion[]): void {
  const held = new Set(
    layout.files.flatMap((file) => file.parts.flatMap((part) => ('section' in part ? [part.section] : []))),
  )
  const homeless = exclusions.find((each) => !held.has(each.placement))
  if (homeless !== undefined)
    throw new UsageError(
      `--layout ${layout.name} has no place for an exclusion of kind ${homeless.kind}; use --layout inline, or location for Apache`,
    )
}

/** `text`: the file as it is, a byte string; empty for a new one. */
export function applyTo(text: string, name: string, exclusions: readonly Exclusion[], target: Target): AppliedFile {
  const { file, layout } = target
  const isNew = text.trim() === ''
  const base = isNew ? skeleton(file.parts, target) : text
  const scanned = scanFile(base, layout.host)
  const held = new Set<Placement>(file.parts.flatMap((part) => ('section' in part ? [part.section] : [])))
  const wanted = new Map(exclusions.filter((each) => held.has(each.placement)).map((each) => [each.key, each]))
  const writer = new FileWriter(scanned, target)
  writer.update(wanted)
  const applied = writer.finish(wanted)
  const isEmpty = isNew && wanted.size === 0 && file.parts.every((part) => 'section' in part)
  return { ...applied, name, text: isEmpty ? '' : applied.text }
}

/** A new file without exclusions. Sections of rule files come with their first exclusion. */
function skeleton(parts: readonly FilePart[], { layout }: Target): string {
  const { host } = layout
  const isEmbedded = parts.some((part) => !('section' in part))
  const lines = isEmbedded
    ? []
    : [comment('Written by wafsim exclude. It updates its own blocks and keeps those that you change.')]
  for (const part of parts)
    if ('host' in part) lines.push(part.host)
    else if ('line' in part) lines.push(host.encode(part.line))
    else if (isEmbedded) lines.push(...sectionLines(part).map((line) => host.encode(line)))
  return lines.map((line) => `${line}\n`).join('')
}

function sectionLines({ section, title }: Extract<FilePart, { section: Placement }>): readonly string[] {
  return [sectionComment(section), ...title.map(comment)]
}

class FileWriter {
  readonly #scanned: ScannedFile
  readonly #target: Target
  readonly #lineEnd: string
  /** The file's lines anew; what is inserted before a line stands at its index. */
  readonly #lines: string[]
  readonly #inserted = new Map<number, string[]>()
  readonly #present = new Set<string>()
  readonly #kept: Block[] = []
  readonly #added: string[] = []
  readonly #changed: string[] = []
  readonly #removed: string[] = []
  readonly #unchanged: string[] = []
  readonly #edited: { key: string; line: number; proposed: boolean }[] = []

  constructor(scanned: ScannedFile, target: Target) {
    this.#scanned = scanned
    this.#target = target
    this.#lines = [...scanned.fileLines]
    this.#lineEnd = /\r\n$/.test(scanned.fileLines[0] ?? '') ? '\r\n' : '\n'
  }

  /** Goes through the blocks that are there. */
  update(wanted: ReadonlyMap<string, Exclusion>): void {
    for (const block of this.#scanned.blocks) {
      const { key, placement } = block.mark
      const exclusion = wanted.get(key)
      if (block.edited) {
        this.#present.add(key)
        this.#kept.push(block)
        this.#edited.push({ key, line: block.first + 1, proposed: exclusion !== undefined })
      } else if (exclusion === undefined || exclusion.placement !== placement || this.#present.has(key)) {
        this.#replace(block, [])
        if (exclusion === undefined) this.#removed.push(key)
      } else {
        this.#present.add(key)
        this.#kept.push(block)
        if (sameLines(block.lines, this.#bodyOf(exclusion))) this.#unchanged.push(key)
        else {
          this.#replace(block, this.#blockLines(exclusion, this.#target.options.today))
          this.#changed.push(key)
        }
      }
    }
  }

  /** Adds what is not there yet and puts the file together. */
  finish(wanted: ReadonlyMap<string, Exclusion>): Omit<AppliedFile, 'name'> {
    const missing = [...wanted.values()].filter((each) => !this.#present.has(each.key)).sort(byRule)
    for (const part of this.#target.file.parts) {
      if (!('section' in part)) continue
      const own = missing.filter((each) => each.placement === part.section)
      if (own.length > 0) this.#insertAll(part, own)
    }
    let text = ''
    for (const [at, line] of this.#lines.entries()) text += (this.#inserted.get(at) ?? []).join('') + line
    const atEnd = this.#inserted.get(this.#lines.length) ?? []
    if (atEnd.length > 0 && text !== '' && !text.endsWith('\n')) text += this.#lineEnd
    text += atEnd.join('')
    return {
      text,
      added: this.#added,
      changed: this.#changed,
      removed: this.#removed,
      unchanged: this.#unchanged,
      edited: this.#edited,
      broken: this.#scanned.broken,
    }
  }

  #insertAll(part: Extract<FilePart, { section: Placement }>, exclusions: readonly Exclusion[]): void {
    const { host } = this.#target.layout
    const section = this.#scanned.sections.find((each) => each.placement === part.section)
    const own = this.#kept.filter((block) => block.mark.placement === part.section)
    let last = own.at(-1)?.end ?? (section === undefined ? undefined : this.#behindTitle(section.behind, part.title))
    if (last === undefined) {
      if (this.#scanned.lines.includes(null))
        throw new UsageError(
          `the line "${sectionComment(part.section)}" is missing, which says where these exclusions belong; put it back, or write to another file`,
        )
      last = this.#placeOfSection(part.section)
      this.#insert(
        last,
        sectionLines(part).map((line) => host.encode(line)),
      )
    }
    for (const exclusion of exclusions) {
      const next = own.find((block) => compareRules(rankOf(block), rankOf(exclusion)) > 0)
      this.#insert(next?.first ?? last, this.#blockLines(exclusion, this.#target.options.today))
      this.#added.push(exclusion.key)
    }
  }

  /** The line behind the title of a section, as far as it is still there. */
  #behindTitle(from: number, title: readonly string[]): number {
    const kept = title.findIndex((text, at) => this.#scanned.lines[from + at]?.trim() !== comment(text))
    return from + (kept < 0 ? title.length : kept)
  }

  /** Where a section that is missing goes: before the next one of the layout that is there, else at the end. */
  #placeOfSection(placement: Placement): number {
    const order = this.#target.file.parts.flatMap((part) => ('section' in part ? [part.section] : []))
    const later = order.slice(order.indexOf(placement) + 1)
    const next = this.#scanned.sections.find((each) => later.includes(each.placement))
    if (next === undefined) return this.#lines.length
    const mark = sectionComment(next.placement)
    return this.#scanned.lines.findIndex((line) => line?.trim() === mark)
  }

  #insert(at: number, lines: readonly string[]): void {
    const list = this.#inserted.get(at) ?? []
    list.push(...lines.map((line) => `${line}${this.#lineEnd}`))
    this.#inserted.set(at, list)
  }

  #replace(block: Block, lines: readonly string[]): void {
    for (let at = block.first; at < block.end; at++) this.#lines[at] = ''
    this.#lines[block.first] = lines.map((line) => `${line}${this.#lineEnd}`).join('')
  }

  /** What stands between the marks, in SecLang. */
  #bodyOf(exclusion: Exclusion): readonly string[] {
    return [...commentLines(exclusion, this.#target.options), ...directiveLines(exclusion)]
  }

  #blockLines(exclusion: Exclusion, date: string): readonly string[] {
    const { host } = this.#target.layout
    const { key, kind, placement, ruleIds, configIds } = exclusion
    const body = this.#bodyOf(exclusion)
    const begin = beginComment({
      key,
      kind,
      placement,
      rules: ruleIds,
      ids: configIds,
      date,
      price: priceOf(exclusion),
    })
    const encoded = body.map((line) => host.encode(line))
    const inside = this.#surrounded(encoded)
    if (host.mostBytes !== undefined && inside.join('\n').length > host.mostBytes)
      throw new UsageError(
        `--layout ${this.#target.layout.name}: the exclusion ${key} is too long for ${host.name}; use --layout nginx, which writes files`,
      )
    return [host.encode(begin), ...inside, host.encode(endComment(key, body))]
  }

  #surrounded(encoded: readonly string[]): readonly string[] {
    const { around } = this.#target.layout.host
    if (around === undefined) return encoded
    const directives = encoded.findIndex((line) => !line.startsWith('#'))
    return [...encoded.slice(0, directives), around.before, ...encoded.slice(directives), around.after]
  }
}

/** What an exclusion cost where it was proven; null where no attack was tried. */
function priceOf(exclusion: Exclusion): BeginMark['price'] {
  const { attacksLost } = exclusion
  const attacksBefore = attacksTried(exclusion)
  return attacksLost === null || attacksBefore === null || attacksBefore === 0 ? null : { attacksLost, attacksBefore }
}

/** Throws InternalError where the text would not stay within its lines, UsageError where Apache would read another. */
function directiveLines({ directive, key, platform }: Exclusion): readonly string[] {
  // Apache replaces it in every directive before the module sees it.
  if (platform === 'modsec2' && directive.includes('${'))
    throw new UsageError(`the exclusion ${key} holds "$" and "{", where Apache would put in a variable of its own`)
  const lines = directive
    .replace(/\n+$/, '')
    .split('\n')
    .map((line) => (line.startsWith('#') ? comment(line.slice(1).trim()) : line))
  const isSound = lines.every((line) => /^[\x20-\x7e]*[\x21-\x7e]$/.test(line) && !/^\s*#.*(?:\\|wafsim:)/.test(line))
  if (!isSound || lines.at(-1)?.endsWith('\\') === true)
    throw new InternalError(`the directive of the exclusion ${key} holds what no configuration text may hold`)
  return lines
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, at) => line.trim() === b[at]?.trim())
}

interface Rank {
  readonly rule: number
  readonly key: string
}

function rankOf(item: Block | Exclusion): Rank {
  if ('mark' in item) return { rule: item.mark.rules[0] ?? 0, key: item.mark.key }
  return { rule: item.ruleIds[0] ?? 0, key: item.key }
}

function compareRules(a: Rank, b: Rank): number {
  return a.rule - b.rule || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
}

function byRule(a: Exclusion, b: Exclusion): number {
  return compareRules(rankOf(a), rankOf(b))
}
