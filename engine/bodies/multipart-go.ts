/**
 * multipart/form-data as Coraza reads it, with Go's mime/multipart: whatever framing Go accepts is accepted, what it
 * does not is one error, and parts without a usable name count under the empty name.
 *
 * Followed: Go 1.26 mime/multipart and net/textproto, Coraza 3.8 bodyprocessors/multipart.go.
 */
import type { BodyInput, BodyResult, Entry, MultipartPart } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { fileNameOf, parseMediaType } from './media-type-go.js'
import { noFlags } from './multipart-flags.js'
import { decodeQuotedPrintable } from './quoted-printable.js'

/** LIMIT: Go's buffer, in bytes; a longer line between the parts is an error. */
const longestLine = 4096

class GoError extends Error {}

type Headers = Map<string, ByteString[]>

export function readGoMultipart(input: BodyInput): BodyResult {
  return new GoMultipart(input.body).run(input.contentType)
}

class GoMultipart {
  readonly #args: Entry[] = []
  readonly #parts: MultipartPart[] = []
  #at = 0
  #lineEnd = '\r\n'
  #strict = false
  #duplicate = false
  #invalidQuoting = false

  constructor(private readonly body: ByteString) {}

  run(contentType: ByteString): BodyResult {
    let error: ByteString | null = null
    try {
      this.#read(contentType)
    } catch (thrown) {
      if (!(thrown instanceof GoError)) throw thrown
      this.#strict = true
      error = `MULTIPART: ${thrown.message}`
    }
    return {
      args: this.#args,
      parts: this.#parts,
      flags: {
        ...noFlags,
        invalidPart: this.#strict,
        invalidQuoting: this.#invalidQuoting,
        duplicatePartHeader: this.#duplicate,
      },
      error,
    }
  }

  #read(contentType: ByteString): void {
    const type = parseMediaType(contentType)
    if (type === null) throw new GoError('mime: invalid media parameter')
    if (!type.type.startsWith('multipart/')) throw new GoError('not a multipart body')
    const boundary = `--${type.parameters.get('boundary') ?? ''}`
    if (boundary === '--') throw new GoError('multipart: boundary is empty')
    for (let first = true; this.#nextPart(boundary, first); first = false) {
      const headers = this.#readHeaders()
      if (headers === null || !this.#readPart(headers, boundary)) return
    }
  }

