/**
 * multipart/form-data as libmodsecurity 3.0.9 reads it: in buffers of 4096 bytes, each a line or a piece of one.
 *
 * A part header that cannot be read does not end the reading, a boundary where the data of a part should begin is no
 * boundary, and the last error stays. Seen on the engine, body by body (test/multipart.test.ts).
 */
import type { BodyInput, BodyResult, Entry, MultipartPart } from '../model/definitions.js'
import { type ByteString, lowerAscii } from '../model/exchange.js'
import { parseLibmodsecurityBoundary } from './boundary-libmodsecurity.js'
import { type DispositionFindings, readLibmodsecurityDisposition } from './disposition-libmodsecurity.js'
import type { Boundary } from './multipart-boundary.js'
import { type MutableFlags, noFlags } from './multipart-flags.js'

/** LIMIT: bytes of the engine's buffer; a longer line comes in pieces, and a header line must be shorter. */
const bufferBytes = 4096

interface OpenPart extends DispositionFindings {
  readonly headerLines: ByteString[]
  /** Lower-case names to values. */
  readonly headers: Map<ByteString, ByteString>
  /** The header that a fold would go on, and its line, which counts once it is complete. */
  lastHeader: ByteString
  lastLine: ByteString
  isFile: boolean
  readsData: boolean
  value: ByteString
}

/** A line, or what fits into the engine's buffer of one. */
interface Piece {
  readonly bytes: ByteString
  /** As the engine's string functions see it: up to a NUL. */
  readonly text: ByteString
  /** Whether it begins where a line does, and whether it is a whole buffer without a line end of its own. */
  readonly startsLine: boolean
  readonly isFull: boolean
}

class LibmodsecurityMultipart {
  readonly #flags: MutableFlags = { ...noFlags }
  readonly #parts: MultipartPart[] = []
  readonly #partHeaders: Entry[] = []
  readonly #names: ByteString[] = []
  readonly #fileNames: ByteString[] = []
  #part: OpenPart | null = null
  #boundaries = 0
  #complete = false
  #sawCrlf = false
  /** Whether the part has had a line of data: a boundary before it is none. */
  #dataSeen = false
  /** Whether the line before ended in LF alone. */
  #afterLf = false
  #error: ByteString | null = null
  /** What is left in the engine's buffer at the end. */
  #left: Piece | null = null

  constructor(private readonly body: ByteString) {}

  run(contentType: ByteString): BodyResult {
    const found = parseLibmodsecurityBoundary(contentType)
    if (typeof found === 'string') this.#failFraming(found)
    else if (found !== null) {
      this.#flags.boundaryQuoted = found.quoted
      this.#flags.boundaryWhitespace = found.whitespace
      this.#flags.missingSemicolon = found.missingSemicolon
      this.#readPieces(found)
    }
    if (found !== null && typeof found !== 'string') this.#noteOpenEnd(found.boundary)
    this.#flags.crlfLf = this.#sawCrlf && this.#flags.lfLine
    // The flags are variables before the end is judged.
    const flags = { ...this.#flags }
    const published = found === null || typeof found === 'string' || this.body === '' || this.#ends(found.boundary)
    const parts = published ? this.#parts : []
    const { error } = this
    return {
      args: parts.filter((part) => part.fileName === null).map((part) => ({ key: part.name, value: part.value })),
      parts,
      partHeaders: this.#partHeaders,
      partNames: this.#names,
      partFileNames: this.#fileNames,
      flags,
      error,
    }
  }

  get error(): ByteString | null {
    return this.#error === null ? null : `Multipart parsing error: ${this.#error}`
  }

  #fail(message: string): false {
    this.#error = message
    return false
  }

