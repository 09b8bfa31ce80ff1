/**
 * Groups the hits on benign records by rule, target, method and path, so that one exclusion answers one group.
 *
 * Proposed is only a rule that added score or itself disrupted. Unlabelled records that would be blocked are
 * grouped too, apart, and are not called false positives.
 */
import type { ByteString, EvaluatedRecord } from '../model/exchange.js'
import type { Match, Verdict } from '../model/verdict.js'
import { splitAsSent } from '../transaction/request-target.js'
import { comparedValues, disruptedIn, hitsOf } from './hits.js'

/** Longest list of examples and record ids kept for a group. */
const keptExamples = 3
const keptRecordIds = 1000
/** LIMIT: groups, as a site with a path for each record makes them; what would begin another one is only counted. */
const mostGroups = 10_000
/** LIMIT: record ids in all groups together. */
const mostRecordIds = 100_000

export interface HitGroup {
  readonly ruleId: number
  readonly msg: ByteString
  readonly target: ByteString
  /** Link of the chain that inspects the target; 0 is the head. */
  readonly link: number
  readonly method: ByteString
  readonly path: ByteString
  /** Requests with such a hit. */
  readonly requests: number
  /** Of these, requests that would be blocked. */
  readonly blockedRequests: number
  /** Matched targets, counted singly. */
  readonly hits: number
  readonly examples: readonly Example[]
  /** At most 1,000, and 100,000 in all groups together. */
  readonly recordIds: readonly string[]
  /** What the last link compared, each once, at most 50: what a setting would have to allow. */
  readonly comparedValues: readonly ByteString[]
}

export interface Example {
  readonly id: string
  readonly source: { readonly file: string; readonly line?: number } | null
  readonly value: ByteString
  readonly logdata: ByteString
}

interface MutableGroup {
  ruleId: number
  msg: ByteString
  target: ByteString
  link: number
  method: ByteString
  path: ByteString
  requests: number
  blockedRequests: number
  hits: number
  examples: Example[]
  recordIds: string[]
  comparedValues: Set<ByteString>
}

const keptComparedValues = 50

export class HitGroups {
  /** Matches for which there was no room for another group. */
  leftOut = 0
  readonly #groups = new Map<string, MutableGroup>()
  #recordIds = 0

  /** Adds the hits of one record. Its label is the caller's business. */
  add(record: EvaluatedRecord, verdict: Verdict): void {
    const seen = new Set<MutableGroup>()
    for (const match of hitsOf(verdict, disruptedIn(verdict)).flatMap((hit) => hit.sources)) {
      const group = this.#groupOf(record, match)
      if (group === null) {
        this.leftOut++
        continue
      }
      group.hits++
      if (seen.has(group)) continue
      seen.add(group)
      group.requests++
      for (const value of comparedValues(verdict, match.ruleId))
        if (group.comparedValues.size < keptComparedValues) group.comparedValues.add(detached(value))
      if (verdict.wouldBlock) group.blockedRequests++
      if (group.recordIds.length < keptRecordIds && this.#recordIds < mostRecordIds) {
        group.recordIds.push(detached(record.id))
        this.#recordIds++
      }
      if (group.examples.length < keptExamples)
        group.examples.push({
          id: detached(record.id),
          source: record.source ?? null,
          value: detached(match.value),
          logdata: detached(match.logdata),
        })
    }
  }

  /** Most blocked requests first, then most requests, then by id, target and path. */
  list(): readonly HitGroup[] {
    return [...this.#groups.values()]
      .map((group) => ({ ...group, comparedValues: [...group.comparedValues] }))
      .sort(
        (a, b) =>
          b.blockedRequests - a.blockedRequests ||
          b.requests - a.requests ||
          a.ruleId - b.ruleId ||
          compareText(a.target, b.target) ||
          compareText(a.path, b.path) ||
          compareText(a.method, b.method),
      )
  }

  #groupOf(record: EvaluatedRecord, match: Match): MutableGroup | null {
    const { method } = record.request
    const path = splitAsSent(record.request.uri).path
    const key = JSON.stringify([match.ruleId, match.target, match.link, method, path])
    let group = this.#groups.get(key)
    if (group === undefined) {
      if (this.#groups.size >= mostGroups) return null
      group = {
        ruleId: match.ruleId,
        msg: match.msg,
        target: match.target,
        link: match.link,
        method,
        path,
        requests: 0,
        blockedRequests: 0,
        hits: 0,
        examples: [],
        recordIds: [],
        comparedValues: new Set(),
      }
      this.#groups.set(key, group)
    }
    return group
  }
}

/** The text by itself: as a part of a message from a worker it would keep the whole of it in memory. */
function detached(text: string): string {
  return /[^\0-\xff]/.test(text) ? text : Buffer.from(text, 'latin1').toString('latin1')
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
