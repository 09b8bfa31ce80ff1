/**
 * Patterns of rules compiled; with go-pattern.ts the only importer of re2.
 *
 * Values and patterns are byte strings. RE2 gets the UTF-8 of their code points, so that one byte is one
 * character to it and `.` matches every byte. What RE2 cannot express is written otherwise where that is exact;
 * else our own backtracker runs it, on values that a wider RE2 pattern has let through.
 */
import RE2 from 're2'
import { DefinitionError } from '../errors.js'
import type { ByteString } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import type { Requirement } from '../model/requirement.js'
import { Backtracker } from './backtracker.js'
import { compileGoPattern, type GoPattern } from './go-pattern.js'
import { goRequirement } from './go-requirement.js'
import { compileMatchLimit, type LimitTest, leastLimitedLength } from './match-limit.js'
import { parsePattern } from './parser.js'
import { isPlainPattern, notePlainPattern, requirementOnce } from './pattern-facts.js'
import { utf8Of } from './pooled-utf8.js'
import { relaxPossessive } from './possessive.js'
import { beyondRe2, printExact, printSuperset } from './printer.js'
import { compileProgram } from './program.js'
import { re2Accepts } from './re2-limits.js'
import { rewritePattern } from './re2-syntax.js'
import { requiredLiterals } from './required-literals.js'
import { hasLooseLineStart, type PatternTree } from './tree.js'

export { PatternRunaway } from './backtracker.js'
export { factsFound, learnFacts, packFacts } from './pattern-facts.js'

export interface PatternMatch {
  readonly index: number
  readonly matched: ByteString
  /** The whole match, then the groups; a group that took no part is undefined. */
  readonly groups: readonly (ByteString | undefined)[]
}

/**
 * How a pattern is run: `re2` as it is; `rewritten` by RE2 in other words that mean the same; `backtracker` by our
 * matcher on values that a wider RE2 pattern matches, `backtracker-alone` on every value.
 */
export type PatternRun = 're2' | 'rewritten' | 'backtracker' | 'backtracker-alone'

/** A pattern's methods throw PatternRunaway where `run` names the backtracker and it is out of steps. */
export interface Pattern {
  test(value: ByteString): boolean
  exec(value: ByteString): PatternMatch | null
  readonly run: PatternRun
  /** What made it necessary to run it otherwise; empty where RE2 runs it as it is. */
  readonly needs: readonly string[]
  /** What every value holds that matches; null: nothing is known. */
  readonly requires: Requirement | null
}

/** Steps the backtracker may take on one value. */
const patternStepBudget = 1_000_000

/** Values shorter than `leastLength` bytes never exceed the limit. */
export type BoundedLimitTest = LimitTest & { readonly leastLength: number }

/**
 * Compiles a rule's pattern. `$` and `^` are the platform's: COMPAT(modsec3, coraza) they also match at line
 * ends. Throws DefinitionError where it is no pattern.
 */
export function compilePattern(
  pattern: ByteString,
  platform: Pick<Platform, 'regexFlags' | 'regexSubject'>,
  stepBudget = patternStepBudget,
): Pattern {
  return platform.regexSubject === 'utf-8' ? goPattern(pattern) : compile(pattern, platform.regexFlags, stepBudget)
}

/** Go's regexp has the syntax of RE2; a ruleset with another pattern does not load. */
function goPattern(pattern: ByteString): Pattern {
  const key = `go ${pattern}`
  let compiled = isPlainPattern(key) ? null : compiledByGo(pattern)
  notePlainPattern(key)
  const whenUsed = (): GoPattern => {
    compiled ??= compiledByGo(pattern)
    return compiled
  }
  return {
    run: 're2',
    needs: [],
    get requires() {
      return requirementOnce(key, () => attempted(() => goRequirement(pattern)))
    },
    test: (value) => whenUsed().test(value),
    exec: (value) => {
      const found = whenUsed().exec(value)
      return found === null ? null : { ...found, matched: found.groups[0] ?? '' }
    },
  }
}

