/**
 * Reads raw lines of a corpus into records, labelled and filtered as the caller asked. Workers import it by itself.
 */
import { type CorpusItem, isUnreadable, type RawLines } from '../engine/model/exchange.js'
import { readNdjsonLines } from './formats/ndjson.js'
import { labelled, parseFilter, parseLabelRule } from './labels.js'

/** As texts, so that they can be sent to a worker. */
export interface SelectionOptions {
  readonly assumeBenign: boolean
  readonly labels: readonly string[]
  readonly filters: readonly string[]
}

/** The record with its label, or null where a filter leaves it out; what is unreadable stays. */
export type Select = (item: CorpusItem) => CorpusItem | null

/** Throws UsageError where a label rule or a filter is none. */
export function selection({ assumeBenign, labels, filters }: SelectionOptions): Select {
  const rules = labels.map(parseLabelRule)
  const conditions = filters.map(parseFilter)
  return (item) => {
    if (isUnreadable(item)) return item
    const record = labelled(item, rules, assumeBenign)
    return conditions.every((holds) => holds(record)) ? record : null
  }
}

/** `onlyIds`: records with other ids may be left out. */
export function createReader(
  options: unknown,
  onlyIds: ReadonlySet<string> | null = null,
): (lines: RawLines) => CorpusItem[] {
  const select = selection(options as SelectionOptions)
  return (lines) => {
    const items: CorpusItem[] = []
    for (const item of readNdjsonLines(lines, onlyIds)) {
      const selected = select(item)
      if (selected !== null) items.push(selected)
    }
    return items
  }
}
