/**
 * A raw HTTP request, bytes as on the wire, to a recorded request.
 *
 * Lenient: rule tests and captures hold broken requests on purpose. The body is what a server hands to the WAF:
 * chunks put together, and no byte beyond Content-Length.
 */
import type { ByteString, Header, RecordedRequest } from '../../engine/model/exchange.js'

/** Null where there is not even a request line. */
export function parseRawRequest(raw: ByteString): RecordedRequest | null {
  const { head, body } = splitHead(raw)
  const lines = head.split(/\r?\n/)
  const line = lines[0] ?? ''
  if (line === '') return null
  const headers = headersOf(lines.slice(1))
  const parts = /^(\S+) (.*?)(?: HTTP\/(\S+))?$/s.exec(line)
  const method = parts?.[1] ?? line
  const uri = parts?.[2] ?? ''
  const httpVersion = parts?.[3] ?? ''
  const standard = `${method} ${uri} HTTP/${httpVersion}` === line
  return { method, uri, httpVersion, headers, body: framedBody(headers, body), ...(standard ? {} : { line }) }
}

/**
 * The part of the bytes behind the headers that is the body: the data of the chunks, else as much as Content-Length
 * says; what goes beyond is the next request on the connection. Without either there is no body in HTTP/1, and a
 * length that is no number leaves the bytes as they are.
 */
export function framedBody(headers: readonly Header[], bytes: ByteString): ByteString {
  let length: string | null = null
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    if (lower === 'transfer-encoding' && /\bchunked\s*$/i.test(value)) return joinChunks(bytes)
    if (lower === 'content-length') length ??= value.trim()
  }
  if (length === null) return ''
  return /^\d{1,15}$/.test(length) ? bytes.slice(0, Number(length)) : bytes
}

function splitHead(raw: ByteString): { head: ByteString; body: ByteString } {
  const end = /\r?\n\r?\n/.exec(raw)
  if (end === null) return { head: raw.replace(/\r?\n$/, ''), body: '' }
  return { head: raw.slice(0, end.index), body: raw.slice(end.index + end[0].length) }
}

/** Continued lines belong to the header above them. */
function headersOf(lines: readonly ByteString[]): Header[] {
  const headers: [ByteString, ByteString][] = []
  for (const line of lines) {
    const last = headers[headers.length - 1]
    if (/^[ \t]/.test(line) && last !== undefined) {
      last[1] += ` ${trimBlanks(line)}`
      continue
    }
    const colon = line.indexOf(':')
    if (colon > 0) headers.push([line.slice(0, colon), trimBlanks(line.slice(colon + 1))])
  }
  return headers
}

/** Blanks and tabs at both ends; String.trim would take bytes such as 0xA0 too. */
function trimBlanks(text: ByteString): ByteString {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** The data of the chunks; what is not framed as a chunk ends it. Bytes that do not start with a chunk stay. */
function joinChunks(body: ByteString): ByteString {
  let data = ''
  let at = 0
  for (;;) {
    const size = /^([0-9a-fA-F]{1,8})[^\r\n]*\r?\n/.exec(body.slice(at, at + 64))
    if (size === null) return at === 0 ? body : data
    const length = Number.parseInt(size[1] ?? '0', 16)
    if (length === 0) return data
    at += size[0].length
    data += body.slice(at, at + length)
    at += length
    const end = /^\r?\n/.exec(body.slice(at, at + 2))
    if (end !== null) at += end[0].length
  }
}
