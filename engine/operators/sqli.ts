/**
 * @detectSQLi: libinjection's verdict on SQL, its fingerprint in capture 0.
 */
import type { OperatorDefinition } from '../model/definitions.js'
import { findSqli } from './libinjection.js'

/** Values of these characters alone have never a fingerprint: sampled against the library. */
const neverSql = /^[A-Za-z0-9_]*$/

export const sqliOperator: OperatorDefinition = {
  name: 'detectSQLi',
  doc: 'libinjection takes the value for SQL injection.',
  argument: 'optional',
  compile: () => (value) => {
    if (neverSql.test(value)) return null
    const fingerprint = findSqli(value)
    return fingerprint === null ? null : { matched: null, captures: [fingerprint] }
  },
}
