/**
 * Attack payloads, taken out of attack records: the whole values in which scoring rules matched.
 *
 * Rules that only look at a request's form (911, 913, 920) tell of no payload. Where a chain's last link reads what an
 * earlier one found, the values are those the earlier one looked at, as in the groups of false positives.
 */
import type { ByteString, TransactionRecord } from '../../model/exchange.js'
import type { Ruleset } from '../../model/ruleset.js'
import type { Match, Verdict } from '../../model/verdict.js'
import { inspectedValues } from '../../transaction/inspected-values.js'
import { evaluate } from '../../transaction/verdict.js'
import { disruptedIn, hitsOf } from '../hits.js'
import { attackClass, isProtocolRule } from './blocking.js'

export interface Payload {
  /** Whole and as the engine parsed it, before any transformation. */
  readonly value: ByteString
  /** First `attack-…` tag of the record, else of the rule that matched; `attack-unknown` without either. */
  readonly class: string
  /** The record it was first seen in. */
  readonly recordId: string
  /** Where it was first seen. */
  readonly target: ByteString
}

export interface PayloadCounts {
  /** Attack records looked at. */
  readonly attacks: number
  /** Of these: nothing matched in a value of the request, or only protocol rules did. */
  readonly withoutPayload: number
  /** Of these: could not be evaluated, or their evidence is not complete. */
  readonly unusable: number
  /** Values left out because they are longer than `longestPayload`. */
  readonly tooLong: number
  /** Values that were there already. */
  readonly repeated: number
}

/** LIMIT: in bytes. */
export const longestPayload = 65_536

/** Values that other values stand in: payloads only where nothing narrower matched. */
const enclosing = /^(?:FULL_REQUEST|PATH_INFO|QUERY_STRING|REQUEST_(?:BODY|FILENAME|LINE|URI|URI_RAW))$/

export class PayloadCollector {
  readonly #payloads = new Map<ByteString, Payload>()
  readonly #counts = { attacks: 0, withoutPayload: 0, unusable: 0, tooLong: 0, repeated: 0 }

  /** `ruleset` is the one that gave the verdict; best in detection only, where no block hides a match. */
  constructor(private readonly ruleset: Ruleset) {}

  /** Takes in one attack; a record with another label is the caller's business. */
  add(record: TransactionRecord, verdict: Verdict): void {
    this.#counts.attacks++
    if (verdict.error !== null || verdict.evidence !== 'complete') {
      this.#counts.unusable++
      return
    }
    const matches = hitsOf(verdict, disruptedIn(verdict))
      .filter(({ ruleId }) => !isProtocolRule(ruleId))
      .flatMap(({ sources }) => sources)
    const values = matches.length === 0 ? [] : narrowest(valuesOf(matches, inspectedValues(this.ruleset, record)))
    if (values.length === 0) this.#counts.withoutPayload++
    for (const { value, match } of values) this.#take(record, value, match)
  }

  #take(record: TransactionRecord, value: ByteString, match: Match): void {
    if (value.length > longestPayload) this.#counts.tooLong++
    else if (this.#payloads.has(value)) this.#counts.repeated++
    else
      this.#payloads.set(value, {
        value,
        class: attackClass(record.tags) ?? attackClass(match.tags) ?? 'attack-unknown',
        recordId: record.id,
        target: match.target,
      })
  }

  /** In the order in which they were seen. */
  payloads(): readonly Payload[] {
    return [...this.#payloads.values()]
  }

  counts(): PayloadCounts {
    return { ...this.#counts }
  }
}

interface MatchedValue {
  readonly value: ByteString
  readonly match: Match
}

/** The whole values at the targets of the matches; of several at one target those that hold what matched. */
function valuesOf(
  matches: readonly Match[],
  inspected: readonly { readonly target: ByteString; readonly value: ByteString }[],
): readonly MatchedValue[] {
  const byTarget = new Map<ByteString, ByteString[]>()
  for (const { target, value } of inspected) {
    const list = byTarget.get(target)
    if (list === undefined) byTarget.set(target, [value])
    else list.push(value)
  }
  const seen = new Map<ByteString, MatchedValue>()
  for (const match of matches) {
    const values = (byTarget.get(match.target) ?? []).filter((value) => value !== '')
    const holding = values.length < 2 ? values : values.filter((value) => holds(value, match.value))
    for (const value of holding.length > 0 ? holding : values) if (!seen.has(value)) seen.set(value, { value, match })
  }
  return [...seen.values()]
}

function holds(value: ByteString, matched: ByteString): boolean {
  return value.toLowerCase().includes(matched.toLowerCase())
}

function narrowest(values: readonly MatchedValue[]): readonly MatchedValue[] {
  const inner = values.filter(({ match }) => !enclosing.test(match.target))
  return inner.length > 0 ? inner : values
}

/** The payloads of the attacks among the records, each evaluated here. */
export function payloadsOf(ruleset: Ruleset, records: Iterable<TransactionRecord>): PayloadCollector {
  const collector = new PayloadCollector(ruleset)
  for (const record of records) if (record.label === 'attack') collector.add(record, evaluate(ruleset, record))
  return collector
}
