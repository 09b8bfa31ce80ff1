/**
 * @detectXSS: libinjection's verdict on HTML, the value in capture 0 where the platform captures it.
 */
import type { OperatorDefinition } from '../model/definitions.js'
import { anyLiteral } from '../model/requirement.js'
import { xssBytes, xssTest } from './libinjection/xss.js'
import { pure } from './match.js'

export const xssOperator: OperatorDefinition = {
  name: 'detectXSS',
  doc: 'libinjection takes the value for cross-site scripting.',
  argument: 'optional',
  compile: ({ platform }) => {
    const isXss = xssTest(platform.libinjection)
    const { capturesXss } = platform
    return pure(
      (value) => (isXss(value) ? { matched: null, captures: capturesXss ? [value] : null } : null),
      () => anyLiteral(xssBytes),
    )
  },
}
