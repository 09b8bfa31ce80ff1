/**
 * One alert as the engines write it into logs: what matched, then fields in brackets.
 *
 *   ModSecurity: Warning. Pattern match "…" at ARGS:a. [file "…"] [line "…"] [id "…"] [msg "…"] [data "…"] …      (2.9)
 *   ModSecurity: Warning. Matched "Operator `Rx' with parameter `…' against variable `ARGS:a' (Value: `…' ) [file …    (3)
 *   [client "…"] Coraza: Warning. Message [file "…"] [line "…"] [id "…"] …
 *
 * ModSecurity 2 cuts the part between `ModSecurity:` and `[hostname` at 1,024 bytes, nginx the whole line at 2,048.
 * Names of targets stand there unquoted, so that they can hold what looks like fields; values are escaped.
 */
import type { ByteString } from '../../engine/model/exchange.js'

export interface AlertText {
  readonly ruleId: number
  readonly msg: ByteString
  /** What matched, as `ARGS:name`; null where the text does not say. */
  readonly target: ByteString | null
  readonly path: ByteString | null
  /** Whether the path is as it was sent, or as the engine had it. */
  readonly pathIs: 'sent' | 'seen'
  readonly host: ByteString | null
  readonly uniqueId: string | null
  /** Whether the engine ended the request with it. */
  readonly disrupted: boolean
  /** Whether the log cut it. */
  readonly truncated: boolean
}

/** `none`: the text is no alert. `unmatched`: it names a rule that could not be run, which is no match. */
export type TextReading =
  | { readonly kind: 'alert'; readonly alert: AlertText }
  | { readonly kind: 'none' | 'unmatched' | 'unreadable' }

/** LIMIT: engines and servers cut alerts at some kilobytes; a longer text is none of theirs. */
const longestText = 16_384

/**
 * Reads a text that may hold an alert. `doubled`: backslashes are written twice, as in Apache's error log.
 * `unprefixed`: the text begins behind `ModSecurity: `, as in audit logs.
 */
