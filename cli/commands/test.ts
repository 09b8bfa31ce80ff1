/**
 * `wafsim test`: rule tests in the go-ftw YAML format, in process, without a server.
 *
 * A test that could not be run is failed, never passed or left out.
 */
import { readOverrides, readRuleTests } from '../../corpora/index.js'
import { isCrsTree } from '../../rulesets/index.js'
import { type CommandDefinition, type ExitStatus, exitStatus } from '../definitions.js'
import { loadFromOptions } from '../load.js'
import {
  addRulesetOptions,
  addShortcutOptions,
  collect,
  oneOf,
  type RulesetOptions,
  type ShortcutOptions,
  shortcutsFrom,
} from '../options.js'
import { outputLayout, write } from '../output.js'
import { renderTestJson, renderTestText } from '../reports/test-report.js'
import { runRuleTests } from '../rule-tests.js'

const formats = ['text', 'json'] as const

interface TestOptions extends RulesetOptions, ShortcutOptions {
  readonly format: (typeof formats)[number]
  readonly overrides: readonly string[]
  readonly crsTestSettings: boolean
  readonly quiet?: boolean
  readonly color: boolean
}

export const testCommand: CommandDefinition = {
  name: 'test',
  register: (program, finish) => {
    const command = program
      .command('test')
      .description('run rule tests in the go-ftw YAML format, in process')
      .argument('<tests...>', 'YAML files, directories or patterns')
    addShortcutOptions(addRulesetOptions(command))
      .option('--overrides <file>', 'expectations to replace, in the ftw-tests-schema format (repeatable)', collect, [])
      .option(
        '--no-crs-test-settings',
        'do not apply what the CRS suite asks for: its settings, and Apache in front of the engine',
      )
      .option('--format <name>', `format: ${formats.join(', ')}`, oneOf('--format', formats), 'text')
      .option(
        '--fail-on <what>',
        'exit with 1 on test-failure, as it does anyway',
        oneOf('--fail-on', ['test-failure']),
      )
      .option('--quiet', 'no messages')
      .option('--no-color', 'no colours')
      .action(async (tests: string[], options: TestOptions) => {
        finish(await test(tests, options))
      })
  },
}

async function test(specs: readonly string[], options: TestOptions): Promise<ExitStatus> {
  const began = performance.now()
  const crsTestSettings = options.crsTestSettings && isCrsTree(options.rules)
  // The suite says what Apache answers, whatever the engine behind it.
  const server = options.server ?? (crsTestSettings ? 'apache' : undefined)
  const served = server === undefined ? options : { ...options, server }
  const { loaded, name } = loadFromOptions(served, { quiet: options.quiet ?? false, crsTestSettings })
  const tests = await readRuleTests(specs)
  const overrides = await readOverrides(options.overrides)
  const report = runRuleTests(loaded, name, tests, overrides, shortcutsFrom(options))
  const timed = { ...report, timing: { milliseconds: Math.round(performance.now() - began) } }
  const text = options.format === 'json' ? renderTestJson(timed) : renderTestText(timed, outputLayout(options.color))
  await write(process.stdout, text)
  return report.totals.failed > 0 ? exitStatus.found : exitStatus.ok
}
