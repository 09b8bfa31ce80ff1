/**
 * The last pass: drafts become an immutable ruleset. Defaults are inherited, chains checked, ids compared,
 * exclusions applied, jumps to markers resolved to positions.
 */
import type { ActionDraft } from '../actions/index.js'
import type { RuleSelector, Template, TransformationDefinition } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import type {
  Disruption,
  PhaseNumber,
  Pipeline,
  Rule,
  RuleLink,
  Ruleset,
  SpecialPattern,
  Step,
  Unsimulated,
} from '../model/ruleset.js'
import type { Assembly, LinkDraft, RuleDraft, SequenceItem } from './draft.js'
import { applyChange } from './draft.js'
import { dropReplaced, keptExclusions, listExclusions } from './standing.js'

export function linkRuleset(assembly: Assembly): Ruleset {
  if (assembly.openChain !== null)
    assembly.report.error('open-chain', 'the chain that begins here has no next rule', assembly.openChain.span)
  applyChanges(assembly)
  dropReplaced(assembly.sequence)
  checkIds(assembly)
  const pipelines = new PipelineTable(assembly.settings.unicodeMap)
  const rules: Rule[] = []
  const frozen = new Map<RuleDraft, Rule>()
  const items: ({ readonly rule: Rule } | { readonly marker: string })[] = []
  for (const item of assembly.sequence) {
    if ('marker' in item) items.push(item)
    else if (!item.rule.removed && item.rule.links.length > 0) {
      const rule = freezeRule(item.rule, rules.length, pipelines, assembly.platform)
      rules.push(rule)
      frozen.set(item.rule, rule)
      items.push({ rule })
    }
  }
  const selected = new WeakMap<RuleSelector, readonly number[]>()
  const byText = new Map<string, readonly number[]>()
  const selectableRules = rules.map((rule) => ({
    index: rule.index,
    id: rule.id,
    tags: rule.tags.map((tag) => tag.constant ?? ''),
    msg: rule.msg?.constant ?? '',
  }))
  // Thousands of exclusions each name one id.
  const byId = new Map(selectableRules.map((rule) => [String(rule.id), [rule]]))
  const selectable = ({ kind, text }: RuleSelector) =>
    (kind === 'id' && /^\d+$/.test(text) ? (byId.get(text) ?? []) : null) ?? selectableRules
  return {
    platform: assembly.platform,
    settings: { ...assembly.settings },
    rules,
    phases: [[], ...([1, 2, 3, 4, 5] as const).map((phase) => linkPhase(items, phase))],
    components: assembly.components,
    unsimulated: listUnsimulated(assembly),
    patterns: listPatterns(assembly.sequence),
    warnings: assembly.report.diagnostics.filter((d) => d.severity === 'warning'),
    exclusions: assembly.changes.map((change) => change.text),
    standing: listExclusions(assembly, frozen),
    kept: assembly.keepsExclusions ? keptExclusions(frozen) : null,
    persistent: assembly.readsPersistent && assembly.sequence.some(persists),
    txKeys: assembly.txKeys,
    select: (selector) => {
      // How ids are read depends on where they are written; a tag or a message means the same everywhere.
      const key = selector.kind === 'id' ? null : `${selector.kind} ${selector.text}`
      let indexes = key === null ? selected.get(selector) : byText.get(key)
      if (indexes === undefined) {
        indexes = selectable(selector).flatMap((rule) => (selector.matches(rule) ? [rule.index] : []))
        if (key === null) selected.set(selector, indexes)
        else {
          if (byText.size >= keptSelections) byText.clear()
          byText.set(key, indexes)
        }
      }
      return indexes
    },
  }
}

/** LIMIT: tags and messages whose rules are kept. */
const keptSelections = 1000

/** COMPAT(modsec3): exclusions by directive are looked up at run time there, so they reach later rules too. */
function applyChanges(assembly: Assembly): void {
  if (!assembly.platform.removalReachesLaterRules) return
  for (const change of assembly.changes) applyChange(assembly, change)
}

