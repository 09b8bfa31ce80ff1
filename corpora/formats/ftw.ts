/**
 * go-ftw YAML (ftw-tests-schema 2 and 3) as rule tests and as a labelled corpus.
 *
 * The tree of a test file becomes stages with a record and an expectation; how a request is put together is
 * in `ftw-request.ts`, what the CRS test backend answers in `ftw-backend.ts`.
 */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml'
import { CaptureError } from '../../engine/errors.js'
import type { CorpusItem, Label, TransactionRecord } from '../../engine/model/exchange.js'
import type { CaptureFormat, CaptureSource } from '../format.js'
import { answerOf } from './ftw-backend.js'
import { requestsOf, type StageInput } from './ftw-request.js'

export interface RuleTestOutput {
  readonly expectIds: readonly number[]
  readonly noExpectIds: readonly number[]
  readonly matchRegex: string | null
  readonly noMatchRegex: string | null
  /** Statuses of which one is expected; empty: any. */
  readonly statuses: readonly number[]
  /** Whether the server is expected to refuse the request without an answer; null: not said. */
  readonly expectError: boolean | null
  readonly responseContains: string | null
  /** No rule but the expected ones may fire. */
  readonly isolated: boolean
}

export type RuleTestStage =
  | { readonly record: TransactionRecord; readonly output: RuleTestOutput }
  /** The request cannot be built; the test is failed, not left out. */
  | { readonly problem: string }

export interface RuleTest {
  /** `942100-1`. */
  readonly id: string
  readonly ruleId: number
  readonly file: string
  readonly line: number
  readonly description: string
  readonly stages: readonly RuleTestStage[]
}

