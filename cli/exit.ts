/**
 * From what a run threw or returned to the message and the exit status of the process.
 */
import { CommanderError } from 'commander'
import { CaptureError, RulesetError, UsageError } from '../engine/index.js'
import { type ExitStatus, exitStatus } from './definitions.js'

/** Runs to the end and sets the exit status; what is thrown becomes a message on standard error. */
export async function exitWith(work: () => Promise<ExitStatus>): Promise<void> {
  // A reader that goes away (`| head`) is no error of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitStatus.ok)
    throw error
  })
  try {
    process.exitCode = await work()
  } catch (error) {
    process.exitCode = explain(error)
  }
}

function explain(error: unknown): ExitStatus {
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