function checkIds(assembly: Assembly): void {
  const seen = new Map<number, RuleDraft>()
  for (const item of assembly.sequence) {
    if ('marker' in item || item.rule.removed) continue
    const head = item.rule.links[0]
    if (head === undefined) continue
    const id = head.actions.id
    if (id === null) {
      assembly.report.error(
        'missing-id',
        'the rule has no id',
        item.rule.span,
        'add id:N, unique in the ruleset, to its actions',
      )
      continue
    }
    const first = seen.get(id)
    if (first === undefined) seen.set(id, item.rule)
    else
      assembly.report.error(
        'duplicate-id',
        `the id ${id} is already used at ${first.span.file}:${first.span.line}`,
        item.rule.span,
        'give one of the two rules another id',
      )
  }
}

function persists(item: SequenceItem): boolean {
  return 'rule' in item && !item.rule.removed && item.rule.links.some((link) => link.actions.persists)
}

class PipelineTable {
  readonly #byNames = new Map<string, Pipeline>()
  readonly #unicodeMap: ReadonlyMap<number, number>
  /** What stands in for an entry in every pipeline: matching knows by it what pipelines have in common. */
  readonly #mappedEntries = new Map<TransformationDefinition, TransformationDefinition>()

  constructor(unicodeMap: ReadonlyMap<number, number>) {
    this.#unicodeMap = unicodeMap
  }

