/**
 * From the text of one SecLang file to its tree: comments, directives, rules, Apache containers.
 *
 * Never throws and never stops at an error: every finding is a diagnostic with its place, and what can be
 * read is in the tree. Include is a directive like any other here; names are not looked up.
 */
import { type Diagnostic, printable, type Span } from '../errors.js'
import type { ByteString } from '../model/exchange.js'
import { argumentNode, type RawArgument, splitArguments } from './arguments.js'
import type { ActionNode, ArgumentNode, BlockNode, DirectiveNode, FileTree, Node } from './ast.js'
import { Findings } from './findings.js'
import { type LexicalRules, lexicalRules } from './lexical-rules.js'
import { isBlank, readLogicalLines, trimBlanks } from './lines.js'
import { type PlacedText, placeArgument, spanOf } from './place.js'
import { readActions, readOperator, readTargets } from './rule-parser.js'

export interface ParsedFile {
  readonly tree: FileTree
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * Parses a file. `path` goes into every span; `text` is a Latin-1 byte string. `rules` says how the platform
 * reads backslashes, comments and blanks.
 */
export function parseFile(path: string, text: ByteString, rules: LexicalRules = lexicalRules.modsec3): ParsedFile {
  const findings = new Findings(text)
  const parser = new FileParser(rules, findings)
  for (const line of readLogicalLines(path, text, rules, findings)) parser.add(line)
  const tree = { path, items: parser.finish() }
  return { tree, diagnostics: findings.diagnostics }
}

/** A container whose end has not been read. */
interface OpenBlock {
  readonly name: string
  readonly argument: ByteString
  readonly span: Span
  readonly items: Node[]
}

class FileParser {
  readonly #rules: LexicalRules
  readonly #findings: Findings
  readonly #root: Node[] = []
  readonly #open: OpenBlock[] = []

  constructor(rules: LexicalRules, findings: Findings) {
    this.#rules = rules
    this.#findings = findings
  }

  add(line: PlacedText): void {
    const { text } = line
    const nul = text.indexOf('\0')
    if (nul >= 0) {
      const hint = 'the file is binary or UTF-16; save it as plain text'
      this.#findings.error('unknown-characters', spanOf(line, nul, 1), 'a NUL byte stands in this line', hint)
      return
    }
    if (text.startsWith('#')) this.#push({ type: 'comment', text: text.slice(1), span: wholeSpan(line) })
    else if (text.startsWith('</')) this.#closeBlock(line)
    else if (text.startsWith('<')) this.#openBlock(line)
    else this.#addDirective(line)
  }

  /** The items of the file; containers that are still open are reported and closed. */
  finish(): Node[] {
    while (this.#open.length > 0) {
      const block = this.#open[this.#open.length - 1] as OpenBlock
      this.#findings.error(
        'unclosed-block',
        block.span,
        `<${block.name}> is not closed before the end of the file`,
        `add </${block.name}>`,
      )
      this.#popBlock()
    }
    return this.#root
  }

