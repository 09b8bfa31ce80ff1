/**
 * The Content-Disposition header of a multipart part as libmodsecurity 3.0.9 reads it: case matters, and any parameter
 * but `name`, `filename` and `filename*` is an error.
 *
 * What was read before an error counts: the names are variables at once, and stay those of the part. Seen on the
 * engine, header by header (test/multipart.test.ts).
 */
import type { ByteString } from '../model/exchange.js'

/** What the header adds to; `name` and `fileName` are those of the part so far, empty where it has none. */
export interface DispositionFindings {
  name: ByteString
  fileName: ByteString
  oddQuotes: boolean
  /** Values of every `name` and `filename`, of refused parts too. */
  readonly names: ByteString[]
  readonly fileNames: ByteString[]
}

const token = /^[^\x00-\x20\x7f-\xff()<>@,;:\\"/[\]?=]*/
const charset = /^[A-Za-z0-9!#$%&+\-^_`{}~]+'/
/** What may stand in an ext-value of RFC 5987; `|` is not among them. */
const extendedChar = /^[A-Za-z0-9!#$&+\-.^_`~]/

class DispositionReader {
  #rest: ByteString
  #extended: ByteString = ''
  #unclosed = false

  constructor(
    private readonly header: ByteString,
    private readonly findings: DispositionFindings,
  ) {
    this.#rest = header.slice('form-data'.length)
  }

  read(): number {
    this.#skipBlanks()
    if (this.#rest === '') return 0
    if (!this.#take(';')) return -2
    while (this.#rest !== '') {
      const problem = this.#parameter()
      if (problem !== 0) return problem
    }
    return this.#extended !== '' && this.findings.fileName === '' ? -21 : 0
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
    if (this.#rest === '') return -4
    this.#skipBlanks()
    if (this.#rest === '') return -5
    if (!this.#take('=')) return -13
    this.#skipBlanks()
    if (this.#rest === '') return -6
    const value = name === 'filename*' ? this.#extendedValue() : this.#value()
    if (typeof value === 'number') return value
    const problem = this.#note(name, value)
    if (problem !== 0) return problem
    if (this.#unclosed) return -12
    return this.#rest === '' ? 0 : this.#separator()
  }

  #separator(): number {
    this.#skipBlanks()
    if (this.#rest === '' || this.#take(';')) return 0
    if (/["']$/.test(this.header.slice(0, this.header.length - this.#rest.length))) this.findings.oddQuotes = true
    return -12
  }

  #note(name: string, value: ByteString): number {
    const { findings } = this
    switch (name) {
      case 'name':
        findings.names.push(value)
        // An empty value leaves the name unset, so that a second one is no repetition.
        if (findings.name !== '') return -14
        findings.name = value
        return 0
      case 'filename':
        findings.fileNames.push(value)
        if (findings.fileName !== '') return -15
        findings.fileName = value
        return 0
      case 'filename*':
        if (this.#extended !== '') return -20
        this.#extended = value
        return 0
      default:
        return -11
    }
  }

  #extendedValue(): ByteString | number {
    const start = charset.exec(this.#rest)?.[0]
    if (start === undefined) return -16
    const quote = this.#rest.indexOf("'", start.length)
    if (quote < 0) return -17
    const text = this.#rest
    let at = quote + 1
    while (at < text.length && text[at] !== ';') {
      if (text[at] === '%') {
        if (!/^[0-9a-fA-F]{2}/.test(text.slice(at + 1, at + 3))) return -18
        at += 3
      } else if (extendedChar.test(text.charAt(at))) at++
      else return -19
    }
    this.#rest = text.slice(at)
    return text.slice(quote + 1, at)
  }

  #value(): ByteString | number {
    const quote = this.#rest.charAt(0)
    if (quote !== '"' && quote !== "'") {
      const value = token.exec(this.#rest)?.[0] ?? ''
      this.#rest = this.#rest.slice(value.length)
      if (value.includes("'")) this.findings.oddQuotes = true
      return value
    }
    if (quote === "'") this.findings.oddQuotes = true
    return this.#quotedValue(quote)
  }

  /**
   * The engine reads past its buffer where the closing quote is missing, and goes on with what it finds there. Mostly
   * that is no semicolon.
   */
  #quotedValue(quote: string): ByteString | number {
    const text = this.#rest
    if (text.length === 1) return -7
    let value = ''
    let at = 1
    for (; at < text.length && text[at] !== quote; at++) {
      if (text[at] === '\\') {
        if (at + 1 === text.length) return -8
        if (text[at + 1] === quote || text[at + 1] === '\\') at++
      }
      value += text[at]
    }
    this.#unclosed = at >= text.length
    this.#rest = text.slice(at + 1)
    return value
  }
}

/** 0, or the number of the engine's error. */
export function readLibmodsecurityDisposition(header: ByteString, findings: DispositionFindings): number {
  if (!header.startsWith('form-data')) return -1
  return new DispositionReader(header, findings).read()
}
