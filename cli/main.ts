#!/usr/bin/env node
/**
 * The command line: registers the commands and runs one.
 */
import { Command, Help, type Option } from 'commander'
import { commands } from './commands/index.js'
import { type ExitStatus, exitStatus } from './definitions.js'
import { exitWith } from './exit.js'
import { outputWidth } from './output.js'
import { toolVersion } from './version.js'

/** An empty list is no default worth printing. */
function optionDescription(option: Option): string {
  if (Array.isArray(option.defaultValue)) return option.description
  return new Help().optionDescription(option)
}

async function main(): Promise<ExitStatus> {
  let status: ExitStatus = exitStatus.ok
  const program = new Command('wafsim')
    .description('Tests and simulates WAF rules: replays recorded requests through OWASP CRS-style SecLang rules.')
    .version(toolVersion(), '-V, --version')
    .showHelpAfterError('(wafsim --help lists the commands; wafsim COMMAND --help the options)')
    .configureHelp({ helpWidth: outputWidth(), minWidthToWrap: 20, optionDescription })
    // Commands within commands have options of the same names.
    .enablePositionalOptions()
    .exitOverride()
  for (const command of commands)
    command.register(program, (found) => {
      status = found
    })
  for (const command of program.commands) command.exitOverride().showHelpAfterError('(--help lists the options)')
  if (process.argv.length <= 2) {
    program.outputHelp()
    return exitStatus.ok
  }
  await program.parseAsync(process.argv)
  return status
}

await exitWith(main)
