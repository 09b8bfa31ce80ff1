/**
 * XML as Coraza reads it, with Go's encoding/xml in its lenient mode: `XML:/*` is each piece of text, `XML://@*` each
 * attribute, and no other expression selects anything. HTML's entities and elements without an end are known.
 *
 * Followed: Go 1.26 encoding/xml, Coraza 3.8 bodyprocessors/xml.go. A document that ends too early is no error.
 */
import { html4Entities, htmlEntities } from '../html-entities.js'
import type { BodyResult } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { decodeUtf8, encodeUtf8, isUtf8 } from '../utf8.js'

/** Elements that HTML never closes: what follows one closes it. */
const selfClosing = new Set('basefont br area link img param hr input col frame isindex base meta'.split(' '))

class GoXmlError extends Error {}

/** The document ended inside something: what was read counts. */
class EarlyEnd extends Error {}

export function readGoXml(body: ByteString): BodyResult {
  const reader = new GoXml(body)
  try {
    reader.run()
  } catch (thrown) {
    if (thrown instanceof GoXmlError) return { args: [], error: `XML: XML syntax error: ${thrown.message}` }
    if (!(thrown instanceof EarlyEnd)) throw thrown
  }
  const { texts, attributes } = reader
  return {
    args: [],
    error: null,
    xml: { select: (path) => (path === '/*' ? texts : path === '//@*' ? attributes : []) },
  }
}

class GoXml {
  readonly texts: ByteString[] = []
  readonly attributes: ByteString[] = []
  readonly #open: { readonly space: ByteString; readonly local: ByteString }[] = []
  #at = 0

  constructor(private readonly body: ByteString) {}

