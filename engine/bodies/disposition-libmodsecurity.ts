/**
 * The Content-Disposition header of a multipart part as libmodsecurity 3.0.9 reads it: case matters, any parameter
 * but `name`, `filename` and `filename*` is an error, and a quoted value may lack its closing quote.
 *
 * Seen on the engine, header by header (test/multipart.test.ts).
 */
import type { ByteString } from '../model/exchange.js'
import type { Disposition } from './content-disposition.js'

const token = /^[^\x00-\x20\x7f-\xff()<>@,;:\\"/[\]?=]*/
/** RFC 5987's ext-value with the characters that the engine takes; `|` is not among them. */
const extended = /^[A-Za-z0-9!#$%&+\-^_`{}~]+'[^']*'(?:[A-Za-z0-9!#$&+\-.^_`~]|%[0-9a-fA-F]{2})*/

class DispositionReader {
  #rest: ByteString
  #oddQuotes = false
  readonly #values = new Map<string, ByteString>()

  constructor(private readonly header: ByteString) {
    this.#rest = header.slice('form-data'.length)
  }

  read(): Disposition | number {
    this.#skipBlanks()
    if (this.#rest !== '') {
      if (!this.#take(';')) return -2
      while (this.#rest !== '') {
        const problem = this.#parameter()
        if (problem !== 0) return problem
      }
    }
    const name = this.#values.get('name') ?? null
    const fileName = this.#values.get('filename') ?? ''
    const named = fileName !== '' || this.#values.has('filename*')
    if (named && !this.header.includes('filename=')) return -16
    return { name, fileName: fileName === '' ? null : fileName, oddQuotes: this.#oddQuotes }
  }

  #skipBlanks(): void {
    this.#rest = this.#rest.replace(/^[ \t]+/, '')
  }

  #take(char: string): boolean {
    if (!this.#rest.startsWith(char)) return false
    this.#rest = this.#rest.slice(char.length)
    return true
  }

  /** One `name=value` and the semicolon behind it; 0 or the number of the error. */
  #parameter(): number {
    this.#skipBlanks()
    if (this.#rest === '') return -3
    const name = /^[^=\t ]*/.exec(this.#rest)?.[0] ?? ''
    this.#rest = this.#rest.slice(name.length)
    this.#skipBlanks()
    if (this.#rest === '') return -4
    if (!this.#take('=')) return -13
    this.#skipBlanks()
    if (this.#rest === '') return -6
    const value = name === 'filename*' ? this.#extendedValue() : this.#value()
    if (value === null) return -7
    const problem = this.#note(name, value)
    if (problem !== 0 || this.#rest === '') return problem
    if (name === 'filename*') return this.#take(';') ? 0 : -12
    return this.#separator()
  }

  #separator(): number {
    const quoteFollows = /^["']/.test(this.#rest)
    this.#skipBlanks()
    if (this.#rest === '' || this.#take(';')) return 0
    this.#oddQuotes ||= quoteFollows || /["']$/.test(this.header.slice(0, this.header.length - this.#rest.length))
    return -12
  }

  #note(name: string, value: ByteString): number {
    if (name !== 'name' && name !== 'filename' && name !== 'filename*') return -11
    // An empty value leaves the name unset, so that a second one is no repetition.
    if ((this.#values.get(name) ?? '') !== '') return name === 'name' ? -14 : -15
    this.#values.set(name, value)
    return 0
  }

  #extendedValue(): ByteString | null {
    const value = extended.exec(this.#rest)?.[0]
    if (value === undefined) return null
    this.#rest = this.#rest.slice(value.length)
    return value
  }

  /** Null: the quoted value ends in a lone backslash, or nothing follows its quote. */
  #value(): ByteString | null {
    const quote = this.#rest.charAt(0)
    if (quote !== '"' && quote !== "'") {
      const value = token.exec(this.#rest)?.[0] ?? ''
      this.#rest = this.#rest.slice(value.length)
      this.#oddQuotes ||= value.includes("'")
      return value
    }
    if (quote === "'") this.#oddQuotes = true
    const text = this.#rest
    if (text.length === 1) return null
    let value = ''
    let at = 1
    for (; at < text.length && text[at] !== quote; at++) {
      if (text[at] === '\\') {
        if (at + 1 === text.length) return null
        if (text[at + 1] === quote || text[at + 1] === '\\') at++
      }
      value += text[at]
    }
    this.#rest = text.slice(at + 1)
    return value
  }
}

/** The disposition, or the number of the engine's error; a file without a name is a field. */
export function parseLibmodsecurityDisposition(header: ByteString): Disposition | number {
  if (!header.startsWith('form-data')) return -1
  return new DispositionReader(header).read()
}
