/**
 * Directives that change rules already loaded (or, on libmodsecurity, any rule): SecRuleRemoveBy*,
 * SecRuleUpdateTargetBy*, SecRuleUpdateActionById.
 */
import type { ActionDraft } from '../actions/index.js'
import { DefinitionError } from '../errors.js'
import { selectById, selectByMessage, selectByTag } from '../exclusions.js'
import type { RuleSelector, TargetExclusion } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { IdReading } from '../model/exclusion-dialect.js'
import { parseActions, parseTargets } from '../seclang/rule-parser.js'
import type { DirectiveInput } from './directive.js'
import { type Assembly, applyChange, type LinkDraft, type PendingChange, type RuleDraft } from './draft.js'
import { draftActions, draftTargets } from './rule.js'

type SelectorKind = RuleSelector['kind']

function selectorOf(assembly: Assembly, kind: SelectorKind, text: ByteString, reading: IdReading): RuleSelector {
  if (kind === 'id') return selectById(text, reading)
  return kind === 'tag' ? selectByTag(text, assembly.platform) : selectByMessage(text, assembly.platform)
}

/** Applies the change to the rules loaded so far, or keeps it for the last pass where the platform does. */
function change(
  assembly: Assembly,
  input: DirectiveInput,
  selector: RuleSelector,
  apply: (rule: RuleDraft) => void,
): void {
  const text = textOf(input)
  const pending: PendingChange = { selector, text, span: input.span, apply }
  assembly.changes.push(pending)
  if (!assembly.platform.removalReachesLaterRules) applyChange(assembly, pending)
}

function textOf({ node, arguments: texts }: DirectiveInput): ByteString {
  return `${node.name} ${texts.join(' ')}`
}

/** Lists the exclusion; returns its number. */
function list(
  { exclusions }: Assembly,
  input: DirectiveInput,
  selector: RuleSelector,
  targets: readonly TargetExclusion[],
  link: number | null,
): number {
  const number = exclusions.length
  exclusions.push({ number, text: textOf(input), selector, targets, link, host: null, span: input.span })
  return number
}

/** Each argument is read by itself. */
function removalSelector(
  assembly: Assembly,
  kind: SelectorKind,
  text: ByteString,
  input: DirectiveInput,
): RuleSelector {
  const { removedIds } = assembly.platform.exclusions
  if (kind !== 'id' || removedIds === 'all') return selectorOf(assembly, kind, text, 'all')
  const selectors = input.arguments.map((argument) => selectById(argument, removedIds))
  return { kind, text, matches: (rule) => selectors.some((each) => each.matches(rule)) }
}

export function removeRules(assembly: Assembly, kind: SelectorKind, text: ByteString, input: DirectiveInput): void {
  const selector = removalSelector(assembly, kind, text, input)
  const exclusion = list(assembly, input, selector, [], 0)
  change(assembly, input, selector, (rule) => {
    if (assembly.keepsExclusions) rule.kept.push({ exclusion, link: 0, targets: null })
    else rule.removed = true
  })
}

/** `942100:1` names the second link of a chain. */
function splitLink(text: ByteString): { ids: ByteString; link: number } {
  const parts = /^\s*(\d+):(\d+)\s*$/.exec(text)
  return parts === null ? { ids: text, link: 0 } : { ids: parts[1] ?? '', link: Number(parts[2]) }
}

export function updateTargets(assembly: Assembly, kind: SelectorKind, input: DirectiveInput): void {
  const [selectorText = '', targetText = '', replaced] = input.arguments
  const dialect = assembly.platform.exclusions
  const { ids, link: named } = kind === 'id' ? splitLink(selectorText) : { ids: selectorText, link: 0 }
  const link = dialect.namesLinks ? named : 0
  const selector = selectorOf(assembly, kind, ids, dialect.updatedIds)
  const reachesAll = dialect.directivesReachChain && ids === selectorText
  const added = targetsOf(assembly, targetText, input, 1)
  const dropped = replaced === undefined ? null : targetsOf(assembly, replaced, input, 2).targets.map((t) => t.text)
  const excludes = added.exclusions.length > 0
  const exclusion = excludes ? list(assembly, input, selector, added.exclusions, reachesAll ? null : link) : -1
  const exclude = (rule: RuleDraft, at: number): void => {
    const draft = rule.links[at] as LinkDraft
    if (assembly.keepsExclusions) rule.kept.push({ exclusion, link: at, targets: added.exclusions })
    else draft.exclusions = [...draft.exclusions, ...added.exclusions]
  }
  change(assembly, input, selector, (rule) => {
    const draft = rule.links[link]
    if (draft === undefined) return
    if (dropped !== null) draft.targets = draft.targets.filter((target) => !dropped.includes(target.text))
    draft.targets = [...draft.targets, ...added.targets]
    if (!excludes || (kind === 'msg' && !dialect.updatesByMessage)) return
    for (let at = 0; at < rule.links.length; at++) if (reachesAll || at === link) exclude(rule, at)
  })
}

function targetsOf(assembly: Assembly, text: ByteString, input: DirectiveInput, position: number) {
  const { targets, diagnostics } = parseTargets(text, input.node.arguments[position] ?? input.span)
  assembly.report.take(diagnostics)
  return draftTargets(assembly, targets, 'directive')
}

export function updateActions(assembly: Assembly, input: DirectiveInput): void {
  const [selectorText = '', actionText = ''] = input.arguments
  const { ids, link } = splitLink(selectorText)
  const { actions, diagnostics } = parseActions(actionText, input.node.arguments[1] ?? input.span)
  assembly.report.take(diagnostics)
  if (actions.some((action) => ['id', 'phase'].includes(action.name.toLowerCase())))
    throw new DefinitionError('SecRuleUpdateActionById cannot change the id or the phase of a rule')
  const update = draftActions(assembly, actions)
  change(assembly, input, selectById(ids), (rule) => {
    const draft = rule.links[link]
    if (draft !== undefined) draft.actions = mergeActions(draft.actions, update)
  })
}

/** What the update says wins; lists grow, and a transformation list replaces the old one. */
function mergeActions(base: ActionDraft, update: ActionDraft): ActionDraft {
  const replacesTransformations = update.transformations.length > 0 || !update.inheritTransformations
  return {
    id: base.id,
    phase: base.phase,
    log: update.log ?? base.log,
    auditLog: update.auditLog ?? base.auditLog,
    disruption: update.disruption ?? base.disruption,
    status: update.status ?? base.status,
    chain: base.chain,
    skip: update.skip || base.skip,
    skipAfter: update.skipAfter ?? base.skipAfter,
    msg: update.msg ?? base.msg,
    logdata: update.logdata ?? base.logdata,
    tags: [...base.tags, ...update.tags],
    severity: update.severity ?? base.severity,
    rev: update.rev || base.rev,
    ver: update.ver || base.ver,
    capture: base.capture || update.capture,
    multiMatch: base.multiMatch || update.multiMatch,
    transformations: replacesTransformations ? update.transformations : base.transformations,
    inheritTransformations: replacesTransformations ? update.inheritTransformations : base.inheritTransformations,
    effects: [...base.effects, ...update.effects],
    writes: [...base.writes, ...update.writes],
    scores: base.scores || update.scores,
    setvars: base.setvars,
    persists: base.persists || update.persists,
    unsimulated: [...base.unsimulated, ...update.unsimulated],
    patterns: [...base.patterns, ...update.patterns],
  }
}
