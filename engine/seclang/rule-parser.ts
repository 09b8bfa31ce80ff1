/**
 * The three parts of a rule: targets, operator, actions. Also used for the arguments of directives that
 * change rules (SecRuleUpdateTargetById and its kin).
 *
 * Names are checked for their characters only; whether they exist is the compiler's business. Parsing goes
 * on behind every error.
 */
import { type Diagnostic, printable, type Span } from '../errors.js'
import type { ByteString } from '../model/exchange.js'
import { closingQuote } from './arguments.js'
import type { ActionNode, ArgumentNode, OperatorNode, SelectorNode, TargetNode } from './ast.js'
import { Findings } from './findings.js'
import { type LexicalRules, lexicalRules } from './lexical-rules.js'
import { isBlank, trimBlanks } from './lines.js'
import { type PlacedText, placeArgument, spanOf } from './place.js'

/** Parses a list of targets given as text; `at` is its place, or the argument's node, which places it exactly. */
export function parseTargets(
  text: ByteString,
  at: Span | ArgumentNode,
): { readonly targets: TargetNode[]; readonly diagnostics: readonly Diagnostic[] } {
  const findings = new Findings(null)
  const targets = readTargets(placeArgument(argumentAt(text, at)), findings)
  return { targets, diagnostics: findings.diagnostics }
}

/** Parses a list of actions given as text; `at` as for `parseTargets`. */
export function parseActions(
  text: ByteString,
  at: Span | ArgumentNode,
): { readonly actions: ActionNode[]; readonly diagnostics: readonly Diagnostic[] } {
  const findings = new Findings(null)
  const actions = readActions(placeArgument(argumentAt(text, at)), findings)
  return { actions, diagnostics: findings.diagnostics }
}

function argumentAt(text: ByteString, at: Span | ArgumentNode): ArgumentNode {
  return 'span' in at ? at : { text, span: at }
}

/** `ARGS|!ARGS:token|&TX:/^x/`; the comma separates as well as the bar. */
export function readTargets(placed: PlacedText, findings: Findings): TargetNode[] {
  const { text } = placed
  const targets: TargetNode[] = []
  let at = 0
  for (;;) {
    at = skipBlanks(text, at)
    const start = at
    const sign = text[at] === '!' || text[at] === '&' ? (text[at] as string) : ''
    at = skipBlanks(text, at + sign.length)
    const nameFrom = at
    while (at < text.length && isNameByte(text.charCodeAt(at))) at++
    const variable = text.slice(nameFrom, at)
    let selector: SelectorNode | null = null
    if (variable === '') {
      at = reportNoVariable(placed, start, nameFrom, findings)
    } else {
      if (text[at] === ':') {
        const read = readSelector(placed, variable, at + 1, findings)
        selector = read.selector
        at = read.end
      }
      const span = spanOf(placed, start, at - start)
      targets.push({ variable, selector, count: sign === '&', negated: sign === '!', span })
      at = skipBlanks(text, at)
      if (at < text.length && !isSeparator(text, at)) {
        const end = nextSeparator(text, at)
        const rest = spanOf(placed, at, end - at)
        findings.error(
          'bad-target',
          rest,
          `"${printable(text.slice(at, end))}" does not belong to the target before it`,
          separators,
        )
        at = end
      }
    }
    if (at >= text.length) return targets
    at++
  }
}

const separators = 'targets are separated by "|"; a name with special characters stands in single quotes'

function reportNoVariable(placed: PlacedText, start: number, at: number, findings: Findings): number {
  const end = nextSeparator(placed.text, at)
  const found = trimBlanks(placed.text.slice(start, end))
  const span = spanOf(placed, start, end - start)
  if (found === '') findings.error('bad-target', span, 'a target is missing here', 'remove the separator')
  else
    findings.error('bad-target', span, `"${printable(found)}" does not begin with the name of a variable`, separators)
  return end
}

/** Variables whose selector is an expression with slashes of its own. */
const expressionVariables = new Set(['XML', 'JSON'])

