/**
 * Exclusions made by `wafsim exclude` for one platform and paranoia level, held against the real engine: the files are
 * loaded at their places, and benign records, attacks, and attacks carried where the exclusions open are sent to both
 * sides, without the exclusions and with them.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundledCorpora } from '../../corpora/index.js'
import {
  evaluate,
  loadRuleset,
  PayloadCollector,
  type PlacePrice,
  type ProvenExclusion,
  placePayload,
  type Ruleset,
  type TransactionRecord,
  type Verdict,
} from '../../engine/index.js'
import { resolveRuleset } from '../../rulesets/index.js'
import { writePeerRules } from '../measure/peer-rules.js'
import { asSentTo, type Peer } from '../measure/peers.js'
import { readAll, spread } from '../peers/corpora.js'
import { PeerError, type PeerResult, replay } from '../peers/peer.js'

export interface TrialRequest {
  readonly peer: Peer
  /** `bench/peers/`. */
  readonly peersFolder: string
  /** What `--rules` takes. */
  readonly rules: string
  readonly paranoia: number
  /** Attacks carried in all places together. */
  readonly carried: number
  /** At most so many records of each corpus; null: all. */
  readonly records: number | null
  /** An empty folder. */
  readonly scratch: string
}

export type Kind = 'benign' | 'attack' | 'carried'

/** One record on both sides. */
export interface Trialled {
  readonly kind: Kind
  readonly id: string
  readonly before: Sides
  readonly after: Sides
  /** Of the replays of a record on which the sides disagree, those in which the engine did what wafsim does; null: not replayed. */
  readonly agreeing: number | null
}

/** Replays with the exclusions of what differs, where an engine's answers vary. */
export const replays = 16

export interface Sides {
  readonly wafsim: Answer
  readonly engine: Answer
}

export interface Answer {
  readonly blocked: boolean
  readonly ruleIds: readonly number[]
}

export interface TrialResult {
  readonly version: string
  readonly exclusions: number
  readonly trialled: readonly Trialled[]
}

interface Report {
  readonly exclusions: readonly ProvenExclusion[]
  readonly places: readonly PlacePrice[]
}

/** PeerError where the engine does not load the rules or the exclusions. */
export async function tryExclusions(request: TrialRequest): Promise<TrialResult> {
  const { peer, peersFolder, scratch } = request
  const folder = join(scratch, 'exclusions')
  mkdirSync(folder)
  const report = exclude(request, folder)
  const before = side(request, join(scratch, 'before'), null)
  const after = side(request, join(scratch, 'after'), folder)
  const sent = await recordsOf(request, report, before.ruleset)
  const records = sent.map(({ record }) => asSentTo(peer, record))
  const first = await replay(peer, peersFolder, before.scratch, before.files, records)
  const second = await replay(peer, peersFolder, after.scratch, after.files, records)
  const trialled = sent.map(({ kind }, n): Trialled => {
    const record = records[n] as TransactionRecord
    return {
      kind,
      id: record.id,
      before: { wafsim: ours(evaluate(before.ruleset, record)), engine: theirs(peer, first.results[n]) },
      after: { wafsim: ours(evaluate(after.ruleset, record)), engine: theirs(peer, second.results[n]) },
      agreeing: null,
    }
  })
  const differing = trialled.flatMap((each, n) => (peer.varies && disagrees(each) ? [n] : []))
  const again = differing.flatMap((n) => Array<TransactionRecord>(replays).fill(records[n] as TransactionRecord))
  const { results } =
    again.length === 0 ? { results: [] } : await replay(peer, peersFolder, scratch, after.files, again)
  for (const [at, n] of differing.entries()) {
    const each = trialled[n] as Trialled
    const answers = results.slice(at * replays, (at + 1) * replays).map((result) => theirs(peer, result))
    const agreeing = answers.filter(({ blocked }) => blocked === each.after.wafsim.blocked).length
    trialled[n] = { ...each, agreeing }
  }
  return { version: first.version, exclusions: report.exclusions.length, trialled }
}

function disagrees({ after }: Trialled): boolean {
  return after.wafsim.blocked !== after.engine.blocked
}

const command = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

