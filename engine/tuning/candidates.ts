/**
 * The table of exclusion kinds, from broad to narrow: for a rule and a target at one place, the exclusion of each
 * kind, or why the platform would not honour it.
 *
 * Protected rules get none. Sources of what each platform honours: docs/exclusions.md.
 */
import { createHash } from 'node:crypto'
import { selectByTag } from '../exclusions.js'
import type { ByteString } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import type { Rule, Ruleset } from '../model/ruleset.js'
import type { SettingsInForce } from '../settings-in-force.js'
import { apachePath } from '../transaction/apache-path.js'
import { isWritableKey, pathEscaper, scopedRule, settingAction } from './config-text.js'
import type { Exclusion, ExclusionKind } from './exclusion.js'
import { isDerivedTarget } from './hits.js'
import { exactKey } from './parameter-families.js'
import type { PathTemplate } from './path-templates.js'
import { type HitSource, type Scope, type Spot, splitTarget } from './place.js'
import { protectedRulesOf } from './protected-rules.js'
import { settingRule } from './setting-rules.js'

export type BodyProcessor = 'JSON' | 'URLENCODED' | 'XML'

/** An exclusion before it has ids. */
export interface Candidate {
  /** Stable from run to run: what it is, not where it stands. */
  readonly key: string
  readonly kind: ExclusionKind
  readonly ruleIds: readonly number[]
  readonly tags: readonly string[]
  readonly targets: readonly string[]
  readonly scope: Scope
  readonly placement: Exclusion['placement']
  /** How many rules of its own it adds. */
  readonly idsNeeded: number
  readonly opens: readonly string[]
  /** Body processor that requests in its scope get; null: they are read as before. */
  readonly processor: BodyProcessor | null
  /** Its place in the table: the greater, the narrower. */
  readonly narrowness: number
  directive(ids: readonly number[]): string
  covers(source: HitSource): boolean
}

/** An exclusion as proof and price see it, whoever wrote it: what it names, and what it covers. */
export type Applied = Pick<
  Candidate,
  'key' | 'kind' | 'ruleIds' | 'tags' | 'targets' | 'scope' | 'processor' | 'covers'
>

/** A rung of the ladder that the platform, or the rule, does not allow. */
export interface Unavailable {
  readonly kind: ExclusionKind
  readonly unavailable: string
}

export interface CandidateInput {
  readonly ruleset: Ruleset
  readonly settings: SettingsInForce
  /** Conditions beside the path, where the caller asks for them. */
  readonly method?: ByteString | null
  readonly host?: ByteString | null
}

interface Build {
  readonly spot: Spot
  readonly rule: Rule
  readonly platform: Platform
  readonly input: CandidateInput
}

interface KindDefinition {
  readonly kind: ExclusionKind
  readonly doc: string
  /** Several where a kind has forms; a text says why there is none. */
  build(build: Build): readonly Form[] | string
}

/** What a kind says of one candidate; the rest follows from the spot. */
interface Form {
  readonly tags?: readonly string[]
  readonly targets?: readonly string[]
  readonly placement: Exclusion['placement']
  readonly scoped: boolean
  readonly idsNeeded: number
  readonly opens?: readonly string[]
  readonly mark?: string
  readonly processor?: BodyProcessor
  directive(ids: readonly number[]): string
  covers(source: HitSource): boolean
}

