/**
 * From an offset in a text to the line and column of its file, also across continued lines and
 * removed escapes.
 *
 * Every span of the tree comes from here. A span never reaches past the end of its line.
 */
import type { Span } from '../errors.js'
import type { ByteString } from '../model/exchange.js'
import type { ArgumentNode, Break } from './ast.js'

/** A text and where its bytes stand. `breaks` is in order, not empty, and begins at offset 0. */
export interface PlacedText {
  readonly file: string
  readonly text: ByteString
  readonly breaks: readonly Break[]
}

/** Where `length` bytes from `offset` on stand; at least one byte long. */
export function spanOf(placed: PlacedText, offset: number, length: number): Span {
  const { breaks, file } = placed
  const index = breakAt(breaks, offset)
  const start = breaks[index] as Break
  const column = start.column + offset - start.offset
  const end = offset + length
  let last = start
  let stop = end
  for (let i = index + 1; i < breaks.length; i++) {
    const next = breaks[i] as Break
    if (next.offset >= end) break
    if (next.line !== start.line) {
      stop = next.offset
      break
    }
    last = next
  }
  const endColumn = last.column + stop - last.offset
  return { file, line: start.line, column, length: Math.max(1, endColumn - column) }
}

/** The breaks of the part that begins at `start`, counted from there. */
export function breaksFrom(placed: PlacedText, start: number, end: number): Break[] {
  const { breaks } = placed
  const first = breakAt(breaks, start)
  const head = breaks[first] as Break
  const own: Break[] = [{ offset: 0, line: head.line, column: head.column + start - head.offset }]
  for (let i = first + 1; i < breaks.length; i++) {
    const next = breaks[i] as Break
    if (next.offset >= end) break
    if (next.offset > start) own.push({ offset: next.offset - start, line: next.line, column: next.column })
    else own[0] = { offset: 0, line: next.line, column: next.column + start - next.offset }
  }
  return own
}

/** An argument of the tree as a placed text. */
export function placeArgument(argument: ArgumentNode): PlacedText {
  const { span, text, breaks } = argument
  return { file: span.file, text, breaks: breaks ?? [{ offset: 0, line: span.line, column: span.column }] }
}

function breakAt(breaks: readonly Break[], offset: number): number {
  let low = 0
  let high = breaks.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((breaks[middle] as Break).offset <= offset) low = middle
    else high = middle - 1
  }
  return low
}
