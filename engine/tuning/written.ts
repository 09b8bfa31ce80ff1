/**
 * Exclusions that stand in a file, as proof and price see them: what each covers follows from what the engine made of
 * its text, from the paths on which it was in force, and from what it was seen to suppress.
 *
 * What wafsim wrote as one exclusion is one, with all its actions; of what people wrote each directive or action is one.
 */
import { type ByteString, lowerAscii } from '../model/exchange.js'
import type { Rule, Ruleset } from '../model/ruleset.js'
import type { StandingExclusion } from '../model/standing-exclusion.js'
import type { Verdict } from '../model/verdict.js'
import { placeOf, textOf } from './audit/audit-items.js'
import type { Applied, BodyProcessor } from './candidates.js'
import type { PathTemplate, TemplateOf } from './path-templates.js'
import { type HitSource, splitTarget } from './place.js'
import type { ReadExclusion } from './read-exclusions.js'
import { settingRule } from './setting-rules.js'

export interface WrittenExclusion {
  /** Unique in the file. */
  readonly id: string
  /** Key of the block that wafsim wrote around it; null where people wrote it. */
  readonly key: string | null
  readonly file: string
  readonly line: number
  /** As it is commonly written, one action after the other. */
  readonly text: ByteString
  readonly reads: readonly ReadExclusion[]
  /** What the compiler made of it; empty for a setting, a switch, and what stands in `<Location>`. */
  readonly standing: readonly StandingExclusion[]
}

/** Exclusions read from files that `ruleset` was compiled with. */
export function writtenExclusions(reads: readonly ReadExclusion[], ruleset: Ruleset): readonly WrittenExclusion[] {
  const byPlace = new Map<string, StandingExclusion[]>()
  for (const standing of ruleset.standing) {
    const place = placeOf(standing.span)
    byPlace.set(place, [...(byPlace.get(place) ?? []), standing])
  }
  const groups = new Map<string, ReadExclusion[]>()
  for (const read of reads) {
    if (isReadingAid(read, reads)) continue
    const id = read.key === null ? placeOf(read.span) : `${read.span.file}\0${read.key}`
    groups.set(id, [...(groups.get(id) ?? []), read])
  }
  return [...groups].map(([id, own]): WrittenExclusion => {
    const { key, span } = own[0] as ReadExclusion
    const named = own.filter(({ kind }) => kind !== 'ctl-switch')
    return {
      id,
      key,
      file: span.file,
      line: span.line,
      text: (named.length > 0 ? named : own).map(written).join(', '),
      reads: own,
      standing: own.flatMap((read) => byPlace.get(placeOf(read.span)) ?? []),
    }
  })
}

function written(read: ReadExclusion): ByteString {
  return read.kind === 'setting' ? `setvar:${read.selector}=${read.value ?? ''}` : textOf(read)
}

const processorSwitch = /^requestBodyProcessor=(JSON|URLENCODED|XML)$/i

/** A body processor that goes with another action of the same rule. */
function isReadingAid(read: ReadExclusion, reads: readonly ReadExclusion[]): boolean {
  if (read.key !== null || read.kind !== 'ctl-switch' || !processorSwitch.test(read.selector)) return false
  return reads.some((other) => other.kind !== 'ctl-switch' && isSameRule(other, read))
}

function isSameRule(a: ReadExclusion, b: ReadExclusion): boolean {
  return a.span.file === b.span.file && a.lines[0] === b.lines[0] && a.holder !== null && b.holder !== null
}

/** What a replay that lifts the exclusions shows of where they act. */
export class WrittenEvidence {
  readonly #paths = new Map<number, Set<ByteString>>()
  readonly #places = new Map<number, Set<string>>()

