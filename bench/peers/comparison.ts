/**
 * wafsim's verdict and a peer's result for the same record, and what differs between them.
 */
import type { PlatformName, Ruleset, TransactionRecord, Verdict } from '../../engine/index.js'
import type { PeerResult } from './peer.js'

export interface Difference {
  readonly record: TransactionRecord
  readonly platform: PlatformName
  /** Rules that one side logs and the other does not, without those that only follow from a score. */
  readonly onlyWafsim: readonly number[]
  readonly onlyPeer: readonly number[]
  /** What is not rule ids: the status a client gets, the score, an error; null where these are equal. */
  readonly outcome: string | null
  /** Rules that the peer logs in some replays of the record and not in others; empty where it was replayed once. */
  readonly varying: readonly number[]
  /** Of the rules that differ, those that read MATCHED_VAR or MATCHED_VARS behind a match of their own. */
  readonly matchedVarReaders: readonly number[]
}

/** The difference with what further replays of its record showed. */
export function withReplays(difference: Difference, replays: readonly PeerResult[]): Difference {
  const seen = replays.flatMap(({ ruleIds }) => ruleIds)
  const everSeen = [...new Set([...seen, ...difference.onlyPeer])]
  const varying = everSeen.filter(
    (id) => replays.some(({ ruleIds }) => !ruleIds.includes(id)) || difference.onlyWafsim.includes(id),
  )
  return { ...difference, varying }
}

/** Rules of CRS that sum up what others found: they differ only where others, or scores, do. */
function isSummary(id: number): boolean {
  return id === 949110 || id === 949111 || id === 959100 || id === 959101 || (id >= 980000 && id < 981000)
}

function without(ids: readonly number[], others: readonly number[]): number[] {
  return ids.filter((id) => !others.includes(id))
}

/** Null where both agree: the same rules in any order, the same interruption and, where known, score. */
export function compare(
  platform: PlatformName,
  record: TransactionRecord,
  verdict: Verdict,
  result: PeerResult,
): Difference | null {
  const peerIds = result.error === undefined ? result.ruleIds : []
  const onlyWafsim = without(verdict.ruleIds, peerIds)
  const onlyPeer = without(peerIds, verdict.ruleIds)
  const outcome = outcomeDifference(verdict, result)
  if (onlyWafsim.length === 0 && onlyPeer.length === 0 && outcome === null) return null
  const findings = [...onlyWafsim, ...onlyPeer].some((id) => !isSummary(id))
  const kept = (ids: readonly number[]): number[] => (findings ? ids.filter((id) => !isSummary(id)) : [...ids])
  return {
    record,
    platform,
    onlyWafsim: kept(onlyWafsim),
    onlyPeer: kept(onlyPeer),
    outcome,
    varying: [],
    matchedVarReaders: [],
  }
}

/** The difference with what the ruleset says of the rules in it. */
export function withRules(difference: Difference, { rules }: Pick<Ruleset, 'rules'>): Difference {
  const differing = [...difference.onlyWafsim, ...difference.onlyPeer]
  const readers = rules.filter(
    ({ id, links }) =>
      differing.includes(id) &&
      links.slice(1).some(({ targets }) => targets.some(({ variable }) => /^MATCHED_VARS?$/.test(variable.name))),
  )
  return { ...difference, matchedVarReaders: readers.map(({ id }) => id) }
}

function outcomeDifference(verdict: Verdict, result: PeerResult): string | null {
  if (verdict.error !== null || result.error !== undefined)
    return verdict.error !== null && result.error !== undefined
      ? null
      : `wafsim ${verdict.error ?? 'reads it'}, peer ${result.error ?? 'reads it'}`
  const kind = verdict.blockedBy?.kind
  const mine = outcomeText(verdict.verdict !== 'pass' && kind !== 'server' && kind !== 'parser', verdict.status)
  const theirs = outcomeText(result.disruptive, result.status)
  if (mine !== theirs) return `wafsim ${mine}, peer ${theirs}`
  if (result.score !== undefined && result.score !== verdict.score.inbound)
    return `score ${verdict.score.inbound}, peer ${result.score}`
  return null
}

/** A server or parser that refuses a request is no interruption by a rule: only its status tells. */
function outcomeText(interrupts: boolean, status: number): string {
  return `${interrupts ? 'interrupts' : 'passes'} with ${status}`
}

/** `only wafsim 942100; only peer 932200`: what the differences of one group have in common. */
export function signatureOf(difference: Difference): string {
  const { onlyWafsim, onlyPeer, outcome } = difference
  const parts = [
    onlyWafsim.length > 0 ? `only wafsim ${onlyWafsim.join(' ')}` : '',
    onlyPeer.length > 0 ? `only peer ${onlyPeer.join(' ')}` : '',
  ].filter((part) => part !== '')
  return parts.length > 0 ? parts.join('; ') : (outcome ?? '')
}