/** Runs the command as a user would; the two files of the layout `crs` are left in the folder. */
function exclude({ peer, rules, paranoia, records }: TrialRequest, folder: string): Report {
  const { benign, attacks } = bundledCorpora()
  const words = ['exclude', '--rules', rules, '--corpus', benign, '--platform', peer.platform]
  words.push('--paranoia', `${paranoia}`, '--layout', 'crs', '--apply', folder, '--format', 'json', '--quiet')
  words.push('--no-standard-attacks')
  // Prices are no part of a trial of few records.
  if (records === null) words.push('--attacks', attacks)
  const run = spawnSync(process.execPath, [command, ...words], { encoding: 'utf8', maxBuffer: 2 ** 30 })
  if (run.status !== 0) throw new Error(`wafsim exclude: status ${run.status}: ${run.stderr}`)
  return JSON.parse(run.stdout) as Report
}

interface Side {
  readonly ruleset: Ruleset
  readonly files: readonly string[]
  readonly scratch: string
}

/** The ruleset, with the exclusions in the folder at their places, for wafsim and as a file for the engine. */
function side({ peer, rules, paranoia }: TrialRequest, scratch: string, folder: string | null): Side {
  mkdirSync(scratch)
  const { platform } = peer
  // A file is written only where there is something for it.
  const written = (name: string): readonly string[] =>
    folder !== null && existsSync(join(folder, name)) ? [join(folder, name)] : []
  const placed = {
    before: written('REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf'),
    after: written('RESPONSE-999-EXCLUSION-RULES-AFTER-CRS.conf'),
  }
  const { parts } = resolveRuleset({ rules: [rules], platform, paranoia, set: [], ...placed })
  const { ruleset } = loadRuleset({ parts, platform, engineMode: 'on' })
  return { ruleset, files: [writePeerRules(parts, ['SecRuleEngine On'], scratch)], scratch }
}

interface Sent {
  readonly kind: Kind
  readonly record: TransactionRecord
}

async function recordsOf(request: TrialRequest, report: Report, ruleset: Ruleset): Promise<readonly Sent[]> {
  const corpora = bundledCorpora()
  const benign = await readAll(corpora.benign)
  const attacks = (await readAll(corpora.attacks)).filter(({ label }) => label === 'attack')
  const of = (kind: Kind, records: readonly TransactionRecord[]): Sent[] => records.map((record) => ({ kind, record }))
  return [
    ...of('benign', spread(benign, request.records)),
    ...of('attack', spread(attacks, request.records)),
    ...of('carried', carriedIn(report, benign, attacks, ruleset, request.carried)),
  ]
}

/** Attacks in the places that the exclusions open, the places one after another, until there are so many. */
function carriedIn(
  { exclusions, places }: Report,
  benign: readonly TransactionRecord[],
  attacks: readonly TransactionRecord[],
  ruleset: Ruleset,
  most: number,
): readonly TransactionRecord[] {
  const collector = new PayloadCollector(ruleset)
  for (const attack of spread(attacks, 400)) collector.add(attack, evaluate(ruleset, attack))
  const payloads = collector.payloads()
  const byId = new Map(benign.map((record) => [record.id, record]))
  const examples = new Map(exclusions.map(({ key, evidence }) => [key, byId.get(evidence.example)]))
  const carried: TransactionRecord[] = []
  const tries = Math.ceil(most / Math.max(1, places.length))
  for (const [n, { target, keys }] of places.entries())
    for (let at = 0; at < tries && carried.length < most; at++) {
      const carrier = examples.get(keys[0] ?? '')
      const payload = payloads[(n * 37 + at * 101) % Math.max(1, payloads.length)]
      if (carrier === undefined || payload === undefined) continue
      const placed = placePayload(ruleset, carrier, target, payload.value)
      if ('record' in placed) carried.push({ ...placed.record, id: `${carrier.id} ${target} ${payload.recordId}` })
    }
  return carried
}

function ours({ wouldBlock, ruleIds }: Verdict): Answer {
  return { blocked: wouldBlock, ruleIds }
}

/**
 * A peer that has no recorded response answers 200 to what it lets pass; another gives the recorded status. Throws
 * PeerError where the engine came to no answer: that is no pass.
 */
function theirs({ name, readsResponse }: Peer, result: PeerResult | undefined): Answer {
  if (result === undefined || result.error !== undefined || result.status === 0)
    throw new PeerError(`${name}: no answer to ${result?.id ?? 'a record'}: ${result?.error ?? 'the connection ended'}`)
  return { blocked: result.disruptive || (!readsResponse && result.status >= 400), ruleIds: result.ruleIds }
}
