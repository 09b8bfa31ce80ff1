/**
 * Exclusions: which rules (by id, range, tag, message) lose what (themselves, or some of their targets).
 *
 * One place for directives (`SecRuleRemoveById`), run-time `ctl` and overlays alike, so that a selector
 * means the same wherever it is written. Where engines differ the platform record decides.
 */
import { DefinitionError } from './errors.js'
import type { ExcludableTarget, RuleSelector, SelectableRule, TargetExclusion } from './model/definitions.js'
import { type ByteString, lowerAscii } from './model/exchange.js'
import type { IdReading } from './model/exclusion-dialect.js'
import type { Platform } from './model/platform.js'
import { compileSelector } from './patterns/index.js'

/** Canonical name of a variable as written; throws DefinitionError where it is unknown. */
export interface VariableNames {
  variable(name: string): string
}

/** Where an exclusion of a target is written: in the rule itself, in a directive, in a `ctl` action. */
export type ExclusionOrigin = 'rule' | 'directive' | 'ctl'

/** Ids and ranges, separated by blanks or commas: `942100`, `"942100-942199"`; as much of them as is read. */
export function selectById(text: ByteString, reading: IdReading = 'all'): RuleSelector {
  const ranges: [number, number][] = []
  for (const word of text.split(/[\s,]+/)) {
    if (word === '') continue
    const range = /^"?'?(\d+)(?:-(\d+))?'?"?$/.exec(word)
    if (range === null) throw new DefinitionError(`"${word}" is neither a rule id nor a range of ids`)
    const low = Number(range[1])
    const high = range[2] === undefined ? low : Number(range[2])
    if (high < low) throw new DefinitionError(`the range "${word}" ends before it begins`)
    ranges.push([low, high])
  }
  const [first] = ranges
  if (first === undefined) throw new DefinitionError('a rule id is missing')
  const read = rangesRead(text, ranges, first, reading)
  return {
    kind: 'id',
    text,
    matches: (rule: SelectableRule) => read.some(([low, high]) => rule.id >= low && rule.id <= high),
  }
}

type Range = readonly [low: number, high: number]

function rangesRead(text: ByteString, all: readonly Range[], first: Range, reading: IdReading): readonly Range[] {
  switch (reading) {
    case 'all':
      return all
    case 'first-word':
      return all.slice(0, text.trim().split(/\s/, 1)[0]?.split(',').length ?? 0)
    case 'first-range':
      return [first]
    case 'first-number':
      return [[first[0], first[0]]]
    case 'no-list':
      return all.length > 1 ? [] : all
  }
}

/** COMPAT(modsec2): the tag is a pattern; libmodsecurity 3 and Coraza compare it whole. */
export function selectByTag(text: ByteString, platform: Platform): RuleSelector {
  const test = textTest(text, platform)
  return { kind: 'tag', text, matches: (rule) => rule.tags.some((tag) => test(tag)) }
}

export function selectByMessage(text: ByteString, platform: Platform): RuleSelector {
  const test = textTest(text, platform)
  return { kind: 'msg', text, matches: (rule) => test(rule.msg) }
}

function textTest(text: ByteString, { tagMatch, exclusions }: Platform): (candidate: ByteString) => boolean {
  if (tagMatch === 'exact') return (candidate) => candidate === text
  return compileSelector(text, exclusions.selectorsIgnoreCase)
}

/**
 * What a target exclusion such as `ARGS:password` takes away. Where `/…/` is no pattern, the slashes are part of the
 * name, as on the engines that know no such keys.
 */
export function excludeTarget(
  text: ByteString,
  origin: ExclusionOrigin,
  platform: Platform,
  names: VariableNames,
): TargetExclusion {
  const dialect = platform.exclusions
  const colon = text.indexOf(':')
  const written = colon < 0 ? text : text.slice(0, colon)
  const canonical = names.variable(written.trim())
  const isExact = dialect.spelling === 'exact'
  const isMisspelled =
    origin === 'ctl' && ((isExact && written !== canonical) || (!dialect.trimsCtlTargets && written !== written.trim()))
  const variable = isMisspelled ? written : canonical
  const key = colon < 0 ? null : text.slice(colon + 1).replace(/^'(.*)'$/s, '$1')
  const isWhole = key === null || key === ''
  const ofCounts =
    dialect.counts === 'each-value'
      ? 'each-value'
      : isWhole && (origin === 'ctl' || dialect.directivesReachCounts)
        ? 'whole'
        : 'none'
  const takesKey = keyTest(key, origin, platform)
  const byExpression = origin !== 'ctl' || dialect.ctlReachesExpressions
  const takes = (target: ExcludableTarget, of: ByteString | null): boolean => {
    if (target.variable.name !== variable) return false
    if (isWhole) return !isExact || target.selector === null
    if (!byExpression && target.variable.kind === 'selected') return false
    return takesKey(of) || (isExact && target.selector !== null && target.selector.text === key)
  }
  return { variable, key, takes, ofCounts }
}

function keyTest(
  key: ByteString | null,
  origin: ExclusionOrigin,
  platform: Platform,
): (key: ByteString | null) => boolean {
  if (key === null || key === '') return () => true
  const { spelling, patternsSeeLowerCase } = platform.exclusions
  const arePatterns = origin !== 'ctl' || platform.ctlTargetRegex
  if (arePatterns && key.length > 2 && key.startsWith('/') && key.endsWith('/')) {
    const test = compileSelector(key.slice(1, -1), !patternsSeeLowerCase)
    return (candidate) => candidate !== null && test(patternsSeeLowerCase ? lowerAscii(candidate) : candidate)
  }
  if (spelling === 'exact' && origin !== 'rule') return (candidate) => candidate === key
  const lower = lowerAscii(key)
  return (candidate) => candidate !== null && lowerAscii(candidate) === lower
}
