/**
 * Writes a record as a curl command for any POSIX shell, byte for byte: what is not printable ASCII goes through printf.
 *
 * Nothing of the record reaches the shell outside single quotes, and nothing reaches curl where curl would read it as a
 * file's name or an option.
 */
import type { ByteString, Header, RecordedRequest, TransactionRecord } from '../../engine/model/exchange.js'

/** A request that curl cannot send, and why. */
export interface NoCurlCommand {
  readonly problem: string
}

/** Headers that curl adds by itself unless it is told otherwise. */
const automatic = ['User-Agent', 'Accept']

/** LIMIT: bytes of a body on the command line; a longer one is written to curl's standard input. */
const longestArgument = 4000

/** Bodies for which curl would ask the server first. */
const expectFrom = 1024 * 1024

/** `origin`: scheme, host and port to send to, e.g. `http://localhost:8080`. */
export function curlCommand(
  { request }: TransactionRecord,
  origin = 'http://localhost',
): { readonly command: string } | NoCurlCommand {
  const { method, uri, httpVersion, headers, body } = request
  const problem = problemWith(request)
  if (problem !== null) return { problem }
  const words = ['curl', '--silent', '--show-error', '--include']
  if (httpVersion === '1.0') words.push('--http1.0')
  else words.push('--http1.1')
  words.push('--globoff', '--path-as-is')
  if (method === 'HEAD') words.push('--head')
  else if (method !== 'GET' || body !== '') words.push('--request', argument(method))
  for (const line of headerLines(headers, body)) words.push('--header', argument(line))
  const isPiped = !isPlain(body) || body.startsWith('@') || body.length > longestArgument
  if (body !== '') words.push('--data-binary', isPiped ? '@-' : argument(body))
  if (/^\/[A-Za-z0-9/._~!$&'()*+,;=:@?%-]*$/.test(uri)) words.push('--url', argument(origin + uri))
  else words.push('--request-target', argument(uri), '--url', argument(`${origin}/`))
  const command = lines(words)
  return { command: body !== '' && isPiped ? `printf ${format(body)} |\n${command}\n` : `${command}\n` }
}

function problemWith({ method, uri, headers, line }: RecordedRequest): string | null {
  if (line !== undefined) return 'its request line is not one that curl can write'
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(method)) return 'its method is none that curl can send'
  if (uri === '' || /[\0\r\n]/.test(uri)) return 'its request target holds a line end or NUL, or is empty'
  for (const [name, value] of headers) {
    // Curl takes `@` for the name of a file, `Name:` for a header to leave out, `Name;` for an empty one.
    if (name === '' || /[\0\r\n:;@]|^\s/.test(name) || /[\0\r\n]/.test(value))
      return 'a header is none that curl can send'
  }
  return null
}

function headerLines(headers: readonly Header[], body: ByteString): readonly ByteString[] {
  const names = new Set(headers.map(([name]) => name.toLowerCase()))
  const length = String(body.length)
  const isOwn = ([name, value]: Header): boolean =>
    body !== '' && name.toLowerCase() === 'content-length' && value === length
  const written = headers
    .filter((header) => !isOwn(header))
    .map(([name, value]) => (value.trim() === '' ? `${name};` : `${name}: ${value}`))
  const left = automatic.filter((name) => !names.has(name.toLowerCase()))
  if (body !== '' && !names.has('content-type')) left.push('Content-Type')
  if (body !== '' && !names.has('content-length')) left.push('Content-Length')
  if (body.length >= expectFrom && !names.has('expect')) left.push('Expect')
  if (!names.has('host')) left.push('Host')
  return [...written, ...left.map((name) => `${name}:`)]
}

function isPlain(text: ByteString): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}

function argument(text: ByteString): string {
  if (/^[A-Za-z0-9_./][A-Za-z0-9_./:=@%+,-]*$/.test(text)) return text
  if (isPlain(text)) return quoted(text)
  // The shell cuts line ends off what a command prints; arguments with line ends are refused before.
  return `"$(printf ${format(text)})"`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** The bytes as the format of printf, the same in every shell; `!` would call up an earlier command in some. */
function format(bytes: ByteString): string {
  const text = bytes.replace(/[^\x20-\x7e]|[\\%'!]/g, (byte) => {
    if (byte === '%') return '%%'
    return byte === '\n' ? '\\n' : `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`
  })
  // One that begins with a dash would be an option.
  return text.startsWith('-') ? `'\\055${text.slice(1)}'` : `'${text}'`
}

/** Options with their values, one a line. */
function lines(words: readonly string[]): string {
  const pieces: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const value = words[at + 1]
    const takesValue = /^--(?:request|header|data-binary|url|request-target)$/.test(word)
    pieces.push(takesValue && value !== undefined ? `${word} ${value}` : word)
    if (takesValue) at++
  }
  return pieces.join(' \\\n  ')
}
