/**
 * One peer, ruleset, corpus and paranoia level: both sides at the same time, and what differs between them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPool, type LoadedRuleset, RulesetError, type TransactionRecord } from '../../engine/index.js'
import { asSentTo, type Peer } from '../measure/peers.js'
import { type Answer, compare, type Difference, withReplays, withRules } from './comparison.js'
import { PeerError, type PeerRun, replay } from './peer.js'
import type { Comparison } from './report.js'
import { rulesOfRun } from './rules.js'

export interface Match {
  readonly peer: Peer
  /** What `--rules` takes. */
  readonly rules: string
  readonly corpus: string
  readonly paranoia: number
}

export interface Seconds {
  readonly wafsim: number
  readonly peer: number
  /** Of what differs, where the peer varies. */
  readonly again: number
}

/** Replays of each record that differs, where a peer's answers vary. */
const replays = 16

/** Why a side does not load the rules; null where it does. */
export interface Refusal {
  readonly wafsim: string | null
  readonly engine: string | null
}

/** Whether both sides load the rules, found out without a record; null where they do. */
export async function refusalOf({ peer, rules, paranoia }: Match, peersFolder: string): Promise<Refusal | null> {
  return await inScratch(async (scratch) => {
    const { load, files } = rulesOfRun(rules, peer.platform, paranoia, scratch)
    const mine = refusedBy(load)
    const theirs = await replay(peer, peersFolder, scratch, files, []).then(
      () => null,
      (error: unknown) => messageOf(error, PeerError),
    )
    return mine === null && theirs === null ? null : { wafsim: mine, engine: theirs }
  })
}

function refusedBy(load: () => LoadedRuleset): string | null {
  try {
    load()
    return null
  } catch (error) {
    return messageOf(error, RulesetError)
  }
}

/** Throws what is not of the kind. */
function messageOf(error: unknown, kind: new (...words: never[]) => Error): string {
  if (!(error instanceof kind)) throw error
  return error.message
}

export async function sideBySide(
  match: Match,
  peersFolder: string,
  records: readonly TransactionRecord[],
  workers: number,
): Promise<{ readonly comparison: Comparison; readonly seconds: Seconds }> {
  const { peer, rules, paranoia } = match
  const sent = records.map((record) => asSentTo(peer, record))
  return await inScratch(async (scratch) => {
    const { name, load, files } = rulesOfRun(rules, peer.platform, paranoia, scratch)
    const loaded = load()
    const [theirs, mine] = await Promise.all([
      timed(replay(peer, peersFolder, scratch, files, sent)),
      timed(answers(loaded, sent, workers)),
    ])
    const { results, version } = theirs.value
    const differences: Difference[] = []
    for (const [index, record] of sent.entries()) {
      const answer = mine.value[index]
      const result = results[index]
      if (answer === undefined || result === undefined) throw new PeerError(`${record.id}: has no result`)
      const difference = compare(peer.platform, record, answer, result)
      if (difference !== null) differences.push(withRules(difference, loaded.ruleset))
    }
    const again = await timed(peer.varies ? replayed(peer, peersFolder, scratch, files, differences) : differences)
    return {
      comparison: {
        peer: peer.name,
        version,
        rules: name,
        corpus: match.corpus,
        paranoia,
        records: sent.length,
        differences: again.value,
      },
      seconds: { wafsim: mine.seconds, peer: theirs.seconds, again: again.seconds },
    }
  })
}

async function inScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const scratch = mkdtempSync(join(tmpdir(), 'wafsim-peers-'))
  try {
    return await work(scratch)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function timed<T>(work: T | Promise<T>): Promise<{ readonly value: T; readonly seconds: number }> {
  const start = performance.now()
  const value = await work
  return { value, seconds: Math.round(performance.now() - start) / 1000 }
}

/** wafsim's side, without the matches: a full run holds 20,000 answers at once. */
async function answers(
  loaded: LoadedRuleset,
  records: readonly TransactionRecord[],
  workers: number,
): Promise<readonly Answer[]> {
  const pool = createPool(loaded, { workers })
  try {
    const found: Answer[] = []
    for await (const { verdict } of pool.run(iterated(records))) {
      const { ruleIds, verdict: kind, status, blockedBy, score, error } = verdict
      found.push({ ruleIds, verdict: kind, status, blockedBy, score, error })
    }
    return found
  } finally {
    await pool.close()
  }
}

async function* iterated<T>(items: readonly T[]): AsyncGenerator<T, void, undefined> {
  yield* items
}

/** Replays what differs again, to tell what the peer itself does not always do. */
async function replayed(
  peer: Peer,
  peersFolder: string,
  scratch: string,
  files: readonly string[],
  differences: readonly Difference[],
): Promise<readonly Difference[]> {
  if (differences.length === 0) return differences
  const records = differences.flatMap(({ record }) => Array<TransactionRecord>(replays).fill(record))
  const { results }: PeerRun = await replay(peer, peersFolder, scratch, files, records)
  return differences.map((difference, i) => withReplays(difference, results.slice(i * replays, (i + 1) * replays)))
}
