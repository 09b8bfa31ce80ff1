/**
 * Exclusions: which rules (by id, range, tag, message) lose what (themselves, or some of their targets).
 *
 * One place for directives (`SecRuleRemoveById`), run-time `ctl` and overlays alike, so that a selector
 * means the same wherever it is written. Where engines differ the platform record decides.
 */
import { DefinitionError } from './errors.js'
import type { RuleSelector, SelectableRule, TargetExclusion } from './model/definitions.js'
import { type ByteString, lowerAscii } from './model/exchange.js'
import type { Platform } from './model/platform.js'
import { compileSelector } from './patterns/index.js'

/** Canonical name of a variable as written; throws DefinitionError where it is unknown. */
export interface VariableNames {
  variable(name: string): string
}

/** Ids and ranges, separated by blanks or commas: `942100`, `"942100-942199"`. */
export function selectById(text: string): RuleSelector {
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
  if (ranges.length === 0) throw new DefinitionError('a rule id is missing')
  return {
    kind: 'id',
    text,
    matches: (rule: SelectableRule) => ranges.some(([low, high]) => rule.id >= low && rule.id <= high),
  }
}

/** COMPAT(modsec2): the tag is a pattern; libmodsecurity 3 and Coraza compare it whole. */
export function selectByTag(text: ByteString, platform: Platform): RuleSelector {
  const test = platform.tagMatch === 'regex' ? compileSelector(text) : (tag: ByteString) => tag === text
  return { kind: 'tag', text, matches: (rule) => rule.tags.some((tag) => test(tag)) }
}

export function selectByMessage(text: ByteString, platform: Platform): RuleSelector {
  const test = platform.tagMatch === 'regex' ? compileSelector(text) : (msg: ByteString) => msg === text
  return { kind: 'msg', text, matches: (rule) => test(rule.msg) }
}

/**
 * What a target exclusion such as `ARGS:password` takes away. `regexKeys` says whether `/…/` is a pattern
 * here; where it is not, the slashes are part of the name, as on the engines that know no such keys.
 */
export function excludeTarget(text: ByteString, regexKeys: boolean, names: VariableNames): TargetExclusion {
  const colon = text.indexOf(':')
  const variable = names.variable((colon < 0 ? text : text.slice(0, colon)).trim())
  const key = colon < 0 ? null : text.slice(colon + 1).replace(/^'(.*)'$/s, '$1')
  return { variable, key, matchesKey: keyTest(key, regexKeys) }
}

function keyTest(key: ByteString | null, regexKeys: boolean): (key: ByteString | null) => boolean {
  if (key === null || key === '') return () => true
  if (regexKeys && key.length > 2 && key.startsWith('/') && key.endsWith('/')) {
    const test = compileSelector(key.slice(1, -1))
    return (candidate) => candidate !== null && test(candidate)
  }
  const lower = lowerAscii(key)
  return (candidate) => candidate !== null && lowerAscii(candidate) === lower
}