  get(transformations: readonly TransformationDefinition[]): Pipeline {
    const key = transformations.map((t) => t.name).join(',')
    let pipeline = this.#byNames.get(key)
    if (pipeline === undefined) {
      pipeline = { id: this.#byNames.size, transformations: transformations.map((each) => this.#mapped(each)) }
      this.#byNames.set(key, pipeline)
    }
    return pipeline
  }

  /** SecUnicodeMapFile holds for all rules, wherever it stands; so it is looked at here. */
  #mapped(entry: TransformationDefinition): TransformationDefinition {
    const { withUnicodeMap } = entry
    if (withUnicodeMap === undefined) return entry
    let mapped = this.#mappedEntries.get(entry)
    if (mapped === undefined) {
      mapped = { ...entry, apply: withUnicodeMap(this.#unicodeMap) }
      this.#mappedEntries.set(entry, mapped)
    }
    return mapped
  }
}

function freezeRule(draft: RuleDraft, index: number, pipelines: PipelineTable, platform: Platform): Rule {
  const head = (draft.links[0] as LinkDraft).actions
  const defaults = draft.defaults
  const waits = platform.ctlWaitsForChain && draft.links.length > 1
  const auditLog = head.auditLog ?? defaults?.auditLog ?? true
  const log = head.log ?? defaults?.log ?? (platform.logsByDefault === 'every-phase' || (head.phase ?? 2) === 2)
  return {
    index,
    id: head.id ?? 0,
    phase: (head.phase ?? 2) as PhaseNumber,
    links: draft.links.map((link) => freezeLink(link, defaults, pipelines, waits)),
    effectsBehind: waits
      ? draft.links.flatMap(({ actions }) => actions.effects.filter(({ byCtl }) => byCtl === true))
      : [],
    log: platform.actionsLogOnlyMessages && draft.links[0]?.operator === null ? actionLogs(head, log) : log,
    logsAtOnce: platform.multiMatchLogsAtOnce && draft.links.some((link) => link.actions.multiMatch),
    auditLog,
    disruption: disruptionOf(head, defaults),
    skip: head.skip,
    skipAfter: head.skipAfter,
    msg: head.msg,
    logdata: head.logdata,
    tags: head.tags,
    fixedTags: fixedTags(head.tags),
    severity: head.severity,
    rev: head.rev,
    ver: head.ver,
    paranoiaLevel: paranoiaLevelOf(head),
    scores: draft.links.some((link) => link.actions.scores),
    span: draft.span,
  }
}

function fixedTags(tags: readonly Template[]): readonly ByteString[] | null {
  const constants = tags.flatMap(({ constant }) => constant ?? [])
  return constants.length === tags.length ? Object.freeze(constants) : null
}

function freezeLink(
  link: LinkDraft,
  defaults: ActionDraft | null,
  pipelines: PipelineTable,
  ctlWaits: boolean,
): RuleLink {
  const { actions } = link
  const inherited = actions.inheritTransformations ? (defaults?.transformations ?? []) : []
  return {
    targets: link.targets,
    exclusions: link.exclusions,
    pipeline: pipelines.get([...inherited, ...actions.transformations]),
    operator: link.operator,
    operatorName: link.operatorName,
    operatorText: link.operatorText,
    negated: link.negated,
    multiMatch: actions.multiMatch,
    capture: actions.capture,
    effects: ctlWaits ? actions.effects.filter(({ byCtl }) => byCtl !== true) : actions.effects,
    span: link.span,
  }
}

/** COMPAT(modsec3): a SecAction is logged for its message, and for `block` whatever else it says. */
function actionLogs(head: ActionDraft, log: boolean): boolean {
  return head.disruption === 'block' || (log && head.msg !== null)
}

function disruptionOf(head: ActionDraft, defaults: ActionDraft | null): Disruption | null {
  const own = head.disruption ?? defaults?.disruption ?? 'pass'
  const kind = own === 'block' ? (defaults?.disruption ?? 'pass') : own
  if (kind === 'pass' || kind === 'block') return null
  const fromDefaults = own === 'block' || head.disruption === null
  const status = head.status ?? (fromDefaults ? defaults?.status : null) ?? (kind === 'redirect' ? 302 : 403)
  return { kind, status }
}

function paranoiaLevelOf(head: ActionDraft): number {
  for (const tag of head.tags) {
    const level = /^paranoia-level\/([1-4])$/.exec(tag.constant ?? '')
    if (level !== null) return Number(level[1])
  }
  return 0
}

function linkPhase(items: readonly ({ readonly rule: Rule } | { readonly marker: string })[], phase: number): Step[] {
  const rules: Rule[] = []
  const labels = new Map<string, number[]>()
  const label = (name: string, position: number): void => {
    const positions = labels.get(name)
    if (positions) positions.push(position)
    else labels.set(name, [position])
  }
  for (const item of items) {
    if ('marker' in item) label(item.marker, rules.length)
    else if (item.rule.phase === phase) {
      rules.push(item.rule)
      label(String(item.rule.id), rules.length)
    }
  }
  return rules.map((rule, position) => ({ rule, jumpTo: jumpOf(rule, position, rules.length, labels) }))
}

/** A marker that is missing lets everything behind be skipped, as on the engines. */
function jumpOf(rule: Rule, position: number, end: number, labels: ReadonlyMap<string, readonly number[]>): number {
  if (rule.skipAfter !== null) return labels.get(rule.skipAfter)?.find((at) => at > position) ?? end
  return rule.skip > 0 ? position + 1 + rule.skip : -1
}

function listUnsimulated({ sequence, lookups, platform }: Assembly): Unsimulated[] {
  const isGiven = (data: 'geo' | 'blocklists'): boolean =>
    lookups[data] !== null || (data === 'geo' && platform.geoLookup === 'always')
  return sequence.flatMap((item) => {
    if ('marker' in item || item.rule.removed) return []
    const ruleId = item.rule.links[0]?.actions.id ?? 0
    return item.rule.links.flatMap((link) =>
      link.actions.unsimulated
        .filter(({ without }) => without === undefined || !isGiven(without))
        .map(({ what, reason }) => ({ ruleId, what, reason })),
    )
  })
}

function listPatterns(sequence: readonly SequenceItem[]): SpecialPattern[] {
  return sequence.flatMap((item) => {
    if ('marker' in item || item.rule.removed) return []
    const ruleId = item.rule.links[0]?.actions.id ?? 0
    return item.rule.links.flatMap((link) => link.actions.patterns.map((pattern) => ({ ruleId, ...pattern })))
  })
}
