/**
 * Laying out text for a terminal of any width: escaping, cutting, wrapping, tables.
 *
 * Whatever came from a capture or a rule file passes through `safe` before it is printed.
 */
import { createRequire } from 'node:module'
import { printable } from '../../engine/index.js'

const load = createRequire(import.meta.url)
/** Loaded with the first table. */
const tables = (): typeof import('cli-table3') => load('cli-table3')

/** Printable ASCII only; every other byte as `\xNN`. */
export function safe(text: string): string {
  return printable(text)
}

/** At most `width` characters, the last one an ellipsis where something was cut. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
}

/** Lines of at most `width` characters, broken at blanks where there are any. */
export function wrap(text: string, width: number, indent = ''): string {
  const room = Math.max(20, width - indent.length)
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(line)
  return lines.map((each) => indent + each).join('\n')
}

/** Numbers with thin groups of three, as in 12,345. */
export function count(value: number): string {
  return value.toLocaleString('en-US')
}

export function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`
}

/** `1 request`, `2 requests`. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** A table without rules between rows; the last column takes what is left of `width`. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], width: number): string {
  const last = head.length - 1
  const natural = head.map((title, n) => Math.max(title.length, ...rows.map((row) => (row[n] ?? '').length)))
  const taken = natural.slice(0, last).reduce((sum, w) => sum + w + 2, 2)
  const room = Math.max(12, width - taken)
  const out = new (tables())({
    head: [...head],
    colAligns: head.map((_, n) => (n < last ? 'right' : 'left')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: noBorders,
  })
  for (const row of rows) out.push(row.map((cell, n) => (n === last ? cut(cell, room) : cell)))
  return out
    .toString()
    .split('\n')
    .map((line) => `  ${line}`.trimEnd())
    .join('\n')
}

const noBorders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
}
