/**
 * Writes a record as a go-ftw rule test (ftw-tests-schema 3), as the CRS project asks for in reports.
 *
 * What is written is read back and compared; where the schema's plain fields cannot say the request (bytes that are no
 * UTF-8, repeated headers, line ends), the test carries the whole request in base64.
 */
import { createRequire } from 'node:module'
import type { RecordedRequest, TransactionRecord } from '../../engine/model/exchange.js'
import { base64Text, utf8Text } from '../bytes.js'
import { parseRuleTests } from './ftw.js'

const load = createRequire(import.meta.url)
/** Loaded with the first test written. */
const yaml = (): typeof import('yaml') => load('yaml')

export interface RuleTestText {
  /** The rule the test is about. */
  readonly ruleId: number
  /** Number of the test in its file; 1 by default. */
  readonly testId?: number
  readonly author?: string
  /** What is tested, in a sentence. */
  readonly description: string
  /** Rules that must be logged. */
  readonly expectIds?: readonly number[]
  /** Rules that must not be logged: what the test says once the false positive is gone. */
  readonly noExpectIds?: readonly number[]
}

/** The YAML of a file with this one test, ASCII alone. */
export function ruleTestYaml({ request }: TransactionRecord, about: RuleTestText): string {
  for (const input of [plainInput(request), orderedInput(request)]) {
    const text = input === null ? null : documentText(input, about)
    if (text !== null && saysRequest(text, request)) return text
  }
  return documentText({ encoded_request: base64Text(rawRequest(request)) }, about)
}

type Input = Readonly<Record<string, unknown>>

/** Null where a text of the request is no UTF-8. */
function plainInput(request: RecordedRequest): Input | null {
  const headers = textHeaders(request)
  if (headers === null || new Set(headers.map(([name]) => name)).size < headers.length) return null
  return inputWith(request, { headers: Object.fromEntries(headers) })
}

function orderedInput(request: RecordedRequest): Input | null {
  const headers = textHeaders(request)
  return headers === null
    ? null
    : inputWith(request, { ordered_headers: headers.map(([name, value]) => ({ name, value })) })
}

function inputWith({ method, uri, httpVersion, headers, body }: RecordedRequest, named: Input): Input | null {
  const texts = { method: utf8Text(method), uri: utf8Text(uri), version: utf8Text(`HTTP/${httpVersion}`) }
  if (Object.values(texts).includes(null)) return null
  // go-ftw makes CRLF of every line end in the body of a form with parts.
  const isMultipart = headers.some(
    ([name, value]) => name.toLowerCase() === 'content-type' && /multipart\/form-data;/i.test(value),
  )
  const data = utf8Text(isMultipart ? body.replaceAll('\r\n', '\n') : body)
  if (data === null || data.includes('{{')) return { ...texts, ...named, encoded_data: base64Text(body) }
  return { ...texts, ...named, ...(data === '' ? {} : { data }) }
}

function textHeaders({ headers }: RecordedRequest): readonly (readonly [string, string])[] | null {
  const texts: [string, string][] = []
  for (const [name, value] of headers) {
    const [nameText, valueText] = [utf8Text(name), utf8Text(value)]
    if (nameText === null || valueText === null) return null
    texts.push([nameText, valueText])
  }
  return texts
}

/** The request on the wire. */
function rawRequest({ method, uri, httpVersion, headers, body, line }: RecordedRequest): string {
  const start = line ?? (httpVersion === '' ? `${method} ${uri}` : `${method} ${uri} HTTP/${httpVersion}`)
  return `${start}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
}

function documentText(input: Input, about: RuleTestText): string {
  const { ruleId, testId = 1, author = 'wafsim', description, expectIds, noExpectIds } = about
  const log = {
    ...(expectIds === undefined ? {} : { expect_ids: expectIds }),
    ...(noExpectIds === undefined ? {} : { no_expect_ids: noExpectIds }),
  }
  const stage = {
    input: { dest_addr: '127.0.0.1', port: 80, autocomplete_headers: false, ...input },
    output: { log },
  }
  const document = new (yaml().Document)({
    meta: { author, description },
    rule_id: ruleId,
    tests: [{ test_id: testId, desc: description, stages: [stage] }],
  })
  yaml().visit(document, {
    Scalar(place, node) {
      const isPlainKey = place === 'key' && /^[A-Za-z][A-Za-z_-]*$/.test(String(node.value))
      if (typeof node.value === 'string' && !isPlainKey) node.type = 'QUOTE_DOUBLE'
    },
  })
  const text = document.toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER })
  return `---\n${text.replace(/[^\n\x20-\x7e]/gu, escaped)}`
}

/** In double quotes, where alone such characters stand. */
function escaped(char: string): string {
  const code = char.codePointAt(0) ?? 0
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`
  return code <= 0xffff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`
}

/** Whether a reader of rule tests sends this request. */
function saysRequest(text: string, { method, uri, headers, body, line }: RecordedRequest): boolean {
  const stage = parseRuleTests('test.yaml', text)[0]?.stages[0]
  if (stage === undefined || !('record' in stage)) return false
  const read = stage.record.request
  return (
    line === read.line &&
    JSON.stringify([method, uri, headers, body]) === JSON.stringify([read.method, read.uri, read.headers, read.body])
  )
}