export function readAlertText(line: ByteString, doubled: boolean, unprefixed = false): TextReading {
  const start = unprefixed ? 0 : (/(?:ModSecurity|Coraza): (?=Warning|Access |Unknown)/.exec(line)?.index ?? -1)
  if (line.length > longestText) return { kind: start < 0 ? 'none' : 'unreadable' }
  if (start < 0) return { kind: /(?:ModSecurity|Coraza): .*\[id "/.test(line) ? 'unmatched' : 'none' }
  const text = (unprefixed ? line : line.slice(line.indexOf(': ', start) + 2)).trimEnd()
  if (/^(?:Execution error|Rule processing failed|Audit log|Failed)/.test(text)) return { kind: 'unmatched' }
  const tail = requestFields(text, doubled)
  const head = headOf(tail.head)
  if (head === null) return { kind: 'unreadable' }
  const fields = fieldsOf(head.fields, doubled)
  const target = targetIn(head.reason, doubled) ?? targetInData(fields.values.get('data') ?? fields.cut)
  return {
    kind: 'alert',
    alert: {
      ruleId: head.ruleId,
      msg: fields.values.get('msg') ?? '',
      target,
      path: pathOf(tail.uri),
      pathIs: !unprefixed && line.startsWith('Coraza', start) ? 'sent' : 'seen',
      host: tail.host,
      uniqueId: tail.uniqueId,
      disrupted: text.startsWith('Access denied'),
      truncated: fields.cut !== null || (!unprefixed && tail.uniqueId === null),
    },
  }
}

interface RequestFields {
  readonly head: ByteString
  readonly host: ByteString | null
  readonly uri: ByteString | null
  readonly uniqueId: string | null
}

/** The last fields, written behind the cut. */
function requestFields(text: ByteString, doubled: boolean): RequestFields {
  const match =
    /^(.*?)(?: \[hostname "((?:[^"\\]|\\.)*)"\])? \[uri "((?:[^"\\]|\\.)*)"\](?: \[unique_id "([\w@.+/=-]*)"\])?(?: \[ref "[^"]*"\]?)?(?:,.*)?$/s.exec(
      text,
    )
  if (match === null) return { head: text, host: null, uri: null, uniqueId: null }
  const [, head = '', host, uri = '', uniqueId] = match
  return {
    head,
    host: host === undefined ? null : unescaped(host, doubled),
    uri: unescaped(uri, doubled),
    uniqueId: uniqueId ?? null,
  }
}

interface Head {
  readonly reason: ByteString
  readonly ruleId: number
  /** What follows the id. */
  readonly fields: ByteString
}

/**
 * Where the fields begin. Quotes are escaped in them, but not in the name of the target before them, which can hold what
 * looks like fields: the last place that looks so is it.
 * LIMIT: libmodsecurity before 3.0.3 escapes nothing, so that a value can name another rule there.
 */
function headOf(text: ByteString): Head | null {
  const match = [...text.matchAll(/ \[file "(?:[^"\\]|\\.)*"\] \[line "\d*"\] \[id "(\d{1,12})"\]/g)].at(-1)
  if (match === undefined) return null
  const end = match.index + match[0].length
  return { reason: text.slice(0, match.index), ruleId: Number(match[1]), fields: text.slice(end) }
}

/** Fields by name, of repeated ones the first. `cut`: the text of one that does not end. */
function fieldsOf(text: ByteString, doubled: boolean): { values: Map<string, ByteString>; cut: ByteString | null } {
  const values = new Map<string, ByteString>()
  let at = 0
  for (;;) {
    const begin = /^\s*\[(\w+) "/.exec(text.slice(at))
    if (begin === null) return { values, cut: text.slice(at).trim() === '' ? null : '' }
    const from = at + begin[0].length
    const end = endOfValue(text, from, doubled)
    if (end < 0) return { values, cut: unescaped(text.slice(from), doubled) }
    const name = begin[1] ?? ''
    if (!values.has(name)) values.set(name, unescaped(text.slice(from, end), doubled))
    at = end + 2
  }
}

/** Offset of the quote that ends a value; -1 where it is cut. */
function endOfValue(text: ByteString, from: number, doubled: boolean): number {
  for (let at = text.indexOf('"]', from); at >= 0; at = text.indexOf('"]', at + 1)) {
    let backslashes = at
    while (backslashes > from && text[backslashes - 1] === '\\') backslashes--
    const written = at - backslashes
    const isEscaped = (doubled ? written >> 1 : written) % 2 === 1
    if (!isEscaped && /^(?: \[\w+ "|\s*$)/.test(text.slice(at + 2, at + 40))) return at
  }
  return -1
}

const variable = '&?[A-Z][A-Z_]{2,}'

/** From what is said before the fields. */
function targetIn(reason: ByteString, doubled: boolean): ByteString | null {
  const forms = [
    new RegExp(`against variable \`(${variable}(?::.*?)?)' \\(Value: \``, 's'),
    new RegExp(`^Access denied.*? against "(${variable}(?::.*)?)" required\\.`, 's'),
    new RegExp(`^Warning\\. Match of .* against "(${variable}(?::.*)?)" required\\.`, 's'),
    new RegExp(`Found \\d+ byte\\(s\\) in (${variable}(?::.*)?) outside range: `, 's'),
    new RegExp(`(?:"|matched \\S+) at (${variable}(?::.*)?)\\.$`, 's'),
    new RegExp(` at (${variable}(?::.*)?)\\.$`, 's'),
  ]
  for (const form of forms) {
    const found = form.exec(reason)?.[1]
    if (found !== undefined) return unescaped(found, doubled)
  }
  return null
}

/** libinjection's alerts say only in their data what matched. A name that holds `: ` is cut there. */
function targetInData(data: ByteString | null): ByteString | null {
  if (data === null) return null
  return new RegExp(`found within (${variable}(?::.*?)?)(?:: |:$|$)`, 's').exec(data)?.[1] ?? null
}

function pathOf(uri: ByteString | null): ByteString | null {
  if (uri === null || uri === '') return null
  const query = uri.indexOf('?')
  return query < 0 ? uri : uri.slice(0, query)
}

const letters: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', v: '\v' }

/** `\xNN`, `\"`, `\\` and their like as bytes. */
function unescaped(text: ByteString, doubled: boolean): ByteString {
  if (!text.includes('\\')) return text
  const single = doubled ? text.replace(/\\\\/g, '\\') : text
  return single.replace(/\\(?:x([0-9a-f]{2})|(.))/gis, (_, hex: string | undefined, char: string) =>
    hex === undefined ? (letters[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
