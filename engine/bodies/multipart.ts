/**
 * multipart/form-data as strictly as ModSecurity 2 reads it: fields and files, and a flag for everything that a
 * browser would not send. libmodsecurity's reader is `multipart-libmodsecurity.ts`, Coraza's `multipart-go.ts`.
 *
 * Follows ModSecurity 2's msc_multipart.c. The body is walked line by line; the data of a part is a slice of the body,
 * never a copy a line.
 */
import type { BodyInput, BodyProcessorDefinition, BodyResult, Entry, MultipartPart } from '../model/definitions.js'
import { type ByteString, lowerAscii } from '../model/exchange.js'
import { parseDisposition } from './content-disposition.js'
import { dialectOf } from './dialect.js'
import { type Boundary, parseBoundary } from './multipart-boundary.js'
import { type MutableFlags, noFlags } from './multipart-flags.js'
import { readGoMultipart } from './multipart-go.js'
import { readLibmodsecurityMultipart } from './multipart-libmodsecurity.js'

export const multipartProcessor: BodyProcessorDefinition = {
  name: 'MULTIPART',
  doc: 'multipart/form-data: fields become ARGS_POST, files FILES; odd framing raises MULTIPART_ flags.',
  process: (input) => readers[dialectOf(input.platform).multipartReader](input),
}

/** LIMIT: ModSecurity 2 refuses a header line of this length, line end included. */
const lineBufferBytes = 4096

class MultipartError extends Error {
  constructor(
    message: string,
    readonly atEnd = false,
  ) {
    super(message)
  }
}

interface OpenPart {
  readonly headerLines: ByteString[]
  /** Lower-case names to values. */
  readonly headers: Map<ByteString, ByteString>
  lastHeader: ByteString | null
  /** Where the data begins; null while headers are read. */
  dataStart: number | null
  name: ByteString
  fileName: ByteString | null
}

class MultipartReader {
  readonly #body: ByteString
  readonly #flags: MutableFlags = { ...noFlags }
  readonly #parts: MultipartPart[] = []
  #part: OpenPart | null = null
  #boundaries = 0
  #files = 0
  #complete = false
  #sawCrlf = false
  readonly #partHeaders: Entry[] = []
  /** Where the boundary's text was found last; -1: it does not come again. */
  #boundaryText = -2

  constructor(private readonly input: BodyInput) {
    this.#body = input.body
  }

  run(): BodyResult {
    let error: ByteString | null = null
    let errorAtEnd = false
    try {
      this.#read()
    } catch (thrown) {
      if (!(thrown instanceof MultipartError)) throw thrown
      error = `Multipart parsing error: ${thrown.message}`
      errorAtEnd = thrown.atEnd
    }
    this.#flags.crlfLf = this.#sawCrlf && this.#flags.lfLine
    return {
      // The fields are handed over at the end, which an error does not let it reach; files are there at once.
      args: error === null ? this.#fields() : [],
      parts: this.#parts,
      partHeaders: this.#partHeaders,
      flags: this.#flags,
      error,
      errorAtEnd,
    }
  }

