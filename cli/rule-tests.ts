/**
 * Runs rule tests and judges them: expected and unexpected rule ids, log patterns, status.
 *
 * Judged are the rules that log, as a test against a server's log would see them.
 */
import type { RuleTest, RuleTestOutput, TestOverride } from '../corpora/index.js'
import {
  allShortcuts,
  compilePattern,
  createPersistentStore,
  evaluate,
  type LoadedRuleset,
  type Shortcuts,
  type Verdict,
} from '../engine/index.js'
import { errorLog } from './error-log.js'

/** A log is searched whole, `^` and `$` at its lines. */
const logFlags = { regexFlags: 'smu', regexSubject: 'bytes' } as const

export interface TestFailure {
  /** `942100-1`. */
  readonly id: string
  readonly file: string
  readonly line: number
  readonly expected: string
  readonly actual: string
}

export interface TestReport {
  readonly ruleset: { readonly name: string; readonly digest: string; readonly platform: string }
  readonly totals: {
    readonly tests: number
    readonly passed: number
    readonly failed: number
    /** Passed with an override in place of the test's own expectation. */
    readonly overridden: number
    readonly skipped: number
  }
  readonly failures: readonly TestFailure[]
  /** Ids of overridden tests that pass without their override too. */
  readonly needlessOverrides: readonly string[]
}

export function runRuleTests(
  loaded: LoadedRuleset,
  rulesetName: string,
  tests: readonly RuleTest[],
  overrides: ReadonlyMap<string, TestOverride>,
  shortcuts: Shortcuts = allShortcuts,
): TestReport {
  const failures: TestFailure[] = []
  const needlessOverrides: string[] = []
  let overridden = 0
  for (const test of tests) {
    const override = overrides.get(test.id)
    if (override !== undefined) {
      overridden++
      if (runTest(loaded, test, undefined, shortcuts) === null) needlessOverrides.push(test.id)
    }
    const failure = runTest(loaded, test, override, shortcuts)
    if (failure !== null) failures.push(failure)
  }
  return {
    ruleset: { name: rulesetName, digest: loaded.digest, platform: loaded.ruleset.platform.name },
    totals: {
      tests: tests.length,
      passed: tests.length - failures.length,
      failed: failures.length,
      overridden,
      skipped: 0,
    },
    failures,
    needlessOverrides,
  }
}

function runTest(
  loaded: LoadedRuleset,
  test: RuleTest,
  override: TestOverride | undefined,
  shortcuts: Shortcuts,
): TestFailure | null {
  const place = { id: test.id, file: test.file, line: test.line }
  if (test.stages.length === 0) return { ...place, expected: 'at least one stage', actual: 'the test has none' }
  const store = createPersistentStore()
  for (const stage of test.stages) {
    if ('problem' in stage) return { ...place, expected: 'a request that can be built', actual: stage.problem }
    const verdict = evaluate(loaded.ruleset, stage.record, { store, shortcuts })
    if (verdict.error !== null) return { ...place, expected: 'a verdict', actual: verdict.error }
    const difference = judge(verdict, stage.record.request.httpVersion, override?.output ?? stage.output)
    if (difference !== null) return { ...place, ...difference }
  }
  return null
}

/** Null where everything the test expects holds. */
function judge(
  verdict: Verdict,
  httpVersion: string,
  output: RuleTestOutput,
): { expected: string; actual: string } | null {
  const fired = new Set(verdict.ruleIds)
  const actual = `rules ${[...fired].join(', ') || 'none'}, status ${verdict.status}`
  const missing = output.expectIds.filter((id) => !fired.has(id))
  if (missing.length > 0) return { expected: `rules ${missing.join(', ')} to fire`, actual }
  const unwanted = output.noExpectIds.filter((id) => fired.has(id))
  if (unwanted.length > 0) return { expected: `rules ${unwanted.join(', ')} not to fire`, actual }
  if (output.isolated && fired.size !== output.expectIds.length)
    return { expected: `only rules ${output.expectIds.join(', ')} to fire`, actual }
  if (output.statuses.length > 0 && !output.statuses.includes(verdict.status))
    return { expected: `status ${output.statuses.join(' or ')}`, actual }
  // An HTTP/0.9 answer has no status line: the client takes it for an error.
  if (output.expectError === true && httpVersion !== '')
    return { expected: 'the server to refuse the connection', actual }
  if (output.matchRegex === null && output.noMatchRegex === null) return null
  const log = errorLog(verdict)
  if (output.matchRegex !== null && !compilePattern(output.matchRegex, logFlags).test(log))
    return { expected: `the log to match ${output.matchRegex}`, actual }
  if (output.noMatchRegex !== null && compilePattern(output.noMatchRegex, logFlags).test(log))
    return { expected: `the log not to match ${output.noMatchRegex}`, actual }
  return null
}
