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
  path: (record) => [pathOf(record.request.uri)],
  source: (record) => [record.source?.file ?? ''],
  status: (record) => (record.response === undefined ? [] : [String(record.response.status)]),
  tag: (record) => record.tags,
}

/** Path of a request target; of the absolute form (`http://host/path`) too. */
function pathOf(uri: string): string {
  const absolute = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]*/.exec(uri)
  const target = absolute === null ? uri : uri.slice(absolute[0].length)
  const mark = target.indexOf('?')
  return mark === -1 ? target : target.slice(0, mark)
}

type Condition = (record: TransactionRecord) => boolean

function conditionOf(word: string, option: string): Condition {
  const equals = word.indexOf('=')
  const name = word.slice(0, equals)
  const field = equals < 1 || !Object.hasOwn(fields, name) ? undefined : fields[name]
  if (field === undefined)
    throw new UsageError(
      `${option}: "${word}" is no condition; write field=pattern with one of ${Object.keys(fields).join(', ')}${option === '--filter' ? ', rule' : ''}`,
    )
  const matches = name === 'status' ? statusPattern(word, equals, option) : wildcardPattern(word.slice(equals + 1))
  if (name === 'label' && !isLabel(word.slice(equals + 1)))
    throw new UsageError(`${option}: "${word}": a label is benign, attack or unknown`)
  return (record) => field(record).some(matches)
}

type Matches = (value: string) => boolean

/** `x` is any digit: `2xx`. */
function statusPattern(word: string, equals: number, option: string): Matches {
  const text = word.slice(equals + 1)
  if (!/^[1-9x][0-9x]{2}$/i.test(text)) throw new UsageError(`${option}: "${word}": a status is like 200 or 2xx`)
  const pattern = new RegExp(`^${text.replace(/x/gi, '[0-9]')}$`)
  return (value) => pattern.test(value)
}

/** `*` is any run of characters. Linear in the value, whatever the pattern. */
function wildcardPattern(text: string): Matches {
  const [first = '', ...rest] = text.split('*')
  const last = rest.pop()
  if (last === undefined) return (value) => value === first
  return (value) => {
    if (!value.startsWith(first) || !value.endsWith(last)) return false
    let from = first.length
    for (const part of rest) {
      const found = value.indexOf(part, from)
      if (found === -1) return false
      from = found + part.length
    }
    return from + last.length <= value.length
  }
}

function isLabel(word: string): word is Label {
  return word === 'benign' || word === 'attack' || word === 'unknown'
}

/** Throws UsageError where the rule is not one. */
export function parseLabelRule(text: string): LabelRule {
  const words = text.trim().split(/\s+/)
  const label = words.pop() ?? ''
  if (!isLabel(label)) throw new UsageError(`--label '${text}' must end in benign, attack or unknown`)
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
export function labelled(
  record: TransactionRecord,
  rules: readonly LabelRule[],
  assumeBenign: boolean,
): TransactionRecord {
  if (record.label !== 'unknown') return record
  const rule = rules.find((each) => each.holds(record))
  const label = rule?.label ?? (assumeBenign ? 'benign' : 'unknown')
  return label === 'unknown' ? record : { ...record, label }
}
