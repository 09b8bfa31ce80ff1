/**
 * Patterns: @rx and @rxGlobal. The pattern is compiled once; one with macros for each text they expand to.
 */
import type {
  OperatorDefinition,
  OperatorInput,
  OperatorMatch,
  OperatorTest,
  TransactionView,
} from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { compilePattern, type Pattern } from '../regex.js'
import { unsimulatedOperator } from './match.js'

/** LIMIT: patterns kept for one argument with macros; beyond it all are compiled anew. */
const keptPatterns = 100

function find(pattern: Pattern, value: ByteString): OperatorMatch | null {
  if (!pattern.test(value)) return null
  const found = pattern.exec(value)
  if (found === null) return null
  return { matched: found.matched, captures: found.groups.slice(0, 10).map((group) => group ?? '') }
}

function compileRx({ argument, platform }: OperatorInput): OperatorTest {
  if (argument.constant !== null) {
    const pattern = compilePattern(argument.constant, platform)
    return (value) => find(pattern, value)
  }
  const patterns = new Map<ByteString, Pattern | null>()
  const patternFor = (view: TransactionView): Pattern | null => {
    const text = argument.expand(view)
    let pattern = patterns.get(text)
    if (pattern === undefined) {
      if (patterns.size >= keptPatterns) patterns.clear()
      pattern = compileOrNull(text, platform)
      patterns.set(text, pattern)
    }
    return pattern
  }
  return (value, view) => {
    const pattern = patternFor(view)
    return pattern === null ? null : find(pattern, value)
  }
}

/** What a macro expands to may be no pattern; then nothing matches, as on the engines. */
function compileOrNull(text: ByteString, platform: OperatorInput['platform']): Pattern | null {
  try {
    return compilePattern(text, platform)
  } catch {
    return null
  }
}

export const rxOperators: readonly OperatorDefinition[] = [
  unsimulatedOperator('rsub', 'Replaces text in the body.', 'bodies are not rewritten in a replay'),
  { name: 'rx', doc: 'The pattern matches.', argument: 'required', compile: compileRx },
  { name: 'rxGlobal', doc: 'The pattern matches, all occurrences.', argument: 'required', compile: compileRx },
]