function readSelector(
  placed: PlacedText,
  variable: string,
  from: number,
  findings: Findings,
): { selector: SelectorNode | null; end: number } {
  const { text } = placed
  const isExpression = expressionVariables.has(variable.toUpperCase())
  if (text[from] === "'") return readQuotedSelector(placed, from, isExpression, findings)
  if (isExpression) {
    const end = expressionEnd(text, from)
    return { selector: { kind: 'name', text: trimBlanks(text.slice(from, end)) }, end }
  }
  if (text[from] === '/') {
    const end = regexEnd(text, from + 1)
    if (end >= 0) {
      const pattern = text.slice(from + 1, end)
      if (pattern.includes('|'))
        findings.warning(
          'bare-bar',
          spanOf(placed, from, end + 1 - from),
          'ModSecurity takes the "|" in this pattern for the end of the target',
          `put the pattern in single quotes: ${variable}:'/${printable(pattern)}/'`,
        )
      return { selector: { kind: 'regex', pattern }, end: end + 1 }
    }
    const stop = nextSeparator(text, from)
    const span = spanOf(placed, from, stop - from)
    findings.error(
      'unclosed-regex',
      span,
      'this pattern has no closing "/"',
      'end it with "/"; a slash inside is written \\/',
    )
    return { selector: { kind: 'regex', pattern: text.slice(from + 1, stop) }, end: stop }
  }
  const end = nextSeparator(text, from)
  const name = trimBlanks(text.slice(from, end))
  if (name !== '') return { selector: { kind: 'name', text: name }, end }
  const span = spanOf(placed, Math.max(0, from - 1), 1)
  findings.error('bad-target', span, `${variable}: is followed by no name`, 'name the entry, or leave out the colon')
  return { selector: null, end }
}

function readQuotedSelector(
  placed: PlacedText,
  from: number,
  isExpression: boolean,
  findings: Findings,
): { selector: SelectorNode; end: number } {
  const { text } = placed
  const close = closingQuote(text, from + 1, "'")
  const quoted = unquote(text.slice(from + 1, close))
  if (close >= text.length)
    findings.error('unbalanced-quote', spanOf(placed, from, 1), "this ' is not closed", "a ' inside is written \\'")
  const end = Math.min(text.length, close + 1)
  const isRegex = !isExpression && quoted.length > 1 && quoted.startsWith('/') && quoted.endsWith('/')
  if (isRegex) return { selector: { kind: 'regex', pattern: quoted.slice(1, -1) }, end }
  return { selector: { kind: 'name', text: quoted }, end }
}

/** Offset of the slash that ends a bare pattern: unescaped and followed by a separator or the end; -1: none. */
function regexEnd(text: ByteString, from: number): number {
  for (let at = from; at < text.length; at++) {
    const byte = text[at]
    if (byte === '\\') at++
    else if (byte === '/') {
      const next = skipBlanks(text, at + 1)
      if (next >= text.length || isSeparator(text, next)) return at
    }
  }
  return -1
}

/** An XPath goes on to the next separator that is in no bracket and no quotes. */
function expressionEnd(text: ByteString, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const byte = text[at] as string
    if (byte === '"' || byte === "'") {
      const close = text.indexOf(byte, at + 1)
      if (close > 0) at = close
    } else if (byte === '(' || byte === '[') depth++
    else if (byte === ')' || byte === ']') depth--
    else if (depth <= 0 && isSeparator(text, at)) return at
  }
  return text.length
}

/**
 * `!@rx …`, `@ge 5`, a pattern alone. `placed` holds the argument with its quotes removed.
 * A text without `@` is a pattern for `@rx`.
 */
export function readOperator(
  placed: PlacedText,
  findings: Findings,
  rules: LexicalRules = lexicalRules.modsec3,
): OperatorNode {
  const { text } = placed
  const span = spanOf(placed, 0, text.length)
  const negated = text.startsWith('!')
  let at = negated ? 1 : 0
  if (negated && rules.operatorBlanks !== 'keep') at = skipBlanks(text, at)
  if (text[at] !== '@') return { negated, name: 'rx', argument: trimmed(text.slice(at), rules), span }
  const nameFrom = at + 1
  at = nameFrom
  while (at < text.length && !isBlank(text.charCodeAt(at))) at++
  const name = text.slice(nameFrom, at)
  if (!/^[A-Za-z]\w*$/.test(name)) {
    const message = name === '' ? 'an operator is missing after "@"' : `"@${printable(name)}" is no name of an operator`
    findings.error(
      'missing-operator',
      spanOf(placed, nameFrom - 1, name.length + 1),
      message,
      'write e.g. "@rx pattern"',
    )
  }
  const argument = rules.operatorBlanks === 'keep' ? text.slice(at + 1) : text.slice(skipBlanks(text, at))
  return { negated, name, argument: trimmed(argument, rules), span }
}

