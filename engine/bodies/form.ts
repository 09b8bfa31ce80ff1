/**
 * URLENCODED bodies, query strings and cookies.
 *
 * A broken %-sequence stays as it is and is flagged; `+` is a blank (msc_parsers.c of ModSecurity 2; libmodsecurity
 * does the same).
 */
import type { BodyProcessorDefinition, Entry } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'

export interface ParsedForm {
  readonly entries: readonly Entry[]
  /** Whether a %-sequence was broken. */
  readonly error: boolean
}

export const formProcessor: BodyProcessorDefinition = {
  name: 'URLENCODED',
  doc: 'application/x-www-form-urlencoded: names and values become ARGS_POST.',
  process: ({ body, argumentSeparator, limits }) => {
    const { entries, error } = parseUrlEncoded(body, argumentSeparator)
    const tooMany = entries.length > limits.args
    return {
      args: tooMany ? entries.slice(0, limits.args) : entries,
      error: tooMany ? `More than ${limits.args} arguments` : null,
      urlencodedError: error,
    }
  },
}

export function parseUrlEncoded(text: ByteString, separator: ByteString): ParsedForm {
  const entries: Entry[] = []
  let error = false
  const decode = (part: ByteString): ByteString => {
    const decoded = urlDecode(part)
    if (decoded === null) error = true
    return decoded ?? lenientUrlDecode(part)
  }
  if (text === '') return { entries, error }
  for (const token of text.split(separator[0] ?? '&')) {
    if (token === '') continue
    const equals = token.indexOf('=')
    entries.push({
      key: decode(equals < 0 ? token : token.slice(0, equals)),
      value: equals < 0 ? '' : decode(token.slice(equals + 1)),
    })
  }
  return { entries, error }
}

/** Null where a %-sequence is broken. */
function urlDecode(text: ByteString): ByteString | null {
  if (!text.includes('%')) return text.includes('+') ? text.replace(/\+/g, ' ') : text
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return null
  return lenientUrlDecode(text)
}

function lenientUrlDecode(text: ByteString): ByteString {
  return text
    .replace(/\+/g, ' ')
    .replace(/%([0-9a-fA-F]{2})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** Version 0 cookies: split at `;`, blanks before a name dropped, values as they are. */
export function parseCookies(header: ByteString): Entry[] {
  const cookies: Entry[] = []
  for (const part of header.split(';')) {
    const text = part.replace(/^[ \t\r\n\f\v]+/, '')
    if (text === '') continue
    const equals = text.indexOf('=')
    cookies.push({ key: equals < 0 ? text : text.slice(0, equals), value: equals < 0 ? '' : text.slice(equals + 1) })
  }
  return cookies
}