function compiledByGo(pattern: ByteString): GoPattern {
  try {
    return compileGoPattern(pattern)
  } catch (error) {
    throw new DefinitionError(
      `Go's regexp cannot compile the pattern: ${(error as Error).message}`,
      'bad-pattern',
      'Coraza has no look-around, back-references, atomic groups or possessive quantifiers',
    )
  }
}

/** Null too where our parser does not read the pattern. */
function requirementOf(read: () => PatternTree): Requirement | null {
  return attempted(() => requiredLiterals(read(), { highBytes: true }))
}

/** Null where it throws. */
function attempted<T>(work: () => T): T | null {
  try {
    return work()
  } catch {
    return null
  }
}

/**
 * Whether a pattern exceeds PCRE's match limit on a value; null on platforms without one. Compiled when a value is
 * first long enough. A pattern that our parser does not read is taken to stay below.
 */
export function compileLimitTest(
  pattern: ByteString,
  platform: Pick<Platform, 'regexFlags' | 'pcreMatchLimit'>,
  setting: number,
): BoundedLimitTest | null {
  if (!platform.pcreMatchLimit) return null
  const limit = setting > 0 ? setting : defaultMatchLimit
  const leastLength = leastLimitedLength(limit)
  let exceeds: LimitTest | null | undefined
  const test = (value: ByteString): boolean => {
    if (value.length < leastLength) return false
    if (exceeds === undefined) {
      const multiLine = platform.regexFlags.includes('m')
      exceeds = attempted(() => compileMatchLimit(parsePattern(pattern, { caseless: false, multiLine }), limit))
    }
    return exceeds?.(value) ?? false
  }
  return Object.assign(test, { leastLength })
}

/** What ModSecurity 2 takes where the limit is 0. */
const defaultMatchLimit = 1500

/** LIMIT: names whose answer a selector keeps, and their length in bytes. */
const keptNames = 2000
const longestKeptName = 64

/**
 * A `/pattern/` key of a target: compared without case, anywhere in the name.
 * PERF(transaction): the names of TX and of arguments are nearly the same in every transaction.
 */
export function compileSelector(pattern: ByteString, ignoreCase = true): (key: ByteString) => boolean {
  const compiled = compile(pattern, ignoreCase ? 'isu' : 'su', patternStepBudget)
  const answers = new Map<ByteString, boolean>()
  return (key) => {
    let answer = answers.get(key)
    if (answer !== undefined) return answer
    answer = compiled.test(key)
    if (key.length > longestKeptName) return answer
    if (answers.size >= keptNames) answers.clear()
    answers.set(key, answer)
    return answer
  }
}

function compile(pattern: ByteString, flags: string, stepBudget: number): Pattern {
  if (wholeValue.test(pattern)) return wholeValuePattern
  const caseless = flags.includes('i')
  const key = `${flags} ${pattern}`
  const read = (): PatternTree => parsePattern(pattern, { caseless, multiLine: flags.includes('m') })
  const requires = (): Requirement | null => requirementOnce(key, () => requirementOf(read))
  const otherwise = (needs: readonly string[]): Pattern => compileOtherwise(read(), needs, requires, stepBudget)
  if (!isPlainPattern(key)) {
    const { source, needs } = rewritePattern(pattern, caseless)
    if (needs.length > 0 || !isTaken(source, flags, attempted(read))) return otherwise(needs)
    notePlainPattern(key)
  }
  const compiled = (): Pattern => {
    const plain = compiledBy(rewritePattern(pattern, caseless).source, flags)
    return plain === null ? otherwise([]) : re2Pattern(plain, 're2', [], () => null)
  }
  return strictAtEnd(patternOnceUsed(compiled, requires), pattern, flags, stepBudget)
}

function isTaken(source: ByteString, flags: string, tree: PatternTree | null): boolean {
  return (tree !== null && re2Accepts(source, tree)) || compiledBy(source, flags) !== null
}

/** A pattern that RE2 takes: compiled with the first value, since most patterns of a ruleset see none. */
function patternOnceUsed(compile: () => Pattern, requires: () => Requirement | null): Pattern {
  let compiled: Pattern | null = null
  const pattern = (): Pattern => {
    compiled ??= compile()
    return compiled
  }
  return {
    run: 're2',
    needs: [],
    get requires() {
      return requires()
    },
    test: (value) => pattern().test(value),
    exec: (value) => pattern().exec(value),
  }
}