function trimmed(argument: ByteString, rules: LexicalRules): ByteString {
  return rules.operatorBlanks === 'trim' ? trimBlanks(argument) : argument
}

/** `id:1,phase:2,msg:'a, b',t:none`. Blanks around names and values do not count; `\'` in quotes is `'`. */
export function readActions(placed: PlacedText, findings: Findings): ActionNode[] {
  const { text } = placed
  const actions: ActionNode[] = []
  let at = skipBlanks(text, 0)
  while (at < text.length) {
    const start = at
    while (at < text.length && text[at] !== ':' && text[at] !== ',') at++
    const name = trimBlanks(text.slice(start, at))
    let argument: ByteString | null = null
    let end = start + name.length
    if (text[at] === ':') {
      const value = readActionValue(placed, skipBlanks(text, at + 1), findings)
      argument = value.text
      end = value.end
      at = value.next
    }
    checkActionName(placed, start, name, findings)
    if (name !== '') actions.push({ name, argument, span: spanOf(placed, start, end - start) })
    if (at >= text.length) break
    const comma = at
    at = skipBlanks(text, at + 1)
    if (at >= text.length)
      findings.warning('stray-text', spanOf(placed, comma, 1), 'a comma ends the list of actions', 'remove it')
  }
  return actions
}

interface ActionValue {
  readonly text: ByteString
  /** Behind the value. */
  readonly end: number
  /** At the comma behind it, or the end. */
  readonly next: number
}

function readActionValue(placed: PlacedText, from: number, findings: Findings): ActionValue {
  const { text } = placed
  if (text[from] !== "'") {
    const comma = text.indexOf(',', from)
    const next = comma < 0 ? text.length : comma
    const value = trimBlanks(text.slice(from, next))
    return { text: value, end: from + value.length, next }
  }
  const close = closingQuote(text, from + 1, "'")
  if (close >= text.length)
    findings.error(
      'unbalanced-quote',
      spanOf(placed, from, 1),
      "this ' is not closed",
      "close the value before the end of the actions; a ' inside is written \\'",
    )
  const end = Math.min(text.length, close + 1)
  let next = skipBlanks(text, end)
  if (next < text.length && text[next] !== ',') {
    const comma = text.indexOf(',', next)
    const stop = comma < 0 ? text.length : comma
    findings.error(
      'stray-text',
      spanOf(placed, next, stop - next),
      `"${printable(text.slice(next, stop))}" follows the closing ' of a value`,
      "put a comma between two actions; a ' inside a value is written \\'",
    )
    next = stop
  }
  return { text: unquote(text.slice(from + 1, close)), end, next }
}

function checkActionName(placed: PlacedText, start: number, name: ByteString, findings: Findings): void {
  if (/^[A-Za-z][\w-]*$/.test(name)) return
  const span = spanOf(placed, start, Math.max(1, name.length))
  if (name === '')
    findings.error('bad-action', span, 'an action is missing here', 'remove the comma or name the action')
  else
    findings.error(
      'bad-action',
      span,
      `"${printable(name)}" is no name of an action`,
      'put values with commas in single quotes',
    )
}

/** `\'` becomes `'`; a pair of backslashes is a pair and stays. */
function unquote(text: ByteString): ByteString {
  return text.includes("\\'") ? text.replace(/\\([\\'])/g, (pair, byte: string) => (byte === "'" ? "'" : pair)) : text
}

function isNameByte(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122)
}

function isSeparator(text: ByteString, at: number): boolean {
  return text[at] === '|' || text[at] === ','
}

function nextSeparator(text: ByteString, from: number): number {
  let at = from
  while (at < text.length && !isSeparator(text, at)) at++
  return at
}

function skipBlanks(text: ByteString, from: number): number {
  let at = from
  while (at < text.length && isBlank(text.charCodeAt(at))) at++
  return at
}
