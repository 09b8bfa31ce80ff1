/**
 * @detectXSS: libinjection's verdict on HTML, the value in capture 0.
 */
import type { OperatorDefinition } from '../model/definitions.js'
import { findXss } from './libinjection.js'

export const xssOperator: OperatorDefinition = {
  name: 'detectXSS',
  doc: 'libinjection takes the value for cross-site scripting.',
  argument: 'optional',
  compile: () => (value) => {
    // Without a tag and without an attribute there is nothing to find: sampled against the library.
    if (!value.includes('<') && !value.includes('=')) return null
    return findXss(value) ? { matched: null, captures: [value] } : null
  },
}