  /** `path` as rules of phase 1 see it. */
  add(path: ByteString, { lifted, matches }: Verdict): void {
    for (const number of lifted?.fired ?? []) of(this.#paths, number).add(path)
    for (const { ruleId, link, target, suppressedBy = [] } of matches)
      for (const number of suppressedBy) of(this.#places, number).add(sourceName({ ruleId, link, target, path }))
  }

  wasInForce(number: number, path: ByteString): boolean {
    return this.#paths.get(number)?.has(path) === true
  }

  suppressed(number: number, source: HitSource): boolean {
    return this.#places.get(number)?.has(sourceName(source)) === true
  }
}

function of<T>(sets: Map<number, Set<T>>, number: number): Set<T> {
  let set = sets.get(number)
  if (set === undefined) {
    set = new Set()
    sets.set(number, set)
  }
  return set
}

function sourceName({ ruleId, link, target, path }: HitSource): string {
  return `${ruleId} ${link} ${target.length} ${target} ${path}`
}

export interface AppliedOptions {
  /** With the exclusions. */
  readonly ruleset: Ruleset
  readonly evidence: WrittenEvidence
  readonly templateOf: TemplateOf
  /** Every path of the replay. */
  readonly paths: Iterable<ByteString>
  /** All exclusions of the files. */
  readonly reads: readonly ReadExclusion[]
}

/** The exclusions that a replay can say something of, by `WrittenExclusion.id`. */
export function appliedFrom(
  exclusions: readonly WrittenExclusion[],
  options: AppliedOptions,
): ReadonlyMap<string, Applied> {
  const templates = new Map<ByteString, PathTemplate>()
  for (const path of options.paths) {
    const template = options.templateOf(path)
    templates.set(template.operator, template)
  }
  return new Map(
    exclusions.flatMap((exclusion) => {
      const applied = appliedOf(exclusion, templates, options)
      return applied === null ? [] : [[exclusion.id, applied] as const]
    }),
  )
}

function appliedOf(
  exclusion: WrittenExclusion,
  templates: ReadonlyMap<ByteString, PathTemplate>,
  { ruleset, evidence, reads }: AppliedOptions,
): Applied | null {
  const { id, standing, reads: own } = exclusion
  const [first] = own
  if (first === undefined) return null
  const setting = own.find(({ kind }) => kind === 'setting')
  const driven = setting === undefined ? [] : drivenBy(setting, ruleset)
  if (standing.length === 0 && driven.length === 0) return null
  const selected = standing.map((each) => ({ each, rules: rulesOf(each, ruleset) }))
  const isSuppressed = (source: HitSource): boolean =>
    standing.some(({ number }) => evidence.suppressed(number, source))
  return {
    key: id,
    kind: setting === undefined ? kindOf(first) : 'setting',
    ruleIds: [...new Set([...driven, ...selected.flatMap(({ rules }) => [...rules])])],
    // The rules are all named above.
    tags: [],
    targets: [...new Set(own.flatMap(({ targets }) => targets))],
    scope: {
      template: templateFrom(exclusion, templates, evidence),
      method: first.scope.method,
      host: first.scope.host,
    },
    processor: processorOf(own, reads),
    covers: (source) =>
      driven.includes(source.ruleId) ||
      isSuppressed(source) ||
      selected.some(({ each, rules }) => rules.has(source.ruleId) && acts(each, source, ruleset, evidence)),
  }
}

function rulesOf({ selector }: StandingExclusion, ruleset: Ruleset): ReadonlySet<number> {
  return new Set(ruleset.select(selector).map((index) => ruleset.rules[index]?.id ?? 0))
}

function drivenBy({ selector }: ReadExclusion, { rules }: Ruleset): readonly number[] {
  const name = lowerAscii(selector.replace(/^tx\./i, ''))
  return rules.flatMap(({ id }) => (settingRule(id)?.name === name ? [id] : []))
}

/** Whether the exclusion reaches a source that was not seen, by what the engine made of its text. */
function acts(
  { number, host, targets, link }: StandingExclusion,
  source: HitSource,
  ruleset: Ruleset,
  evidence: WrittenEvidence,
): boolean {
  if (host !== null && !evidence.wasInForce(number, source.path)) return false
  if (targets.length === 0) return true
  if (link !== null ? link !== source.link : source.link > 0 && !ruleset.platform.targetExclusionReachesChain)
    return false
  const { variable, key } = splitTarget(source.target)
  const inspected = ruleOf(ruleset, source.ruleId)?.links[source.link]?.targets.filter(
    (target) => target.variable.name === variable,
  )
  return (inspected ?? []).some((target) => targets.some((each) => each.takes(target, key)))
}

const ruleMaps = new WeakMap<Ruleset, ReadonlyMap<number, Rule>>()

function ruleOf(ruleset: Ruleset, id: number): Rule | undefined {
  let rules = ruleMaps.get(ruleset)
  if (rules === undefined) {
    rules = new Map(ruleset.rules.map((rule) => [rule.id, rule]))
    ruleMaps.set(ruleset, rules)
  }
  return rules.get(id)
}

/** The template that the condition on the path stands for; one learned from the traffic where it is the same. */
function templateFrom(
  { reads, standing }: WrittenExclusion,
  templates: ReadonlyMap<ByteString, PathTemplate>,
  evidence: WrittenEvidence,
): PathTemplate | null {
  const conditions = reads[0]?.conditions ?? []
  if (conditions.length === 0) return null
  const onPath = conditions.find(
    ({ targets: [target = '', ...others], negated }) =>
      !negated && others.length === 0 && /^REQUEST_(?:FILENAME|URI|BASENAME)$/i.test(target),
  )
  const operator = (onPath === undefined ? conditions : [onPath])
    .map(({ negated, operator: name, argument }) => `${negated ? '!' : ''}@${name} ${argument}`)
    .join(' ')
  const learned = templates.get(operator)
  if (learned !== undefined) return learned
  const isPath = onPath?.operator.toLowerCase() === 'streq'
  return {
    text: isPath ? onPath.argument : operator,
    literal: isPath,
    pattern: null,
    operator,
    matches: (path) => standing.some(({ number }) => evidence.wasInForce(number, path)),
  }
}

function processorOf(own: readonly ReadExclusion[], reads: readonly ReadExclusion[]): BodyProcessor | null {
  const all = reads.filter((read) => own.includes(read) || own.some((each) => isSameRule(each, read)))
  for (const { kind, selector } of all) {
    const name = kind === 'ctl-switch' ? processorSwitch.exec(selector)?.[1] : undefined
    if (name !== undefined) return name.toUpperCase() as BodyProcessor
  }
  return null
}

/** Kinds that wafsim does not write cost what their nearest does. */
function kindOf({ kind }: ReadExclusion): Applied['kind'] {
  switch (kind) {
    case 'remove-by-msg':
      return 'remove-by-tag'
    case 'update-target-by-msg':
      return 'update-target-by-tag'
    case 'ctl-remove-by-msg':
      return 'ctl-remove-by-tag'
    case 'ctl-remove-target-by-msg':
      return 'ctl-remove-target-by-tag'
    case 'allow':
    case 'ctl-switch':
    case 'engine-switch':
    case 'update-action-by-id':
      return 'ctl-remove-by-id'
    default:
      return kind
  }
}
