/**
 * `wafsim exclude verify` from options to judgements: the corpus without the file of exclusions, with it, and with it
 * lifted, where each match says which exclusion would have taken it away; then the price.
 */
import { corpusReader } from '../../corpora/index.js'
import {
  type AddedText,
  type Applied,
  AtomIndex,
  Audit,
  type AuditedExclusion,
  appliedFrom,
  type BeginMark,
  CaseBook,
  type Effects,
  type EvaluatedRecord,
  type ExclusionPrice,
  effectsOf,
  gatherAttacks,
  isUnreadable,
  type LoadedRuleset,
  learnPathTemplates,
  type Outcome,
  outcomeOf,
  type Pricing,
  filenameOf as pathOf,
  priceExclusions,
  type SettingsInForce,
  settingsInForce,
  Tally,
  type Totals,
  type TransactionRecord,
  UsageError,
  WrittenEvidence,
  type WrittenExclusion,
  writtenExclusions,
} from '../../engine/index.js'
import { createLaboratory, trialOf } from '../laboratory.js'
import { loadFromOptions } from '../load.js'
import type { RulesetOptions } from '../options.js'
import { attackRecords, type GatherRequest, gather } from './gather.js'
import { type LoadingError, loadWritten } from './written-file.js'

export interface VerifyRequest extends GatherRequest {
  readonly file: string
  readonly ruleset: RulesetOptions
  readonly quiet: boolean
}

export interface Judged {
  readonly exclusion: WrittenExclusion
  /** Null where no replay shows anything of it by itself. */
  readonly effects: Effects | null
  readonly price: ExclusionPrice | null
  /** By the lifted replay, one for each of its actions. */
  readonly audited: readonly AuditedExclusion[]
  readonly mark: BeginMark | null
  readonly edited: boolean
  readonly error: LoadingError | null
}

export interface VerifyRun {
  readonly paths: readonly string[]
  /** Without the file. */
  readonly loaded: ReturnType<typeof loadFromOptions>['loaded']
  readonly name: string
  readonly settings: SettingsInForce
  /** Without the file, in detection only. */
  readonly totals: Totals
  readonly sources: readonly string[]
  readonly digest: string
  readonly judged: readonly Judged[]
  /** Errors that stand in no exclusion. */
  readonly errors: readonly LoadingError[]
  /** With the file, in the caller's own mode. */
  readonly after: Totals
  /** Records that no exclusion of the file covers and that are judged differently with it. */
  readonly otherChanges: readonly {
    readonly id: string
    readonly blocked: boolean
    readonly newRules: readonly number[]
  }[]
  readonly pricing: Pricing
}

export async function runVerify(request: VerifyRequest): Promise<VerifyRun> {
  const file = loadWritten(request.file, request.ruleset)
  const { loaded, name } = loadFromOptions({ ...file.without, engineMode: 'detection-only' }, request)
  const { ruleset } = loaded
  const settings = settingsInForce(ruleset)
  const filenameOf = (record: EvaluatedRecord): string => pathOf(record, ruleset.platform)
  const book = new CaseBook(ruleset, settings, filenameOf)
  const gathered = await gather(request, loaded, settings, book, filenameOf)
  const { totals, sources, digest, paths } = gathered
  if (totals.transactions === 0) throw new UsageError('no record at all in the corpus; check --corpus and --filter')
  const laboratory = createLaboratory({ ...request, ruleset: file.without })
  const { audit, evidence } = await lifted(request, file.loaded, filenameOf)
  const exclusions = writtenExclusions(file.written.exclusions, file.loaded.ruleset)
  const applied = appliedFrom(exclusions, {
    ruleset: file.loaded.ruleset,
    evidence,
    templateOf: learnPathTemplates(paths, ruleset.platform),
    paths: paths.keys(),
    reads: file.written.exclusions,
  })
  const chosen = [...applied.values()]
  const index = new AtomIndex(book.atoms, null)
  const replayed = await replay(request, file.texts, book)
  const pricing = await priceExclusions({
    laboratory,
    book,
    index,
    attacks: await gatherAttacks(
      await laboratory.load([], 'detection-only'),
      attackRecords(request, totals.byLabel.attack > 0),
    ),
    chosen,
    filenameOf,
    records: totals.transactions,
    before: await laboratory.load([], 'detection-only'),
    after: await createLaboratory(request).load(file.texts, 'detection-only'),
  })
  const effects = effectsOf({ chosen, outcomes: replayed.outcomes, index }, book)
  const { exclusions: audited } = audit.report()
  const judged = exclusions.map((exclusion): Judged => {
    const known = exclusion.key === null ? undefined : file.written.marks.get(exclusion.key)
    return {
      exclusion,
      effects: effects.get(exclusion.id) ?? null,
      price: pricing.byKey.get(exclusion.id) ?? null,
      audited: auditedOf(exclusion, audited),
      mark: known?.mark ?? null,
      edited: known?.edited ?? false,
      error: errorOf(exclusion, file.errors),
    }
  })
  const stray = file.errors.filter((error) => !judged.some((each) => each.error === error))
  return {
    paths: file.written.paths,
    loaded: loadFromOptions(file.without, { quiet: true }).loaded,
    name,
    settings,
    totals,
    sources,
    digest,
    judged,
    errors: stray,
    after: replayed.totals,
    otherChanges: otherChanges(replayed, index, chosen),
    pricing,
  }
}

