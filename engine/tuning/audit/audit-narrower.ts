/**
 * Narrower texts for an exclusion that takes more than the traffic needs: fewer rules, the parameters that erred, the
 * paths where they did.
 */
import type { ByteString } from '../../model/exchange.js'
import type { Platform } from '../../model/platform.js'
import type { Ruleset } from '../../model/ruleset.js'
import { isWritableKey, scopedRule } from '../config-text.js'
import type { PathTemplate, TemplateOf } from '../path-templates.js'
import { splitTarget } from '../place.js'
import { protectedRulesOf } from '../protected-rules.js'
import type { SuppressedPlace } from './audit-evidence.js'
import type { AuditItem, Finding } from './audit-finding.js'
import { idList, rulesOf } from './audit-placebo.js'

/** LIMIT: rules, targets and paths that a narrower text may name; with more of them it would not be one. */
const mostNamed = 8

/** Ids of the rules in proposals are for the user to choose: the first of the range for rules before CRS. */
const proposedId = 10_000

/** Null: it takes no more than was needed, or nothing narrower can be written. */
export function narrower(
  item: AuditItem,
  places: readonly SuppressedPlace[],
  templateOf: TemplateOf,
  ruleset: Ruleset,
): Finding | null {
  const { standing, read } = item
  if (standing === null || places.length === 0) return null
  const known = protectedRulesOf(ruleset)
  const needed = places.filter(({ ruleId }) => !known.has(ruleId))
  const ids = sorted(needed.map(({ ruleId }) => ruleId))
  if (ids.length === 0) return null
  const selected = rulesOf(standing, ruleset)
  if (ids.length > mostNamed) return ids.length < selected.length ? tooBroad(ids.length, selected.length) : null
  const targets =
    standing.targets.length > 0 ? keptTargets(standing.targets, needed) : writableTargets(needed, ruleset.platform)
  const templates = templatesOf(needed, templateOf)
  const isScoped = standing.host !== null && (read === null || read.conditions.length > 0)
  const fewerRules = ids.length < selected.length
  const fewerTargets = targets !== null && (standing.targets.length === 0 || isNarrower(standing.targets, targets))
  const fewerPaths = !isScoped && templates.length <= mostNamed
  if (!fewerRules && !fewerTargets && !fewerPaths) return null
  const actions = ids.flatMap((id) => {
    const own =
      targets === null ? null : [...new Set(targets.filter((each) => each.ruleId === id).map(({ text }) => text))]
    return own === null || own.length === 0
      ? [`ruleRemoveById=${id}`]
      : own.map((text) => `ruleRemoveTargetById=${id};${text}`)
  })
  if (actions.length > 2 * mostNamed) return null
  const instead = isScoped
    ? actions.map((action) => `ctl:${action}`).join(',')
    : fewerPaths
      ? templates.map((template, n) => ruleAt(proposedId + n, template, actions, ruleset.platform)).join('\n')
      : directives(ids, targets)
  return {
    kind: 'broader-than-evidence',
    reason: reasonOf({ selected: selected.length, ids, targets, templates, fewerRules, fewerTargets, fewerPaths }),
    advice: isScoped ? 'put these actions in its place' : 'put this in its place, with ids of your own',
    instead,
  }
}

function tooBroad(needed: number, selected: number): Finding {
  return {
    kind: 'broader-than-evidence',
    reason: `needed for ${needed} of the ${selected} rules that it names`,
    advice: 'take it out, and let `wafsim exclude` propose what is needed in its place',
    instead: null,
  }
}

interface NamedTarget {
  readonly ruleId: number
  readonly text: ByteString
}

/** Of the targets that it takes away now, those that were needed, each as narrow as it was seen. */
function keptTargets(
  now: readonly { readonly variable: string; readonly key: ByteString | null }[],
  needed: readonly SuppressedPlace[],
): readonly NamedTarget[] | null {
  const named = namedTargets(needed)
  const isWhole = now.some(({ key }) => key === null)
  if (named !== null && (isWhole || named.length <= mostNamed)) return named
  return isWhole
    ? null
    : needed.flatMap(({ ruleId }) =>
        now.map(({ variable, key }) => ({ ruleId, text: key === null ? variable : `${variable}:${key}` })),
      )
}

/** Null where a target cannot be excluded on the platform, or there are too many. */
function writableTargets(needed: readonly SuppressedPlace[], platform: Platform): readonly NamedTarget[] | null {
  const deepest = new Map<number, number>()
  for (const { ruleId, link } of needed) deepest.set(ruleId, Math.max(link, deepest.get(ruleId) ?? 0))
  const inChain = [...deepest.values()].some((link) => link > 0)
  return inChain && !platform.targetExclusionReachesChain ? null : namedTargets(needed)
}

function namedTargets(needed: readonly SuppressedPlace[]): readonly NamedTarget[] | null {
  const named = new Map<string, NamedTarget>()
  for (const { ruleId, target } of needed) {
    const { variable, key } = splitTarget(target)
    if (!/^[A-Z_]+$/.test(variable) || /^(?:TX|MATCHED_)/.test(variable)) return null
    if (key !== null && !isWritableKey(key)) return null
    named.set(`${ruleId} ${target}`, { ruleId, text: target })
  }
  return named.size > mostNamed || named.size === 0 ? null : [...named.values()]
}

function isNarrower(
  now: readonly { readonly variable: string; readonly key: ByteString | null }[],
  targets: readonly NamedTarget[],
): boolean {
  return now.some(({ key }) => key === null || key.startsWith('/')) && targets.every(({ text }) => text.includes(':'))
}

function templatesOf(needed: readonly SuppressedPlace[], templateOf: TemplateOf): readonly PathTemplate[] {
  const found = new Map<ByteString, PathTemplate>()
  for (const { path } of needed) {
    const template = templateOf(path)
    found.set(template.operator, template)
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, template]) => template)
}

function ruleAt(id: number, template: PathTemplate, actions: readonly string[], platform: Platform): string {
  return scopedRule(id, { template, method: null, host: null }, actions, platform)
}

function directives(ids: readonly number[], targets: readonly NamedTarget[] | null): string {
  return ids
    .flatMap((id) => {
      const own = targets?.filter(({ ruleId }) => ruleId === id) ?? []
      return own.length === 0
        ? [`SecRuleRemoveById ${id}`]
        : own.map(({ text }) => `SecRuleUpdateTargetById ${id} "!${text}"`)
    })
    .join('\n')
}

function reasonOf(found: {
  readonly selected: number
  readonly ids: readonly number[]
  readonly targets: readonly NamedTarget[] | null
  readonly templates: readonly PathTemplate[]
  readonly fewerRules: boolean
  readonly fewerTargets: boolean
  readonly fewerPaths: boolean
}): string {
  const { selected, ids, targets, templates, fewerRules, fewerTargets, fewerPaths } = found
  const parts = [
    `needed for ${ids.length === 1 ? 'rule' : 'the rules'} ${idList(ids)}${fewerRules ? ` of the ${selected} that it names` : ''}`,
  ]
  if (fewerTargets && targets !== null) parts.push(`in ${[...new Set(targets.map(({ text }) => text))].join(', ')}`)
  if (fewerPaths) parts.push(`at ${templates.map(({ text }) => text).join(', ')}`)
  return `${parts.join(' ')}; it holds for more`
}

function sorted(ids: readonly number[]): readonly number[] {
  return [...new Set(ids)].sort((a, b) => a - b)
}
