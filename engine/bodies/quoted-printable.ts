/**
 * The quoted-printable encoding of a multipart part, as Go's mime/quotedprintable decodes it for Coraza.
 */
import type { ByteString } from '../model/exchange.js'

/** LIMIT: Go's buffer, in bytes; a longer line is an error. */
const longestLine = 4096

export interface Decoded {
  readonly text: ByteString
  /** Whether a line ended in `==`, which Go takes for an early end of all that follows. */
  readonly ended: boolean
}

/** Null where Go reports an error. `complete`: a boundary follows; a last line without one may not end in `=`. */
export function decodeQuotedPrintable(text: ByteString, complete: boolean): Decoded | null {
  let decoded = ''
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline + 1
    if (end - start > longestLine) return null
    const line = decodeLine(text.slice(start, end), complete && newline < 0)
    if (line === null) return null
    decoded += line.text
    if (line.ended) return { text: decoded, ended: true }
    start = end
  }
  return { text: decoded, ended: false }
}

function decodeLine(whole: ByteString, last: boolean): Decoded | null {
  let line = whole.replace(/(?<![\n\r \t])[\n\r \t]+$/, '')
  if (line.endsWith('=')) {
    const behind = whole.slice(line.length).replace(/^[ \t]+/, '')
    line = line.slice(0, -1)
    if (!line.endsWith('=') && !/^\r?\n/.test(behind) && !(behind === '' && line !== '' && last)) return null
  } else if (whole.endsWith('\r\n')) line += '\r\n'
  else if (whole.endsWith('\n')) line += '\n'
  if (/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(line)) return null
  const ended = line.endsWith('=')
  if (ended) line = line.slice(0, -1)
  const text = line.replace(/=([0-9a-fA-F]{2})/g, (_whole, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return { text, ended }
}
