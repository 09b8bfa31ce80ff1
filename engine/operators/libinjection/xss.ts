/**
 * @detectXSS as libinjection does it: the door to the detector.
 *
 * A value is read as HTML from five places of a page in turn: plain data, inside a tag, and inside a value in each
 * kind of quotes. One hit is enough. Any length; nothing is allocated.
 */
import type { ByteString } from '../../model/exchange.js'
import { type XssDialect, XssJudge } from './xss-judge.js'
import { libinjection3, libinjectionGo } from './xss-lists.js'

/** Whether an implementation takes the value for cross-site scripting. */
export type XssTest = (value: ByteString) => boolean

/** `c` is the library of libmodsecurity, `c2` that of ModSecurity 2, `go` that of Coraza. */
export type XssImplementation = 'c' | 'c2' | 'go'

const dialects: Readonly<Record<XssImplementation, XssDialect>> = {
  c: libinjection3,
  c2: libinjection3,
  go: libinjectionGo,
}
const tests = new Map<XssDialect, XssTest>()

/** The detector of an implementation; made once. */
export function xssTest(implementation: XssImplementation): XssTest {
  return xssTestOf(dialects[implementation])
}

export function xssTestOf(dialect: XssDialect): XssTest {
  let test = tests.get(dialect)
  if (test === undefined) {
    const judge = new XssJudge(dialect)
    test = (value) => isXss(judge, value)
    tests.set(dialect, test)
  }
  return test
}

/** Every hit needs a tag, a comment or a value: without one of these bytes there is none of them. */
export const xssBytes: readonly ByteString[] = ['<', '=']

function isXss(judge: XssJudge, value: ByteString): boolean {
  const angled = value.includes('<')
  if (!angled && !value.includes('=')) return false
  if (angled && judge.hits(value, 'data')) return true
  return (
    judge.hits(value, 'no-quote') ||
    (value.includes("'") && judge.hits(value, 'single-quote')) ||
    (value.includes('"') && judge.hits(value, 'double-quote')) ||
    (value.includes('`') && judge.hits(value, 'back-quote'))
  )
}
