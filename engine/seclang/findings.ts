/**
 * Collects what a parser finds wrong, with the line it stands on.
 *
 * Nothing is thrown: parsing goes on behind every finding, so that a file's errors come all at once.
 */
import type { Diagnostic, DiagnosticSeverity, Span } from '../errors.js'
import type { ByteString } from '../model/exchange.js'

export class Findings {
  readonly diagnostics: Diagnostic[] = []
  readonly #source: ByteString | null
  #lines: readonly ByteString[] | null = null

  /** `source`: the whole text of the file, for excerpts; null where it is not at hand. */
  constructor(source: ByteString | null) {
    this.#source = source
  }

  error(code: string, span: Span, message: string, hint?: string): void {
    this.#add('error', code, span, message, hint)
  }

  warning(code: string, span: Span, message: string, hint?: string): void {
    this.#add('warning', code, span, message, hint)
  }

  #add(severity: DiagnosticSeverity, code: string, span: Span, message: string, hint: string | undefined): void {
    const excerpt = this.#line(span.line)
    this.diagnostics.push({ severity, code, message, span, excerpt, ...(hint === undefined ? {} : { hint }) })
  }

  #line(number: number): ByteString {
    if (this.#source === null) return ''
    this.#lines ??= this.#source.split('\n')
    return (this.#lines[number - 1] ?? '').replace(/\r$/, '')
  }
}
