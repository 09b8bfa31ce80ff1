/**
 * Exclusions that cannot work, found without traffic: what they name is not in this ruleset, or this platform does not
 * honour them as they are written or where they stand.
 */
import { selectById, selectByTag } from '../../exclusions.js'
import type { TargetExclusion } from '../../model/definitions.js'
import type { ByteString } from '../../model/exchange.js'
import { platforms } from '../../model/platform.js'
import type { Rule, Ruleset, Target } from '../../model/ruleset.js'
import type { StandingExclusion } from '../../model/standing-exclusion.js'
import { protectedRulesOf } from '../protected-rules.js'
import type { AuditItem, Finding } from './audit-finding.js'

/** Ids listed in a reason. */
const listed = 6

export function idList(ids: readonly number[]): string {
  const some = [...new Set(ids)].slice(0, listed).join(', ')
  return ids.length > listed ? `${some} and ${ids.length - listed} more` : some
}

const finding = (kind: 'placebo' | 'stale', reason: string, advice: string): Finding => ({
  kind,
  reason,
  advice,
  instead: null,
})

export function placebos(item: AuditItem, ruleset: Ruleset): readonly Finding[] {
  const refused = ruleset.warnings.filter(
    ({ code, span }) => code === 'not-on-platform' && span.file === item.file && span.line === item.line,
  )
  if (refused.length > 0)
    return [
      finding(
        'placebo',
        refused.map(({ message }) => message).join('; '),
        'write it in a form that the platform knows',
      ),
    ]
  if (item.standing === null) return locatedPlacebo(item, ruleset)
  const { standing } = item
  const unknown = staleNames(standing, ruleset)
  const selected = rulesOf(standing, ruleset)
  if (selected.length === 0) return unknown ?? [unreadSelector(standing, ruleset)]
  const known = protectedRulesOf(ruleset)
  const meant = selected.filter(({ id }) => !known.has(id))
  return [
    ...(unknown ?? []),
    ...unreadIds(standing, ruleset),
    ...outOfOrder(standing, meant.length > 0 ? meant : selected, ruleset),
    ...(standing.targets.length > 0 ? uninspected(standing, selected, ruleset) : []),
  ]
}

export function rulesOf({ selector }: StandingExclusion, ruleset: Ruleset): readonly Rule[] {
  return ruleset.select(selector).flatMap((index) => ruleset.rules[index] ?? [])
}

