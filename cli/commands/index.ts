/**
 * The table of commands, in the order of the help.
 */
import type { CommandDefinition } from '../definitions.js'
import { benchCommand } from './bench.js'
import { crsCommand } from './crs.js'
import { excludeCommand } from './exclude.js'
import { rulesCommand } from './rules.js'
import { runCommand } from './run.js'
import { testCommand } from './test.js'

export const commands: readonly CommandDefinition[] = [
  runCommand,
  testCommand,
  excludeCommand,
  rulesCommand,
  crsCommand,
  benchCommand,
]
