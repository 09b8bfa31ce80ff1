#!/usr/bin/env node
/**
 * The command line: registers the commands, runs one, turns what went wrong into a message and an exit status.
 *
 * Only `cli/` prints and exits.
 */
import { Command, CommanderError } from 'commander'
import { CaptureError, RulesetError, UsageError } from '../engine/index.js'
import { commands } from './commands/index.js'
import { type ExitStatus, exitStatus } from './definitions.js'
import { toolVersion } from './version.js'

async function main(): Promise<ExitStatus> {
  let status: ExitStatus = exitStatus.ok
  const program = new Command('wafsim')
    .description('Tests and simulates WAF rules: replays recorded requests through OWASP CRS-style SecLang rules.')
    .version(toolVersion(), '-V, --version')
    .showHelpAfterError('(wafsim --help lists the commands; wafsim COMMAND --help the options)')
    .configureHelp({ helpWidth: process.stdout.columns ?? 100 })
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

function statusOf(error: unknown): ExitStatus {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.ok : exitStatus.unusable
  if (error instanceof RulesetError) {
    const errors = error.diagnostics.length
    process.stderr.write(`${error.message}\n${errors} error${errors === 1 ? '' : 's'}; the ruleset cannot be used\n`)
    return exitStatus.unusable
  }
  if (error instanceof UsageError || error instanceof CaptureError) {
    process.stderr.write(`wafsim: ${error.message}\n`)
    return exitStatus.unusable
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`wafsim: internal error, please report it: ${text}\n`)
  return exitStatus.internal
}

// A reader that goes away (`| head`) is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitStatus.ok)
  throw error
})

main().then(
  (status) => {
    process.exitCode = status
  },
  (error: unknown) => {
    process.exitCode = statusOf(error)
  },
)
