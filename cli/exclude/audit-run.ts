/**
 * An audit from options to its report: the ruleset with its exclusions kept, one replay that lifts them, and a second
 * one that confirms what the first says was never needed.
 *
 * Both run in detection only, where no block hides later hits.
 */
import { corpusReader } from '../../corpora/index.js'
import {
  Audit,
  createPool,
  isUnreadable,
  type Lift,
  type LoadedRuleset,
  type Result,
  settingsInForce,
  UsageError,
  type Verdict,
} from '../../engine/index.js'
import { loadFromOptions } from '../load.js'
import { type CorpusOptions, defaultWorkers, type RulesetOptions } from '../options.js'
import { keepPatterns } from '../pattern-cache.js'
import { createProgress, type Progress } from '../progress.js'
import type { AuditRunReport, Confirmation } from '../reports/audit-report.js'
import { rulesetReport } from '../reports/run-report.js'
import { toolVersion } from '../version.js'

export interface AuditRequest extends RulesetOptions, CorpusOptions {
  readonly all?: boolean
  readonly confirm: boolean
  readonly workers?: number
  /** Milliseconds. */
  readonly recordTimeout: number
  readonly quiet?: boolean
}

/** LIMIT: with fewer bytes, some 100 records, the main thread is done before a worker has started. */
const smallCorpusBytes = 1 << 17
/** LIMIT: with more records the second replay is left out. */
const mostConfirmed = 20_000

/** Throws UsageError where there is nothing to judge. */
export async function auditExclusions(request: AuditRequest): Promise<AuditRunReport> {
  const quiet = request.quiet ?? false
  const { loaded, name } = loadFromOptions(
    { ...request, engineMode: 'detection-only' },
    { quiet, keepExclusions: true },
  )
  const settings = settingsInForce(loaded.ruleset)
  const audit = new Audit(loaded, settings, { all: request.all ?? false })
  const replay = new Replay(loaded, request, keepPatterns(loaded), quiet)
  let records = 0
  let errors = 0
  for await (const { item, verdict } of replay.run(audit.lifts)) {
    records++
    if (verdict.error !== null) errors++
    if (!isUnreadable(item)) audit.add(item, verdict)
  }
  if (records === 0) throw new UsageError('no record at all in the corpus; check --corpus and --filter')
  if (errors === records) throw new UsageError('every record is in error')
  return {
    tool: { name: 'wafsim', version: toolVersion() },
    ruleset: rulesetReport(loaded, name, settings),
    corpus: { sources: replay.sources, records, errors },
    ...audit.report(),
    confirmation: await confirm(audit, replay, request, records),
  }
}

class Replay {
  sources: readonly string[] = []

  constructor(
    private readonly loaded: LoadedRuleset,
    private readonly request: AuditRequest,
    private readonly facts: string,
    private readonly quiet: boolean,
  ) {}

  async *run(lift: Lift): AsyncGenerator<Result, void, undefined> {
    const { request } = this
    const corpus = corpusReader({
      specs: request.corpus,
      ...(request.corpusFormat === undefined ? {} : { format: request.corpusFormat }),
      assumeBenign: request.assumeBenign ?? false,
      labels: request.label,
      filters: request.filter,
    })
    this.sources = corpus.sources
    const isSmall = corpus.bytes !== null && corpus.bytes < smallCorpusBytes
    const pool = createPool(this.loaded, {
      workers: request.workers ?? (isSmall ? 0 : defaultWorkers()),
      reader: corpus.reader,
      facts: this.facts,
      recordTimeout: request.recordTimeout,
      liftExclusions: lift,
    })
    const progress: Progress = createProgress(!this.quiet && process.stderr.isTTY === true)
    let records = 0
    try {
      for await (const results of pool.runBatches(corpus.parts)) {
        yield* results
        records += results.length
        progress.update(records, corpus.share())
      }
    } finally {
      progress.stop()
      await pool.close()
    }
  }
}

/** Replays with all of them off that were never needed: nothing may change on benign and unlabelled records. */
async function confirm(
  audit: Audit,
  replay: Replay,
  { corpus, confirm: isWanted }: AuditRequest,
  records: number,
): Promise<Confirmation | null> {
  const off = audit.neverNeeded()
  if (!isWanted || off.length === 0 || records > mostConfirmed || corpus.includes('-')) return null
  const before: string[] = []
  for await (const { verdict } of replay.run([])) before.push(summary(verdict))
  const changed: string[] = []
  let at = 0
  for await (const { item, verdict } of replay.run(off)) {
    const isAttack = !isUnreadable(item) && item.label === 'attack'
    if (!isAttack && verdict.evidence === 'complete' && summary(verdict) !== before[at]) changed.push(verdict.id)
    at++
  }
  return { exclusions: off, changed: changed.length, examples: changed.slice(0, 3) }
}

function summary({ ruleIds, score, wouldBlock }: Verdict): string {
  return JSON.stringify([ruleIds, score.inbound, score.outbound, wouldBlock])
}
