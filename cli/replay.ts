/**
 * A replay from options to a report: load the ruleset, stream the corpora through the pool, count and group.
 *
 * Shared by `run` and by the main job of `npm start`.
 */
import { createHash } from 'node:crypto'
import {
  type CorpusPart,
  createPool,
  type EvaluatedRecord,
  type Exclusion,
  type HitGroup,
  HitGroups,
  IdRange,
  isUnreadable,
  type LineReader,
  type LoadedRuleset,
  noShortcuts,
  type Profiling,
  proposeExclusion,
  type RuleCount,
  type SettingsInForce,
  type Shortcuts,
  settingsInForce,
  Tally,
  type Threads,
  type Totals,
  threadsFor,
  type UnreadableRecord,
  type Verdict,
} from '../engine/index.js'
import type { Progress } from './progress.js'
import { type FalsePositiveGroup, type MissedAttack, type RunReport, rulesetReport } from './reports/run-report.js'
import { toolVersion } from './version.js'

export interface ReplayInput {
  readonly loaded: LoadedRuleset
  /** How the caller named the ruleset. */
  readonly rulesetName: string
  readonly sources: readonly string[]
  readonly parts: AsyncIterable<CorpusPart>
  readonly reader: LineReader
  /** What is known of the ruleset's patterns. */
  readonly facts: string
  readonly workers: number
  /** The main thread is one of them. */
  readonly mainThreadWorks: boolean
  /** Started beforehand; closed at the end. */
  readonly threads?: Threads
  readonly allRules: boolean
  readonly shortcuts: Shortcuts
  /** Milliseconds a record may take; 0: any time. */
  readonly recordTimeout: number
  /** Takes the profiles of the workers; null where none are made. */
  readonly profiling: Profiling | null
  readonly progress: Progress
  /** Share of the input read so far, 0 to 1; null where unknown. */
  share(): number | null
  /** Verdicts that are reported; the others are as if they had not been in the corpus. */
  keeps(verdict: Verdict): boolean
  onVerdict(verdict: Verdict): void
  /** Behind some verdicts; null: no need to wait. */
  flush(): Promise<void> | null
}

/** LIMIT: with fewer bytes, some 20,000 records, a thread's start and warm-up cost more than what it takes off others. */
const shortRunBytes = 1 << 24

/** Whether the main thread should be one of the workers: in short runs. `bytes`: of the corpus; null where unknown. */
export function worksInMainThread(workers: number, bytes: number | null): boolean {
  return workers > 1 && bytes !== null && bytes < shortRunBytes
}

/** LIMIT: missed attacks and records in error beyond this many are counted, not listed. */
const listedRecords = 1000

export async function replay(input: ReplayInput): Promise<RunReport> {
  const poolOptions = {
    workers: input.workers,
    mainThreadWorks: input.mainThreadWorks,
    reader: input.reader,
    facts: input.facts,
    allRules: input.allRules,
    shortcuts: input.shortcuts,
    recordTimeout: input.recordTimeout,
    digests: true,
    profile: input.profiling !== null,
    ...(input.threads === undefined ? {} : { threads: input.threads }),
  }
  const pool = createPool(input.loaded, poolOptions)
  // Behind the pool, whose threads have started on the ruleset by now.
  const evaluatesHere = input.mainThreadWorks || threadsFor(input.loaded, poolOptions) === 0
  const settings = settingsInForce(input.loaded.ruleset, evaluatesHere ? input.shortcuts : noShortcuts)
  const counts = new ReplayCounts(settings)
  const began = performance.now()
  let first = Number.NaN
  try {
    for await (const results of pool.runBatches(input.parts)) {
      if (Number.isNaN(first)) first = performance.now()
      for (const { item, verdict } of results) {
        if (!input.keeps(verdict)) continue
        counts.add(item, verdict)
        input.onVerdict(verdict)
      }
      const written = input.flush()
      if (written !== null) await written
      input.progress.update(counts.records, input.share())
    }
    input.profiling?.addWorkers(await pool.profiles())
  } finally {
    input.progress.stop()
    await pool.close()
  }
  const milliseconds = performance.now() - began
  return counts.report(input, settings, {
    workers: threadsFor(input.loaded, poolOptions),
    millisecondsToFirstVerdict: Number.isNaN(first) ? 0 : first,
    millisecondsReplaying: milliseconds,
    transactionsPerSecond: milliseconds === 0 ? 0 : (counts.records * 1000) / milliseconds,
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
  })
}

class ReplayCounts {
  records = 0
  readonly #tally: Tally
  readonly #benign = new HitGroups()
  readonly #unlabelled = new HitGroups()
  readonly #missed: MissedAttack[] = []
  readonly #errors: { id: string; error: string }[] = []
  readonly #digest = createHash('sha256')

  constructor(settings: SettingsInForce) {
    this.#tally = new Tally({ inbound: settings.inboundThreshold, outbound: settings.outboundThreshold })
  }

  add(item: EvaluatedRecord | UnreadableRecord, verdict: Verdict): void {
    this.records++
    this.#tally.add(verdict)
    if (verdict.error !== null && this.#errors.length < listedRecords)
      this.#errors.push({ id: verdict.id, error: verdict.error })
    if (isUnreadable(item)) return
    const { method, uri } = item.request
    this.#digest.update(item.digest ?? '')
    if (verdict.error !== null || item.evidence !== 'complete') return
    if (item.label === 'benign') this.#benign.add(item, verdict)
    else if (item.label === 'unknown' && verdict.wouldBlock) this.#unlabelled.add(item, verdict)
    else if (item.label === 'attack' && !verdict.wouldBlock && this.#missed.length < listedRecords)
      this.#missed.push({
        id: item.id,
        tags: item.tags,
        method,
        path: uri.split('?')[0] ?? '',
        score: verdict.score.inbound,
        ruleIds: verdict.ruleIds,
      })
  }

  report(input: ReplayInput, settings: SettingsInForce, timing: RunReport['timing']): RunReport {
    const { ruleset } = input.loaded
    const totals: Totals = this.#tally.totals()
    const rules: readonly RuleCount[] = this.#tally.rules()
    const ids = new IdRange()
    const propose = (group: HitGroup, of: number): FalsePositiveGroup => ({
      ruleIds: [group.ruleId],
      msg: group.msg,
      target: group.target,
      method: group.method,
      path: group.path,
      requests: group.requests,
      blockedRequests: group.blockedRequests,
      examples: group.examples,
      exclusion: proposeExclusion(group, { ruleset, settings, platform: ruleset.platform, of }, ids),
    })
    const falsePositives = this.#benign.list().map((group) => propose(group, totals.benignTotal))
    const unlabelledBlocks = this.#unlabelled.list().map((group) => propose(group, totals.byLabel.unknown))
    return {
      tool: { name: 'wafsim', version: toolVersion() },
      ruleset: rulesetReport(input.loaded, input.rulesetName, settings),
      corpus: { sources: input.sources, records: this.records, digest: this.#digest.digest('hex') },
      totals,
      rules,
      falsePositives,
      unlabelledBlocks,
      hitsLeftOut: this.#benign.leftOut + this.#unlabelled.leftOut,
      missedAttacks: this.#missed,
      exclusions: falsePositives.flatMap((group): Exclusion[] =>
        group.exclusion === null || group.blockedRequests === 0 ? [] : [group.exclusion],
      ),
      errors: this.#errors,
      timing,
    }
  }
}
