/**
 * Conditions on records, and what follows from them: `--filter 'path=/api/* label=benign'` keeps records,
 * `--label 'path=/api/* status=2xx benign'` labels those that have no label.
 *
 * A condition is `field=pattern`; `*` stands for any characters. All conditions of one rule must hold.
 */
import { UsageError } from '../engine/errors.js'
import type { Label, TransactionRecord } from '../engine/model/exchange.js'

export interface LabelRule {
  readonly label: Label
  holds(record: TransactionRecord): boolean
}

type Field = (record: TransactionRecord) => readonly string[]

const fields: Readonly<Record<string, Field>> = {
  client: (record) => [record.client?.ip ?? ''],
  host: (record) => record.request.headers.flatMap(([name, value]) => (name.toLowerCase() === 'host' ? [value] : [])),
  id: (record) => [record.id],
  label: (record) => [record.label],
  method: (record) => [record.request.method],
  path: (record) => [record.request.uri.split('?')[0] ?? ''],
  source: (record) => [record.source?.file ?? ''],
  status: (record) => (record.response === undefined ? [] : [String(record.response.status)]),
  tag: (record) => record.tags,
}

type Condition = (record: TransactionRecord) => boolean

function conditionOf(word: string, option: string): Condition {
  const equals = word.indexOf('=')
  const name = word.slice(0, equals)
  const field = equals < 1 ? undefined : fields[name]
  if (field === undefined)
    throw new UsageError(`${option}: "${word}" is no condition; write field=pattern with one of ${Object.keys(fields).join(', ')}`)
  const pattern = patternOf(word.slice(equals + 1), name)
  return (record) => field(record).some((value) => pattern.test(value))
}

/** `*` is any run of characters; in a status `x` is any digit. */
function patternOf(text: string, field: string): RegExp {
  const escaped = text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '[^]*')
  return new RegExp(`^${field === 'status' ? escaped.replace(/x/gi, '[0-9]') : escaped}$`)
}

/** Throws UsageError where the rule is not one. */
export function parseLabelRule(text: string): LabelRule {
  const words = text.trim().split(/\s+/)
  const label = words.pop() ?? ''
  if (label !== 'benign' && label !== 'attack' && label !== 'unknown')
    throw new UsageError(`--label '${text}' must end in benign, attack or unknown`)
  const conditions = words.map((word) => conditionOf(word, '--label'))
  return { label, holds: (record) => conditions.every((holds) => holds(record)) }
}

/** Throws UsageError where the filter is not one. */
export function parseFilter(text: string): Condition {
  const words = text.trim().split(/\s+/)
  const conditions = words.map((word) => conditionOf(word, '--filter'))
  return (record) => conditions.every((holds) => holds(record))
}

/** The first rule that holds labels a record that has no label; then `assumeBenign` does. */
export function labelled(record: TransactionRecord, rules: readonly LabelRule[], assumeBenign: boolean): TransactionRecord {
  if (record.label !== 'unknown') return record
  const rule = rules.find((each) => each.holds(record))
  const label = rule?.label ?? (assumeBenign ? 'benign' : 'unknown')
  return label === 'unknown' ? record : { ...record, label }
}
