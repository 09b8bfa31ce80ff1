/**
 * @detectSQLi as libinjection does it: the door to the detector.
 *
 * A value is read as it is, and as if it stood behind a single or a double quote where it holds one; where comments
 * are found that MySQL reads otherwise, it is read its way too. Any length; nothing is allocated but a fingerprint.
 */
import type { ByteString } from '../../model/exchange.js'
import { type SqliDialect, sqliOfC, sqliOfC2, sqliOfGo } from './sqli-dialect.js'
import { SqlJudge } from './sqli-judge.js'
import type { Quote } from './sqli-types.js'

/** The fingerprint of the attack an implementation sees in a value, null where it sees none. */
export type SqliFinder = (value: ByteString) => string | null

/** `c` is the library of libmodsecurity, `c2` that of ModSecurity 2, `go` that of Coraza. */
export type SqliImplementation = 'c' | 'c2' | 'go'

const singleQuote = 0x27
const doubleQuote = 0x22
const quotes: readonly Quote[] = [0, singleQuote, doubleQuote]
const dialects: Readonly<Record<SqliImplementation, SqliDialect>> = { c: sqliOfC, c2: sqliOfC2, go: sqliOfGo }
const judges = new Map<SqliDialect, SqlJudge>()

/** The detector of an implementation. */
export function sqliFinder(implementation: SqliImplementation): SqliFinder {
  return sqliFinderOf(dialects[implementation])
}

export function sqliFinderOf(dialect: SqliDialect): SqliFinder {
  const judge = judgeOf(dialect)
  return (value) => (isAttack(judge, value) ? judge.fingerprint : null)
}

/** What a value folds to as it is, behind a single and a double quote, each as ANSI SQL and as MySQL. */
export function sqliContexts(implementation: SqliImplementation): (value: ByteString) => string[] {
  const judge = judgeOf(dialects[implementation])
  return (value) =>
    quotes.flatMap((quote) =>
      [false, true].map((mysql) => {
        judge.read(value, quote, mysql)
        return judge.fingerprint
      }),
    )
}

/** Made once: it holds nothing between two values. */
function judgeOf(dialect: SqliDialect): SqlJudge {
  let judge = judges.get(dialect)
  if (judge === undefined) {
    judge = new SqlJudge(dialect)
    judges.set(dialect, judge)
  }
  return judge
}

/**
 * A single word: one token, and no fingerprint of one token is an attack. One that begins with a digit may be two.
 * PERF(operators): most values of forms are such.
 */
function isWord(value: ByteString): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    const letter = code | 0x20
    const isLetter = (letter >= 0x61 && letter <= 0x7a) || code === 0x5f
    if (!isLetter && (i === 0 || code < 0x30 || code > 0x39)) return false
  }
  return true
}

function isAttack(judge: SqlJudge, value: ByteString): boolean {
  if (isWord(value)) return false
  if (judge.hits(value, 0, false)) return true
  if (judge.hasForeignComment && judge.hits(value, 0, true)) return true
  if (value.includes("'")) {
    if (judge.hits(value, singleQuote, false)) return true
    if (judge.hasForeignComment && judge.hits(value, singleQuote, true)) return true
  }
  return value.includes('"') && judge.hits(value, doubleQuote, true)
}
