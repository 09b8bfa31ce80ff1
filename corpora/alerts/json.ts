/**
 * Alerts in JSON: audit logs of the three engines, and log lines that carry an alert's text or its fields.
 */
import type { ByteString } from '../../engine/model/exchange.js'
import { bytesOfCodePoints } from '../bytes.js'
import type { RequestOfAlert } from './alert.js'
import { type AlertText, readAlertText, type TextReading } from './text.js'

export interface JsonReading {
  readonly request: RequestOfAlert
  readonly readings: readonly TextReading[]
}

type Fields = Readonly<Record<string, unknown>>

/** Null where the line is JSON of some other kind; throws SyntaxError where it is none. */
export function readAlertJson(line: ByteString): JsonReading | null {
  const root = fieldsOf(JSON.parse(line))
  if (root === null) return null
  if ('transaction' in root) return auditEntry(root)
  const match = fieldsOf(root.match)
  if (match !== null)
    return { request: requestOf(null, match.uri, null, match.unique_id), readings: [matchFields(match)] }
  const said = textOf(root.message) ?? textOf(root.msg)
  if (said === null) return null
  const reading = readAlertText(said, false)
  return reading.kind === 'none' ? null : { request: requestOf(null, null, null, null), readings: [reading] }
}

function auditEntry(root: Fields): JsonReading {
  const transaction = fieldsOf(root.transaction) ?? {}
  const request = fieldsOf(transaction.request) ?? fieldsOf(root.request) ?? {}
  const [method, uri] = (textOf(request.request_line) ?? '').split(' ')
  const audit = fieldsOf(root.audit_data)
  const messages = listOf(audit?.messages ?? transaction.messages ?? root.messages)
  return {
    request: requestOf(
      textOf(request.method) ?? (method === '' ? null : method),
      textOf(request.uri) ?? uri,
      hostIn(fieldsOf(request.headers)),
      transaction.unique_id ?? transaction.transaction_id ?? transaction.id,
    ),
    readings: messages.map(readMessage),
  }
}

/** A text (ModSecurity 2), `{message, details}` (libmodsecurity) or `{message, data}` (Coraza). */
function readMessage(message: unknown): TextReading {
  const text = textOf(message)
  if (text !== null) return readAlertText(text, false, true)
  const fields = fieldsOf(message)
  const details = fieldsOf(fields?.details)
  if (fields !== null && details !== null) {
    const ruleId = idOf(details.ruleId)
    if (ruleId === null) return { kind: 'unreadable' }
    const data = textOf(details.data) ?? ''
    const said = `Warning. ${textOf(details.match) ?? ''} [file ""] [line ""] [id "${ruleId}"] [data "${escaped(data)}"]`
    const reading = readAlertText(said, false, true)
    return withMessage(reading, textOf(fields.message) ?? '')
  }
  const data = fieldsOf(fields?.data)
  // Without part K of the audit log there is no rule in it.
  if (fields === null || data === null) return { kind: 'unreadable' }
  return matchFields({ ...data, rule_id: data.id })
}

function matchFields(match: Fields): TextReading {
  const ruleId = idOf(match.rule_id)
  if (ruleId === null) return { kind: 'unreadable' }
  const said = `Warning. [file ""] [line ""] [id "${ruleId}"] [data "${escaped(textOf(match.data) ?? '')}"]`
  return withMessage(readAlertText(said, false, true), textOf(match.msg) ?? '', match.disruptive === true)
}

function withMessage(reading: TextReading, msg: ByteString, disrupted = false): TextReading {
  if (reading.kind !== 'alert') return reading
  const alert: AlertText = { ...reading.alert, msg, disrupted: disrupted || reading.alert.disrupted, truncated: false }
  return { kind: 'alert', alert }
}

function escaped(text: ByteString): ByteString {
  return text.replace(/["\\]/g, '\\$&')
}

function requestOf(method: unknown, uri: unknown, host: ByteString | null, uniqueId: unknown): RequestOfAlert {
  const target = textOf(uri)
  return {
    method: textOf(method) || null,
    path: target === null || target === '' ? null : (target.split('?')[0] ?? target),
    host,
    uniqueId: textOf(uniqueId),
  }
}

/** Headers are texts, or lists of texts on Coraza. */
function hostIn(headers: Fields | null): ByteString | null {
  if (headers === null) return null
  const name = Object.keys(headers).find((each) => each.toLowerCase() === 'host')
  const value = name === undefined ? null : headers[name]
  return textOf(Array.isArray(value) ? value[0] : value)
}

function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function textOf(value: unknown): ByteString | null {
  return typeof value === 'string' ? bytesOfCodePoints(value) : null
}

function idOf(value: unknown): number | null {
  const id = typeof value === 'string' && /^\d{1,12}$/.test(value) ? Number(value) : value
  return typeof id === 'number' && Number.isSafeInteger(id) && id > 0 ? id : null
}