/** From broad to narrow. */
export const exclusionKinds: readonly KindDefinition[] = [
  {
    kind: 'remove-by-tag',
    doc: 'Removes every rule of a class, everywhere.',
    build: (b) => withTag(b, (tag) => [everywhere(b, `SecRuleRemoveByTag "${tag}"`, { tags: [tag] })]),
  },
  {
    kind: 'remove-by-id',
    doc: 'Removes the rule, everywhere.',
    build: (b) => [everywhere(b, `SecRuleRemoveById ${b.rule.id}`, {})],
  },
  {
    kind: 'update-target-by-tag',
    doc: 'Takes the target from every rule of a class, everywhere.',
    build: (b) =>
      withTag(b, (tag) =>
        withConfiguredTarget(b, (target) => [
          everywhere(b, `SecRuleUpdateTargetByTag "${tag}" "!${target}"`, { tags: [tag], targets: [target] }),
        ]),
      ),
  },
  {
    kind: 'location-remove-by-id',
    doc: 'Removes the rule at one path, by Apache configuration.',
    build: location,
  },
  {
    kind: 'ctl-remove-by-tag',
    doc: 'Removes every rule of a class at one path.',
    build: (b) => withTag(b, (tag) => [atPath(b, [`ruleRemoveByTag=${tag}`], { tags: [tag] })]),
  },
  { kind: 'ctl-remove-by-id', doc: 'Removes the rule at one path.', build: removeAtPath },
  {
    kind: 'update-target-by-id',
    doc: 'Takes the target from the rule, everywhere.',
    build: (b) =>
      withConfiguredTarget(b, (target) => [
        everywhere(b, `SecRuleUpdateTargetById ${b.rule.id} "!${target}"`, { targets: [target] }),
      ]),
  },
  {
    kind: 'ctl-remove-target-by-tag',
    doc: 'Takes the target from every rule of a class at one path.',
    build: (b) =>
      withTag(b, (tag) =>
        withRuntimeTargets(b, (targets) => [
          atPath(
            b,
            targets.map((target) => `ruleRemoveTargetByTag=${tag};${target}`),
            { tags: [tag], targets },
          ),
        ]),
      ),
  },
  {
    kind: 'ctl-remove-target-by-id',
    doc: 'Takes the target from the rule at one path.',
    build: (b) =>
      withRuntimeTargets(b, (targets) => [
        atPath(
          b,
          targets.map((target) => `ruleRemoveTargetById=${b.rule.id};${target}`),
          { targets },
        ),
      ]),
  },
  { kind: 'setting', doc: 'Changes the setting of crs-setup that drives the rule.', build: changeSetting },
]

/** Every rung for the spot, from broad to narrow. Throws where the rule is not in the ruleset. */
export function ladder(spot: Spot, input: CandidateInput): readonly (Candidate | Unavailable)[] {
  const rule = ruleOf(input.ruleset, spot.ruleId)
  if (rule === undefined) return [{ kind: 'remove-by-id', unavailable: `rule ${spot.ruleId} is not in this ruleset` }]
  const build: Build = { spot, rule, platform: input.ruleset.platform, input }
  if (protectedRulesOf(input.ruleset).has(rule.id))
    return [
      { kind: 'remove-by-id', unavailable: `rule ${rule.id} steers or weighs other rules; it must not be excluded` },
    ]
  return exclusionKinds.flatMap((definition, narrowness): readonly (Candidate | Unavailable)[] => {
    const forms = definition.build(build)
    if (typeof forms === 'string') return [{ kind: definition.kind, unavailable: forms }]
    return forms.map((form) => candidateOf(definition.kind, form, build, narrowness))
  })
}

/** The rungs that may be chosen without being asked for, the best first. */
export function eligible(rungs: readonly (Candidate | Unavailable)[]): readonly Candidate[] {
  return rungs
    .filter(isAvailable)
    .filter(mayBeChosen)
    .sort((a, b) => preference(b) - preference(a) || (a.key < b.key ? -1 : 1))
}

/** What reads a body no longer, or lies outside SecLang, is for people to decide. */
function mayBeChosen({ kind, opens, tags }: Candidate): boolean {
  if (tags.length > 0 || kind === 'location-remove-by-id') return false
  return !(kind === 'setting' && opens.includes('uninspected-body'))
}

/** The greater, the sooner taken: settings for rules that they drive, then the narrowest. */
function preference({ kind, narrowness, opens, processor, targets }: Candidate): number {
  if (kind === 'setting') return 100
  // A list of names says nothing of the next one; a pattern does.
  if (kind === 'ctl-remove-target-by-id' && targets.length > 1) return narrowness - 2.5
  if (opens.includes('uninspected-body')) return narrowness - 0.5
  return narrowness + (processor === null ? 0 : 0.5)
}

