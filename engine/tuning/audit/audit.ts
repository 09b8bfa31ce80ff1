/**
 * An audit of the exclusions that stand in a ruleset: which are needed, and which are not, do not work, or are a danger.
 *
 * The caller replays the corpus with `lifts` lifted, in detection only so that no block hides later hits, adds each
 * verdict, and asks for the report. The ruleset must have been loaded with `keepExclusions`.
 */
import type { LoadedRuleset } from '../../compile/source.js'
import type { EvaluatedRecord } from '../../model/exchange.js'
import type { Ruleset } from '../../model/ruleset.js'
import type { Verdict } from '../../model/verdict.js'
import type { SettingsInForce } from '../../settings-in-force.js'
import { learnPathTemplates, type TemplateOf } from '../path-templates.js'
import { dangers } from './audit-danger.js'
import { EvidenceBook } from './audit-evidence.js'
import type { AuditEvidence, AuditedExclusion, AuditItem, AuditReport, Finding } from './audit-finding.js'
import { auditItems } from './audit-items.js'
import { narrower } from './audit-narrower.js'
import { placebos } from './audit-placebo.js'

export interface AuditOptions {
  /** Judge the ruleset's own exclusions too. */
  readonly all: boolean
}

export class Audit {
  /** Numbers of the exclusions to lift: `EvaluateOptions.liftExclusions`. */
  readonly lifts: readonly number[]
  readonly #items: readonly AuditItem[]
  readonly #book: EvidenceBook
  readonly #records = { benign: 0, attack: 0, unknown: 0, leftOut: 0 }

  constructor(
    private readonly loaded: LoadedRuleset,
    settings: SettingsInForce,
    private readonly options: AuditOptions,
  ) {
    this.#items = auditItems(loaded)
    this.lifts = this.#items.flatMap(({ standing, own }) =>
      standing !== null && (options.all || !own) ? [standing.number] : [],
    )
    this.#book = new EvidenceBook(loaded.ruleset, settings, this.lifts)
  }

  /** A verdict of the lifted replay. Records in error or of incomplete evidence prove nothing and are left out. */
  add(record: EvaluatedRecord, verdict: Verdict): void {
    if (verdict.error !== null || verdict.evidence !== 'complete') {
      this.#records.leftOut++
      return
    }
    this.#records[record.label]++
    this.#book.add(record, verdict)
  }

  /** Numbers of the exclusions that suppressed nothing in benign and unlabelled records: for a replay with them off. */
  neverNeeded(): readonly number[] {
    return this.lifts.filter((number) => this.#book.evidence(number, 0).hits === 0)
  }

  report(): AuditReport {
    const { ruleset } = this.loaded
    const templateOf = learnPathTemplates(this.#book.paths, ruleset.platform)
    const judged = this.#items.filter(({ own }) => this.options.all || !own)
    const others = this.#items.filter(({ own, standing }) => !this.options.all && own && standing !== null)
    return {
      records: { ...this.#records },
      exclusions: judged.map((item) => this.#judge(item, ruleset, templateOf)),
      own: others.map((item) => ({ ...identity(item), evidence: null, findings: [] })),
    }
  }

  #judge(item: AuditItem, ruleset: Ruleset, templateOf: TemplateOf): AuditedExclusion {
    const { benign, attack, unknown } = this.#records
    const number = item.standing?.number ?? null
    const evidence = number === null ? null : this.#book.evidence(number, benign + attack + unknown)
    const fixed = [...dangers(item, ruleset), ...placebos(item, ruleset), ...this.#misspelled(number, ruleset)]
    const shown =
      evidence === null || number === null || fixed.some(({ kind }) => kind === 'stale' && evidence.hits === 0)
        ? []
        : this.#shown(item, evidence, benign + unknown, fixed)
    const places = number === null || evidence === null || evidence.hitsAlone === 0 ? null : this.#book.places(number)
    const less = places === null ? null : narrower(item, places, templateOf, ruleset)
    return { ...identity(item), evidence, findings: [...fixed, ...(less === null ? [] : [less]), ...shown] }
  }

  #misspelled(number: number | null, { platform }: Ruleset): readonly Finding[] {
    const target = number === null ? null : this.#book.misspelled(number)
    if (target === null) return []
    return [
      {
        kind: 'placebo',
        reason: `${platform.title} compares names exactly, and requests have ${target}`,
        advice: `write ${target}`,
        instead: null,
      },
    ]
  }

  /** What the replay says of the need for it. */
  #shown(item: AuditItem, evidence: AuditEvidence, records: number, fixed: readonly Finding[]): readonly Finding[] {
    const { hits, hitsAlone, requestsAlone, wouldBlock, together } = evidence
    if (hits === 0) {
      if (fixed.some(({ kind }) => kind === 'placebo')) return []
      return [neverNeeded(item, evidence, records)]
    }
    if (hitsAlone === 0)
      return [
        {
          kind: 'redundant',
          reason: `what it suppresses (${plural(hits, 'hit')}) is suppressed by ${this.#names(together)} too`,
          advice: 'keep the narrower of them',
          instead: null,
        },
      ]
    const shared = hits > hitsAlone ? `; ${hits - hitsAlone} more are suppressed by ${this.#names(together)} too` : ''
    return [
      {
        kind: 'needed',
        reason: `${plural(hitsAlone, 'hit')} would come back without it, in ${requestsAlone} of ${plural(records, 'request')}; ${plural(wouldBlock, 'request')} would be blocked${shared}`,
        advice: 'keep it',
        instead: null,
      },
    ]
  }

  #names(numbers: readonly number[]): string {
    return numbers
      .map((number) => {
        const item = this.#items.find(({ standing }) => standing?.number === number)
        return item === undefined ? String(number) : `${item.text} (${item.file}:${item.line})`
      })
      .join(', ')
  }
}

function identity({
  standing,
  read,
  text,
  file,
  line,
  own,
}: AuditItem): Omit<AuditedExclusion, 'evidence' | 'findings'> {
  const ruleId = standing?.host?.ruleId ?? read?.holder?.id ?? null
  return { number: standing?.number ?? null, text, file, line, ruleId, own }
}

function neverNeeded({ standing }: AuditItem, evidence: AuditEvidence, records: number): Finding {
  const { inForce, attacks, attacksLetPass, partial } = evidence
  const condition =
    standing?.host === null
      ? `it suppressed nothing in ${plural(records, 'request')}`
      : inForce === 0
        ? `its condition held for none of ${plural(records, 'request')}`
        : `it was in force in ${plural(inForce, 'record')} and suppressed nothing in ${plural(records, 'request')}`
  const lost =
    attacks > 0 ? `; it suppresses hits on ${plural(attacks, 'attack')} and lets ${attacksLetPass} of them pass` : ''
  const chains =
    partial > 0 ? `; in ${plural(partial, 'record')} it took a match from a chain that did not match in the end` : ''
  return {
    kind: 'never-needed',
    reason: `${condition}${lost}${chains}`,
    advice:
      records === 0
        ? 'replay benign traffic to judge it'
        : 'remove it, if the corpus holds the traffic that it was written for',
    instead: null,
  }
}

function plural(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
