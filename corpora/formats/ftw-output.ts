/**
 * What a rule test expects: the `output` of a stage or of an override.
 *
 * An expectation that is not understood cannot be judged, so an unknown key is a problem, never left out.
 */
import type { YamlView } from './yaml-view.js'

export interface RuleTestOutput {
  readonly expectIds: readonly number[]
  readonly noExpectIds: readonly number[]
  readonly matchRegex: string | null
  readonly noMatchRegex: string | null
  /** Statuses of which one is expected; empty: any. */
  readonly statuses: readonly number[]
  /** Whether the server is expected to refuse the request without an answer; null: not said. */
  readonly expectError: boolean | null
  readonly responseContains: string | null
  /** No rule but the expected ones may fire. */
  readonly isolated: boolean
}

const outputKeys = [
  'status',
  'response_contains',
  'log_contains',
  'no_log_contains',
  'log',
  'expect_error',
  'retry_once',
  'isolated',
]
const logKeys = ['expect_ids', 'no_expect_ids', 'match_regex', 'no_match_regex']

/** `log_contains` and `no_log_contains` of schema 2 name an id (`id "942100"`) or are a pattern. */
export function outputOf(output: YamlView): RuleTestOutput | { readonly problem: string } {
  const log = output.at('log')
  const unknown = [...unknownKeys(output, outputKeys), ...unknownKeys(log, logKeys).map((key) => `log.${key}`)]
  if (unknown.length > 0) return { problem: `unknown expectation "${unknown[0]}" in output` }
  const lists = [output.at('status'), log.at('expect_ids'), log.at('no_expect_ids')].map(numbersOf)
  const [statuses, expectIds, noExpectIds] = lists
  if (statuses == null || expectIds == null || noExpectIds == null)
    return { problem: 'status, expect_ids and no_expect_ids must be numbers' }
  const contains = output.textAt('log_contains')
  const containsNot = output.textAt('no_log_contains')
  return {
    expectIds: [...expectIds, ...idsIn(contains)],
    noExpectIds: [...noExpectIds, ...idsIn(containsNot)],
    matchRegex: log.textAt('match_regex') ?? (idsIn(contains).length === 0 ? contains : null),
    noMatchRegex: log.textAt('no_match_regex') ?? (idsIn(containsNot).length === 0 ? containsNot : null),
    statuses,
    expectError: output.flagAt('expect_error'),
    responseContains: output.textAt('response_contains'),
    isolated: output.flagAt('isolated') ?? false,
  }
}

function unknownKeys(map: YamlView, known: readonly string[]): string[] {
  return map.pairs.map(([key]) => key).filter((key) => !known.includes(key))
}

/** A number or a list of numbers; null where something else stands. */
function numbersOf(node: YamlView): readonly number[] | null {
  const texts = node.isList ? node.items.map((item) => item.text) : node.text === null ? [] : [node.text]
  if (!node.isList && node.isMap) return null
  return texts.every((text) => text !== null && /^\d+$/.test(text)) ? texts.map(Number) : null
}

/** The ids where the text is nothing but ids; any other pattern stays a pattern. */
function idsIn(text: string | null): readonly number[] {
  if (text === null || !/^(?:\W*id[: ]*\\?"\d+\\?"\W*)+$/.test(text)) return []
  return [...text.matchAll(/\d+/g)].map((found) => Number(found[0]))
}