/** The corpus with the exclusions lifted, in detection only. */
async function lifted(
  request: VerifyRequest,
  loaded: LoadedRuleset,
  filenameOf: (record: EvaluatedRecord) => string,
): Promise<{ readonly audit: Audit; readonly evidence: WrittenEvidence }> {
  const audit = new Audit(loaded, settingsInForce(loaded.ruleset), { all: false })
  const evidence = new WrittenEvidence()
  const { workers, recordTimeout } = request
  const trial = trialOf(loaded, { workers, recordTimeout, lift: audit.lifts })
  for await (const { record, verdict } of trial.evaluate(recordsOf(request))) {
    audit.add(record, verdict)
    if (verdict.error === null && verdict.evidence === 'complete') evidence.add(filenameOf(record), verdict)
  }
  return { audit, evidence }
}

interface Replay {
  readonly totals: Totals
  /** Of benign and unlabelled records of complete evidence. */
  readonly outcomes: ReadonlyMap<string, Outcome>
  /** Ids of the benign ones. */
  readonly benign: ReadonlySet<string>
}

/** The corpus with the exclusions, in the caller's own mode. */
async function replay(request: VerifyRequest, texts: readonly AddedText[], book: CaseBook): Promise<Replay> {
  const trial = await createLaboratory(request).load(texts, 'as-given')
  const { inboundThreshold: inbound, outboundThreshold: outbound } = trial.settings
  const tally = new Tally({ inbound, outbound })
  const outcomes = new Map<string, Outcome>()
  const benign = new Set<string>()
  for await (const { record, verdict } of trial.evaluate(recordsOf(request))) {
    tally.add(verdict)
    if (verdict.error !== null || verdict.evidence !== 'complete' || record.label === 'attack') continue
    if (record.label === 'benign') benign.add(record.id)
    outcomes.set(record.id, outcomeOf(book, record, verdict))
  }
  return { totals: tally.totals(), outcomes, benign }
}

function recordsOf({ corpus }: VerifyRequest): AsyncIterable<TransactionRecord> {
  return readable(corpusReader(corpus).items)
}

async function* readable(items: ReturnType<typeof corpusReader>['items']): AsyncGenerator<TransactionRecord> {
  for await (const item of items) if (!isUnreadable(item)) yield item
}

function otherChanges(
  { outcomes, benign }: Replay,
  index: AtomIndex,
  chosen: readonly Applied[],
): VerifyRun['otherChanges'] {
  const covered = index.coverage(chosen)
  return [...outcomes.values()].flatMap(({ id, before, blocked, alerted, newRules }) => {
    // Of a record without a hit no more is known than that it had none.
    const isOther =
      before === null
        ? blocked || (alerted && benign.has(id))
        : newRules.length > 0 && !before.hits.some(({ atoms }) => atoms.some((atom) => covered.has(atom)))
    return isOther ? [{ id, blocked, newRules }] : []
  })
}

function auditedOf({ standing, reads }: WrittenExclusion, audited: readonly AuditedExclusion[]): AuditedExclusion[] {
  const numbers = new Set(standing.map(({ number }) => number))
  return audited.filter(({ number, file, line }) =>
    number === null
      ? reads.some(({ span, kind }) => span.file === file && span.line === line && kind !== 'setting')
      : numbers.has(number),
  )
}

function errorOf({ file, reads }: WrittenExclusion, errors: readonly LoadingError[]): LoadingError | null {
  const isIn = ({ line, file: its }: LoadingError): boolean =>
    its === file && reads.some(({ lines: [first, last] }) => first <= line && line <= last)
  return errors.find(isIn) ?? null
}
