/**
 * HTML cut into the tokens that libinjection judges: tag names, attribute names and values, comments, doctypes.
 *
 * A state machine over a byte string, close to the HTML5 tokeniser but with libinjection's own turns (NUL inside a
 * tag name, `<% %>` as a comment, back quotes, a `/` anywhere between attributes). Text, closing tags and the ends of
 * tags yield nothing, because nobody judges them. What a token means is decided elsewhere.
 * A token is two offsets into the text: nothing is allocated, and one reader serves any number of texts.
 */
import type { ByteString } from '../../model/exchange.js'

/** What next() found. */
export const noToken = 0
export const tagNameToken = 1
export const attributeNameToken = 2
export const attributeValueToken = 3
const commentToken = 4
export const doctypeToken = 5

export type HtmlToken = 0 | 1 | 2 | 3 | 4 | 5

/** Where in a page the text is taken to stand when it begins. */
export type HtmlPlace = 'data' | 'no-quote' | 'single-quote' | 'double-quote' | 'back-quote'

/** Points in which implementations of the machine differ. */
export interface Html5Reading {
  /** NUL ends an attribute's name or unquoted value, as a blank does. */
  readonly nulIsBlank: boolean
  /** The byte 0xFF between attributes, or before a value, ends the text. */
  readonly ffIsEnd: boolean
  /** How far after the start of `<%` the `>` of a later `%` is looked for. */
  readonly percentCommentEnd: 'at-percent' | 'at-start'
}

const inData = 0
const inTagOpen = 1
const beforeName = 2
const afterName = 3
const beforeValue = 4
const afterQuoted = 5
const inSelfClosing = 6
const done = 7

const nul = 0x00
const bang = 0x21
const doubleQuote = 0x22
const percent = 0x25
const singleQuote = 0x27
const dash = 0x2d
const slash = 0x2f
const equals = 0x3d
const greater = 0x3e
const question = 0x3f
const rightBracket = 0x5d
const backQuote = 0x60

const cdataOpening = '[CDATA['
const doctypeWord = 'DOCTYPE'

export class Html5Tokens {
  /** Offsets of the last token: first byte, and the byte after the last. */
  start = 0
  end = 0
  readonly #nulIsBlank: boolean
  readonly #ffIsEnd: boolean
  readonly #percentFromStart: boolean
  #text: ByteString = ''
  #at = 0
  #state = done
  /** Inside `</`; some ends of a tag leave it set for the next one, as in libinjection. */
  #closing = false

  constructor(reading: Html5Reading) {
    this.#nulIsBlank = reading.nulIsBlank
    this.#ffIsEnd = reading.ffIsEnd
    this.#percentFromStart = reading.percentCommentEnd === 'at-start'
  }

  /** Begins a text. The value that a quote closes is not a token: no attribute's name came before it. */
  open(text: ByteString, place: HtmlPlace): void {
    this.#text = text
    this.#at = 0
    this.#closing = false
    if (place === 'data') this.#state = inData
    else if (place === 'no-quote') this.#state = beforeName
    else {
      const closed = text.indexOf(place === 'single-quote' ? "'" : place === 'double-quote' ? '"' : '`')
      this.#at = closed + 1
      this.#state = closed < 0 ? done : afterQuoted
    }
  }

  /** The next token, `noToken` at the end of the text. */
  next(): HtmlToken {
    while (this.#state !== done) {
      const token = this.#step()
      if (token !== noToken) return token
    }
    return noToken
  }

