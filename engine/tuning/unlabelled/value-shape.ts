/**
 * What a matched value looks like to somebody who reads it: prose, HTML, code, an injection, a token, a number.
 *
 * A hint for judging hits without a label, never a verdict: rules have their own opinion of the same bytes.
 */
import type { ByteString } from '../../model/exchange.js'
import { looksRandom } from '../path-shapes.js'

export type ValueShape =
  | 'empty'
  | 'number'
  | 'token'
  | 'word'
  | 'url'
  | 'json'
  | 'html'
  | 'code'
  | 'prose'
  | 'sql'
  | 'script'
  | 'command'
  | 'other'

/** As the reasons name it, behind "looks like" of several. */
export const shapeTitles: Readonly<Record<ValueShape, string>> = {
  empty: 'nothing',
  number: 'numbers',
  token: 'tokens',
  word: 'single words',
  url: 'web addresses',
  json: 'JSON',
  html: 'HTML',
  code: 'program code',
  prose: 'prose',
  sql: 'injected SQL',
  script: 'injected script',
  command: 'commands or ways into the file system',
  other: 'nothing in particular',
}

/** LIMIT: bytes that are looked at. */
const lookedAt = 400

const sql =
  /\bunion\s+(?:all\s+|distinct\s+)?select\b|['"`)]\s*(?:or|and|\|\||&&)\s*['"(]?\w*['"]?\s*(?:=|like\b|<|>|is\b)|;\s*(?:drop|delete|insert|update|alter|shutdown|exec)\b|\b(?:sleep|benchmark|pg_sleep|extractvalue|updatexml|load_file|xp_cmdshell)\s*\(|\bwaitfor\s+delay\b|\binformation_schema\b|['"]\s*(?:--|#|\/\*)/i
const script =
  /<script\b|<(?:svg|img|iframe|body|object|embed)\b[^>]*\bon[a-z]{3,}\s*=|javascript:|\bon(?:error|load|mouseover|focus)\s*=|document\.cookie|\balert\s*\(/i
const command =
  /(?:\.\.[/\\]){2}|\/etc\/(?:passwd|shadow|hosts)|\b(?:cmd|powershell)(?:\.exe)?\s+[-/]|[;|&`]\s*(?:cat|ls|id|whoami|wget|curl|nc|bash|sh|ping|uname)\b|\$\((?:cat|id|whoami|curl|wget)|\$\{jndi:|\bphp:\/\/|<\?php/i

export function shapeOf(value: ByteString): ValueShape {
  const text = value.slice(0, lookedAt).trim()
  if (text === '') return 'empty'
  if (/^[-+]?[0-9][0-9.,: /-]*$/.test(text)) return 'number'
  if (sql.test(text)) return 'sql'
  if (script.test(text)) return 'script'
  if (command.test(text)) return 'command'
  if (/^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(text)) return 'url'
  if (/^(?:\{\s*"|\[\s*[[{"\d])/.test(text)) return 'json'
  if (!/\s/.test(text)) return unbroken(text)
  if (/<\/?[a-z][a-z0-9]*(?:\s[^<>]*)?\/?>/i.test(text)) return 'html'
  if (isCode(text)) return 'code'
  return isProse(text) ? 'prose' : 'other'
}

function unbroken(text: string): ValueShape {
  if (/^(?:[A-Za-z]|[\x80-\xff])+$/.test(text)) return 'word'
  if (/^[A-Za-z0-9_-]+$/.test(text) && text.length < 12) return 'word'
  return text.length >= 12 && /^[A-Za-z0-9+/=_.:%~-]+$/.test(text) && looksRandom(text) ? 'token' : 'other'
}

/** Share of signs that programs hold and prose does not. */
const codeSigns = 0.06

function isCode(text: string): boolean {
  const signs = text.match(/[{}[\];=<>$|&\\]|\(\)|=>|->|::/g)?.length ?? 0
  return signs >= 3 && signs / text.length >= codeSigns
}

/** Words of letters make up most of it; letters of other scripts are bytes above 0x7F. */
function isProse(text: string): boolean {
  const words = text.split(/\s+/)
  const plain = words.filter((word) =>
    /^["'(]?(?:[A-Za-z]|[\x80-\xff])+(?:['-](?:[A-Za-z]|[\x80-\xff])+)*[)"'.,;:!?]*$/.test(word),
  )
  const other = /[\x80-\xff]{9}/.test(text)
  return (words.length >= 3 || other) && plain.length >= 0.6 * words.length
}