/** Candidates with the same place open the same door: their losses add up there. */
export function placeOf({ scope, targets }: Applied): string {
  return `${scope.template?.operator ?? '*'} ${targets.join(' ')}`
}

export function isAvailable(rung: Candidate | Unavailable): rung is Candidate {
  return !('unavailable' in rung)
}

function candidateOf(kind: ExclusionKind, form: Form, { rule, spot, input }: Build, narrowness: number): Candidate {
  const scope: Scope = form.scoped
    ? { template: spot.template, method: input.method ?? null, host: input.host ?? null }
    : { template: null, method: null, host: null }
  const { tags = [], targets = [], opens = opensOf(rule) } = form
  const ids = tags.length > 0 ? [] : [rule.id]
  const names = spot.family !== null && !spot.family.literal && targets.length > 1 ? [spot.family.text] : targets
  const identity = [kind, ids, tags, names, scope.template?.text ?? null, scope.method, scope.host, form.mark ?? '']
  return {
    key: createHash('sha256').update(JSON.stringify(identity), 'latin1').digest('hex').slice(0, 12),
    kind,
    ruleIds: [rule.id],
    tags,
    targets,
    scope,
    placement: form.placement,
    idsNeeded: form.idsNeeded,
    opens,
    processor: form.processor ?? null,
    narrowness,
    directive: form.directive,
    covers: form.covers,
  }
}

interface Selection {
  readonly tags?: readonly string[]
  readonly targets?: readonly string[]
}

function everywhere(build: Build, directive: string, { tags, targets }: Selection): Form {
  return {
    ...(tags === undefined ? {} : { tags }),
    ...(targets === undefined ? {} : { targets }),
    placement: 'after',
    scoped: false,
    idsNeeded: 0,
    directive: () => directive,
    covers: (source) => selects(build, tags, source) && (targets === undefined || coversTarget(build, source)),
  }
}

interface PathSelection extends Selection {
  readonly opens?: readonly string[]
  readonly processor?: BodyProcessor
}

function atPath(build: Build, ctl: readonly string[], { tags, targets, opens, processor }: PathSelection): Form {
  const { spot, input } = build
  const scope: Scope = { template: spot.template, method: input.method ?? null, host: input.host ?? null }
  return {
    ...(tags === undefined ? {} : { tags }),
    ...(targets === undefined ? {} : { targets }),
    ...(opens === undefined ? {} : { opens }),
    ...(processor === undefined ? {} : { mark: processor, processor }),
    placement: 'before',
    scoped: true,
    idsNeeded: 1,
    directive: (ids) =>
      scopedRule(
        ids[0] ?? 0,
        scope,
        processor === undefined ? ctl : [...ctl, `requestBodyProcessor=${processor}`],
        build.platform,
      ),
    covers: (source) =>
      selects(build, tags, source) &&
      spot.template.matches(source.path) &&
      (targets === undefined || coversTarget(build, source)),
  }
}

function selects({ rule, input }: Build, tags: readonly string[] | undefined, source: HitSource): boolean {
  if (tags === undefined) return source.ruleId === rule.id
  const [tag = ''] = tags
  return rulesWithTag(input.ruleset, tag).has(source.ruleId)
}

function coversTarget({ spot, platform }: Build, source: HitSource): boolean {
  if (source.link > 0 && !platform.targetExclusionReachesChain) return false
  const { variable, key } = splitTarget(source.target)
  if (variable !== spot.variable) return false
  return spot.family === null || (key !== null && spot.family.matches(key))
}

const ruleMaps = new WeakMap<Ruleset, ReadonlyMap<number, Rule>>()

function ruleOf(ruleset: Ruleset, ruleId: number): Rule | undefined {
  let rules = ruleMaps.get(ruleset)
  if (rules === undefined) {
    rules = new Map(ruleset.rules.map((rule) => [rule.id, rule]))
    ruleMaps.set(ruleset, rules)
  }
  return rules.get(ruleId)
}

