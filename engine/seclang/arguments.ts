/**
 * The arguments of one logical line as Apache splits them: words between blanks, `"…"` and `'…'`.
 *
 * Only what quoting needs is removed: `\` before the quote in force, and one of a pair of backslashes where the
 * platform's lexical rules say so. Every other backslash stays, for the regex that reads it.
 */
import type { ByteString } from '../model/exchange.js'
import type { ArgumentNode, Break } from './ast.js'
import type { Findings } from './findings.js'
import type { LexicalRules } from './lexical-rules.js'
import { isBlank } from './lines.js'
import { breaksFrom, type PlacedText, spanOf } from './place.js'

/** An argument before its escapes are removed. */
export interface RawArgument {
  /** Offsets of the text in the line, without quotes. */
  readonly start: number
  readonly end: number
  /** Empty where it stands bare. */
  readonly quote: '' | '"' | "'"
}

/** Splits from `offset` to the end of the line. */
export function splitArguments(line: PlacedText, offset: number, findings: Findings): RawArgument[] {
  const { text } = line
  const found: RawArgument[] = []
  let at = offset
  for (;;) {
    while (at < text.length && isBlank(text.charCodeAt(at))) at++
    if (at >= text.length) return found
    const first = text[at] as string
    if (first === '"' || first === "'") {
      const end = closingQuote(text, at + 1, first)
      found.push({ start: at + 1, end, quote: first })
      if (end >= text.length) reportUnclosed(line, at, first, findings)
      at = end + 1
      if (at < text.length && !isBlank(text.charCodeAt(at))) reportAdjacent(line, at, first, findings)
    } else {
      const start = at
      while (at < text.length && !isBlank(text.charCodeAt(at))) at++
      found.push({ start, end: at, quote: '' })
      reportTypography(line, start, at, findings)
    }
  }
}

/** Offset of the quote that ends the text begun at `from`; the text's length where none does. */
export function closingQuote(text: ByteString, from: number, quote: string): number {
  let at = text.indexOf(quote, from)
  while (at > 0) {
    let backslashes = at
    while (backslashes > from && text.charCodeAt(backslashes - 1) === 92) backslashes--
    if ((at - backslashes) % 2 === 0) return at
    at = text.indexOf(quote, at + 1)
  }
  return text.length
}

/** The argument with its escapes removed, as the tree keeps it. `keepQuoteEscapes`: `\"` stays as written. */
export function argumentNode(
  line: PlacedText,
  raw: RawArgument,
  rules: LexicalRules,
  keepQuoteEscapes = false,
): ArgumentNode {
  const { start, end } = raw
  const written = line.text.slice(start, end)
  const span = spanOf(line, start, end - start)
  const breaks = breaksFrom(line, start, end)
  const quote = keepQuoteEscapes ? '' : raw.quote
  const drops = written.includes('\\') ? droppedBackslashes(written, quote, rules.halvesBackslashes) : []
  if (drops.length === 0) return breaks.length === 1 ? { text: written, span } : { text: written, span, breaks }
  return { text: withoutOffsets(written, drops), span, breaks: shiftBreaks(breaks, drops, line, start) }
}

/** Offsets of the backslashes that quoting eats. */
function droppedBackslashes(text: ByteString, quote: string, halves: boolean): number[] {
  const drops: number[] = []
  for (let at = text.indexOf('\\'); at >= 0 && at + 1 < text.length; at = text.indexOf('\\', at)) {
    const next = text[at + 1] as string
    const isPair = next === '\\'
    if ((isPair && halves) || (next === quote && quote !== '')) drops.push(at)
    at += isPair || next === quote ? 2 : 1
  }
  return drops
}

function withoutOffsets(text: ByteString, drops: readonly number[]): ByteString {
  let kept = ''
  let from = 0
  for (const drop of drops) {
    kept += text.slice(from, drop)
    from = drop + 1
  }
  return kept + text.slice(from)
}

function shiftBreaks(breaks: readonly Break[], drops: readonly number[], line: PlacedText, start: number): Break[] {
  const shifted: Break[] = []
  let dropped = 0
  const add = (offset: number, place: { line: number; column: number }) => {
    if (shifted[shifted.length - 1]?.offset === offset) shifted.pop()
    shifted.push({ offset, line: place.line, column: place.column })
  }
  let next = 0
  for (const drop of drops) {
    for (; next < breaks.length && (breaks[next] as Break).offset <= drop; next++) {
      const own = breaks[next] as Break
      add(own.offset - dropped, own)
    }
    dropped++
    add(drop + 1 - dropped, spanOf(line, start + drop + 1, 1))
  }
  for (; next < breaks.length; next++) {
    const own = breaks[next] as Break
    add(own.offset - dropped, own)
  }
  return shifted
}

function reportUnclosed(line: PlacedText, at: number, quote: string, findings: Findings): void {
  findings.error(
    'unbalanced-quote',
    spanOf(line, at, 1),
    `this ${quote} is not closed`,
    `close it on this line, or end the line with a backslash to go on; a ${quote} inside is written \\${quote}`,
  )
}

function reportAdjacent(line: PlacedText, at: number, quote: string, findings: Findings): void {
  findings.error(
    'stray-text',
    spanOf(line, at, line.text.length - at),
    `text follows the closing ${quote} without a blank`,
    `a ${quote} inside quotes is written \\${quote}; between two arguments stands a blank`,
  )
}

/** UTF-8 of “ ” ‘ ’ and of the no-break space. */
const typographic = /^(?:\xe2\x80[\x98\x99\x9c\x9d\x9e]|\xc2\xa0)/

function reportTypography(line: PlacedText, start: number, end: number, findings: Findings): void {
  const match = typographic.exec(line.text.slice(start, Math.min(end, start + 3)))
  if (match === null) return
  const what = match[0] === '\xc2\xa0' ? 'a no-break space' : 'a typographic quote'
  const span = spanOf(line, start, match[0].length)
  findings.error('unknown-characters', span, `this argument begins with ${what}`, 'use plain quotes and blanks')
}
