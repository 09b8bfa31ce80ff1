/**
 * multipart/form-data as strictly as ModSecurity reads it: fields and files, and a flag for everything that a
 * browser would not send.
 *
 * Follows ModSecurity 2's msc_multipart.c, which libmodsecurity 3 carries on. The body is walked line by line;
 * the data of a part is a slice of the body, never a copy a line.
 */
import type {
  BodyInput,
  BodyProcessorDefinition,
  BodyResult,
  MultipartFlags,
  MultipartPart,
} from '../model/definitions.js'
import { type ByteString, lowerAscii } from '../model/exchange.js'
import { parseDisposition } from './content-disposition.js'
import { dialectOf } from './dialect.js'
import { type Boundary, parseBoundary } from './multipart-boundary.js'
import { readGoMultipart } from './multipart-go.js'

export const multipartProcessor: BodyProcessorDefinition = {
  name: 'MULTIPART',
  doc: 'multipart/form-data: fields become ARGS_POST, files FILES; odd framing raises MULTIPART_ flags.',
  process: (input) =>
    dialectOf(input.platform).multipartReader === 'go' ? readGoMultipart(input) : new MultipartReader(input).run(),
}

type MutableFlags = { -readonly [K in keyof MultipartFlags]: MultipartFlags[K] }

/** LIMIT: what libmodsecurity keeps of one header line. */
const longestHeaderBytes = 16 * 1024

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
  readonly #flags: MutableFlags = {
    boundaryQuoted: false,
    boundaryWhitespace: false,
    dataBefore: false,
    dataAfter: false,
    headerFolding: false,
    invalidHeaderFolding: false,
    lfLine: false,
    crlfLf: false,
    missingSemicolon: false,
    invalidQuoting: false,
    invalidPart: false,
    fileLimitExceeded: false,
    unmatchedBoundary: 0,
  }
  readonly #parts: MultipartPart[] = []
  #part: OpenPart | null = null
  #boundaries = 0
  #files = 0
  #complete = false
  #sawCrlf = false
  /** COMPAT(modsec3): see `Platform.multipart`. */
  readonly #lenient: boolean

  constructor(private readonly input: BodyInput) {
    this.#body = input.body
    this.#lenient = input.platform.multipart === 'libmodsecurity'
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
      args: this.#parts.filter((part) => part.fileName === null).map((part) => ({ key: part.name, value: part.value })),
      parts: this.#parts,
      flags: this.#flags,
      error,
      errorAtEnd,
    }
  }

  #read(): void {
    const found = parseBoundary(this.input.contentType)
    if (typeof found === 'string') throw new MultipartError(found)
    this.#flags.boundaryQuoted = found.quoted
    this.#flags.boundaryWhitespace = found.whitespace
    this.#flags.missingSemicolon = found.missingSemicolon
    const body = this.#body
    if (body === '') return
    for (let start = 0; start < body.length; ) {
      const newline = body.indexOf('\n', start)
      const end = newline < 0 ? body.length : newline + 1
      // A line without an end is looked at only where it may be the last boundary.
      const isOpen = newline < 0 && !this.#lenient && !this.#complete
      if (isOpen && this.#part?.dataStart === null) this.#checkHeaderLength(end - start)
      if (isOpen && (this.#boundaries === 0 || body.slice(start) !== `--${found.boundary}--`)) break
      this.#line(start, end, found)
      start = end
    }
    if (this.#boundaries === 0) throw new MultipartError('Multipart: No boundaries found in payload.', true)
    if (!this.#complete) throw new MultipartError('Multipart: Final boundary missing.', true)
  }

  #line(start: number, end: number, found: Boundary): void {
    if (this.#body.startsWith('--', start) && this.#boundaryLine(start, end, found)) return
    if (this.#part === null) {
      if (this.#complete) {
        if (!/^\r?\n?$/.test(this.#body.slice(start, end))) this.#flags.dataAfter = true
      } else this.#flags.dataBefore = true
      return
    }
    if (this.#part.dataStart === null) this.#headerLine(this.#part, start, end)
  }

  /** Whether the line was a boundary. Throws where it is one gone wrong. */
  #boundaryLine(start: number, end: number, { boundary, quoted }: Boundary): boolean {
    const body = this.#body
    if (!body.startsWith(boundary, start + 2)) {
      if (quoted && body.startsWith(`"${boundary}`, start + 2))
        throw new MultipartError('Multipart: Invalid boundary (quotes).')
      const text = body.slice(start + 2, Math.min(end, start + 2 + boundary.length + 1024))
      if (/^\s/.test(text) && text.trimStart().startsWith(boundary))
        throw new MultipartError('Multipart: Invalid boundary (whitespace).')
      this.#flags.unmatchedBoundary = this.#lenient ? 2 : 1
      return false
    }
    const after = body.slice(start + 2 + boundary.length, end)
    const final = after.startsWith('--')
    if (final && this.#complete) throw new MultipartError('Multipart: Invalid boundary (final duplicate).')
    const lineEnd = final ? after.slice(2) : after
    const atEnd = lineEnd === '' && final && end === body.length
    if (lineEnd !== '\n' && lineEnd !== '\r\n' && !atEnd)
      throw new MultipartError(
        `Multipart: Invalid boundary: ${body.slice(start, Math.min(end, start + 256)).trimEnd()}`,
      )
    this.#noteLineEnd(lineEnd)
    this.#closePart(start)
    this.#boundaries++
    if (final) {
      this.#complete = true
      if (this.#lenient && lineEnd !== '') this.#flags.unmatchedBoundary = 2
    } else {
      if (this.#complete) throw new MultipartError('Multipart: Part behind the final boundary.')
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
    this.#parts.push({
      name: part.name,
      fileName: part.fileName,
      headerLines: part.headerLines,
      value: this.#valueOf(part, dataEnd),
    })
  }

  #valueOf(part: OpenPart, end: number): ByteString {
    const value = this.#body.slice(part.dataStart ?? end, end)
    return this.#lenient && part.fileName === null ? value.replace(/\r?\n/g, '') : value
  }

  #headerLine(part: OpenPart, start: number, end: number): void {
    const raw = this.#body.slice(start, end)
    const line = raw.replace(/\r?\n$/, '')
    this.#noteLineEnd(raw.slice(line.length))
    if (line === '') {
      this.#finishHeaders(part)
      part.dataStart = end
      return
    }
    if (!this.#lenient) this.#checkHeaderLength(raw.length)
    if (line.length > longestHeaderBytes) throw new MultipartError('Multipart: Part header too long.')
    if (/^[\s]/.test(line)) {
      this.#foldedLine(part, line)
      return
    }
    const colon = line.indexOf(':')
    if (colon < 0) throw new MultipartError(`Multipart: Invalid part header (colon missing): ${line.slice(0, 256)}.`)
    const name = lowerAscii(line.slice(0, colon))
    if (name === '') throw new MultipartError('Multipart: Invalid part header (header name missing).')
    if (part.headers.has(name)) throw new MultipartError(`Multipart: Duplicate part header: ${name.slice(0, 256)}.`)
    part.headers.set(name, line.slice(colon + 1).replace(/^[ \t]+/, ''))
    part.headerLines.push(line)
    part.lastHeader = name
  }

  #checkHeaderLength(length: number): void {
    if (length < lineBufferBytes) return
    throw new MultipartError(`Multipart: Part header line over ${lineBufferBytes} bytes long`)
  }

  #foldedLine(part: OpenPart, line: ByteString): void {
    this.#flags.headerFolding = true
    if (part.lastHeader === null) throw new MultipartError('Multipart: Invalid part header (folding error).')
    if (/^[^ \t]/.test(line)) this.#flags.invalidHeaderFolding = true
    const value = `${part.headers.get(part.lastHeader) ?? ''} ${line.trimStart()}`
    part.headers.set(part.lastHeader, value)
    const last = part.headerLines.length - 1
    part.headerLines[last] = `${part.headerLines[last] ?? ''} ${line.trimStart()}`
  }

  #finishHeaders(part: OpenPart): void {
    const header = part.headers.get('content-disposition')
    if (header === undefined) {
      this.#flags.invalidPart = true
      throw new MultipartError('Multipart: Part missing Content-Disposition header.')
    }
    const disposition = parseDisposition(header)
    if (typeof disposition === 'number') {
      this.#flags.invalidPart = true
      throw new MultipartError(
        `Multipart: Invalid Content-Disposition header (${disposition}): ${header.slice(0, 256)}.`,
      )
    }
    if (disposition.oddQuotes) this.#flags.invalidQuoting = true
    if (disposition.name === null || (disposition.name === '' && this.#lenient)) {
      this.#flags.invalidPart = true
      throw new MultipartError('Multipart: Content-Disposition header missing name field.')
    }
    part.name = disposition.name
    part.fileName = disposition.fileName
    if (part.fileName !== null && ++this.#files > this.input.limits.files) this.#flags.fileLimitExceeded = true
  }
}
