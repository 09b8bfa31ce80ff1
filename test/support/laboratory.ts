/**
 * Synthesis of exclusions in memory: a made-up ruleset in the style of CRS, records, and a laboratory that evaluates
 * them here, without files or threads.
 */
import {
  type AddedText,
  allocateFor,
  type Candidate,
  CaseBook,
  defaultIdBounds,
  type EvaluatedRecord,
  evaluate,
  type Laboratory,
  type LoadedRuleset,
  learnFamilies,
  learnPathTemplates,
  literalFamily,
  loadRuleset,
  type PlatformName,
  filenameOf as pathOf,
  type Ruleset,
  type ScoreLimits,
  type Synthesis,
  settingsInForce,
  splitTarget,
  synthesise,
  type TransactionRecord,
  type Trial,
  type Verdict,
} from '../../engine/index.js'
import type { GiveIds } from '../../engine/tuning/synthesis.js'

/** A ruleset in the pieces between which exclusions are loaded. */
export interface RulesetText {
  readonly setup: string
  readonly rules: string
}

const initialisation = `SecRequestBodyAccess On
SecAction "id:900990,phase:1,pass,nolog,setvar:tx.inbound_anomaly_score_threshold=5,setvar:tx.outbound_anomaly_score_threshold=4,setvar:tx.blocking_paranoia_level=1,setvar:tx.detection_paranoia_level=2,setvar:'tx.allowed_methods=GET HEAD POST',setvar:'tx.allowed_request_content_type=|application/x-www-form-urlencoded| |application/json|'"
`

const evaluation = `
SecAction "id:949059,phase:2,pass,nolog,setvar:tx.blocking_inbound_anomaly_score=+%{tx.inbound_anomaly_score_pl1}"
SecRule TX:blocking_inbound_anomaly_score "@ge %{tx.inbound_anomaly_score_threshold}" "id:949110,phase:2,deny,status:403,log,msg:'Inbound score exceeded',tag:'anomaly-evaluation'"
`

const json = `SecRule REQUEST_HEADERS:Content-Type "@rx ^application/(?:[a-z0-9.-]+[+])?json" "id:200001,phase:1,pass,nolog,t:none,t:lowercase,ctl:requestBodyProcessor=JSON"
SecAction "id:901990,phase:1,pass,nolog,setvar:tx.inbound_anomaly_score_pl1=0,setvar:tx.inbound_anomaly_score_pl2=0,setvar:tx.blocking_inbound_anomaly_score=0"
`

/** The rules between initialisation and evaluation, in CRS style. */
export function crsStyle(rules: string): RulesetText {
  return { setup: initialisation, rules: json + rules + evaluation }
}

export function loadWith(
  { setup, rules }: RulesetText,
  texts: readonly AddedText[],
  mode: 'as-given' | 'detection-only',
  platform: PlatformName,
): LoadedRuleset {
  const at = (placement: AddedText['placement']): string =>
    texts
      .filter((each) => each.placement === placement)
      .map(({ text }) => text)
      .join('\n')
  const engine = `SecRuleEngine ${mode === 'as-given' ? 'On' : 'DetectionOnly'}\n`
  const text = `${engine}${setup}\n${at('setup')}\n${at('before')}\n${rules}\n${at('after')}\n`
  return loadRuleset({ parts: [{ kind: 'text', name: 'made-up.conf', text }], platform })
}

export function trialOf(ruleset: Ruleset, onEvaluate: (record: TransactionRecord) => void = () => {}): Trial {
  return {
    ruleset,
    settings: settingsInForce(ruleset),
    async *evaluate(records) {
      for await (const record of records) {
        onEvaluate(record)
        yield { record, verdict: evaluate(ruleset, record) }
      }
    },
  }
}

export interface InMemory {
  readonly text: RulesetText
  readonly platform: PlatformName
  readonly records: readonly TransactionRecord[]
}

export function laboratoryFor({ text, platform, records }: InMemory): Laboratory {
  return {
    load: async (texts, mode) => trialOf(loadWith(text, texts, mode, platform).ruleset),
    async *recordsWithIds(ids) {
      for (const record of records) if (ids.has(record.id)) yield record
    },
    async *records(isWanted) {
      for (const record of records) if (isWanted(record)) yield record
    },
  }
}

export interface SynthesisOptions extends InMemory {
  /** Null: the threshold less one. */
  readonly targetScore?: number | null
  readonly lossOf?: (candidate: Candidate, removed: ReadonlySet<number>) => number
  readonly giveIds?: GiveIds
  /** Changes verdicts before the book takes them in. */
  readonly tamper?: (verdict: Verdict) => Verdict
}

export interface Synthesised {
  readonly laboratory: Laboratory
  readonly base: Trial
  readonly book: CaseBook
  readonly limits: ScoreLimits
  readonly synthesis: Synthesis
  filenameOf(record: EvaluatedRecord): string
}

/** What `wafsim exclude` does up to the choice, over benign records. */
export async function synthesiseInMemory(options: SynthesisOptions): Promise<Synthesised> {
  const { text, platform, records, targetScore = null, tamper = (verdict) => verdict } = options
  const laboratory = laboratoryFor(options)
  const base = trialOf(loadWith(text, [], 'detection-only', platform).ruleset)
  const { ruleset, settings } = base
  const filenameOf = (record: EvaluatedRecord): string => pathOf(record, ruleset.platform)
  const book = new CaseBook(ruleset, settings, filenameOf)
  const paths = new Map<string, number>()
  for (const record of records) {
    const path = filenameOf(record)
    paths.set(path, (paths.get(path) ?? 0) + 1)
    if (record.label === 'benign') book.add(record, tamper(evaluate(ruleset, record)))
  }
  const names = new Map<string, Set<string>>()
  for (const { target } of book.atoms) {
    const { variable, key } = splitTarget(target)
    if (key !== null) names.set(variable, (names.get(variable) ?? new Set()).add(key))
  }
  const families = new Map([...names].map(([variable, set]) => [variable, learnFamilies(set, ruleset.platform)]))
  const most = (threshold: number | null): number =>
    Math.min(targetScore ?? Number.MAX_SAFE_INTEGER, (threshold ?? 1e9) - 1)
  const limits = { inbound: most(settings.inboundThreshold), outbound: most(settings.outboundThreshold) }
  const taken = new Set(ruleset.rules.map(({ id }) => id))
  const synthesis = await synthesise({
    laboratory,
    base,
    book,
    limits,
    templateOf: learnPathTemplates(paths, ruleset.platform),
    familyOf: (variable, name) => families.get(variable)?.(name) ?? literalFamily(name),
    filenameOf,
    lossOf: options.lossOf ?? (() => 0),
    giveIds: options.giveIds ?? ((candidates) => allocateFor(candidates, defaultIdBounds, taken)),
  })
  return { laboratory, base, book, limits, synthesis, filenameOf }
}