  #push(node: Node): void {
    const block = this.#open[this.#open.length - 1]
    if (block === undefined) this.#root.push(node)
    else block.items.push(node)
  }

  #openBlock(line: PlacedText): void {
    const { text } = line
    const match = /^<([A-Za-z][\w-]*)/.exec(text)
    if (match === null) {
      const hint = 'a container looks like <IfModule name>'
      this.#findings.error(
        'unknown-characters',
        wholeSpan(line),
        'this line begins with "<" but names no container',
        hint,
      )
      return
    }
    const name = match[1] as string
    const end = text.lastIndexOf('>')
    if (end < 0) this.#findings.error('unclosed-block', wholeSpan(line), `the ">" of <${name} is missing`, 'add it')
    else if (end < text.length - 1) this.#strayText(line, end + 1, 'the container begins on a line of its own')
    const argument = trimBlanks(text.slice(match[0].length, end < 0 ? text.length : end))
    this.#open.push({ name, argument, span: wholeSpan(line), items: [] })
  }

  #closeBlock(line: PlacedText): void {
    const match = /^<\/[\t ]*([A-Za-z][\w-]*)[\t ]*(>?)/.exec(line.text)
    const span = wholeSpan(line)
    if (match === null) {
      this.#findings.error(
        'unknown-characters',
        span,
        'this line begins with "</" but names no container',
        'e.g. </IfModule>',
      )
      return
    }
    const name = match[1] as string
    if (match[2] === '') this.#findings.error('unclosed-block', span, `the ">" of </${name} is missing`, 'add it')
    else if (match[0].length < line.text.length) this.#strayText(line, match[0].length, 'go on in a new line')
    const lower = name.toLowerCase()
    const depth = this.#open.findLastIndex((block) => block.name.toLowerCase() === lower)
    if (depth < 0) {
      this.#findings.error(
        'unexpected-block-end',
        span,
        `</${name}> closes nothing`,
        `remove it, or add <${name} …> above`,
      )
      return
    }
    while (this.#open.length > depth + 1) {
      const inner = this.#open[this.#open.length - 1] as OpenBlock
      const hint = `add </${inner.name}> before line ${span.line}`
      this.#findings.error('unclosed-block', inner.span, `<${inner.name}> is not closed inside <${name}>`, hint)
      this.#popBlock()
    }
    this.#popBlock()
  }

  #popBlock(): void {
    const block = this.#open.pop()
    if (block === undefined) return
    const node: BlockNode = { type: 'block', ...block }
    this.#push(node)
  }

  #addDirective(line: PlacedText): void {
    const { text } = line
    const name = /^[A-Za-z_][\w.-]*/.exec(text)?.[0] ?? ''
    const next = text.charCodeAt(name.length)
    if (name === '' || (name.length < text.length && !isBlank(next))) {
      this.#reportNoDirective(line, name)
      return
    }
    const lower = name.toLowerCase()
    if (lower === 'secdataset' && text.endsWith('`') && text.includes('\n')) {
      this.#push(datasetNode(line, name))
      return
    }
    const before = this.#findings.diagnostics.length
    const raw = splitArguments(line, name.length, this.#findings)
    const isSound = this.#findings.diagnostics.length === before
    if (lower === 'secrule') this.#addRule(line, name, raw, isSound)
    else if (lower === 'secaction') this.#addAction(line, name, raw, isSound)
    else {
      const parsed = raw.map((argument) => argumentNode(line, argument, this.#rules))
      this.#push({ type: 'directive', name, arguments: parsed, span: spanOf(line, 0, name.length) })
    }
  }

  /** `isSound`: the quotes are in order; where not, what that leads to is not reported again. */
  #addRule(line: PlacedText, name: string, raw: readonly RawArgument[], isSound: boolean): void {
    const span = spanOf(line, 0, name.length)
    const [first, second, third] = raw
    if (first === undefined) {
      this.#findings.error(
        'missing-argument',
        span,
        'SecRule has no targets',
        'write SecRule TARGETS "@operator argument" "actions"',
      )
      return
    }
    const targets = readTargets(this.#place(line, first), this.#findings)
    if (second === undefined) {
      this.#findings.error('missing-operator', span, 'SecRule has no operator', this.#operatorHint(first))
      return
    }
    const written = argumentNode(line, second, this.#rules, !this.#rules.unescapesOperatorQuotes)
    if (third === undefined && /^[ \t]*id:'?\d+'?[ \t]*(?:,|$)/.test(written.text)) {
      this.#findings.error(
        'missing-operator',
        written.span,
        'the actions stand where the operator belongs',
        'write the operator before them, e.g. "@rx pattern"',
      )
      return
    }
    if (written.text === '')
      this.#findings.error(
        'missing-operator',
        written.span,
        'the operator is empty',
        'to match always, write "@unconditionalMatch"',
      )
    const operator = readOperator(placeArgument(written), this.#findings, this.#rules)
    const actions = this.#readActions(line, third, isSound && raw.length <= 3)
    if (isSound) this.#reportSurplus(line, raw, 3)
    this.#push({ type: 'rule', targets, operator, actions, span })
  }

  #operatorHint(only: RawArgument): string {
    if (only.quote !== '') return 'write the targets before the operator'
    return 'write SecRule TARGETS "@operator argument" "actions"; is the backslash at the end of a line missing?'
  }

  #addAction(line: PlacedText, name: string, raw: readonly RawArgument[], isSound: boolean): void {
    const span = spanOf(line, 0, name.length)
    const [first] = raw
    if (first === undefined) {
      const hint = 'write SecAction "id:…,phase:1,pass,nolog,…"; is the backslash at the end of the line missing?'
      this.#findings.error('missing-argument', span, 'SecAction has no actions', hint)
      return
    }
    const actions = this.#readActions(line, first, isSound && raw.length <= 1)
    if (isSound) this.#reportSurplus(line, raw, 1)
    this.#push({ type: 'action', actions, span })
  }

  #readActions(line: PlacedText, raw: RawArgument | undefined, reports: boolean): ActionNode[] {
    if (raw === undefined) return []
    return readActions(this.#place(line, raw), reports ? this.#findings : new Findings(null))
  }

  #place(line: PlacedText, raw: RawArgument): PlacedText {
    return placeArgument(argumentNode(line, raw, this.#rules))
  }

  #reportSurplus(line: PlacedText, raw: readonly RawArgument[], most: number): void {
    const surplus = raw[most]
    if (surplus === undefined) return
    const isComment = surplus.quote === '' && line.text[surplus.start] === '#'
    const hint = isComment
      ? 'a comment stands on a line of its own'
      : 'is a " inside quotes not written as \\", or a blank not quoted?'
    this.#strayText(line, surplus.start, hint)
  }

  #strayText(line: PlacedText, from: number, hint: string): void {
    let start = from
    while (start < line.text.length && isBlank(line.text.charCodeAt(start))) start++
    const rest = line.text.length - start
    this.#findings.error('stray-text', spanOf(line, start, rest), 'there is more on this line than belongs here', hint)
  }

  #reportNoDirective(line: PlacedText, name: string): void {
    const { text } = line
    let end = name.length
    while (end < text.length && !isBlank(text.charCodeAt(end))) end++
    const span = spanOf(line, 0, end)
    const word = printable(text.slice(0, Math.min(end, 40)))
    const belongsAbove = /^["'|@]|^[a-z]\w*:|^[a-z]\w*,/.test(text)
    const hint = belongsAbove
      ? 'is the backslash at the end of the line above missing?'
      : 'a line holds a directive, a comment after "#", or a container in "<…>"'
    const code = belongsAbove ? 'stray-text' : 'unknown-characters'
    this.#findings.error(code, span, `"${word}" is no name of a directive`, hint)
  }
}

function datasetNode(line: PlacedText, name: string): DirectiveNode {
  const { text } = line
  const open = text.indexOf('`')
  const nameFrom = name.length + 1
  const span = spanOf(line, 0, name.length)
  const dataset = trimBlanks(text.slice(nameFrom, open))
  const dataFrom = text.indexOf('\n', open) + 1
  const data = text.slice(dataFrom, text.length - 1)
  const parsed: ArgumentNode[] = [
    { text: dataset, span: spanOf(line, text.indexOf(dataset, nameFrom), dataset.length) },
    { text: data, span: spanOf(line, dataFrom, data.length) },
  ]
  return { type: 'directive', name, arguments: parsed, span }
}

function wholeSpan(line: PlacedText): Span {
  return spanOf(line, 0, line.text.length)
}