export const ftwFormat: CaptureFormat = {
  name: 'ftw',
  doc: 'go-ftw rule tests (YAML); attacks are labelled by the rules they expect',
  extensions: ['.yaml', '.yml'],
  sniff: (head) => /^(?:---|meta:|rule_id:|#)/m.test(head.toString('latin1')),
  read: readAsCorpus,
}

/** The tests of one file. Throws CaptureError where it is no YAML or no test file. */
export function parseRuleTests(file: string, yaml: string): readonly RuleTest[] {
  const counter = new LineCounter()
  const document = parseDocument(yaml, { lineCounter: counter, schema: 'failsafe', uniqueKeys: false })
  const [problem] = document.errors
  if (problem !== undefined)
    throw new CaptureError(`not valid YAML: ${problem.message.split('\n')[0]}`, file, problem.linePos?.[0]?.line ?? 1)
  const root = document.contents
  // Files that hold comments alone stand in the CRS suite.
  if (root === null) return []
  if (!isMap(root) || !root.has('tests'))
    throw new CaptureError('not a rule test file: it has no list of "tests"', file, 1)
  const ruleId = Number(textOf(root, 'rule_id') ?? 0)
  const tests = root.get('tests', true)
  if (!isSeq(tests)) return []
  return tests.items.map((item, index) => {
    const line = counter.linePos((item as Node).range?.[0] ?? 0).line
    if (!isMap(item)) throw new CaptureError('a test must be a map', file, line)
    return testOf(item, { file, line, ruleId, position: index + 1 })
  })
}

interface TestPlace {
  readonly file: string
  readonly line: number
  readonly ruleId: number
  readonly position: number
}

function testOf(test: YAMLMap, place: TestPlace): RuleTest {
  const title = textOf(test, 'test_title')
  const number = textOf(test, 'test_id') ?? String(place.position)
  const id = place.ruleId === 0 && title !== null ? title : `${place.ruleId}-${number}`
  const ruleId = place.ruleId === 0 ? Number(/^\d+/.exec(id)?.[0] ?? 0) : place.ruleId
  const stages = test.get('stages', true)
  const items = isSeq(stages) ? stages.items : []
  return {
    id,
    ruleId,
    file: place.file,
    line: place.line,
    description: textOf(test, 'desc') ?? '',
    stages: items.flatMap((item, index) =>
      isMap(item) ? stagesOf(item, { ...place, id: items.length > 1 ? `${id}.${index + 1}` : id }) : [],
    ),
  }
}

/** Schema 2 wraps input and output in `stage`. */
function stagesOf(item: YAMLMap, place: { file: string; line: number; id: string }): readonly RuleTestStage[] {
  const wrapped = item.get('stage', true)
  const stage = isMap(wrapped) ? wrapped : item
  const input = stage.get('input', true)
  const output = stage.get('output', true)
  const expected = outputOf(isMap(output) ? output : null)
  const requests = requestsOf(stageInput(isMap(input) ? input : null))
  return requests.map((request, index): RuleTestStage => {
    if ('problem' in request) return request
    const record: TransactionRecord = {
      id: requests.length > 1 ? `${place.id}/${index + 1}` : place.id,
      ...labelOf(expected.expectIds),
      server: { ip: '127.0.0.1', port: request.port },
      client: { ip: '127.0.0.1', port: 40000 },
      request: request.request,
      response: answerOf(request.request),
      evidence: 'complete',
      source: { file: place.file, line: place.line },
    }
    return { record, output: expected }
  })
}

function stageInput(input: YAMLMap | null): StageInput {
  const read = (key: string): string | null => (input === null ? null : textOf(input, key))
  const headers = input?.get('headers', true)
  const uris = input?.get('uris', true)
  return {
    method: read('method'),
    uris: isSeq(uris) ? uris.items.map((each) => scalarText(each) ?? '') : [read('uri') ?? '/'],
    version: read('version'),
    port: Number(read('port') ?? 80),
    headers: isMap(headers)
      ? headers.items.map((pair): readonly [string, string] => [scalarText(pair.key) ?? '', scalarText(pair.value) ?? ''])
      : [],
    data: dataOf(input),
    encodedData: read('encoded_data'),
    encodedRequest: read('encoded_request'),
    autocomplete: (read('autocomplete_headers') ?? 'true') !== 'false' && read('stop_magic') !== 'true',
    followRedirect: read('follow_redirect') === 'true',
  }
}

/** Schema 2 allows the body as a list of lines. */
function dataOf(input: YAMLMap | null): string | null {
  const data = input?.get('data', true)
  if (isSeq(data)) return data.items.map((each) => scalarText(each) ?? '').join('\r\n')
  return input === null ? null : textOf(input, 'data')
}

const noOutput: RuleTestOutput = {
  expectIds: [],
  noExpectIds: [],
  matchRegex: null,
  noMatchRegex: null,
  statuses: [],
  expectError: null,
  responseContains: null,
  isolated: false,
}

/** What a test or an override expects. `log_contains` of old tests (`id "942100"`) is read too. */
export function outputOf(output: YAMLMap | null): RuleTestOutput {
  if (output === null) return noOutput
  const log = output.get('log', true)
  const logged = isMap(log) ? log : null
  const read = (key: string): string | null => (logged === null ? null : textOf(logged, key))
  const contains = textOf(output, 'log_contains')
  const containsNot = textOf(output, 'no_log_contains')
  return {
    expectIds: [...numbers(logged?.get('expect_ids', true)), ...idsIn(contains)],
    noExpectIds: [...numbers(logged?.get('no_expect_ids', true)), ...idsIn(containsNot)],
    matchRegex: read('match_regex') ?? (idsIn(contains).length === 0 ? contains : null),
    noMatchRegex: read('no_match_regex') ?? (idsIn(containsNot).length === 0 ? containsNot : null),
    statuses: numbers(output.get('status', true)),
    expectError: textOf(output, 'expect_error') === null ? null : textOf(output, 'expect_error') === 'true',
    responseContains: textOf(output, 'response_contains'),
    isolated: textOf(output, 'isolated') === 'true',
  }
}

function idsIn(text: string | null): readonly number[] {
  return text === null ? [] : [...text.matchAll(/id[: ]*\\?"(\d+)\\?"/g)].map((found) => Number(found[1]))
}

function numbers(node: unknown): readonly number[] {
  if (isSeq(node)) return node.items.map((each) => Number(scalarText(each))).filter((n) => !Number.isNaN(n))
  const text = scalarText(node)
  return text === null || text === '' ? [] : [Number(text)]
}

export function textOf(map: YAMLMap, key: string): string | null {
  return scalarText(map.get(key, true))
}

function scalarText(node: unknown): string | null {
  return isScalar(node) && node.value !== null ? String(node.value) : null
}

const classes: Readonly<Record<number, string>> = {
  921: 'attack-protocol',
  922: 'attack-multipart-header',
  930: 'attack-lfi',
  931: 'attack-rfi',
  932: 'attack-rce',
  933: 'attack-injection-php',
  934: 'attack-injection-generic',
  941: 'attack-xss',
  942: 'attack-sqli',
  943: 'attack-fixation',
  944: 'attack-injection-java',
}

/** A test that expects an attack rule carries an attack; what expects a leak or a protocol rule proves neither. */
function labelOf(expected: readonly number[]): { readonly label: Label; readonly tags: readonly string[] } {
  const found = new Set(expected.map((id) => classes[Math.floor(id / 1000)]).filter((name) => name !== undefined))
  if (found.size > 0) return { label: 'attack', tags: [...found] as string[] }
  if (expected.some((id) => Math.floor(id / 10_000) === 95)) return { label: 'unknown', tags: ['leak'] }
  return { label: 'unknown', tags: ['protocol'] }
}

async function* readAsCorpus(source: CaptureSource): AsyncGenerator<CorpusItem, void, undefined> {
  const chunks: Buffer[] = []
  for await (const chunk of source.chunks) chunks.push(chunk)
  let tests: readonly RuleTest[]
  try {
    tests = parseRuleTests(source.file, Buffer.concat(chunks).toString('utf8'))
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error
    yield { id: source.file, unreadable: error.message, source: { file: source.file } }
    return
  }
  for (const test of tests)
    for (const stage of test.stages)
      yield 'problem' in stage
        ? { id: test.id, unreadable: stage.problem, source: { file: test.file, line: test.line } }
        : stage.record
}
