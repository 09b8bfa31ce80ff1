/**
 * Texts with macros (`%{TX.score}`) compiled to templates that read the running transaction.
 *
 * COMPAT(modsec2): a macro that names no variable leaves nothing. The other engines refuse it; here it stays as written.
 */
import type { Entry, ScalarDefinition, Template, TransactionView, VariableDefinition } from '../model/definitions.js'
import { type ByteString, lowerAscii } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import type { MacroPart } from '../seclang/ast.js'
import { parseMacroText } from '../seclang/macro.js'
import { asFilled, findVariable } from '../variables/index.js'

type Piece = ByteString | ((view: TransactionView) => ByteString)

export interface TemplateResult {
  readonly template: Template
  /** Macros that name no known variable. */
  readonly unknown: readonly string[]
  /** TX keys the text reads, lower case. */
  readonly txKeys: readonly string[]
  /** Whether it reads a persistent collection. */
  readonly persistent: boolean
}

function constantTemplate(text: ByteString): Template {
  return { constant: text, ofTx: true, expand: () => text }
}

/** The text as it is written, macros and all. */
export function literalTemplate(text: ByteString): TemplateResult {
  return { template: constantTemplate(text), unknown: [], txKeys: [], persistent: false }
}

export function compileTemplate(text: ByteString, platform: Platform): TemplateResult {
  if (!text.includes('%{')) return literalTemplate(text)
  const unknown: string[] = []
  const txKeys: string[] = []
  let persistent = false
  let ofTx = true
  const pieces = parseMacroText(text, platform.macroColon).map((part): Piece => {
    if (typeof part === 'string') return platform.unknownMacro === 'empty' ? part.replaceAll('%{}', '') : part
    const variable = findVariable(part.variable)
    if (variable === null) {
      unknown.push(part.variable)
      return platform.unknownMacro === 'empty' ? '' : macroSource(part)
    }
    if (variable.kind === 'collection' && variable.persistent) persistent = true
    if (variable.kind !== 'collection' || variable.ofTx !== true || part.key === null) ofTx = false
    if (variable.name === 'TX' && part.key !== null) txKeys.push(lowerAscii(part.key))
    return macroReader(variable, part)
  })
  if (pieces.every((piece) => typeof piece === 'string'))
    return { template: constantTemplate(pieces.join('')), unknown, txKeys, persistent }
  const expand = (view: TransactionView): ByteString => expandPieces(pieces, view)
  return { template: { constant: null, expand, ...(ofTx ? { ofTx } : {}) }, unknown, txKeys, persistent }
}

function expandPieces(pieces: readonly Piece[], view: TransactionView): ByteString {
  let text = ''
  for (const piece of pieces) text += typeof piece === 'string' ? piece : piece(view)
  return text
}

function macroSource(part: Exclude<MacroPart, string>): ByteString {
  return part.key === null ? `%{${part.variable}}` : `%{${part.variable}.${part.key}}`
}

function macroReader(
  variable: VariableDefinition,
  { variable: name, key }: Exclude<MacroPart, string>,
): (view: TransactionView) => ByteString {
  if (variable.kind === 'scalar') return scalarReader(variable)
  if (variable.kind === 'selected') return (view) => first(variable.read(view, key ?? '/*')) ?? ''
  if (key === null)
    return (view) => {
      if (view.platform.unsetMacro === 'text') return first(variable.read(view).named('')) ?? name
      return first(variable.read(view).all()) ?? ''
    }
  const lower = lowerAscii(key)
  // COMPAT(coraza): what has no such key stays as its text, and no key is the empty one.
  const unset = { empty: '', text: `${name}.${key}` }
  return (view) => first(variable.read(view).named(lower)) ?? unset[view.platform.unsetMacro]
}

function scalarReader(variable: ScalarDefinition): (view: TransactionView) => ByteString {
  return (view) => asFilled(variable, view.platform).read(view) ?? ''
}

function first(entries: readonly Entry[]): ByteString | undefined {
  return entries[0]?.value
}
