/**
 * Logical lines: physical lines joined where one ends in a backslash, each with the places its bytes came from.
 *
 * Joins as Apache does: the backslash and the line end go, the blanks that begin the next line stay. Where
 * engines treat comments differently the lexical rules decide. Arguments and directives are not known here.
 */
import type { Span } from '../errors.js'
import type { ByteString } from '../model/exchange.js'
import type { Break } from './ast.js'
import type { Findings } from './findings.js'
import type { LexicalRules } from './lexical-rules.js'
import type { PlacedText } from './place.js'

const byteOrderMark = '\xef\xbb\xbf'

interface PhysicalLine {
  readonly number: number
  /** Without line end and without CR. */
  readonly text: ByteString
}

/** All logical lines of a file that hold more than blanks. */
export function readLogicalLines(
  file: string,
  source: ByteString,
  rules: LexicalRules,
  findings: Findings,
): PlacedText[] {
  const lines: PlacedText[] = []
  const physical = new PhysicalLines(source)
  for (let line = physical.next(); line !== null; line = physical.next()) {
    let { text } = line
    let column = 1
    if (line.number === 1 && text.startsWith(byteOrderMark)) {
      const span = { file, line: 1, column: 1, length: 3 }
      findings.error(
        'unknown-characters',
        span,
        'the file begins with a byte order mark',
        'save it as UTF-8 without BOM',
      )
      text = text.slice(3)
      column = 4
    }
    const start = firstNonBlank(text)
    if (start === text.length) continue
    if (text[start] === '#' && !rules.commentContinues) {
      lines.push({ file, text: text.slice(start), breaks: [{ offset: 0, line: line.number, column: column + start }] })
    } else if (opensDataset(text)) {
      lines.push(readDataset(file, { number: line.number, text }, column, physical, findings))
    } else {
      lines.push(joinContinued(file, { number: line.number, text }, column, physical, rules, findings))
    }
  }
  return lines
}

function joinContinued(
  file: string,
  first: PhysicalLine,
  firstColumn: number,
  physical: PhysicalLines,
  rules: LexicalRules,
  findings: Findings,
): PlacedText {
  const start = firstNonBlank(first.text)
  const isComment = first.text[start] === '#'
  const breaks: Break[] = [{ offset: 0, line: first.number, column: firstColumn + start }]
  let joined = first.text.slice(start)
  let last = first
  for (;;) {
    const end = continuationEnd(joined)
    if (end < 0) break
    if (end < joined.length - 1 && !isComment) {
      const backslash = spanInLast(file, last, breaks, end)
      findings.warning(
        'blank-after-backslash',
        backslash,
        'blanks follow the backslash that continues this line',
        'remove them: ModSecurity does not take the line as continued',
      )
    }
    const continued = joined.slice(0, end)
    let next = physical.next()
    while (next !== null && rules.skipsCommentInside && next.text[firstNonBlank(next.text)] === '#')
      next = physical.next()
    if (next === null) {
      const span = spanInLast(file, last, breaks, end)
      findings.warning(
        'continued-at-end',
        span,
        'the last line of the file ends in a backslash',
        'remove the backslash',
      )
      joined = continued
      break
    }
    if (isComment && firstNonBlank(next.text) < next.text.length && next.text[firstNonBlank(next.text)] !== '#') {
      const span = { file, line: next.number, column: 1, length: next.text.length }
      findings.warning(
        'swallowed-by-comment',
        span,
        'the comment above ends in a backslash, so this line is part of it',
        'remove the backslash',
      )
    }
    breaks.push({ offset: continued.length, line: next.number, column: 1 })
    joined = continued + next.text
    last = next
  }
  return { file, text: joined.slice(0, endOfText(joined)), breaks }
}

/** Offset of a backslash that ends the text, blanks behind it left out of account; -1 where there is none. */
function continuationEnd(text: ByteString): number {
  const end = endOfText(text)
  return end > 0 && text[end - 1] === '\\' ? end - 1 : -1
}

function spanInLast(file: string, last: PhysicalLine, breaks: readonly Break[], offset: number): Span {
  const at = breaks[breaks.length - 1] as Break
  const column = at.column + offset - at.offset
  return { file, line: last.number, column, length: Math.max(1, last.text.length - column + 1) }
}

/** Coraza's SecDataset: the data stands on lines of its own between two backticks. */
function opensDataset(text: ByteString): boolean {
  return /^[ \t]*secdataset[ \t].*`[ \t]*$/i.test(text)
}

function readDataset(
  file: string,
  first: PhysicalLine,
  firstColumn: number,
  physical: PhysicalLines,
  findings: Findings,
): PlacedText {
  const start = firstNonBlank(first.text)
  const breaks: Break[] = [{ offset: 0, line: first.number, column: firstColumn + start }]
  let joined = first.text.slice(start, endOfText(first.text))
  for (let line = physical.next(); line !== null; line = physical.next()) {
    const text = trimBlanks(line.text)
    breaks.push({ offset: joined.length + 1, line: line.number, column: 1 + firstNonBlank(line.text) })
    joined += `\n${text}`
    if (text.startsWith('`')) return { file, text: joined, breaks }
  }
  const span = { file, line: first.number, column: firstColumn + first.text.lastIndexOf('`'), length: 1 }
  findings.error('unbalanced-quote', span, 'the dataset is not closed', 'end it with a line that holds only a backtick')
  return { file, text: `${joined}\n\``, breaks }
}

class PhysicalLines {
  readonly #source: ByteString
  #offset = 0
  #number = 0

  constructor(source: ByteString) {
    this.#source = source
  }

  next(): PhysicalLine | null {
    const source = this.#source
    if (this.#offset >= source.length) return null
    let end = source.indexOf('\n', this.#offset)
    if (end < 0) end = source.length
    const textEnd = end > this.#offset && source.charCodeAt(end - 1) === 13 ? end - 1 : end
    const text = source.slice(this.#offset, textEnd)
    this.#offset = end + 1
    this.#number++
    return { number: this.#number, text }
  }
}

/** Without ASCII blanks at both ends. `String.trim` would also take the byte 0xA0, which is part of UTF-8 letters. */
export function trimBlanks(text: ByteString): ByteString {
  const start = firstNonBlank(text)
  return text.slice(start, Math.max(start, endOfText(text)))
}

export function isBlank(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13)
}

/** Offset behind the last byte that is no blank. */
function endOfText(text: ByteString): number {
  let end = text.length
  while (end > 0 && isBlank(text.charCodeAt(end - 1))) end--
  return end
}

function firstNonBlank(text: ByteString): number {
  let at = 0
  while (at < text.length && isBlank(text.charCodeAt(at))) at++
  return at
}
