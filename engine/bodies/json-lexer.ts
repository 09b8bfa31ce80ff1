/**
 * JSON text to tokens, as yajl 2.1 cuts it: both branches of ModSecurity read JSON with yajl.
 *
 * The text is a byte string and stays one. Strings are checked for the form of UTF-8 (not for overlong sequences
 * or surrogates, as yajl does) and their escapes become UTF-8 bytes; numbers keep their spelling. The end of the
 * text counts as one blank, which is what yajl adds when it is told that nothing follows.
 */
import type { ByteString } from '../model/exchange.js'

export type JsonToken =
  | 'string'
  | 'number'
  | 'true'
  | 'false'
  | 'null'
  | '{'
  | '}'
  | '['
  | ']'
  | ','
  | ':'
  /** The text cannot be cut here; `error` says why. */
  | 'error'
  | 'end'

/** One pass over a text, forward only. `value` and `error` belong to the token read last. */
export class JsonLexer {
  /** Content of a string with its escapes decoded, or a number as written. */
  value: ByteString = ''
  /** yajl's words for what is wrong. */
  error = ''
  /** Whether the error was found at the end of the text only. */
  errorAtEnd = false
  readonly #text: ByteString
  #at = 0

  constructor(body: ByteString) {
    this.#text = `${body} `
  }

  next(): JsonToken {
    while (isBlank(this.#text.charCodeAt(this.#at))) this.#at++
    if (this.#at >= this.#text.length) return 'end'
    const char = this.#text[this.#at] as string
    switch (char) {
      case '{':
      case '}':
      case '[':
      case ']':
      case ',':
      case ':':
        this.#at++
        return char
      case '"':
        this.#at++
        return this.#string()
      case 't':
        return this.#word('true')
      case 'f':
        return this.#word('false')
      case 'n':
        return this.#word('null')
      case '/':
        return this.#fail('probable comment found in input text, comments are not enabled.')
      default:
        if (char === '-' || isDigit(char.charCodeAt(0))) return this.#number()
        return this.#fail('invalid char in json text.')
    }
  }

  #fail(error: string, at = this.#at): 'error' {
    this.error = error
    this.errorAtEnd = at >= this.#text.length - 1
    return 'error'
  }

  #word(word: 'true' | 'false' | 'null'): JsonToken {
    if (!this.#text.startsWith(word, this.#at)) {
      let at = this.#at
      while (this.#text[at] === word[at - this.#at]) at++
      return this.#fail('invalid string in json text.', at)
    }
    this.#at += word.length
    return word
  }

  #number(): JsonToken {
    const start = this.#at
    if (this.#text[this.#at] === '-') this.#at++
    if (this.#text[this.#at] === '0') this.#at++
    else if (!this.#digits()) return this.#fail('malformed number, a digit is required after the minus sign.')
    if (this.#text[this.#at] === '.') {
      this.#at++
      if (!this.#digits()) return this.#fail('malformed number, a digit is required after the decimal point.')
    }
    const exponent = this.#text[this.#at]
    if (exponent === 'e' || exponent === 'E') {
      this.#at++
      const sign = this.#text[this.#at]
      if (sign === '+' || sign === '-') this.#at++
      if (!this.#digits()) return this.#fail('malformed number, a digit is required after the exponent.')
    }
    this.value = this.#text.slice(start, this.#at)
    return 'number'
  }

  #digits(): boolean {
    const start = this.#at
    while (isDigit(this.#text.charCodeAt(this.#at))) this.#at++
    return this.#at > start
  }

  #string(): JsonToken {
    const start = this.#at
    let escaped = false
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (Number.isNaN(code)) return 'end'
      if (code === 0x22) break
      if (code === 0x5c) {
        escaped = true
        const wrong = this.#escape()
        if (wrong !== null) return wrong
      } else if (code < 0x20) return this.#fail('invalid character inside string.')
      else if (code < 0x80) this.#at++
      else {
        const wrong = this.#highBytes(code)
        if (wrong !== null) return wrong
      }
    }
    const raw = this.#text.slice(start, this.#at)
    this.#at++
    this.value = escaped ? decodeEscapes(raw) : raw
    return 'string'
  }

  /** Goes over a backslash and what it escapes. */
  #escape(): 'error' | 'end' | null {
    const code = this.#text.charCodeAt(this.#at + 1)
    if (Number.isNaN(code)) return 'end'
    if (code !== 0x75) {
      if (!escapes.has(code))
        return this.#fail("inside a string, '\\' occurs before a character which it may not.", this.#at + 1)
      this.#at += 2
      return null
    }
    for (let at = this.#at + 2; at < this.#at + 6; at++) {
      const digit = this.#text.charCodeAt(at)
      if (Number.isNaN(digit)) return 'end'
      if (!isHexDigit(digit)) return this.#fail("invalid (non-hex) character occurs after '\\u' inside string.", at)
    }
    this.#at += 6
    return null
  }

  /** Goes over one character of several bytes. */
  #highBytes(lead: number): 'error' | 'end' | null {
    const following = lead >> 5 === 0x6 ? 1 : lead >> 4 === 0xe ? 2 : lead >> 3 === 0x1e ? 3 : 0
    if (following === 0) return this.#fail(invalidUtf8)
    for (let at = this.#at + 1; at <= this.#at + following; at++) {
      const code = this.#text.charCodeAt(at)
      if (Number.isNaN(code)) return 'end'
      if (code >> 6 !== 0x2) return this.#fail(invalidUtf8, at)
    }
    this.#at += following + 1
    return null
  }
}

const invalidUtf8 = 'invalid bytes in UTF8 string.'

function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d)
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function isHexDigit(code: number): boolean {
  return isDigit(code) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66)
}

/** Code of the char behind a backslash to the byte both stand for. */
const escapes: ReadonlyMap<number, string> = new Map([
  [0x22, '"'],
  [0x2f, '/'],
  [0x5c, '\\'],
  [0x62, '\b'],
  [0x66, '\f'],
  [0x6e, '\n'],
  [0x72, '\r'],
  [0x74, '\t'],
])

/**
 * A string whose escapes have the right form, decoded. A high surrogate joins whatever \u escape follows it and is
 * `?` without one; a low one alone is encoded as it is, as yajl does.
 */
function decodeEscapes(raw: ByteString): ByteString {
  return raw.replace(
    /\\(?:u([dD][89abAB][0-9a-fA-F]{2})(?:\\u([0-9a-fA-F]{4}))?|u([0-9a-fA-F]{4})|([^u]))/g,
    (_whole, high: string | undefined, next: string | undefined, single: string | undefined, char: string) => {
      if (single !== undefined) return utf8(Number.parseInt(single, 16))
      if (high === undefined) return escapes.get(char.charCodeAt(0)) ?? char
      if (next === undefined) return '?'
      const upper = Number.parseInt(high, 16)
      return utf8(((((upper >> 6) & 0xf) + 1) << 16) | ((upper & 0x3f) << 10) | (Number.parseInt(next, 16) & 0x3ff))
    },
  )
}

/** The UTF-8 bytes of a code point below 0x110000, surrogates included. */
export function utf8(code: number): ByteString {
  if (code < 0x80) return String.fromCharCode(code)
  if (code < 0x800) return String.fromCharCode(0xc0 | (code >> 6), 0x80 | (code & 0x3f))
  if (code < 0x10000) return String.fromCharCode(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f))
  return String.fromCharCode(
    0xf0 | (code >> 18),
    0x80 | ((code >> 12) & 0x3f),
    0x80 | ((code >> 6) & 0x3f),
    0x80 | (code & 0x3f),
  )
}
