/**
 * Patterns as Coraza matches them: by Go's regexp, on UTF-8.
 *
 * A sequence of UTF-8 is one character to `.`, `\W` and counted repetition; each byte that is none is U+FFFD, one
 * character too. White space is five characters, without VT. A pattern that itself writes bytes that are no UTF-8
 * (`[\x80-\xff]`) is matched byte by byte, and there `.` stops at line ends and `^` and `$` are those of the text.
 * Seen in Coraza 3.8.1: operators/rx.go.
 */
import RE2 from 're2'
import type { ByteString } from '../model/exchange.js'
import { decodeUtf8, isUtf8 } from '../utf8.js'
import { goTextOf, goTextOrigins } from './go-text.js'
import { utf8Of } from './pooled-utf8.js'

export interface FoundPattern {
  readonly index: number
  /** The whole match, then the groups. */
  readonly groups: readonly (ByteString | undefined)[]
}

export interface GoPattern {
  test(value: ByteString): boolean
  exec(value: ByteString): FoundPattern | null
}

/** Throws the SyntaxError of RE2 where Go could not compile it either. */
export function compileGoPattern(pattern: ByteString): GoPattern {
  return writesBytes(pattern) ? bytePattern(new RE2(pattern, 'u')) : textPattern(decodeUtf8(pattern))
}

/** Whether the bytes that the pattern's `\xHH` stand for, among its own, are no UTF-8. */
export function writesBytes(pattern: ByteString): boolean {
  if (!/[\x80-\xff]|\\x/.test(pattern)) return false
  const spelled = pattern.replace(
    /\\x(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]{2})[^}]*\})/g,
    (_whole, plain?: string, braced?: string) => String.fromCharCode(Number.parseInt(plain ?? braced ?? '', 16)),
  )
  return !isUtf8(spelled)
}

function bytePattern(compiled: RE2): GoPattern {
  return {
    test: (value) => compiled.test(utf8Of(value) as unknown as string),
    exec: (value) => {
      const found = compiled.exec(value)
      return found === null ? null : { index: found.index, groups: [...found] }
    },
  }
}

function textPattern(source: string): GoPattern {
  const compiled = new RE2(source, 'smu')
  let placing: RE2 | null = null
  return {
    test: (value) => compiled.test(goTextOf(value) as unknown as string),
    exec: (value) => {
      // A Buffer in, so Buffers out, and offsets in bytes.
      placing ??= new RE2(source, 'dsmu')
      const found = placing.exec(goTextOf(value) as unknown as string) as
        | (RegExpExecArray & { indices?: readonly ([number, number] | undefined)[] })
        | null
      if (found === null) return null
      const origins = goTextOrigins(value)
      const original = (offset: number): number => (origins === null ? offset : (origins[offset] as number))
      const groups = (found.indices ?? []).map((place) =>
        place === undefined ? undefined : value.slice(original(place[0]), original(place[1])),
      )
      return { index: original(found.index), groups }
    },
  }
}
