/**
 * Patterns: @rx and @rxGlobal. The pattern is compiled once; one with macros for each text they expand to.
 */
import { DefinitionError } from '../errors.js'
import type {
  OperatorDefinition,
  OperatorInput,
  OperatorMatch,
  OperatorTest,
  TransactionView,
} from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { compileLimitTest, compilePattern, type Pattern, PatternRunaway } from '../patterns/index.js'
import { matched, unsimulatedOperator } from './match.js'

/** LIMIT: patterns kept for one argument with macros; beyond it all are compiled anew. */
const keptPatterns = 100

/** LIMIT: values whose matches a pattern keeps, and their length in bytes. */
const keptValues = 100
const longestKeptValue = 64

/**
 * What was found in short values is kept: a pattern that matches is run again to tell what it captures.
 * PERF(operators): content types, methods and the like are nearly the same in every transaction.
 */
function remembering(search: (value: ByteString) => OperatorMatch | null): (value: ByteString) => OperatorMatch | null {
  const known = new Map<ByteString, OperatorMatch | null>()
  return (value) => {
    if (value.length > longestKeptValue) return search(value)
    let found = known.get(value)
    if (found === undefined) {
      // A copy, so that what is kept does not keep the body that the value was cut from.
      const own = Buffer.from(value, 'latin1').toString('latin1')
      found = search(own)
      if (known.size >= keptValues) known.clear()
      known.set(own, found)
    }
    return found
  }
}

function find(pattern: Pattern, value: ByteString, most: number): OperatorMatch | null {
  const found = pattern.exec(value)
  if (found === null) return null
  return { matched: found.matched, captures: found.groups.slice(0, most).map((group) => group ?? '') }
}

/** The test of one pattern, with what the platform makes of its match limit. Throws DefinitionError. */
function testOf(text: ByteString, { platform, settings, notePattern }: OperatorInput): OperatorTest {
  const pattern = compilePattern(text, platform)
  if (pattern.run !== 're2') notePattern?.(text, pattern.run, pattern.needs)
  const exceeds = compileLimitTest(text, platform, settings.pcreMatchLimit)
  const search = remembering((value) => find(pattern, value, platform.patternCaptures))
  const test = (value: ByteString, view: TransactionView): OperatorMatch | null => {
    if (exceeds?.(value)) {
      view.patternGaveUp()
      return null
    }
    try {
      return search(value)
    } catch (error) {
      if (!(error instanceof PatternRunaway)) throw error
      throw new PatternRunaway(`rule ${view.rule?.id ?? 0}: ${error.message}`)
    }
  }
  // A pattern that may run out of steps must be run wherever a rule looks, so that the error is seen.
  if (pattern.run === 'backtracker' || pattern.run === 'backtracker-alone') return test
  return Object.assign(test, {
    traits: {
      pureUpTo: exceeds === null ? Number.POSITIVE_INFINITY : exceeds.leastLength - 1,
      matches: pattern.test,
      get requires() {
        return pattern.requires
      },
    },
  })
}

function compileRx(input: OperatorInput): OperatorTest {
  const { argument } = input
  if (argument.constant !== null) return testOf(argument.constant, input)
  const patterns = new Map<ByteString, OperatorTest | null>()
  return (value, view) => {
    const text = argument.expand(view)
    let test = patterns.get(text)
    if (test === undefined) {
      if (patterns.size >= keptPatterns) patterns.clear()
      test = compileOrNull(text, input)
      patterns.set(text, test)
    }
    return test === null ? null : test(value, view)
  }
}

/** What a macro expands to may be no pattern; then nothing matches, as on the engines. */
function compileOrNull(text: ByteString, input: OperatorInput): OperatorTest | null {
  try {
    return testOf(text, { ...input, notePattern: () => {} })
  } catch {
    return null
  }
}

/**
 * A template such as `/users/{id}` becomes a pattern in which each name takes one part of the path; what they took
 * is ARGS_PATH. As in Coraza the pattern is not anchored.
 */
function compileRestpath({ argument, platform }: OperatorInput): OperatorTest {
  const names: ByteString[] = []
  const text = (argument.constant ?? '').replace(/\{([^}]+)\}/g, (_whole, name: string) => {
    if (!/^\w+$/.test(name)) throw new DefinitionError(`"{${name}}" is no name of a part of the path`)
    names.push(name)
    return `(?P<${name}>[^?/]+)`
  })
  const pattern = compilePattern(text, platform)
  return (value, view) => {
    const found = pattern.exec(value)
    if (found === null) return null
    names.forEach((name, at) => {
      view.pathArguments.set(name, found.groups[at + 1] ?? '')
    })
    return matched
  }
}

export const rxOperators: readonly OperatorDefinition[] = [
  unsimulatedOperator('rsub', 'Replaces text in the body.', 'bodies are not rewritten in a replay'),
  {
    name: 'restpath',
    doc: 'The path has the form of a template; its parts become ARGS_PATH.',
    argument: 'required',
    compile: compileRestpath,
  },
  { name: 'rx', doc: 'The pattern matches.', argument: 'required', compile: compileRx },
  { name: 'rxGlobal', doc: 'The pattern matches, all occurrences.', argument: 'required', compile: compileRx },
]
