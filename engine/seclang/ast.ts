/**
 * The tree of a SecLang file: what was written and where, nothing resolved.
 *
 * The tree can be printed back (`printer.ts`), checked and compared. Names are kept as written; whether
 * they exist is the compiler's business. Text is a Latin-1 byte string.
 */
import type { Span } from '../errors.js'
import type { ByteString } from '../model/exchange.js'

/** `%{NAME}` or `%{NAME.key}` inside a text, or literal bytes. */
export type MacroPart = ByteString | { readonly variable: string; readonly key: string | null }

/** A text that may hold macros, in order. A text without macros has at most one part. */
export type MacroText = readonly MacroPart[]

export type SelectorNode =
  | { readonly kind: 'name'; readonly text: ByteString }
  | { readonly kind: 'regex'; readonly pattern: ByteString }

/** One target of a rule: `REQUEST_HEADERS:User-Agent`, `&ARGS`, `!ARGS:/^x/`, `XML:/*`. */
export interface TargetNode {
  readonly variable: string
  readonly selector: SelectorNode | null
  readonly count: boolean
  readonly negated: boolean
  readonly span: Span
}

export interface OperatorNode {
  readonly negated: boolean
  /** Without `@`; `rx` where none was written. */
  readonly name: string
  readonly argument: ByteString
  readonly span: Span
}

export interface ActionNode {
  readonly name: string
  /** Text after the first `:` with surrounding single quotes and their escapes removed; null where none. */
  readonly argument: ByteString | null
  readonly span: Span
}

export interface CommentNode {
  readonly type: 'comment'
  /** What follows the `#`. */
  readonly text: ByteString
  readonly span: Span
}

/** `SecRule TARGETS OPERATOR [ACTIONS]`. */
export interface RuleNode {
  readonly type: 'rule'
  readonly targets: readonly TargetNode[]
  readonly operator: OperatorNode
  readonly actions: readonly ActionNode[]
  readonly span: Span
}

/** `SecAction ACTIONS`. */
export interface UnconditionalNode {
  readonly type: 'action'
  readonly actions: readonly ActionNode[]
  readonly span: Span
}

/** From `offset` on, a text stands at this line and column of its file (continued lines, removed escapes). */
export interface Break {
  readonly offset: number
  readonly line: number
  readonly column: number
}

/**
 * An argument without its quotes. `span` is where its text begins and how far it goes on that line;
 * `breaks` are there where the text is not one unbroken run of the file.
 */
export interface ArgumentNode {
  readonly text: ByteString
  readonly span: Span
  readonly breaks?: readonly Break[]
}

/** Any other directive; arguments unquoted. */
export interface DirectiveNode {
  readonly type: 'directive'
  readonly name: string
  readonly arguments: readonly ArgumentNode[]
  readonly span: Span
}

/** An Apache container: `<IfModule …> … </IfModule>`, `<Location …>`. */
export interface BlockNode {
  readonly type: 'block'
  readonly name: string
  /** What stands between the name and `>`, as written, without blanks around it. */
  readonly argument: ByteString
  readonly items: readonly Node[]
  readonly span: Span
}

export type Node = RuleNode | UnconditionalNode | DirectiveNode | BlockNode | CommentNode

export interface FileTree {
  readonly path: string
  readonly items: readonly Node[]
}