  /** Goes behind the next boundary line; false where the last one was read. */
  #nextPart(boundary: ByteString, first: boolean): boolean {
    for (let expected = false; ; ) {
      const newline = this.body.indexOf('\n', this.#at)
      const end = newline < 0 ? this.body.length : newline + 1
      const line = this.body.slice(this.#at, end)
      if (line.length > longestLine) throw new GoError('multipart: NextPart: bufio: buffer full')
      this.#at = end
      if (newline < 0) {
        if (this.#isFinal(line, boundary)) return false
        throw new GoError('multipart: NextPart: EOF')
      }
      if (this.#isDelimiter(line, boundary, first)) return true
      if (this.#isFinal(line, boundary)) return false
      if (expected) throw new GoError('multipart: expecting a new Part')
      if (first) continue
      if (line !== this.#lineEnd) throw new GoError('multipart: unexpected line in Next()')
      expected = true
    }
  }

  #isFinal(line: ByteString, boundary: ByteString): boolean {
    if (!line.startsWith(`${boundary}--`)) return false
    const rest = line.slice(boundary.length + 2).replace(/^[ \t]+/, '')
    return rest === '' || rest === this.#lineEnd
  }

  /** The first boundary line says how lines end. */
  #isDelimiter(line: ByteString, boundary: ByteString, first: boolean): boolean {
    if (!line.startsWith(boundary)) return false
    const rest = line.slice(boundary.length).replace(/^[ \t]+/, '')
    if (first && rest === '\n') this.#lineEnd = '\n'
    return rest === this.#lineEnd
  }

  /** Null where the body ends among them, which ends the reading without an error. */
  #readHeaders(): Headers | null {
    const headers: Headers = new Map()
    if (/[ \t]/.test(this.body[this.#at] ?? '')) throw new GoError('malformed MIME header initial line')
    for (;;) {
      let line = this.#readLine()
      if (line === null) return null
      if (line === '') return headers
      const colon = line.indexOf(':')
      if (colon < 0) throw new GoError('malformed MIME header: missing colon')
      line = trimBlanks(line)
      while (/[ \t]/.test(this.body[this.#at] ?? '')) {
        while (/[ \t]/.test(this.body[this.#at] ?? '')) this.#at++
        const more = this.#readLine()
        line += ' '
        if (more === null) break
        line += trimBlanks(more)
      }
      addHeader(headers, line)
    }
  }

  /** The next line without its end; null at the end of the body. */
  #readLine(): ByteString | null {
    if (this.#at >= this.body.length) return null
    const newline = this.body.indexOf('\n', this.#at)
    const end = newline < 0 ? this.body.length : newline
    const line = this.body.slice(this.#at, end)
    this.#at = newline < 0 ? end : end + 1
    return newline >= 0 && line.endsWith('\r') ? line.slice(0, -1) : line
  }

  /** Takes the part in; false where the body ended inside it. */
  #readPart(headers: Headers, boundary: ByteString): boolean {
    const encoded = /^quoted-printable$/i.test(headers.get('Content-Transfer-Encoding')?.[0] ?? '')
    if (encoded) headers.delete('Content-Transfer-Encoding')
    const header = headers.get('Content-Disposition')?.[0] ?? ''
    const disposition = parseMediaType(header)
    const name = disposition?.type === 'form-data' ? (disposition.parameters.get('name') ?? '') : ''
    const duplicate = [...headers.values()].some((values) => values.length > 1)
    const file = fileNameOf(header)
    if (duplicate || file.duplicateParameter) this.#duplicate = true
    if (file.invalidQuoting) this.#invalidQuoting = true
    if (duplicate || file.duplicateParameter || file.malformed || file.invalidQuoting) this.#strict = true
    const { data, complete } = this.#readData(boundary)
    const decoded = encoded ? decodeQuotedPrintable(data, complete) : { text: data, ended: false }
    const value = decoded?.text ?? null
    const fileName = file.name === '' ? file.alternative : file.name
    const part: MultipartPart = {
      name,
      fileName: fileName === '' ? null : fileName,
      ...(file.alternative === '' || file.alternative === fileName ? {} : { otherFileName: file.alternative }),
      headerLines: [...headers].flatMap(([key, values]) => values.map((each) => `${key}: ${each}`)),
      value: value ?? '',
      ...(value === null ? { unread: true } : {}),
    }
    this.#parts.push(part)
    if (value === null) throw new GoError('quotedprintable: invalid bytes')
    if (part.fileName === null) this.#args.push({ key: name, value })
    const goesOn = complete && decoded?.ended === false
    if (!goesOn) this.#strict = true
    return goesOn
  }

  /** The data up to the next boundary; that of a body that ends before it loses what may have begun one. */
  #readData(boundary: ByteString): { data: ByteString; complete: boolean } {
    const { body } = this
    const start = this.#at
    if (body.startsWith(boundary, start) && endsBoundary(body, start + boundary.length))
      return { data: '', complete: true }
    const separator = this.#lineEnd + boundary
    for (let from = start; ; ) {
      const found = body.indexOf(separator, from)
      if (found < 0) break
      const behind = found + separator.length
      if (endsBoundary(body, behind)) {
        this.#at = found
        return { data: body.slice(start, found), complete: true }
      }
      from = behind
    }
    this.#at = body.length
    const rest = body.slice(start)
    if (boundary.startsWith(rest)) return { data: '', complete: false }
    const last = rest.lastIndexOf(this.#lineEnd[0] as string)
    const cut = last >= 0 && separator.startsWith(rest.slice(last))
    return { data: cut ? rest.slice(0, last) : rest, complete: false }
  }
}

/** Whether a boundary may end at `index`. */
function endsBoundary(body: ByteString, index: number): boolean {
  return index >= body.length || /^(?:[ \t\r\n]|--)/.test(body.slice(index, index + 2))
}

function addHeader(headers: Headers, line: ByteString): void {
  const colon = line.indexOf(':')
  const name = colon < 0 ? '' : line.slice(0, colon)
  const value = line.slice(colon + 1)
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z ]+$/.test(name) || /[\x00-\x08\x0a-\x1f\x7f]/.test(value))
    throw new GoError('malformed MIME header line')
  const key = name.includes(' ') ? name : canonical(name)
  const known = headers.get(key)
  const trimmed = value.replace(/^[ \t]+/, '')
  if (known === undefined) headers.set(key, [trimmed])
  else known.push(trimmed)
}

/** `content-type` as `Content-Type`. */
function canonical(name: ByteString): string {
  return name
    .toLowerCase()
    .replace(/(^|-)([a-z])/g, (_whole, before: string, letter: string) => before + letter.toUpperCase())
}

function trimBlanks(text: ByteString): ByteString {
  return text.replace(/^[ \t]+|(?<![ \t])[ \t]+$/g, '')
}