/** Ids, ranges, tags or messages that no rule has; null: there are none. */
function staleNames({ selector, host }: StandingExclusion, ruleset: Ruleset): readonly Finding[] | null {
  const { kind, text } = selector
  if (kind === 'id') {
    const words = text.split(/[\s,]+/).filter((word) => word !== '')
    const gone = words.filter((word) => ruleset.select(selectById(word)).length === 0)
    if (gone.length === 0) return null
    const all = gone.length === words.length
    const what = gone.map((word) => word.replace(/["']/g, '')).join(', ')
    return [
      finding(
        'stale',
        `this ruleset has no rule ${what}${all ? '' : '; it has the others that are named'}`,
        all ? 'remove it; look in the release notes of the ruleset for what became of the rule' : `take ${what} out`,
      ),
    ]
  }
  if (ruleset.select(selector).length > 0) return null
  if (kind === 'tag') {
    const meant = tagsLike(text, ruleset)
    if (meant.length > 0) {
      const title = platforms[ruleset.platform.name].title
      return [
        finding(
          'placebo',
          `${title} compares the whole tag, and no rule has the tag ${text}; a part of a tag or a pattern counts on ModSecurity 2 alone`,
          `name the tag as the rules have it: ${meant.slice(0, 3).join(', ')}`,
        ),
      ]
    }
  }
  const what = kind === 'tag' ? 'the tag' : 'the message'
  const where = host === null ? 'remove it' : 'remove the action'
  return [finding('stale', `no rule of this ruleset has ${what} ${text}`, where)]
}

/** Tags that the text would match as ModSecurity 2 reads it. */
function tagsLike(text: ByteString, ruleset: Ruleset): readonly ByteString[] {
  const asPattern = selectByTag(text, platforms.modsec2)
  const tags = new Set(ruleset.rules.flatMap(({ tags: all }) => all.flatMap(({ constant }) => constant ?? [])))
  return [...tags].filter((tag) => asPattern.matches({ id: 0, tags: [tag], msg: '' })).sort()
}

function unreadSelector({ selector, host }: StandingExclusion, { platform }: Ruleset): Finding {
  const name = host === null ? 'the directive' : 'this ctl action'
  return finding(
    'placebo',
    `${platform.title} reads no rule out of "${selector.text}" in ${name}`,
    host === null ? 'write one directive for each rule' : 'write one action for each rule',
  )
}

/** Of a list or a range only a part is read. */
function unreadIds({ selector, targets, host }: StandingExclusion, ruleset: Ruleset): readonly Finding[] {
  if (selector.kind !== 'id') return []
  const read = new Set(ruleset.select(selector))
  const missed = ruleset.select(selectById(selector.text)).filter((index) => !read.has(index))
  if (missed.length === 0) return []
  const ids = missed.map((index) => ruleset.rules[index]?.id ?? 0)
  const isRange = /\d-\d/.test(selector.text)
  const what = host === null ? 'this directive' : targets.length > 0 ? 'a ctl target' : 'this ctl action'
  return [
    finding(
      'placebo',
      `${ruleset.platform.title} reads ${isRange ? 'only the first id of a range' : 'only the first id of a list'} in ${what}: ${idList(ids)} ${ids.length === 1 ? 'keeps' : 'keep'} running as ${ids.length === 1 ? 'it is' : 'they are'}`,
      'write one for each rule that needs it',
    ),
  ]
}

/** Rules that the exclusion names and that it comes too late, or too early, for. */
function outOfOrder(standing: StandingExclusion, selected: readonly Rule[], ruleset: Ruleset): readonly Finding[] {
  const { host, number } = standing
  if (host === null) return afterDirective(number, selected, standing, ruleset)
  const holder = host.rule === null ? null : (ruleset.rules[host.rule] ?? null)
  if (holder === null)
    return [finding('placebo', `rule ${host.ruleId}, which holds the action, is itself removed`, 'remove the rule')]
  const early = selected.filter(
    (rule) => rule.phase < holder.phase || (rule.phase === holder.phase && rule.index < holder.index),
  )
  if (early.length === 0) return []
  const inPhase = early.every(({ phase }) => phase === holder.phase)
  const why = inPhase
    ? `rule ${host.ruleId}, which holds the action, stands behind ${idList(early.map(({ id }) => id))}`
    : `rule ${host.ruleId}, which holds the action, runs in phase ${holder.phase}, after ${idList(early.map(({ id }) => id))}`
  const share = early.length === selected.length ? '' : ` (${selected.length - early.length} other rules are reached)`
  const advice = inPhase
    ? "move it before the ruleset's rules"
    : "make it a rule of phase 1 before the ruleset's rules; where its condition needs the body, it cannot spare rules of phase 1"
  return [finding('placebo', `${why}${share}`, advice)]
}

function afterDirective(
  number: number,
  selected: readonly Rule[],
  { targets }: StandingExclusion,
  { kept, platform }: Ruleset,
): readonly Finding[] {
  if (kept === null || platform.removalReachesLaterRules) return []
  const all = targets.length > 0 ? kept.targets : kept.removals
  const reached = new Set(all.flatMap(({ exclusion, rule }) => (exclusion === number ? [rule] : [])))
  const later = selected.filter(({ index }) => !reached.has(index))
  if (later.length === 0) return []
  if (!platform.exclusions.updatesByMessage && reached.size === 0 && targets.length > 0)
    return [finding('placebo', `${platform.title} does nothing on SecRuleUpdateTargetByMsg`, 'name the rule by its id')]
  return [
    finding(
      'placebo',
      `${idList(later.map(({ id }) => id))} ${later.length === 1 ? 'is' : 'are'} loaded behind it, and ${platform.title} applies it to the rules loaded so far`,
      "move it behind the ruleset's rules",
    ),
  ]
}

/** No rule that it names inspects the target, as far as the platform lets it reach. */
function uninspected(standing: StandingExclusion, selected: readonly Rule[], ruleset: Ruleset): readonly Finding[] {
  return standing.targets.flatMap((exclusion): Finding[] => {
    const pattern = patternProblem(exclusion, standing, ruleset)
    if (pattern !== null) return [pattern]
    if (selected.some((rule) => reachedLinks(rule, standing, ruleset).some((target) => mayTake(exclusion, target))))
      return jsonProblem(exclusion, ruleset)
    return [whyNot(exclusion, standing, selected, ruleset)]
  })
}

function reachedLinks(rule: Rule, { host, link }: StandingExclusion, { platform }: Ruleset): readonly Target[] {
  if (host === null) return rule.links.filter((_, at) => link === null || at === link).flatMap(({ targets }) => targets)
  return rule.links
    .filter((_, at) => at === 0 || platform.targetExclusionReachesChain)
    .flatMap(({ targets }) => targets)
}

/** Whether some value of the target may be taken away. */
export function mayTake(exclusion: TargetExclusion, target: Target): boolean {
  if (target.variable.name !== exclusion.variable) return false
  if (target.count) return exclusion.ofCounts !== 'none'
  if (exclusion.takes(target, target.selector?.text ?? exclusion.key)) return true
  return target.selector?.kind === 'regex'
}

function patternProblem(
  { key, variable }: TargetExclusion,
  { host }: StandingExclusion,
  { platform }: Ruleset,
): Finding | null {
  if (key === null || !/^\/.+\/$/.test(key) || variable === 'XML') return null
  if (host !== null && !platform.ctlTargetRegex)
    return finding(
      'placebo',
      `${platform.title} knows no pattern in a ctl target: it looks for a name ${key}, slashes and all`,
      'name each parameter, or use SecRuleUpdateTargetById, which knows patterns',
    )
  if (platform.exclusions.patternsSeeLowerCase && /[A-Z]/.test(key.replace(/\\./g, '')))
    return finding(
      'placebo',
      `${platform.title} compares the pattern ${key} with names in lower case, and minds case`,
      'write the pattern in lower case',
    )
  return null
}

/** Names in JSON bodies are spelled differently by each engine. */
function jsonProblem({ key, variable }: TargetExclusion, { platform }: Ruleset): Finding[] {
  if (key === null || !variable.startsWith('ARGS') || !key.startsWith('json.')) return []
  const spelled = {
    modsec2: { wrong: true, right: 'a.b, without `json.` and without indexes' },
    modsec3: { wrong: /\.\d+(?:\.|$)/.test(key), right: 'json.a.array_0.b' },
    coraza: { wrong: /\.array_\d+(?:\.|$)/.test(key), right: 'json.a.0.b' },
  }[platform.name]
  if (!spelled.wrong) return []
  return [
    finding(
      'placebo',
      `${variable}:${key} is no name that ${platform.title} gives to a member of a JSON body: it spells them ${spelled.right}`,
      'spell the name as the platform does',
    ),
  ]
}

function whyNot(
  exclusion: TargetExclusion,
  { host, targets }: StandingExclusion,
  selected: readonly Rule[],
  { platform }: Ruleset,
): Finding {
  const { variable, key } = exclusion
  const name = key === null ? variable : `${variable}:${key}`
  const ids = idList(selected.map(({ id }) => id))
  const all = selected.flatMap(({ links }) => links.flatMap((link) => link.targets))
  const folded = variable.trim().toUpperCase()
  if (folded !== variable && all.some((target) => target.variable.name === folded))
    return finding(
      'placebo',
      `${platform.title} knows no collection "${variable}" here: it is ${folded}, as the rules spell it`,
      `write ${folded}`,
    )
  if (all.some((target) => mayTake(exclusion, target)))
    return finding(
      'placebo',
      `${ids}: ${name} is inspected behind the head of a chain, where ${platform.title} applies no exclusion of a target`,
      host === null && targets.length > 0
        ? 'remove the rule at the path where it errs, with ctl:ruleRemoveById'
        : 'use ctl:ruleRemoveById at that path',
    )
  const same = all.filter((target) => target.variable.name === variable)
  if (same.length > 0) {
    const spelled = [...new Set(same.map(({ text }) => text))].slice(0, 4).join(', ')
    return finding(
      'placebo',
      `${ids}: ${platform.title} takes ${name} away only where the rule spells its target so; it inspects ${spelled}`,
      'name the target as the rule spells it',
    )
  }
  const related = [...new Set(all.map((target) => target.variable.name))].filter(
    (each) => !/^(?:TX|MATCHED_VARS?)/.test(each),
  )
  return finding(
    'placebo',
    `${ids} ${selected.length === 1 ? 'does' : 'do'} not inspect ${name}${related.length === 0 ? '' : `, but ${related.slice(0, 6).join(', ')}`}`,
    'name the target that the alert names',
  )
}

/** `<Location>` and its kin: ModSecurity 2 alone has them, and rules of phase 1 run before they count. */
function locatedPlacebo({ read }: AuditItem, ruleset: Ruleset): readonly Finding[] {
  if (read === null || read.containers.length === 0) return []
  const container = read.containers.at(-1) ?? ''
  if (ruleset.platform.name !== 'modsec2')
    return [
      finding(
        'placebo',
        `${ruleset.platform.title} knows no ${container}`,
        "scope it by ctl in a rule of phase 1 before the ruleset's rules",
      ),
    ]
  if (read.ids.length === 0) return []
  const rules = ruleset.rules.filter(({ id }) => read.ids.some(([low, high]) => id >= low && id <= high))
  const early = rules.filter(({ phase }) => phase === 1)
  if (rules.length === 0) return [finding('stale', `this ruleset has no rule ${read.selector}`, 'remove it')]
  if (early.length === 0) return []
  return [
    finding(
      'placebo',
      `${idList(early.map(({ id }) => id))} ${early.length === 1 ? 'runs' : 'run'} in phase 1, before Apache knows ${container}`,
      'use ctl:ruleRemoveById in a rule of phase 1 that names the path',
    ),
  ]
}