  #step(): HtmlToken {
    switch (this.#state) {
      case inData:
        return this.#data()
      case inTagOpen:
        return this.#tagOpen()
      case beforeName:
        return this.#beforeName()
      case afterName:
        return this.#afterName()
      case beforeValue:
        return this.#beforeValue()
      case afterQuoted:
        return this.#afterQuoted()
      default:
        return this.#selfClosing()
    }
  }

  #data(): HtmlToken {
    const found = this.#text.indexOf('<', this.#at)
    this.#at = found + 1
    this.#state = found < 0 ? done : inTagOpen
    return noToken
  }

  #tagOpen(): HtmlToken {
    const code = this.#text.charCodeAt(this.#at)
    if (isLetter(code) || code === nul) return this.#tagName()
    switch (code) {
      case bang:
        this.#at++
        return this.#declaration()
      case slash:
        this.#at++
        this.#closing = true
        return this.#endTagOpen()
      case question:
        this.#at++
        return this.#bogusComment()
      case percent:
        this.#at++
        return this.#percentComment()
      default:
        this.#state = this.#at < this.#text.length ? inData : done
        return noToken
    }
  }

  #endTagOpen(): HtmlToken {
    const code = this.#text.charCodeAt(this.#at)
    if (isLetter(code)) return this.#tagName()
    if (code === greater) this.#state = inData
    else if (this.#at >= this.#text.length) this.#state = done
    else {
      this.#closing = false
      return this.#bogusComment()
    }
    return noToken
  }

  #tagName(): HtmlToken {
    const text = this.#text
    for (let at = this.#at; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code > greater || code === nul) continue
      if (isBlank(code)) return this.#token(tagNameToken, at, at + 1, beforeName)
      if (code === slash) return this.#token(tagNameToken, at, at + 1, inSelfClosing)
      if (code === greater) {
        const token = this.#token(tagNameToken, at, at + 1, inData)
        if (!this.#closing) return token
        this.#closing = false
        return noToken
      }
    }
    return this.#last(tagNameToken)
  }

  #beforeName(): HtmlToken {
    const code = this.#skipBlanks()
    if (code === greater) this.#go(inData)
    else if (code === slash) this.#go(inSelfClosing)
    else if (this.#isEnd(code)) this.#state = done
    else return this.#attributeName()
    return noToken
  }

  #selfClosing(): HtmlToken {
    if (this.#at >= this.#text.length) this.#state = done
    else if (this.#text.charCodeAt(this.#at) === greater) this.#go(inData)
    else this.#state = beforeName
    return noToken
  }

  /** The first byte belongs to the name, whatever it is. */
  #attributeName(): HtmlToken {
    const text = this.#text
    for (let at = this.#at + 1; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code > greater) continue
      if (this.#isSeparator(code)) return this.#token(attributeNameToken, at, at + 1, afterName)
      if (code === slash) return this.#token(attributeNameToken, at, at + 1, inSelfClosing)
      if (code === equals) return this.#token(attributeNameToken, at, at + 1, beforeValue)
      if (code === greater) {
        this.#closing = false
        return this.#token(attributeNameToken, at, at + 1, inData)
      }
    }
    return this.#last(attributeNameToken)
  }

  #afterName(): HtmlToken {
    const code = this.#skipBlanks()
    if (code === equals) this.#go(beforeValue)
    else if (code === slash) this.#go(inSelfClosing)
    else if (code === greater) {
      this.#closing = false
      this.#go(inData)
    } else if (this.#isEnd(code)) this.#state = done
    else return this.#attributeName()
    return noToken
  }

  #beforeValue(): HtmlToken {
    const code = this.#skipBlanks()
    if (code === doubleQuote) return this.#quotedValue('"')
    if (code === singleQuote) return this.#quotedValue("'")
    if (code === backQuote) return this.#quotedValue('`')
    if (!this.#isEnd(code)) return this.#unquotedValue()
    this.#state = done
    return noToken
  }

  #quotedValue(quote: string): HtmlToken {
    this.#at++
    const found = this.#text.indexOf(quote, this.#at)
    return found < 0 ? this.#last(attributeValueToken) : this.#token(attributeValueToken, found, found + 1, afterQuoted)
  }

  #unquotedValue(): HtmlToken {
    const text = this.#text
    for (let at = this.#at; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code > greater) continue
      if (this.#isSeparator(code)) return this.#token(attributeValueToken, at, at + 1, beforeName)
      if (code === greater) {
        this.#closing = false
        return this.#token(attributeValueToken, at, at + 1, inData)
      }
    }
    return this.#last(attributeValueToken)
  }

  #afterQuoted(): HtmlToken {
    const code = this.#text.charCodeAt(this.#at)
    if (code === greater) this.#go(inData)
    else if (code === slash) this.#go(inSelfClosing)
    else if (this.#isSeparator(code)) this.#go(beforeName)
    else this.#state = this.#at < this.#text.length ? beforeName : done
    return noToken
  }

  /** After `<!`. */
  #declaration(): HtmlToken {
    const text = this.#text
    if (startsWithWord(text, this.#at, doctypeWord)) return this.#upTo(doctypeToken, '>')
    if (text.startsWith(cdataOpening, this.#at)) {
      this.#at += cdataOpening.length
      return this.#cdata()
    }
    if (text.startsWith('--', this.#at)) {
      this.#at += 2
      return this.#comment()
    }
    return this.#bogusComment()
  }

  #bogusComment(): HtmlToken {
    return this.#upTo(commentToken, '>')
  }

  #upTo(token: HtmlToken, last: string): HtmlToken {
    const found = this.#text.indexOf(last, this.#at)
    return found < 0 ? this.#last(token) : this.#token(token, found, found + 1, inData)
  }

  #percentComment(): HtmlToken {
    const text = this.#text
    for (let from = this.#at; ; ) {
      const found = text.indexOf('%', from)
      if (found < 0 || found + 1 >= text.length) return this.#last(commentToken)
      const length = found - from
      if (text.charCodeAt((this.#percentFromStart ? this.#at + length : found) + 1) === greater) {
        const end = this.#percentFromStart ? this.#at + length : found
        return this.#token(commentToken, end, found + 2, inData)
      }
      from = found + 1
    }
  }

  /** Up to `-->` or `-!>`, NULs between the dash and the rest not counted; the dash may not be one of the last two. */
  #comment(): HtmlToken {
    const text = this.#text
    for (let from = this.#at; ; ) {
      const found = text.indexOf('-', from)
      if (found < 0 || found + 3 > text.length) return this.#last(commentToken)
      let at = found + 1
      while (text.charCodeAt(at) === nul) at++
      const code = text.charCodeAt(at)
      if (code === dash || code === bang) {
        if (at + 1 >= text.length) return this.#last(commentToken)
        if (text.charCodeAt(at + 1) === greater) return this.#token(commentToken, found, at + 2, inData)
      } else if (at >= text.length) return this.#last(commentToken)
      from = found + 1
    }
  }

  #cdata(): HtmlToken {
    const text = this.#text
    for (let at = this.#at; ; at++) {
      at = text.indexOf(']', at)
      if (at < 0 || at + 3 > text.length) break
      if (text.charCodeAt(at + 1) !== rightBracket || text.charCodeAt(at + 2) !== greater) continue
      this.#at = at + 3
      this.#state = inData
      return noToken
    }
    this.#state = done
    return noToken
  }

  #token(token: HtmlToken, end: number, next: number, state: number): HtmlToken {
    this.start = this.#at
    this.end = end
    this.#at = next
    this.#state = state
    return token
  }

  #last(token: HtmlToken): HtmlToken {
    return this.#token(token, this.#text.length, this.#text.length, done)
  }

  #go(state: number): void {
    this.#at++
    this.#state = state
  }

  /** The byte the blanks end at, NaN at the end of the text. NUL is a blank here in every implementation. */
  #skipBlanks(): number {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (!isBlank(code) && code !== nul) return code
      this.#at++
    }
  }

  #isSeparator(code: number): boolean {
    return isBlank(code) || (code === nul && this.#nulIsBlank)
  }

  #isEnd(code: number): boolean {
    return Number.isNaN(code) || (code === 0xff && this.#ffIsEnd)
  }
}

function isLetter(code: number): boolean {
  const upper = code & 0xdf
  return upper >= 0x41 && upper <= 0x5a
}

function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d)
}

/** `word` is in upper case. */
function startsWithWord(text: ByteString, at: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) if ((text.charCodeAt(at + i) & 0xdf) !== word.charCodeAt(i)) return false
  return true
}
