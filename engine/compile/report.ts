/**
 * Collects diagnostics while a ruleset is compiled: all of them, not the first only.
 *
 * Knows the text of every file that was parsed, so that each finding carries its line as an excerpt.
 */
import { DefinitionError, type Diagnostic, type DiagnosticSeverity, type Span } from '../errors.js'
import type { ByteString } from '../model/exchange.js'

export class Report {
  readonly diagnostics: Diagnostic[] = []
  readonly #texts = new Map<string, ByteString>()
  readonly #lines = new Map<string, readonly ByteString[]>()

  addSource(path: string, text: ByteString): void {
    this.#texts.set(path, text)
  }

  add(severity: DiagnosticSeverity, code: string, message: string, span: Span, hint?: string): void {
    const excerpt = (this.#linesOf(span.file)[span.line - 1] ?? '').replace(/\r$/, '')
    this.diagnostics.push({ severity, code, message, span, excerpt, ...(hint === undefined ? {} : { hint }) })
  }

  #linesOf(path: string): readonly ByteString[] {
    let lines = this.#lines.get(path)
    if (lines === undefined) {
      lines = this.#texts.get(path)?.split('\n') ?? []
      this.#lines.set(path, lines)
    }
    return lines
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
