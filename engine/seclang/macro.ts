/**
 * Texts with macros: `%{TX.foo}`, `%{REQUEST_METHOD}`.
 *
 * A macro ends at the first `}` and its name at the first `.`, as ModSecurity 2 reads them: nothing nests, so
 * `tx.%{rule.id}-x` is a macro between two literals and `%{tx.a-%{b}}` is the key `a-%{b` and a literal `}`.
 * What is not closed is literal. Whether a variable exists is the compiler's business.
 */
import type { ByteString } from '../model/exchange.js'
import type { MacroPart, MacroText } from './ast.js'

/**
 * Splits a text into literals and macros; neighbouring literals are one part, the empty text has none. `colon`: a name
 * may end at a `:` too, as in libmodsecurity.
 */
export function parseMacroText(text: ByteString, colon = false): MacroText {
  const parts: MacroPart[] = []
  let literalFrom = 0
  let open = text.indexOf('%{')
  while (open >= 0) {
    const close = text.indexOf('}', open + 2)
    if (close < 0) break
    const name = text.slice(open + 2, close)
    const macro = readMacro(name, colon)
    if (macro !== null) {
      if (open > literalFrom) parts.push(text.slice(literalFrom, open))
      parts.push(macro)
      literalFrom = close + 1
    }
    open = text.indexOf('%{', close + 1)
  }
  if (literalFrom < text.length) parts.push(text.slice(literalFrom))
  return parts
}

/** The text that `parseMacroText` was given. */
export function printMacroText(parts: MacroText): ByteString {
  let text = ''
  for (const part of parts) {
    if (typeof part === 'string') text += part
    else text += part.key === null ? `%{${part.variable}}` : `%{${part.variable}.${part.key}}`
  }
  return text
}

/** Null where there is no name at all: `%{}` stays as it is written. */
function readMacro(name: ByteString, colon: boolean): MacroPart | null {
  if (name === '') return null
  const end = name.search(colon ? /[.:]/ : /\./)
  return end < 0 ? { variable: name, key: null } : { variable: name.slice(0, end), key: name.slice(end + 1) }
}
