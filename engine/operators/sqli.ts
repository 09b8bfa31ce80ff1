/**
 * @detectSQLi: libinjection's verdict on SQL, its fingerprint in capture 0.
 */
import type { OperatorDefinition } from '../model/definitions.js'
import { sqliFinder } from './libinjection/sqli.js'
import { pure } from './match.js'

export const sqliOperator: OperatorDefinition = {
  name: 'detectSQLi',
  doc: 'libinjection takes the value for SQL injection.',
  argument: 'optional',
  compile: ({ platform }) => {
    const findSqli = sqliFinder(platform.libinjection)
    return pure((value) => {
      const fingerprint = findSqli(value)
      return fingerprint === null ? null : { matched: null, captures: [fingerprint] }
    })
  },
}
