/**
 * Patterns of rules compiled to RE2; with regex-go.ts the only importer of re2.
 *
 * Values and patterns are byte strings. RE2 gets the UTF-8 of their code points, so that one byte is one
 * character to it and `.` matches every byte. What RE2 cannot express (look-around, back-references …) runs in
 * the JavaScript engine.
 */
import RE2 from 're2'
import { DefinitionError } from './errors.js'
import type { ByteString } from './model/exchange.js'
import type { Platform } from './model/platform.js'
import { rewritePattern } from './pattern-syntax.js'
import { compileGoPattern } from './regex-go.js'

export interface PatternMatch {
  readonly index: number
  readonly matched: ByteString
  /** The whole match, then the groups; a group that took no part is undefined. */
  readonly groups: readonly (ByteString | undefined)[]
}

export interface Pattern {
  test(value: ByteString): boolean
  exec(value: ByteString): PatternMatch | null
  /** What made the JavaScript engine necessary; empty where RE2 runs it. */
  readonly needs: readonly string[]
}

/**
 * Compiles a rule's pattern. `$` and `^` are the platform's: COMPAT(modsec3, coraza) they also match at line
 * ends. Throws DefinitionError where it is no pattern.
 */
export function compilePattern(pattern: ByteString, platform: Pick<Platform, 'regexFlags' | 'regexSubject'>): Pattern {
  const text = platform.regexSubject === 'utf-8' ? goPattern(pattern) : null
  return text ?? compile(pattern, platform.regexFlags)
}

/** Null where Go could not compile it: the pattern is then read as that of another engine, which tells what it needs. */
function goPattern(pattern: ByteString): Pattern | null {
  try {
    const { test, exec } = compileGoPattern(pattern)
    return {
      needs: [],
      test,
      exec: (value) => {
        const found = exec(value)
        return found === null ? null : { ...found, matched: found.groups[0] ?? '' }
      },
    }
  } catch {
    return null
  }
}

/** A `/pattern/` key of a target: compared without case, anywhere in the name. */
export function compileSelector(pattern: ByteString): (key: ByteString) => boolean {
  const compiled = compile(pattern, 'isu')
  return (key) => compiled.test(key)
}

function compile(pattern: ByteString, flags: string): Pattern {
  const caseless = flags.includes('i')
  const { source, needs } = rewritePattern(pattern, caseless, 're2')
  if (needs.length === 0) return re2Pattern(source, flags)
  return scriptPattern(rewritePattern(pattern, caseless, 'script').source, flags, needs)
}

/** The UTF-8 of the value tested last: many patterns look at one value in a row. PERF(operators) */
let lastValue: ByteString | null = null
let lastBytes: Buffer = Buffer.alloc(0)

function bytesOf(value: ByteString): Buffer {
  if (value !== lastValue) {
    lastBytes = Buffer.from(value, 'utf8')
    lastValue = value
  }
  return lastBytes
}

function re2Pattern(source: ByteString, flags: string): Pattern {
  let compiled: RE2
  try {
    compiled = new RE2(source, flags)
  } catch (error) {
    throw new DefinitionError(`the pattern cannot be compiled: ${(error as Error).message}`, 'bad-pattern')
  }
  return {
    needs: [],
    // A Buffer costs RE2 a fraction of what a string does.
    test: (value) => compiled.test(bytesOf(value) as unknown as string),
    exec: (value) => matchOf(compiled.exec(value)),
  }
}

function scriptPattern(source: ByteString, flags: string, needs: readonly string[]): Pattern {
  let compiled: RegExp
  try {
    compiled = new RegExp(source, flags.replace(/[iu]/g, ''))
  } catch (error) {
    throw new DefinitionError(
      `the pattern uses ${needs.join(', ')} and cannot be compiled: ${(error as Error).message}`,
      'regex-unsupported',
    )
  }
  return {
    needs,
    test: (value) => compiled.test(value),
    exec: (value) => matchOf(compiled.exec(value)),
  }
}

function matchOf(found: RegExpExecArray | null): PatternMatch | null {
  return found === null ? null : { index: found.index, matched: found[0], groups: [...found] }
}
