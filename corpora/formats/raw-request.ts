/**
 * A raw HTTP request, bytes as on the wire, to a recorded request.
 *
 * Lenient: rule tests and captures hold broken requests on purpose. A chunked body is put together, as the
 * server does before the WAF sees it.
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
  const chunked = headers.some(([name, value]) => name.toLowerCase() === 'transfer-encoding' && /chunked/i.test(value))
  return {
    method,
    uri,
    httpVersion,
    headers,
    body: chunked ? joinChunks(body) : body,
    ...(standard ? {} : { line }),
  }
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
      last[1] += ` ${line.trim()}`
      continue
    }
    const colon = line.indexOf(':')
    if (colon > 0) headers.push([line.slice(0, colon), line.slice(colon + 1).trim()])
  }
  return headers
}

/** The data of the chunks; what is not framed as a chunk ends it. */
function joinChunks(body: ByteString): ByteString {
  let data = ''
  let at = 0
  for (;;) {
    const size = /^([0-9a-fA-F]{1,8})[^\r\n]*\r?\n/.exec(body.slice(at, at + 64))
    if (size === null) return data
    const length = Number.parseInt(size[1] ?? '0', 16)
    if (length === 0) return data
    at += size[0].length
    data += body.slice(at, at + length)
    at += length
    const end = /^\r?\n/.exec(body.slice(at, at + 2))
    if (end !== null) at += end[0].length
  }
}
