/**
 * How the implementations of libinjection differ on SQL, one record each.
 *
 * Sources: runs of libmodsecurity 3.0.9, mod_security2 2.9.7 and libinjection-go 0.3.3, compared by
 * bench/libinjection/fuzz.ts. Words and fingerprints are the same in all of them.
 */

export interface SqliDialect {
  /** Whether NUL counts as a digit of a bit or hex number, of an amount, of a dollar tag, and ends a variable. */
  readonly nulInSets: boolean
  /** What a number with an exponent without digits is, such as `1.e`. */
  readonly emptyExponent: 'word' | 'nothing'
  /** Whether U+017F and U+0131 are an S and an I in words, written in UTF-8. */
  readonly unicodeWords: boolean
  /** Whether a byte above 0x7f opens Oracle's quoted strings: no, or closed by its character in UTF-8. */
  readonly highQuotes: 'none' | 'utf-8'
  /** Where backslashes that escape a quote are looked for: before it, or before the first text like the one from it on. */
  readonly escapesAt: 'quote' | 'first-alike'
  /** Whether a number and a comment are an attack where the comment is one of these. */
  readonly numberComments: 'slash-star' | 'line'
  /** Whether a byte above 0x7f is a blank behind a number. */
  readonly highBlanks: boolean
  /** Where folding goes on behind five tokens that are one value, with a sixth at hand. */
  readonly leftBehindFive: 0 | 1
  /** Whether a name in a collation is looked at up to its first NUL only. */
  readonly namesEndAtNul: boolean
  /** Where the end of a `$tag$` string is looked for: behind the tag, or as if the tag opened the whole value. */
  readonly closingTagFrom: 'tag' | 'value'
}

/** The C library of libmodsecurity. */
export const sqliOfC: SqliDialect = {
  nulInSets: true,
  emptyExponent: 'word',
  unicodeWords: false,
  highQuotes: 'none',
  escapesAt: 'quote',
  numberComments: 'slash-star',
  highBlanks: true,
  leftBehindFive: 0,
  namesEndAtNul: true,
  closingTagFrom: 'tag',
}

/** That of ModSecurity 2. */
export const sqliOfC2: SqliDialect = { ...sqliOfC, closingTagFrom: 'value' }

/** Coraza's library in Go. */
export const sqliOfGo: SqliDialect = {
  nulInSets: false,
  emptyExponent: 'nothing',
  unicodeWords: true,
  highQuotes: 'utf-8',
  escapesAt: 'first-alike',
  numberComments: 'line',
  highBlanks: false,
  leftBehindFive: 1,
  namesEndAtNul: false,
  closingTagFrom: 'tag',
}