  #failFraming(message: string): false {
    this.#flags.framingError = true
    return this.#fail(message)
  }

  #readPieces(found: Boundary): void {
    const { body } = this
    let startsLine = true
    for (let start = 0; start < body.length; ) {
      const piece = this.#pieceAt(start, startsLine)
      this.#left = piece
      if (!piece.isFull && !piece.bytes.endsWith('\n')) return
      start += piece.bytes.length
      if (!this.#piece(piece, found)) return
      this.#left = null
      startsLine = piece.bytes.endsWith('\n')
      if (startsLine) this.#afterLf = body[start - 2] !== '\r'
      if (this.#complete && start < body.length) {
        this.#flags.dataAfter = true
        return
      }
    }
  }

  #pieceAt(start: number, startsLine: boolean): Piece {
    const newline = this.body.indexOf('\n', start)
    const lineEnd = newline < 0 ? this.body.length : newline + 1
    let end = Math.min(lineEnd, start + bufferBytes)
    // A CR never comes last in the buffer.
    const heldBack = end === start + bufferBytes && this.body[end - 1] === '\r'
    if (heldBack) end--
    const bytes = this.body.slice(start, end)
    const nul = bytes.indexOf('\0')
    return {
      bytes,
      text: nul < 0 ? bytes : bytes.slice(0, nul),
      startsLine,
      isFull: heldBack || end === start + bufferBytes,
    }
  }

  /** False where the reading ends. */
  #piece(piece: Piece, found: Boundary): boolean {
    if (piece.startsLine) {
      const judged = this.#boundaryIn(piece, found)
      if (judged !== 'none') return judged === 'taken'
    }
    const part = this.#part
    if (part === null) {
      this.#flags.dataBefore = true
      return true
    }
    if (part.readsData) {
      this.#dataSeen = true
      part.value += part.isFile ? piece.bytes : piece.bytes.replace(/\r?\n$/, '')
      return true
    }
    if (piece.isFull) return this.#failFraming(`Multipart: Part header line over ${bufferBytes} bytes long`)
    this.#header(part, piece)
    return true
  }

  #boundaryIn({ bytes, text }: Piece, { boundary, quoted }: Boundary): 'taken' | 'none' | 'broken' {
    if (text.length <= 3 || !text.startsWith('--')) {
      if (bytes.includes(`--${boundary}`)) this.#flags.unmatchedBoundary = 1
      return 'none'
    }
    if (text.startsWith(boundary, 2)) return this.#boundary(text, text.slice(2 + boundary.length))
    if (quoted && text.startsWith(`"${boundary}`, 2)) {
      this.#failFraming('Multipart: Invalid boundary (quotes).')
      return 'broken'
    }
    const behindBlanks = text.slice(2).replace(/^[\t-\r ]+/, '')
    if (behindBlanks.length < text.length - 2 && behindBlanks.startsWith(boundary)) {
      this.#failFraming('Multipart: Invalid boundary (whitespace).')
      return 'broken'
    }
    this.#flags.unmatchedBoundary = 1
    return 'none'
  }

  #boundary(text: ByteString, after: ByteString): 'taken' | 'none' | 'broken' {
    if (this.#afterLf) this.#flags.lfLine = true
    if (!this.#dataSeen && this.#boundaries > 0) {
      this.#flags.invalidPart = true
      return 'none'
    }
    if (this.#boundaries > 0) this.#flags.unmatchedBoundary = 2
    const final = after.startsWith('--')
    const lineEnd = final ? after.slice(2) : after
    if (lineEnd !== '\n' && lineEnd !== '\r\n') {
      this.#failFraming(`Multipart: Invalid boundary: ${text}`)
      return 'broken'
    }
    if (lineEnd === '\n') this.#flags.lfLine = true
    else this.#sawCrlf = true
    this.#closePart()
    this.#boundaries++
    if (final) this.#complete = true
    else this.#openPart()
    return 'taken'
  }

  #openPart(): void {
    this.#dataSeen = false
    this.#part = {
      name: '',
      fileName: '',
      oddQuotes: false,
      names: this.#names,
      fileNames: this.#fileNames,
      headerLines: [],
      headers: new Map(),
      lastHeader: '',
      lastLine: '',
      isFile: false,
      readsData: false,
      value: '',
    }
  }

  #closePart(): void {
    const part = this.#part
    this.#part = null
    if (part === null) return
    this.#partHeaders.push(...part.headerLines.map((value) => ({ key: part.name, value })))
    if (part.name === '') {
      this.#flags.invalidPart = true
      return
    }
    const { name, headerLines } = part
    const value = part.isFile ? part.value.replace(/\r?\n$/, '') : part.value
    this.#parts.push({ name, fileName: part.isFile ? part.fileName : null, headerLines, value })
  }

  /** Whether the last boundary stands at the very end, without a line end. */
  #endsOpen(boundary: ByteString): boolean {
    const left = this.#left
    return !this.#complete && this.#boundaries > 0 && left?.startsLine === true && left.bytes === `--${boundary}--`
  }

  #noteOpenEnd(boundary: ByteString): void {
    if (!this.#endsOpen(boundary)) return
    if (this.#afterLf) this.#flags.lfLine = true
    if (!this.#dataSeen) this.#flags.invalidPart = true
  }

  #ends(boundary: ByteString): boolean {
    if (this.#complete) return true
    if (this.#boundaries === 0) return this.#fail('Multipart: No boundaries found in payload.')
    if (!this.#endsOpen(boundary)) return this.#fail('Multipart: Final boundary missing.')
    this.#closePart()
    return true
  }

  #header(part: OpenPart, { bytes }: Piece): void {
    if (bytes.includes('\0')) {
      this.#fail('Multipart: Nul byte in part headers.')
      return
    }
    if (bytes.endsWith('\r\n')) this.#sawCrlf = true
    else this.#flags.lfLine = true
    if (bytes === '\r\n' || bytes === '\n') this.#finishHeaders(part)
    else if (/^[\t-\r ]/.test(bytes)) this.#foldedLine(part, bytes)
    else this.#headerLine(part, bytes)
  }

  #keepLastLine(part: OpenPart): void {
    if (part.lastLine !== '') part.headerLines.push(part.lastLine)
    part.lastLine = ''
  }

  #headerLine(part: OpenPart, line: ByteString): void {
    this.#keepLastLine(part)
    const colon = line.indexOf(':')
    if (colon < 0) {
      this.#fail(`Multipart: Invalid part header (colon missing): ${line}`)
      return
    }
    if (colon === 0) {
      this.#fail('Multipart: Invalid part header (header name missing).')
      return
    }
    const name = lowerAscii(line.slice(0, colon))
    // The first of two of one name counts, which is no error.
    if (part.headers.has(name)) return
    part.lastHeader = name
    part.headers.set(
      name,
      line
        .slice(colon + 1)
        .replace(/^[ \t]+/, '')
        .replace(/(?<![\r\n])[\r\n]+$/, ''),
    )
    part.lastLine = line
  }

  #foldedLine(part: OpenPart, line: ByteString): void {
    this.#flags.headerFolding = true
    if (/^[\t ]*[\n-\r]/.test(line)) this.#flags.invalidHeaderFolding = true
    if (part.lastHeader === '') {
      this.#fail('Multipart: Invalid part header (folding error).')
      return
    }
    const value = `${part.headers.get(part.lastHeader) ?? ''} ${line.replace(/^[\t-\r ]+/, '').replace(/(?<![\r\n])[\r\n]+$/, '')}`
    part.headers.set(part.lastHeader, value)
    if (value.length > bufferBytes) this.#fail('Multipart: Part header too long.')
    else part.lastLine += line
  }

  #finishHeaders(part: OpenPart): void {
    this.#keepLastLine(part)
    const header = part.headers.get('content-disposition')
    if (header === undefined) {
      this.#fail('Multipart: Part missing Content-Disposition header.')
      return
    }
    const problem = readLibmodsecurityDisposition(header, part)
    if (part.oddQuotes) this.#flags.invalidQuoting = true
    if (problem !== 0) this.#fail(`Multipart: Invalid Content-Disposition header (${problem}): ${header}.`)
    else if (part.name === '') this.#fail('Multipart: Content-Disposition header missing name field.')
    else if (part.fileName !== '' && !header.includes('filename='))
      this.#fail('Multipart: Invalid Content-Disposition header (filename).')
    else {
      part.isFile = part.fileName !== ''
      part.readsData = true
      part.lastHeader = ''
    }
  }
}

export function readLibmodsecurityMultipart(input: BodyInput): BodyResult {
  return new LibmodsecurityMultipart(input.body).run(input.contentType)
}