  run(): void {
    while (this.#at < this.body.length) {
      const markup = this.body[this.#at] === '<'
      if (markup && this.#at + 1 >= this.body.length) throw new EarlyEnd()
      if (!markup) {
        const text = this.#text(null)
        this.#closeSelfClosing(null)
        this.#addText(text)
        continue
      }
      const kind = this.body[this.#at + 1]
      this.#at += kind === '/' || kind === '?' || kind === '!' ? 2 : 1
      if (kind === '/') this.#endTag()
      else if (kind === '?') this.#instruction()
      else if (kind === '!') this.#declaration()
      else this.#startTag()
    }
  }

  #addText(text: ByteString): void {
    const trimmed = encodeUtf8(decodeUtf8(text).replace(edgeSpace, ''))
    if (trimmed !== '') this.texts.push(trimmed)
  }

  /** `name`: of the end tag at hand, null for anything else. */
  #closeSelfClosing(name: ByteString | null): void {
    for (let top = this.#open.at(-1); top !== undefined; top = this.#open.at(-1)) {
      const local = top.local.toLowerCase()
      if (!selfClosing.has(local) || name?.toLowerCase() === local) return
      this.#open.pop()
    }
  }

  #endTag(): void {
    const { space, local } = this.#name('expected element name after </')
    this.#skipSpace()
    if (this.#next() !== '>') throw new GoXmlError(`invalid characters between </${local} and >`)
    for (;;) {
      this.#closeSelfClosing(local)
      const top = this.#open.pop()
      if (top === undefined) throw new GoXmlError(`unexpected end element </${local}>`)
      if (top.local !== local) continue
      if (top.space !== space) throw new GoXmlError(`element <${local}> closed in another space`)
      return
    }
  }

  #instruction(): void {
    const { whole } = this.#name('expected target name after <?')
    this.#skipSpace()
    const end = this.body.indexOf('?>', this.#at)
    if (end < 0) throw new EarlyEnd()
    const content = this.body.slice(this.#at, end)
    this.#at = end + 2
    this.#closeSelfClosing(null)
    if (whole !== 'xml') return
    const version = parameter('version', content)
    if (version !== '' && version !== '1.0') throw new GoXmlError('unsupported version')
    const encoding = parameter('encoding', content)
    if (encoding !== '' && !/^utf-8$/i.test(encoding)) throw new GoXmlError('encoding declared that cannot be read')
  }

  #declaration(): void {
    const rest = this.body.slice(this.#at, this.#at + 8)
    if (rest.startsWith('-')) this.#comment()
    else if (rest.startsWith('[')) this.#cdata()
    else this.#directive()
  }

  #comment(): void {
    if (this.#at + 1 >= this.body.length) throw new EarlyEnd()
    if (this.body[this.#at + 1] !== '-') throw new GoXmlError('invalid sequence <!- not part of <!--')
    const end = this.body.indexOf('--', this.#at + 2)
    if (end < 0 || end + 2 >= this.body.length) throw new EarlyEnd()
    if (this.body[end + 2] !== '>') throw new GoXmlError('invalid sequence "--" not allowed in comments')
    this.#at = end + 3
    this.#closeSelfClosing(null)
  }

  #cdata(): void {
    const given = this.body.slice(this.#at, this.#at + 7)
    if (!'[CDATA['.startsWith(given)) throw new GoXmlError('invalid <![ sequence')
    if (given.length < 7) throw new EarlyEnd()
    const end = this.body.indexOf(']]>', this.#at + 7)
    if (end < 0) throw new GoXmlError('unexpected EOF in CDATA section')
    const text = checked(this.body.slice(this.#at + 7, end).replace(/\r\n?/g, '\n'))
    this.#at = end + 3
    this.#closeSelfClosing(null)
    this.#addText(text)
  }

  /** `<!DOCTYPE …>`, with the markup, quoted texts and comments inside it. */
  #directive(): void {
    let quote = ''
    for (let depth = 0, first = true; ; first = false) {
      const char = this.#next()
      if (first && char !== '"' && char !== "'") continue
      if (quote !== '') {
        if (char === quote) quote = ''
      } else if (char === '>') {
        if (depth === 0) break
        depth--
      } else if (char === '"' || char === "'") quote = char
      else if (char === '<' && !this.#innerComment()) depth++
    }
    this.#closeSelfClosing(null)
  }

  /** Goes behind a comment inside a directive; false where there is none. */
  #innerComment(): boolean {
    if (!this.body.startsWith('!--', this.#at)) return false
    const end = this.body.indexOf('-->', this.#at + 3)
    if (end < 0) throw new EarlyEnd()
    this.#at = end + 3
    return true
  }

  #startTag(): void {
    const name = this.#name('expected element name after <')
    const values: ByteString[] = []
    let empty = false
    for (;;) {
      this.#skipSpace()
      const char = this.#next()
      if (char === '>') break
      if (char === '/') {
        if (this.#next() !== '>') throw new GoXmlError('expected /> in element')
        empty = true
        break
      }
      this.#at--
      const attribute = this.#name('expected attribute name in element')
      this.#skipSpace()
      if (this.#next() === '=') {
        this.#skipSpace()
        values.push(this.#attributeValue())
      } else {
        this.#at--
        values.push(attribute.local)
      }
    }
    this.#closeSelfClosing(null)
    this.attributes.push(...values)
    if (!empty) this.#open.push(name)
  }

  #attributeValue(): ByteString {
    const quote = this.#next()
    if (quote === '"' || quote === "'") return this.#text(quote)
    this.#at--
    const value = /^[a-zA-Z0-9_:-]*/.exec(this.body.slice(this.#at))?.[0] ?? ''
    this.#at += value.length
    if (this.#at >= this.body.length) throw new EarlyEnd()
    return value
  }

  /** Text up to the next markup, or up to the quote. */
  #text(quote: string | null): ByteString {
    const { body } = this
    let result = ''
    let last = ''
    while (this.#at < body.length) {
      const char = body[this.#at] as string
      if (char === '<') {
        if (quote !== null) throw new GoXmlError('unescaped < inside quoted string')
        break
      }
      this.#at++
      if (char === quote) break
      if (char === '&') {
        result += this.#reference()
        last = ''
        continue
      }
      last = (last + char).slice(-3)
      if (quote === null && last === ']]>') throw new GoXmlError('unescaped ]]> not in CDATA section')
      if (char === '\r') result += '\n'
      else if (char !== '\n' || !last.endsWith('\r\n')) result += char
    }
    return checked(result)
  }

  /** What stands behind `&`; itself where it is no reference. */
  #reference(): ByteString {
    const rest = this.body.slice(this.#at, this.#at + 200)
    const numeric = /^#(?:x([0-9a-fA-F]*)|([0-9]*))/.exec(rest)
    const found = numeric ?? /^[A-Za-z0-9_:.\-\x80-\xff]*/.exec(rest)
    const written = found?.[0] ?? ''
    this.#at += written.length
    if (this.#at >= this.body.length) throw new EarlyEnd()
    if (this.body[this.#at] !== ';') return `&${written}`
    this.#at++
    const text =
      numeric === null ? named(written) : numbered(numeric[1] ?? numeric[2] ?? '', numeric[1] === undefined ? 10 : 16)
    return text ?? `&${written};`
  }

  #name(expected: string): { whole: ByteString; space: ByteString; local: ByteString } {
    const whole = /^[A-Za-z0-9_:.\-\x80-\xff]*/.exec(this.body.slice(this.#at, this.#at + 1000))?.[0] ?? ''
    if (this.#at + whole.length >= this.body.length) throw new EarlyEnd()
    this.#at += whole.length
    if (whole === '') throw new GoXmlError(expected)
    if (!isUtf8(whole) || !nameShape.test(decodeUtf8(whole))) throw new GoXmlError(`invalid XML name: ${whole}`)
    const parts = whole.split(':')
    if (parts.length > 2) throw new GoXmlError(expected)
    const [space = '', local = ''] = parts
    return space === '' || local === '' ? { whole, space: '', local: whole } : { whole, space, local }
  }

  #skipSpace(): void {
    while (/[ \r\n\t]/.test(this.body[this.#at] ?? '')) this.#at++
  }

  #next(): string {
    const char = this.body[this.#at]
    if (char === undefined) throw new EarlyEnd()
    this.#at++
    return char
  }
}

const nameShape = /^[\p{L}_:][\p{L}\p{M}\p{Nd}._:\xb7-]*$/u
/** Each run of white space is looked at once. */
const edgeSpace =
  /^[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|(?<![\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000])[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/g

/** Values of the two angle brackets, which HTML 5 has changed. */
const olderBrackets: Readonly<Record<string, string>> = { lang: '\u2329', rang: '\u232a' }

function named(name: ByteString): ByteString | null {
  if (name === 'apos') return "'"
  const older = olderBrackets[name]
  if (older !== undefined) return encodeUtf8(older)
  return html4Entities.has(name) ? (htmlEntities.get(name) ?? null) : null
}

function numbered(digits: string, base: number): ByteString | null {
  const point = digits === '' ? Number.NaN : Number.parseInt(digits, base)
  if (Number.isNaN(point) || point > 0x10ffff) return null
  return encodeUtf8(point >= 0xd800 && point <= 0xdfff ? '\ufffd' : String.fromCodePoint(point))
}

/** Throws where the text is no UTF-8 or holds what XML forbids. */
function checked(text: ByteString): ByteString {
  if (!isUtf8(text)) throw new GoXmlError('invalid UTF-8')
  if (/[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]/.test(text)) throw new GoXmlError('illegal character code')
  return text
}

/** A parameter of the XML declaration; empty where there is none. */
function parameter(name: string, content: ByteString): ByteString {
  const found = new RegExp(`${name}=(?:"([^"]*)"|'([^']*)')`).exec(content)
  return found?.[1] ?? found?.[2] ?? ''
}
