/**
 * From a tree back to text that parses to the same tree, spans apart.
 *
 * Layout is the printer's own (CRS style: one action a line); empty lines are not kept. The lexical rules must
 * be those the tree was parsed with.
 * LIMIT: a tree made by hand may hold a text that no quoting expresses on libmodsecurity and Coraza (`\` before
 * the quote); it is printed in double quotes and reads differently. Trees that were parsed never do.
 */
import type { ByteString } from '../model/exchange.js'
import { closingQuote } from './arguments.js'
import type { ActionNode, DirectiveNode, FileTree, Node, OperatorNode, SelectorNode, TargetNode } from './ast.js'
import { type LexicalRules, lexicalRules } from './lexical-rules.js'

/** Prints a file; ends with a line end unless the tree is empty. */
export function printTree(tree: FileTree, rules: LexicalRules = lexicalRules.modsec3): ByteString {
  return printItems(tree.items, '', rules)
}

/** Prints one node, without the line end. */
export function printNode(node: Node, rules: LexicalRules = lexicalRules.modsec3): ByteString {
  return printItems([node], '', rules).slice(0, -1)
}

function printItems(items: readonly Node[], indent: string, rules: LexicalRules): ByteString {
  let text = ''
  for (const node of items) text += `${indent}${printItem(node, indent, rules)}\n`
  return text
}

function printItem(node: Node, indent: string, rules: LexicalRules): ByteString {
  switch (node.type) {
    case 'comment':
      return `#${node.text}`
    case 'block': {
      const argument = node.argument === '' ? '' : ` ${node.argument}`
      return `<${node.name}${argument}>\n${printItems(node.items, `${indent}    `, rules)}${indent}</${node.name}>`
    }
    case 'action':
      return `SecAction${printActionList(node.actions, indent, rules)}`
    case 'rule': {
      const targets = quoteWhereNeeded(node.targets.map(printTarget).join('|'), rules, false)
      const operator = printOperator(node.operator, rules)
      return `SecRule ${targets} ${operator}${printActionList(node.actions, indent, rules)}`
    }
    case 'directive':
      return printDirective(node, rules)
  }
}

function printDirective(node: DirectiveNode, rules: LexicalRules): ByteString {
  const [first, second] = node.arguments
  if (node.name.toLowerCase() === 'secdataset' && second !== undefined)
    return `${node.name} ${first?.text ?? ''} \`\n${second.text}\``
  const last = node.arguments.length - 1
  const printed = node.arguments.map(({ text }, index) => quoteWhereNeeded(text, rules, index === last))
  return [node.name, ...printed].join(' ')
}

function printTarget(target: TargetNode): ByteString {
  const sign = target.count ? '&' : target.negated ? '!' : ''
  const selector = target.selector === null ? '' : `:${printSelector(target.variable, target.selector)}`
  return `${sign}${target.variable}${selector}`
}

function printSelector(variable: string, selector: SelectorNode): ByteString {
  if (selector.kind === 'regex') {
    const { pattern } = selector
    // A bare pattern ends at a slash before a separator; the quoted form holds any but a stray backslash.
    if (!/[|,' \t/]/.test(pattern)) return `/${pattern}/`
    const quoted = quoteSingle(`/${pattern}/`)
    return quoted ?? `/${pattern}/`
  }
  const { text } = selector
  const isExpression = /^(?:XML|JSON)$/i.test(variable)
  if (isExpression && !/[|,]|^'/.test(text)) return text
  if (!isExpression && text !== '' && !/^[/ \t]|^'|[|,]|[ \t]$/.test(text)) return text
  return quoteSingle(text) ?? text
}

/** In single quotes as selectors and action values are; null where a backslash stands in the way. */
function quoteSingle(text: ByteString): ByteString | null {
  const quoted = text.replace(/'/g, "\\'")
  if (closingQuote(`${quoted}'`, 0, "'") !== quoted.length) return null
  return /\\'/.test(text) && !isSameUnquoted(quoted, text) ? null : `'${quoted}'`
}

function isSameUnquoted(quoted: ByteString, text: ByteString): boolean {
  return quoted.replace(/\\([\\'])/g, (pair, byte: string) => (byte === "'" ? "'" : pair)) === text
}

function printOperator(operator: OperatorNode, rules: LexicalRules): ByteString {
  const { argument, name } = operator
  const sign = operator.negated ? '!' : ''
  // Where blanks behind the name are dropped, a pattern that begins with one stands alone.
  const isAlone = name === 'rx' && /^[\t-\r ]/.test(argument) && rules.operatorBlanks !== 'keep'
  const text = isAlone ? `${sign}${argument}` : `${sign}@${name}${argument === '' ? '' : ` ${argument}`}`
  if (rules.unescapesOperatorQuotes) return quote(text, rules)
  return closingQuote(`${text}"`, 0, '"') === text.length ? `"${text}"` : `'${text}'`
}

function printActionList(actions: readonly ActionNode[], indent: string, rules: LexicalRules): ByteString {
  if (actions.length === 0) return ''
  // Quotes are applied to the whole list first, so that the line ends stand between finished actions.
  const [list, mark] = quoteParts(actions.map(printAction), rules)
  return ` \\\n${indent}    ${mark}${list.join(`,\\\n${indent}    `)}${mark}`
}

function printAction(action: ActionNode): ByteString {
  const { name, argument } = action
  if (argument === null) return name
  if (argument !== '' && !/^[' \t]|,|[ \t]$/.test(argument)) {
    const isPlain = /^[\w.:=%{}/+;@*^-]*$/.test(argument)
    if (isPlain || name.toLowerCase() === 't') return `${name}:${argument}`
  }
  return `${name}:${quoteSingle(argument) ?? argument}`
}

function quoteWhereNeeded(text: ByteString, rules: LexicalRules, isLast: boolean): ByteString {
  const needsQuotes = text === '' || /^["']|[\t-\r ]/.test(text) || (isLast && text.endsWith('\\'))
  const isHalved = rules.halvesBackslashes && text.includes('\\\\')
  return needsQuotes || isHalved ? quote(text, rules) : text
}

function quote(text: ByteString, rules: LexicalRules): ByteString {
  const [parts, mark] = quoteParts([text], rules)
  return `${mark}${parts[0] ?? ''}${mark}`
}

/** Escapes parts of one argument for double quotes, or for single ones where only they can hold it. */
function quoteParts(parts: readonly ByteString[], rules: LexicalRules): [parts: ByteString[], mark: string] {
  const last = parts.length - 1
  const double = parts.map((part, index) => escapeFor(part, '"', rules, index === last))
  if (double.every((part) => part !== null)) return [double as ByteString[], '"']
  const single = parts.map((part, index) => escapeFor(part, "'", rules, index === last))
  if (single.every((part) => part !== null)) return [single as ByteString[], "'"]
  return [parts.map((part) => part.replace(/"/g, '\\"')), '"']
}

/** Null where the escaped text would be read as another one. */
function escapeFor(text: ByteString, mark: string, rules: LexicalRules, isLast: boolean): ByteString | null {
  if (rules.halvesBackslashes)
    return text.replace(/["'\\]/g, (byte) => (byte === mark || byte === '\\' ? `\\${byte}` : byte))
  let run = 0
  let escaped = ''
  for (const byte of text) {
    if (byte === mark && run % 2 === 1) return null
    escaped += byte === mark ? `\\${byte}` : byte
    run = byte === '\\' ? run + 1 : 0
  }
  return isLast && run % 2 === 1 ? null : escaped
}