/** By RE2 in other words, or by our matcher. */
function compileOtherwise(
  read: PatternTree,
  needs: readonly string[],
  requires: () => Requirement | null,
  stepBudget: number,
): Pattern {
  const tree = relaxPossessive(read)
  const beyond = beyondRe2(tree)
  const rewritten = beyond.length === 0 ? compiledBy(printExact(tree), 'su') : null
  const said = needs.length === 0 ? ['what RE2 refuses'] : needs
  if (rewritten !== null) return re2Pattern(rewritten, 'rewritten', said, requires)
  return backtrackerPattern(tree, beyond.length === 0 ? said : beyond, stepBudget)
}

/**
 * PCRE's `^` does not match behind a newline that ends the value, RE2's does. Where that can tell, such values run in
 * the backtracker.
 */
function strictAtEnd(plain: Pattern, pattern: ByteString, flags: string, stepBudget: number): Pattern {
  if (!flags.includes('m') || !pattern.replaceAll('[^', '').includes('^')) return plain
  let strict: Pattern | null = null
  const chosen = (value: ByteString): Pattern => {
    if (!value.endsWith('\n')) return plain
    if (strict === null) {
      const tree = attempted(() => parsePattern(pattern, { caseless: flags.includes('i'), multiLine: true }))
      strict = tree !== null && hasLooseLineStart(tree.root) ? backtrackerPattern(tree, [], stepBudget) : plain
    }
    return strict
  }
  return {
    run: plain.run,
    needs: plain.needs,
    get requires() {
      return plain.requires
    },
    test: (value) => chosen(value).test(value),
    exec: (value) => chosen(value).exec(value),
  }
}

/** Matches every value, all of it: `.` and so `.*` stop nowhere. */
const wholeValue = /^(?:\^|\\A)\.\*(?:\$|\\z)$/

/** PERF(operators): CRS lets such a pattern capture the name of each header. */
const wholeValuePattern: Pattern = {
  run: 're2',
  needs: [],
  requires: null,
  test: () => true,
  exec: (value) => ({ index: 0, matched: value, groups: [value] }),
}

/** Null where RE2 refuses the pattern (as too large, say). */
function compiledBy(source: ByteString, flags: string): RE2 | null {
  try {
    return new RE2(source, flags)
  } catch {
    return null
  }
}

function re2Pattern(
  compiled: RE2,
  run: PatternRun,
  needs: readonly string[],
  requires: () => Requirement | null,
): Pattern {
  return {
    run,
    needs,
    get requires() {
      return requires()
    },
    // A Buffer costs RE2 a fraction of what a string does.
    test: (value) => compiled.test(utf8Of(value) as unknown as string),
    exec: (value) => matchOf(compiled.exec(value)),
  }
}

function matchOf(found: RegExpExecArray | null): PatternMatch | null {
  return found === null ? null : { index: found.index, matched: found[0], groups: [...found] }
}

function backtrackerPattern(tree: PatternTree, needs: readonly string[], stepBudget: number): Pattern {
  const superset = compiledBy(printSuperset(tree), 'su')
  const backtracker = new Backtracker(compileProgram(tree), stepBudget)
  const candidate = (value: ByteString): boolean => superset?.test(utf8Of(value) as unknown as string) ?? true
  return {
    run: superset === null ? 'backtracker-alone' : 'backtracker',
    needs,
    requires: null,
    test: (value) => candidate(value) && backtracker.exec(value) !== null,
    exec: (value) => (candidate(value) ? bordersToMatch(backtracker.exec(value), value) : null),
  }
}

function bordersToMatch(borders: Int32Array | null, value: ByteString): PatternMatch | null {
  if (borders === null) return null
  const groups: (ByteString | undefined)[] = []
  for (let n = 0; n < borders.length; n += 2) {
    const end = borders[n + 1] as number
    groups.push(end < 0 ? undefined : value.slice(borders[n], end))
  }
  return { index: borders[0] as number, matched: groups[0] ?? '', groups }
}
