/**
 * `wafsim exclude --rule`: the ladder of exclusions for one rule, parameter and path. Nothing is replayed.
 */
import { type HandInput, type HandLadder, laddersByHand, settingsInForce, UsageError } from '../../engine/index.js'
import type { ExcludeOptions } from '../commands/exclude.js'
import { type ExitStatus, exitStatus } from '../definitions.js'
import { ladderText } from '../layouts/index.js'
import { loadFromOptions } from '../load.js'
import { write } from '../output.js'

export async function excludeByHand(options: ExcludeOptions, ruleId: number): Promise<ExitStatus> {
  const input = handInput(options, ruleId)
  await writeLadders(laddersByHand(input), options)
  return exitStatus.ok
}

/** What the ladders of this ruleset need. Bytes of the command line are those of UTF-8. */
export function handInput(options: ExcludeOptions, ruleId: number): HandInput {
  const { loaded } = loadFromOptions(options, { quiet: options.quiet ?? false })
  const { ruleset } = loaded
  return {
    ruleset,
    settings: settingsInForce(ruleset),
    ruleId,
    parameter: bytes(options.param),
    path: bytes(options.path),
    method: bytes(options.method),
    host: bytes(options.host),
    ids: { bounds: options.idRange, taken: new Set(ruleset.rules.map(({ id }) => id)) },
  }
}

function bytes(text: string | undefined): string | null {
  return text === undefined ? null : Buffer.from(text, 'utf8').toString('latin1')
}

export async function writeLadders(ladders: readonly HandLadder[], options: ExcludeOptions): Promise<void> {
  if (options.apply !== undefined)
    throw new UsageError('--apply takes exclusions that are proven: give a corpus with --corpus')
  if (options.format === 'json') await write(process.stdout, `${JSON.stringify(ladders, null, 2)}\n`)
  else if (options.format === 'conf') {
    const best = ladders.flatMap(({ rungs }) => rungs.filter(({ preferred }) => preferred))
    const texts = best.flatMap(({ exclusion }) => (exclusion === null ? [] : [exclusion.directive]))
    await write(process.stdout, texts.map((text) => `# unproven\n${text}\n`).join(''))
  } else await write(process.stdout, ladders.map(ladderText).join('\n'))
}
