/**
 * Overrides of rule tests in the ftw-tests-schema format: what a platform expects in place of a test's own
 * expectation, with the reason.
 */
import { isMap, isSeq, LineCounter, parseDocument } from 'yaml'
import { CaptureError } from '../../engine/errors.js'
import { outputOf, type RuleTestOutput, textOf } from './ftw.js'

export interface TestOverride {
  /** `920100-4`. */
  readonly id: string
  readonly reason: string
  readonly output: RuleTestOutput
}

/** Overrides by test id. Throws CaptureError where the file is none. */
export function parseOverrides(file: string, yaml: string): ReadonlyMap<string, TestOverride> {
  const counter = new LineCounter()
  const document = parseDocument(yaml, { lineCounter: counter, schema: 'failsafe', uniqueKeys: false })
  const [problem] = document.errors
  if (problem !== undefined)
    throw new CaptureError(`not valid YAML: ${problem.message.split('\n')[0]}`, file, problem.linePos?.[0]?.line ?? 1)
  const list = isMap(document.contents) ? document.contents.get('test_overrides', true) : null
  if (!isSeq(list)) throw new CaptureError('not an overrides file: it has no list of "test_overrides"', file, 1)
  const overrides = new Map<string, TestOverride>()
  for (const item of list.items) {
    if (!isMap(item)) continue
    const ruleId = textOf(item, 'rule_id')
    const ids = item.get('test_ids', true)
    const output = item.get('output', true)
    if (ruleId === null || !isSeq(ids)) throw new CaptureError('an override needs rule_id and test_ids', file)
    for (const each of ids.items) {
      const id = `${ruleId}-${String((each as { value?: unknown }).value)}`
      overrides.set(id, { id, reason: textOf(item, 'reason') ?? '', output: outputOf(isMap(output) ? output : null) })
    }
  }
  return overrides
}
