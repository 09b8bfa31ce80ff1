/**
 * The shapes of the tables of `cli/`: a command, a report format; and what a command is given.
 */
import type { Command } from 'commander'
import type { Verdict } from '../engine/index.js'
import type { RunReport } from './reports/run-report.js'

/** Exit statuses of the contract. */
export const exitStatus = {
  /** It ran, and nothing the caller asked to fail on was found. */
  ok: 0,
  /** It ran, and something the caller asked to fail on was found. */
  found: 1,
  /** Bad usage, unreadable input, a ruleset that cannot be used, nothing to evaluate. */
  unusable: 2,
  /** An internal error. */
  internal: 3,
} as const

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus]

export interface CommandDefinition {
  readonly name: string
  /** Adds the command and its options; the action sets the exit status through `finish`. */
  register(program: Command, finish: (status: ExitStatus) => void): void
}

export interface ReportOptions {
  readonly color: boolean
  readonly width: number
  /** Values of captures are masked. */
  readonly redact: boolean
}

/** A format that is written once the run is over, or a line a record. */
export type ReportDefinition =
  | {
      readonly name: string
      readonly doc: string
      readonly kind: 'whole'
      /** Whether values are masked unless the caller says otherwise. */
      readonly redactsByDefault: boolean
      render(report: RunReport, options: ReportOptions): string
    }
  | {
      readonly name: string
      readonly doc: string
      readonly kind: 'lines'
      readonly redactsByDefault: boolean
      line(verdict: Verdict, options: ReportOptions): string
    }
