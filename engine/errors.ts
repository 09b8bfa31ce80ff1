/**
 * The errors wafsim throws at a caller, and the diagnostics that a ruleset may carry.
 *
 * Traffic never throws: a bad body sets REQBODY_ERROR, an unexpected throw during evaluation becomes
 * the verdict `error`. What is here is for rules, captures and options that cannot be used.
 * Only `cli/` prints and exits.
 */

/** How bad a diagnostic is: an `error` makes the ruleset unusable, a `warning` does not. */
export type DiagnosticSeverity = 'error' | 'warning'

/** A place in a source file. Lines and columns count from 1, columns in bytes. */
export interface Span {
  readonly file: string
  readonly line: number
  readonly column: number
  /** Length in bytes of what the diagnostic points at; at least 1. */
  readonly length: number
}

/** One finding about a ruleset. */
export interface Diagnostic {
  readonly severity: DiagnosticSeverity
  /** Stable machine name, e.g. `unknown-variable`. */
  readonly code: string
  readonly message: string
  readonly span: Span
  /** The source line, for the excerpt with a caret. Latin-1 byte string. */
  readonly excerpt: string
  /** What to do, or the nearest known name. */
  readonly hint?: string
}

/** A ruleset that cannot be used. Carries every diagnostic found, not only the first. */
export class RulesetError extends Error {
  override readonly name = 'RulesetError'
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((d) => formatDiagnostic(d)).join('\n'))
  }
}

/** A capture, corpus or test file that cannot be read. The message names file, line and remedy. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError'
  constructor(
    message: string,
    readonly file: string,
    readonly line?: number,
  ) {
    super(line === undefined ? `${file}: ${message}` : `${file}:${line}: ${message}`)
  }
}

/** Wrong use: an unknown option, a missing file, a setting the ruleset does not have. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A bug in wafsim, or a worker that died. */
export class InternalError extends Error {
  override readonly name = 'InternalError'
}

/** Thrown by a table entry that refuses its argument; the compiler turns it into a positioned diagnostic. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError'
  constructor(
    message: string,
    readonly code = 'bad-argument',
    readonly hint?: string,
  ) {
    super(message)
  }
}

/**
 * One diagnostic as text: `file:line:column: severity: message`, the excerpt with a caret, the hint.
 * Bytes outside printable ASCII in the excerpt are escaped, so that nothing in a rule file reaches a terminal raw.
 */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { span, severity, message, excerpt, hint } = diagnostic
  const lines = [`${span.file}:${span.line}:${span.column}: ${severity}: ${message}`]
  if (excerpt !== '') {
    const window = excerptWindow(excerpt, span)
    lines.push(`    ${window.text}`, `    ${' '.repeat(window.caret)}${'^'.repeat(window.width)}`)
  }
  if (hint !== undefined) lines.push(`    ${hint}`)
  return lines.join('\n')
}

function excerptWindow(excerpt: string, span: Span): { text: string; caret: number; width: number } {
  const limit = 100
  const start = Math.max(0, Math.min(span.column - 1 - 40, excerpt.length - limit))
  const before = printable(excerpt.slice(start, span.column - 1))
  const rest = excerpt.slice(span.column - 1, start + limit)
  const marked = printable(rest.slice(0, span.length))
  const text = before + marked + printable(rest.slice(span.length))
  return { text, caret: before.length, width: Math.max(1, marked.length) }
}

/** Escapes every byte that is not printable ASCII as `\xNN`; tabs become one blank. */
export function printable(text: string): string {
  return text.replace(/\t/g, ' ').replace(/[^\x20-\x7e]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
