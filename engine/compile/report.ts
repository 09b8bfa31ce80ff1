/**
 * Collects diagnostics while a ruleset is compiled: all of them, not the first only.
 *
 * Knows the text of every file that was parsed, so that each finding carries its line as an excerpt.
 */
import { DefinitionError, type Diagnostic, type DiagnosticSeverity, type Span } from '../errors.js'
import type { ByteString } from '../model/exchange.js'

export class Report {
  readonly diagnostics: Diagnostic[] = []
  readonly #lines = new Map<string, readonly ByteString[]>()

  addSource(path: string, text: ByteString): void {
    this.#lines.set(path, text.split('\n'))
  }

  add(severity: DiagnosticSeverity, code: string, message: string, span: Span, hint?: string): void {
    const excerpt = (this.#lines.get(span.file)?.[span.line - 1] ?? '').replace(/\r$/, '')
    this.diagnostics.push({ severity, code, message, span, excerpt, ...(hint === undefined ? {} : { hint }) })
  }

  error(code: string, message: string, span: Span, hint?: string): void {
    this.add('error', code, message, span, hint)
  }

  warning(code: string, message: string, span: Span, hint?: string): void {
    this.add('warning', code, message, span, hint)
  }

  take(diagnostics: readonly Diagnostic[]): void {
    this.diagnostics.push(...diagnostics)
  }

  /** Runs what may throw DefinitionError and turns that into an error at `span`; null where it threw. */
  attempt<T>(span: Span, action: () => T): T | null {
    try {
      return action()
    } catch (error) {
      if (!(error instanceof DefinitionError)) throw error
      this.error(error.code, error.message, span, error.hint)
      return null
    }
  }

  get hasErrors(): boolean {
    return this.diagnostics.some((d) => d.severity === 'error')
  }
}