const tagSets = new WeakMap<Ruleset, Map<string, ReadonlySet<number>>>()

function rulesWithTag(ruleset: Ruleset, tag: string): ReadonlySet<number> {
  let sets = tagSets.get(ruleset)
  if (sets === undefined) {
    sets = new Map()
    tagSets.set(ruleset, sets)
  }
  let ids = sets.get(tag)
  if (ids === undefined) {
    const indexes = ruleset.select(selectByTag(tag, ruleset.platform))
    ids = new Set(indexes.map((index) => ruleset.rules[index]?.id ?? 0))
    sets.set(tag, ids)
  }
  return ids
}

/** Classes of CRS; coarser tags (language-multi, capec/…, PCI/…) cover what nobody means. */
const classTag = /^(?:attack-[a-z-]+|language-(?!multi)[a-z-]+)$/

function withTag(build: Build, forms: (tag: string) => readonly Form[] | string): readonly Form[] | string {
  const tag = (build.rule.fixedTags ?? []).find((text) => classTag.test(text))
  if (tag === undefined) return 'the rule has no tag that names a class of attacks'
  const [covered] = protectedRulesOf(build.input.ruleset).coveredByTag(tag)
  return covered === undefined ? forms(tag) : `the tag ${tag} covers rule ${covered}, which must not be excluded`
}

function targetProblem({ spot, rule, platform }: Build): string | null {
  if (opensOf(rule).includes('uninspected-body'))
    return 'the rule judges how a body is read, and no target changes that'
  if (spot.link > 0 && !platform.targetExclusionReachesChain)
    return `${spot.variable} is read behind the head of a chain, where ${platform.title} applies no target exclusion`
  if (!/^[A-Z_]+$/.test(spot.variable)) return `${spot.variable} is no single variable`
  if (spot.variable === 'XML') return 'engines disagree on how the nodes of an XML body are named in an exclusion'
  const isCounter = spot.variable === 'TX' && spot.family?.text.startsWith('paramcounter_') === true
  if (isDerivedTarget(spot.variable) && !isCounter)
    return `${spot.variable} holds what an earlier link of the chain found`
  return null
}

const unwritable = 'the name of the parameter cannot be written in a target on this platform'

/** For directives: a name, or a pattern, which every platform takes there. */
function withConfiguredTarget(
  build: Build,
  forms: (target: string) => readonly Form[] | string,
): readonly Form[] | string {
  const problem = targetProblem(build)
  if (problem !== null) return problem
  const { variable, family } = build.spot
  if (family === null) return forms(variable)
  if (!family.literal) return forms(`${variable}:/${family.regex}/`)
  if (isWritableKey(family.text)) return forms(`${variable}:${family.text}`)
  const exact = exactKey(family.text, build.platform)
  return exact === null ? unwritable : forms(`${variable}:/${exact}/`)
}

/** LIMIT: names of a family that one rule lists where patterns are not honoured. */
const mostNames = 32

/** For `ctl:`, where most platforms take names alone. */
function withRuntimeTargets(
  build: Build,
  forms: (targets: readonly string[]) => readonly Form[] | string,
): readonly Form[] | string {
  const problem = targetProblem(build)
  if (problem !== null) return problem
  const { platform } = build
  const { variable, family } = build.spot
  if (family === null) return forms([variable])
  if (!family.literal) {
    if (platform.ctlTargetRegex) return forms([`${variable}:/${family.regex}/`])
    if (family.seen.length > mostNames || !family.seen.every(isWritableKey))
      return `${platform.title} takes no pattern in a ctl target, and the family has ${family.seen.length} names`
    return forms(family.seen.map((name) => `${variable}:${name}`))
  }
  if (isWritableKey(family.text)) return forms([`${variable}:${family.text}`])
  const exact = platform.ctlTargetRegex ? exactKey(family.text, platform) : null
  return exact === null ? unwritable : forms([`${variable}:/${exact}/`])
}

