/**
 * wafsim's verdict and a peer's result for the same record, and what differs between them.
 */
import type { PlatformName, Ruleset, TransactionRecord, Verdict } from '../../engine/index.js'
import type { PeerResult, Scores } from './peer.js'

/** What is compared of a verdict. */
export type Answer = Pick<Verdict, 'ruleIds' | 'verdict' | 'status' | 'blockedBy' | 'score' | 'error'>

export interface Difference {
  readonly record: TransactionRecord
  readonly platform: PlatformName
  /** Rules that one side logs and the other does not, without those that only follow from a score. */
  readonly onlyWafsim: readonly number[]
  readonly onlyPeer: readonly number[]
  /** What is not rule ids: the status a client gets, an error; null where these are equal. */
  readonly outcome: string | null
  /** The scores at the end, where they differ. */
  readonly scores: { readonly wafsim: Scores; readonly peer: Scores } | null
  /** Rules that the peer logs in some replays of the record and not in others; empty where it was replayed once. */
  readonly varying: readonly number[]
  /** Of the rules that differ, those that read MATCHED_VAR or MATCHED_VARS behind a match of their own. */
  readonly matchedVarReaders: readonly number[]
  /** Whether wafsim's scores lie between those that the peer's replays came to. */
  readonly scoreVaries: boolean
}

/** The difference with what further replays of its record showed. */
export function withReplays(difference: Difference, replays: readonly PeerResult[]): Difference {
  const seen = replays.flatMap(({ ruleIds }) => ruleIds)
  const everSeen = [...new Set([...seen, ...difference.onlyPeer])]
  const varying = everSeen.filter(
    (id) => replays.some(({ ruleIds }) => !ruleIds.includes(id)) || difference.onlyWafsim.includes(id),
  )
  const { scores } = difference
  const scoreVaries = scores !== null && isWithin(scores.wafsim, [...replays, { score: scores.peer }])
  return { ...difference, varying, scoreVaries }
}

/** Whether a score lies between the lowest and the highest of the replays, in both directions. */
function isWithin(mine: Scores, replays: readonly Pick<PeerResult, 'score'>[]): boolean {
  const seen = replays.flatMap(({ score }) => (score === undefined ? [] : [score]))
  return (['inbound', 'outbound'] as const).every((direction) => {
    const values = seen.map((score) => score[direction])
    return Math.min(...values) <= mine[direction] && mine[direction] <= Math.max(...values)
  })
}

/** Rules of CRS that sum up what others found: they differ only where others, or scores, do. */
function isSummary(id: number): boolean {
  return id === 949110 || id === 949111 || id === 959100 || id === 959101 || (id >= 980000 && id < 981000)
}

function without(ids: readonly number[], others: readonly number[]): number[] {
  return ids.filter((id) => !others.includes(id))
}

/** Null where both agree: the same rules in any order, the same interruption and, where known, scores. */
export function compare(
  platform: PlatformName,
  record: TransactionRecord,
  answer: Answer,
  result: PeerResult,
): Difference | null {
  const peerIds = result.error === undefined ? result.ruleIds : []
  const onlyWafsim = without(answer.ruleIds, peerIds)
  const onlyPeer = without(peerIds, answer.ruleIds)
  const outcome = outcomeDifference(answer, result)
  const scores = scoreDifference(answer, result)
  if (onlyWafsim.length === 0 && onlyPeer.length === 0 && outcome === null && scores === null) return null
  const findings = [...onlyWafsim, ...onlyPeer].some((id) => !isSummary(id))
  const kept = (ids: readonly number[]): number[] => (findings ? ids.filter((id) => !isSummary(id)) : [...ids])
  return {
    record,
    platform,
    onlyWafsim: kept(onlyWafsim),
    onlyPeer: kept(onlyPeer),
    outcome,
    scores,
    varying: [],
    matchedVarReaders: [],
    scoreVaries: false,
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

function outcomeDifference(answer: Answer, result: PeerResult): string | null {
  if (answer.error !== null || result.error !== undefined)
    return answer.error !== null && result.error !== undefined
      ? null
      : `wafsim ${answer.error ?? 'reads it'}, peer ${result.error ?? 'reads it'}`
  const kind = answer.blockedBy?.kind
  const mine = outcomeText(answer.verdict !== 'pass' && kind !== 'server' && kind !== 'parser', answer.status)
  const theirs = outcomeText(result.disruptive, result.status)
  return mine === theirs ? null : `wafsim ${mine}, peer ${theirs}`
}

/** A peer that says no score (its server refused the request before any rule) is not compared. */
function scoreDifference({ score, error }: Answer, result: PeerResult): Difference['scores'] {
  if (error !== null || result.score === undefined || equal(score, result.score)) return null
  return { wafsim: score, peer: result.score }
}

function equal(one: Scores, other: Scores): boolean {
  return one.inbound === other.inbound && one.outbound === other.outbound
}

/** A server or parser that refuses a request is no interruption by a rule: only its status tells. */
function outcomeText(interrupts: boolean, status: number): string {
  return `${interrupts ? 'interrupts' : 'passes'} with ${status}`
}

/**
 * `only wafsim 942100; only peer 932200`: what the differences of one group have in common. A score that differs
 * counts where nothing else does: `score alone: inbound 5 above the peer's`.
 */
export function signatureOf(difference: Difference): string {
  const { onlyWafsim, onlyPeer, outcome, scores } = difference
  const parts = [
    onlyWafsim.length > 0 ? `only wafsim ${onlyWafsim.join(' ')}` : '',
    onlyPeer.length > 0 ? `only peer ${onlyPeer.join(' ')}` : '',
  ].filter((part) => part !== '')
  if (parts.length > 0) return parts.join('; ')
  return outcome ?? (scores === null ? '' : `score alone: ${distances(scores.wafsim, scores.peer)}`)
}

function distances(mine: Scores, theirs: Scores): string {
  return (['inbound', 'outbound'] as const)
    .filter((direction) => mine[direction] !== theirs[direction])
    .map((direction) => {
      const distance = mine[direction] - theirs[direction]
      return `${direction} ${Math.abs(distance)} ${distance > 0 ? 'above' : 'below'} the peer's`
    })
    .join(', ')
}
