/**
 * What the engine parsed out of a request: every value that rules can look at, under the name that a match carries.
 *
 * The transaction's own reading of line, headers and body is what speaks here, so names and decoding are those of the
 * platform at hand.
 */
import { allShortcuts } from '../matching/index.js'
import type { ByteString, TransactionRecord } from '../model/exchange.js'
import type { Ruleset } from '../model/ruleset.js'
import { findVariable } from '../variables/index.js'
import { runToBody } from './phases.js'
import type { Transaction } from './transaction.js'
import { entriesOf } from './values.js'

export interface InspectedValue {
  /** As in `Match.target`: `ARGS:message`, `REQUEST_HEADERS:Referer`, `XML:/*`, `REQUEST_BODY`. */
  readonly target: ByteString
  /** Whole, and before any transformation of a rule. */
  readonly value: ByteString
}

export interface Inspection {
  /** Name of the body processor that ran, upper case; empty: none, or nothing is inspected at all. */
  readonly processor: string
  readonly values: readonly InspectedValue[]
}

/** Variables that hold what a client sent; counts, sizes and flags say nothing of their own. */
const carrying = [
  'ARGS',
  'ARGS_NAMES',
  'ARGS_GET',
  'ARGS_GET_NAMES',
  'ARGS_POST',
  'ARGS_POST_NAMES',
  'FILES',
  'FILES_NAMES',
  'FILES_TMP_CONTENT',
  'FULL_REQUEST',
  'MULTIPART_FILENAME',
  'MULTIPART_NAME',
  'MULTIPART_PART_HEADERS',
  'PATH_INFO',
  'QUERY_STRING',
  'REQUEST_BASENAME',
  'REQUEST_BODY',
  'REQUEST_COOKIES',
  'REQUEST_COOKIES_NAMES',
  'REQUEST_FILENAME',
  'REQUEST_HEADERS',
  'REQUEST_HEADERS_NAMES',
  'REQUEST_LINE',
  'REQUEST_METHOD',
  'REQUEST_PROTOCOL',
  'REQUEST_URI',
  'REQUEST_URI_RAW',
].flatMap((name) => findVariable(name) ?? [])

const xml = findVariable('XML')

/** Expressions of XML values that rules of the field use: the text of the document, and its attributes. */
const xpaths = ['/*', '//@*']

/**
 * The values of a record in phase 2, by variable and in the order in which rules visit them; none where the server in
 * front refuses the request or the engine is off for it. Throws nothing but what a record's time budget does.
 */
export function inspectedValues(ruleset: Ruleset, record: TransactionRecord): readonly InspectedValue[] {
  return inspect(ruleset, record).values
}

/** `inspectedValues`, and who read the body. */
export function inspect(ruleset: Ruleset, record: TransactionRecord): Inspection {
  const transaction = runToBody(ruleset, record, allShortcuts)
  if (transaction === null) return { processor: '', values: [] }
  return { processor: transaction.body.processor.toUpperCase(), values: valuesOf(transaction) }
}

function valuesOf(transaction: Transaction): readonly InspectedValue[] {
  const values: InspectedValue[] = []
  for (const variable of carrying) {
    if (variable.kind === 'scalar') {
      const value = variable.read(transaction)
      if (value !== null) values.push({ target: variable.name, value })
      continue
    }
    const target = { variable, selector: null, count: false, text: variable.name }
    for (const { key, value } of entriesOf(target, transaction))
      values.push({ target: key === null ? variable.name : `${variable.name}:${key}`, value })
  }
  if (xml?.kind === 'selected' && transaction.body.xml !== null)
    for (const xpath of xpaths)
      for (const { value } of xml.read(transaction, xpath)) values.push({ target: `XML:${xpath}`, value })
  return values
}
