/**
 * The blocks of a file that wafsim wrote before: where each exclusion and each section stands, and whether people have
 * changed it since.
 */
import { type BeginMark, digestOfLines, readBegin, readEnd } from '../../engine/index.js'
import type { HostLanguage, Placement } from './definition.js'

export interface Block {
  readonly mark: BeginMark
  /** Lines of the file from the first mark to behind the last, counted from 0. */
  readonly first: number
  readonly end: number
  /** Whether the lines between the marks are not those that were written. */
  readonly edited: boolean
  /** What stands between the marks, in SecLang. */
  readonly lines: readonly string[]
}

export interface Section {
  readonly placement: Placement
  /** Line behind its mark, counted from 0. */
  readonly behind: number
}

export interface ScannedFile {
  /** Lines with their ends. */
  readonly fileLines: readonly string[]
  /** In SecLang, without line ends; null where a line is of the host language. */
  readonly lines: readonly (string | null)[]
  readonly blocks: readonly Block[]
  readonly sections: readonly Section[]
  /** Lines, from 1, of marks without a partner: what stands there is taken for people's. */
  readonly broken: readonly number[]
}

export function sectionComment(placement: Placement): string {
  return `# wafsim:section place=${placement}`
}

export function scanFile(text: string, host: HostLanguage): ScannedFile {
  const fileLines = text.match(/[^\n]*\n|[^\n]+$/g) ?? []
  const lines = host.decode(fileLines.map((line) => line.replace(/\r?\n$/, '')))
  const blocks: Block[] = []
  const sections: Section[] = []
  const broken: number[] = []
  let open: { mark: BeginMark; first: number } | null = null
  for (const [at, line] of lines.entries()) {
    const comment = line === null ? null : /^\s*#(.*)$/.exec(line)
    if (comment === null) continue
    const begin = readBegin(comment[1] ?? '')
    if (begin !== null) {
      if (open !== null) broken.push(open.first + 1)
      open = { mark: begin, first: at }
      continue
    }
    const end = readEnd(comment[1] ?? '')
    if (end !== null) {
      if (open === null || open.mark.key !== end.key) broken.push(at + 1)
      else {
        const from = open.first + 1
        const between = lines.slice(from, at).filter((each) => each !== null)
        const foreign = fileLines.slice(from, at).filter((_, n) => lines[from + n] === null)
        const edited = digestOfLines(between) !== end.digest || !areAround(foreign, host)
        blocks.push({ ...open, end: at + 1, edited, lines: between })
        open = null
      }
      continue
    }
    const section = /^ wafsim:section place=(setup|before|after|location)\s*$/.exec(comment[1] ?? '')
    if (section !== null) sections.push({ placement: section[1] as Placement, behind: at + 1 })
  }
  if (open !== null) broken.push(open.first + 1)
  return { fileLines, lines, blocks, sections, broken }
}

/** Whether these lines of the host language are those that it needs around directives. */
function areAround(foreign: readonly string[], { around }: HostLanguage): boolean {
  const expected = around === undefined ? [] : [around.before, around.after]
  return foreign.length === expected.length && foreign.every((line, at) => line.trim() === expected[at])
}
