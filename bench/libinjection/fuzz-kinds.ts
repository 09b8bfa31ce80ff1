/**
 * What can be fuzzed: the question, our own answer to it, and the language its fragments are in.
 */
import type { ByteString } from '../../engine/index.js'
import { sqliContexts, sqliFinder, sqliFinderOf } from '../../engine/operators/libinjection/sqli.js'
import { sqliOfC } from '../../engine/operators/libinjection/sqli-dialect.js'
import { xssTest, xssTestOf } from '../../engine/operators/libinjection/xss.js'
import type { Fragment } from './fuzz-inputs.js'
import { htmlFragment } from './html-fragments.js'
import { nativeAppsec } from './native-appsec-lists.js'
import type { Question } from './oracle.js'
import { sqlFragment } from './sql-fragments.js'
import { sqlInjection } from './sql-injections.js'

/** Whose behaviour our detector follows; `appsec` is no engine's and known here only. */
export type Dialect = 'c' | 'c2' | 'go' | 'appsec'

export interface FuzzKind {
  readonly question: Question
  readonly fragment: Fragment
  readonly dialects: readonly Dialect[]
  /** Our detector, with answers in the form of the oracle's. */
  ours(dialect: Dialect): (value: ByteString) => ByteString
}

/** Half soup of tokens, half what injections look like. */
const sqlText: Fragment = (random) => (random.chance(0.5) ? sqlFragment(random) : sqlInjection(random))

export const fuzzKinds: Readonly<Record<string, FuzzKind>> = {
  sqli: {
    question: 's',
    fragment: sqlText,
    dialects: ['c', 'c2', 'go'],
    ours: (dialect) => {
      const findSqli = dialect === 'appsec' ? sqliFinderOf(sqliOfC) : sqliFinder(dialect)
      return (value) => findSqli(value) ?? ''
    },
  },
  // What is folded to no known fingerprint shows here only.
  'sqli-contexts': {
    question: 'C',
    fragment: sqlText,
    dialects: ['c', 'c2', 'go'],
    ours: (dialect) => {
      const contexts = sqliContexts(dialect === 'appsec' ? 'c' : dialect)
      return (value) =>
        contexts(value)
          .map((fingerprint) => `${fingerprint},`)
          .join('')
    },
  },
  xss: {
    question: 'x',
    fragment: htmlFragment,
    dialects: ['c', 'c2', 'go', 'appsec'],
    ours: (dialect) => {
      const isXss = dialect === 'appsec' ? xssTestOf(nativeAppsec) : xssTest(dialect)
      return (value) => (isXss(value) ? '\x01' : '\x00')
    },
  },
}

/** Whether an answer says that there is something. */
export function isHit(answer: ByteString): boolean {
  return answer !== '' && answer !== '\x00'
}
