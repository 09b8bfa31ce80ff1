/**
 * How each engine reads the characters of a rule file, where they differ: backslashes, comments, blanks.
 *
 * One record per platform, each fact seen on the engine itself (ModSecurity 2.9.7 in Apache 2.4,
 * libmodsecurity 3.0.9, Coraza 3.8.1). The parser asks the record, never the platform's name.
 */
import type { PlatformName } from '../model/platform.js'

export interface LexicalRules {
  /** Apache turns `\\` into `\` in every argument before the module sees it; the others keep both. */
  readonly halvesBackslashes: boolean
  /** Whether `\"` in an operator is read as `"`. libmodsecurity keeps the backslash: the same to `@rx`, not to `@contains`. */
  readonly unescapesOperatorQuotes: boolean
  /** Whether a comment that ends in a backslash swallows the next line. */
  readonly commentContinues: boolean
  /** Whether a `#` line inside a continued directive is left out; else it is text of the directive. */
  readonly skipsCommentInside: boolean
  /** Blanks between an operator's name and its argument: all dropped, all but the first kept, or both ends trimmed. */
  readonly operatorBlanks: 'drop-leading' | 'keep' | 'trim'
}

export const lexicalRules: Readonly<Record<PlatformName, LexicalRules>> = {
  coraza: {
    halvesBackslashes: false,
    unescapesOperatorQuotes: true,
    commentContinues: false,
    skipsCommentInside: true,
    operatorBlanks: 'trim',
  },
  modsec2: {
    halvesBackslashes: true,
    unescapesOperatorQuotes: true,
    commentContinues: true,
    skipsCommentInside: false,
    operatorBlanks: 'drop-leading',
  },
  modsec3: {
    halvesBackslashes: false,
    unescapesOperatorQuotes: false,
    commentContinues: false,
    skipsCommentInside: false,
    operatorBlanks: 'keep',
  },
}