  #fields(): Entry[] {
    return this.#parts.filter(({ fileName }) => fileName === null).map(({ name, value }) => ({ key: name, value }))
  }

  #read(): void {
    const found = parseBoundary(this.input.contentType)
    if (typeof found === 'string') this.#failFraming(found)
    this.#flags.boundaryQuoted = found.quoted
    this.#flags.boundaryWhitespace = found.whitespace
    this.#flags.missingSemicolon = found.missingSemicolon
    const body = this.#body
    if (body === '') return
    for (let start = 0; start < body.length; ) {
      const newline = body.indexOf('\n', start)
      const end = newline < 0 ? body.length : newline + 1
      // A line without an end is looked at only where it may be the last boundary.
      const isOpen = newline < 0 && !this.#complete
      if (isOpen && this.#part?.dataStart === null) this.#checkHeaderLength(end - start)
      if (isOpen && (this.#boundaries === 0 || body.slice(start) !== `--${found.boundary}--`)) break
      this.#line(start, end, found)
      start = end
      if (this.#complete && end < body.length) {
        this.#flags.dataAfter = true
        return
      }
    }
    if (this.#boundaries === 0) throw new MultipartError('Multipart: No boundaries found in payload.', true)
    if (!this.#complete) throw new MultipartError('Multipart: Final boundary missing.', true)
  }

  #failFraming(message: string): never {
    this.#flags.framingError = true
    throw new MultipartError(message)
  }

  #line(start: number, end: number, found: Boundary): void {
    if (this.#isEarlyBoundary(start, found)) {
      this.#flags.invalidPart = true
      if (this.#body[end - 1] !== '\n') this.#boundaryLine(start, end, found)
    } else if (this.#body.startsWith('--', start) && this.#boundaryLine(start, end, found)) return
    this.#findInnerBoundary(start, end, found.boundary)
    if (this.#part === null) {
      if (this.#complete) {
        if (!/^\r?\n?$/.test(this.#body.slice(start, end))) this.#flags.dataAfter = true
      } else this.#flags.dataBefore = true
      return
    }
    if (this.#part.dataStart === null) this.#headerLine(this.#part, start, end)
  }

  /** Whether a boundary stands where the open part has had no line of data yet: it is a line of the part then. */
  #isEarlyBoundary(start: number, { boundary }: Boundary): boolean {
    const part = this.#part
    if (part === null || (part.dataStart !== null && part.dataStart < start)) return false
    return this.#body.startsWith(`--${boundary}`, start)
  }

  /** A boundary behind other text of a line counts as unmatched, where it lies in one filling of the line buffer. */
  #findInnerBoundary(start: number, end: number, boundary: ByteString): void {
    if (this.#flags.unmatchedBoundary !== 0) return
    const text = `--${boundary}`
    for (let at = this.#nextText(text, start + 1); at >= 0 && at < end; at = this.#nextText(text, at + 1)) {
      const filled = start + Math.ceil((at - start + 1) / lineBufferBytes) * lineBufferBytes
      if (at + text.length <= Math.min(filled, end)) {
        this.#flags.unmatchedBoundary = 1
        return
      }
    }
  }

  /** Position of the next boundary's text from there on, or -1; each byte is looked at once, however many lines ask. */
  #nextText(text: ByteString, from: number): number {
    if (this.#boundaryText !== -1 && this.#boundaryText < from) this.#boundaryText = this.#body.indexOf(text, from)
    return this.#boundaryText
  }

  /** Whether the line was a boundary. Throws where it is one gone wrong. */
  #boundaryLine(start: number, end: number, { boundary, quoted }: Boundary): boolean {
    const body = this.#body
    if (!body.startsWith(boundary, start + 2)) {
      if (quoted && body.startsWith(`"${boundary}`, start + 2))
        this.#failFraming('Multipart: Invalid boundary (quotes).')
      const text = body.slice(start + 2, Math.min(end, start + 2 + boundary.length + 1024))
      if (/^\s/.test(text) && text.trimStart().startsWith(boundary))
        this.#failFraming('Multipart: Invalid boundary (whitespace).')
      if (asCString(body.slice(start, end)).length > 3) this.#flags.unmatchedBoundary = 1
      return false
    }
    if (start > 0 && body[start - 2] !== '\r') this.#flags.lfLine = true
    const after = body.slice(start + 2 + boundary.length, end)
    const final = after.startsWith('--')
    const lineEnd = final ? after.slice(2) : after
    const atEnd = lineEnd === '' && final && end === body.length
    if (lineEnd !== '\n' && lineEnd !== '\r\n' && !atEnd)
      this.#failFraming(`Multipart: Invalid boundary: ${escaped(asCString(body.slice(start, end)))}`)
    this.#noteLineEnd(lineEnd)
    this.#closePart(start)
    this.#boundaries++
    if (final) {
      this.#complete = true
    } else {
      if (this.#complete) this.#failFraming('Multipart: Part behind the final boundary.')
      this.#part = { headerLines: [], headers: new Map(), lastHeader: null, dataStart: null, name: '', fileName: null }
    }
    return true
  }

  #noteLineEnd(lineEnd: ByteString): void {
    if (lineEnd === '\n') this.#flags.lfLine = true
    else if (lineEnd === '\r\n') this.#sawCrlf = true
  }

  /** The line end before a boundary belongs to the boundary. */
  #closePart(end: number): void {
    const part = this.#part
    this.#part = null
    if (part === null) return
    if (part.dataStart === null) {
      this.#flags.invalidPart = true
      return
    }
    let dataEnd = Math.max(part.dataStart, end)
    if (dataEnd > part.dataStart && this.#body[dataEnd - 1] === '\n') dataEnd--
    if (dataEnd > part.dataStart && this.#body[dataEnd - 1] === '\r') dataEnd--
    this.#partHeaders.push(...part.headerLines.map((value) => ({ key: part.name, value })))
    this.#parts.push({
      name: part.name,
      fileName: part.fileName,
      headerLines: part.headerLines,
      value: this.#body.slice(part.dataStart, dataEnd),
    })
  }

  #headerLine(part: OpenPart, start: number, end: number): void {
    const raw = this.#body.slice(start, end)
    const line = raw.replace(/\r?\n$/, '')
    this.#noteLineEnd(raw.slice(line.length))
    if (line.includes('\0')) this.#failFraming('Multipart: Nul byte in part headers.')
    if (line === '') {
      if (this.#finishHeaders(part)) part.dataStart = end
      return
    }
    this.#checkHeaderLength(raw.length)
    if (/^[\s]/.test(line)) {
      this.#foldedLine(part, raw)
      return
    }
    const colon = line.indexOf(':')
    const name = lowerAscii(line.slice(0, Math.max(0, colon)))
    const problem = this.#headerProblem(part, raw, colon)
    if (problem !== null) this.#failFraming(problem)
    part.headers.set(name, line.slice(colon + 1).replace(/^[ \t]+/, ''))
    part.headerLines.push(line)
    part.lastHeader = name
  }

  #checkHeaderLength(length: number): void {
    if (length < lineBufferBytes) return
    this.#failFraming(`Multipart: Part header line over ${lineBufferBytes} bytes long`)
  }

  #headerProblem(part: OpenPart, raw: ByteString, colon: number): string | null {
    if (colon < 0) return `Multipart: Invalid part header (colon missing): ${escaped(raw)}.`
    if (colon === 0) return 'Multipart: Invalid part header (header name missing).'
    const name = raw.slice(0, colon)
    if (part.headers.has(lowerAscii(name))) {
      this.#flags.duplicatePartHeader = true
      return `Multipart: Duplicate part header: ${escaped(name)}.`
    }
    return null
  }

  #foldedLine(part: OpenPart, raw: ByteString): void {
    const line = raw.replace(/\r?\n$/, '')
    this.#flags.headerFolding = true
    if (/^[ \t]*[\n-\r]/.test(raw)) this.#flags.invalidHeaderFolding = true
    if (part.lastHeader === null) this.#failFraming('Multipart: Invalid part header (folding error).')
    const value = `${part.headers.get(part.lastHeader) ?? ''} ${line.trimStart()}`
    part.headers.set(part.lastHeader, value)
    const last = part.headerLines.length - 1
    part.headerLines[last] = `${part.headerLines[last] ?? ''} ${line.trimStart()}`
  }

  /** Whether the headers are good and data follows. */
  #finishHeaders(part: OpenPart): boolean {
    const header = part.headers.get('content-disposition')
    if (header === undefined) this.#failFraming('Multipart: Part missing Content-Disposition header.')
    const disposition = parseDisposition(header)
    if (typeof disposition === 'number')
      this.#failFraming(`Multipart: Invalid Content-Disposition header (${disposition}): ${escaped(header)}.`)
    if (disposition.oddQuotes) this.#flags.invalidQuoting = true
    if (disposition.name === null) this.#failFraming('Multipart: Content-Disposition header missing name field.')
    part.name = disposition.name
    part.fileName = disposition.fileName
    if (part.fileName !== null && ++this.#files > this.input.limits.files) this.#flags.fileLimitExceeded = true
    return true
  }
}

/** The text up to its first NUL. */
function asCString(text: ByteString): ByteString {
  const nul = text.indexOf('\0')
  return nul < 0 ? text : text.slice(0, nul)
}

const shortEscapes: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
}

/** As ModSecurity 2 writes bytes of the body into error texts. */
function escaped(text: ByteString): ByteString {
  return text.replace(
    /[\0-\x1f\\\x7f-\xff]/g,
    (byte) => shortEscapes[byte] ?? `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

const readers = {
  go: readGoMultipart,
  libmodsecurity: readLibmodsecurityMultipart,
  modsecurity2: (input: BodyInput) => new MultipartReader(input).run(),
} as const
