/**
 * Overrides of rule tests in the ftw-tests-schema format: what a platform expects in place of a test's own
 * expectation, with the reason. An override without an output expects nothing.
 */
import { CaptureError } from '../../engine/errors.js'
import { outputOf, type RuleTestOutput } from './ftw-output.js'
import { parseYaml, type YamlView } from './yaml-view.js'

export interface TestOverride {
  /** `920100-4`; `920100` where it is for all tests of the rule. */
  readonly id: string
  readonly reason: string
  readonly output: RuleTestOutput
}

/** Overrides by test id. A test without one of its own has that of its rule, where there is one. */
export class TestOverrides extends Map<string, TestOverride> {
  override get(testId: string): TestOverride | undefined {
    return super.get(testId) ?? super.get(testId.replace(/-[^-]*$/, ''))
  }

  override has(testId: string): boolean {
    return this.get(testId) !== undefined
  }
}

/** The overrides of one file. Throws CaptureError where it is none or says what cannot be done. */
export function parseOverrides(file: string, yaml: string): TestOverrides {
  const list = parseYaml(file, yaml).at('test_overrides')
  if (!list.isList) throw new CaptureError('not an overrides file: it has no list of "test_overrides"', file, 1)
  const overrides = new TestOverrides()
  for (const item of list.items) for (const each of overridesOf(item)) overrides.set(each.id, each)
  return overrides
}

function overridesOf(item: YamlView): readonly TestOverride[] {
  const refuse = (message: string): never => {
    throw new CaptureError(message, item.file, item.line)
  }
  const ruleId = item.textAt('rule_id') ?? refuse('an override needs a rule_id')
  if (item.has('stage_ids')) refuse('stage_ids is not known: an override is for all stages of a test')
  const output = outputOf(item.at('output'))
  if ('problem' in output) return refuse(output.problem)
  const reason = item.textAt('reason') ?? ''
  if (!item.has('test_ids')) return [{ id: ruleId, reason, output }]
  const ids = item.at('test_ids').items.map((each) => each.text ?? refuse('test_ids must be a list of numbers'))
  return ids.map((id) => ({ id: `${ruleId}-${id}`, reason, output }))
}