function removeAtPath(build: Build): readonly Form[] {
  const { rule, spot } = build
  const remove = `ruleRemoveById=${rule.id}`
  const opens = opensOf(rule)
  const plain = atPath(build, [remove], {})
  if (!opens.includes('uninspected-body')) return [plain]
  const processor = processorFor(spot.compared)
  if (processor === null) return [plain]
  const inspected = opens.filter((what) => what !== 'uninspected-body')
  return [plain, atPath(build, [remove], { opens: inspected, processor })]
}

/** What is no longer guarded without the rule. */
function opensOf(rule: Rule): readonly string[] {
  return settingRule(rule.id)?.opens ?? []
}

/** The body processor that reads such content types, where there is one. */
function processorFor(contentTypes: readonly ByteString[]): BodyProcessor | null {
  const types = contentTypes.map((text) => text.toLowerCase())
  if (types.length === 0) return null
  if (types.every((type) => /[+/]json\b|json-seq|csp-report|reports\+json/.test(type))) return 'JSON'
  if (types.every((type) => /[+/]xml\b/.test(type))) return 'XML'
  if (types.every((type) => /text\/|ndjson|edifact|csv|graphql|yaml/.test(type))) return 'URLENCODED'
  return null
}

function location({ rule, spot, platform }: Build): readonly Form[] | string {
  if (platform.name !== 'modsec2') return '<Location> is Apache configuration, for ModSecurity 2'
  if (rule.phase === 1) return 'phase 1 runs before Apache knows the location'
  const path = locationPattern(spot.template, platform)
  if (path === null) return 'Apache compares locations with decoded paths, and this one is only known as it is sent'
  return [
    {
      placement: 'location',
      scoped: true,
      idsNeeded: 0,
      directive: () => `<LocationMatch "${path}">\n    SecRuleRemoveById ${rule.id}\n</LocationMatch>`,
      covers: (source) => source.ruleId === rule.id && spot.template.matches(source.path),
    },
  ]
}

/** Apache matches the path as rules see it from phase 2 on; templates have it as phase 1 does. */
function locationPattern({ text, pattern }: PathTemplate, platform: Platform): ByteString | null {
  if (pattern !== null) return text.includes('%') ? null : pattern
  const { path, refusal } = apachePath(text)
  return refusal === null ? `\\A${pathEscaper([path], platform)(path)}\\z` : null
}

function changeSetting({ rule, spot, input }: Build): readonly Form[] | string {
  const setting = settingRule(rule.id)
  if (setting === null) return 'no setting drives the rule'
  const current = input.settings.tx.get(setting.name)
  if (current === undefined) return `tx.${setting.name} is not set in this ruleset`
  const value = setting.propose(current, spot.compared)
  if (value === null) return `no value of tx.${setting.name} follows from what the rule compared`
  if (settingAction(0, setting.name, value) === null) return `the value of tx.${setting.name} cannot be quoted`
  return [
    {
      targets: [`TX:${setting.name}`],
      placement: 'setup',
      scoped: false,
      idsNeeded: 1,
      opens: setting.opens,
      mark: value,
      directive: (ids) =>
        `# crs-setup.conf: edit rule ${setting.setupId} instead where it is in use\n${settingAction(ids[0] ?? 0, setting.name, value) ?? ''}`,
      covers: (source) => source.ruleId === rule.id,
    },
  ]
}

/** The candidate as reports carry it, with ids given out. Nothing is known yet of what it does. */
export function exclusionFrom(candidate: Candidate, ids: readonly number[], platform: Platform): Exclusion {
  const { key, kind, ruleIds, tags, targets, scope, placement, opens } = candidate
  return {
    key,
    kind,
    ruleIds,
    tags,
    targets,
    scope: { path: scope.template?.text ?? null, host: scope.host, method: scope.method },
    platform: platform.name,
    placement,
    configIds: ids,
    directive: candidate.directive(ids),
    clears: { requests: 0, hits: 0, recordIds: [] },
    attacksLost: null,
    detectionsLost: null,
    opens,
    evidence: { requests: 0, of: 0, example: '' },
    proof: 'unproven',
    alternatives: [],
  }
}
