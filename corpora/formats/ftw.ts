/**
 * go-ftw YAML (ftw-tests-schema 2 and 3) as rule tests and as a labelled corpus.
 *
 * The tree of a test file becomes stages with a record and an expectation; how a request is put together is in
 * ftw-request.ts, what the CRS test backend answers in ftw-backend.ts, how a test is labelled in ftw-label.ts.
 */
import { isIP } from 'node:net'
import { CaptureError } from '../../engine/errors.js'
import type { CorpusItem, Header, TransactionRecord } from '../../engine/model/exchange.js'
import { base64Bytes, utf8Bytes } from '../bytes.js'
import type { CaptureFormat, CaptureSource } from '../format.js'
import { evidenceOf } from '../record.js'
import { answerOf, respond } from './ftw-backend.js'
import { labelOf, taggedByRules } from './ftw-label.js'
import { outputOf, type RuleTestOutput } from './ftw-output.js'
import { requestsOf, type StageInput } from './ftw-request.js'
import { parseYaml, type YamlView } from './yaml-view.js'

export type RuleTestStage =
  | { readonly record: TransactionRecord; readonly output: RuleTestOutput }
  /** The stage cannot be run as it is written; the test is failed, not left out. */
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
  sniff: (head) => /^(?:meta|rule_id|tests):/m.test(head.toString('latin1')),
  read: readAsCorpus,
}

/**
 * The tests of one file; none where the file is empty, holds only comments or is a file of overrides. Throws
 * CaptureError where it is no YAML or no test file.
 */
export function parseRuleTests(file: string, yaml: string): readonly RuleTest[] {
  const root = parseYaml(file, yaml)
  if ((!root.isMap && !root.isList && root.text === null) || (root.has('test_overrides') && !root.has('tests')))
    return []
  const tests = root.at('tests')
  if (!root.has('tests') || (!tests.isList && tests.text !== null))
    throw new CaptureError('not a rule test file: it has no list of "tests"', file, 1)
  const meta = root.at('meta')
  const ruleId = ruleIdOf(root.textAt('rule_id'), file)
  return tests.items.map((item, index) => {
    if (!item.isMap) throw new CaptureError('a test must be a map', file, item.line)
    return testOf(item, { ruleId, position: index + 1, tags: textsOf(meta.at('tags')) })
  })
}

interface TestFacts {
  /** 0 where the file does not say. */
  readonly ruleId: number
  /** In the file, from 1: stands in for a missing test_id. */
  readonly position: number
  readonly tags: readonly string[]
}

/** As go-ftw: the rule's id is that in the file, else the file's name. */
function ruleIdOf(text: string | null, file: string): number {
  const digits = /^\d+$/.exec(text ?? '')?.[0] ?? /(?:^|[\\/])(\d+)\.ya?ml$/i.exec(file)?.[1]
  return Number(digits ?? 0)
}

function testOf(test: YamlView, facts: TestFacts): RuleTest {
  const title = test.textAt('test_title')
  const number = test.textAt('test_id')
  const titled = number === null && title !== null
  const id = titled ? title : `${facts.ruleId}-${number ?? facts.position}`
  const tags = [...facts.tags, ...textsOf(test.at('tags'))]
  const stages: RuleTestStage[] = []
  const items = test.at('stages').items
  for (const [index, item] of items.entries()) {
    const place: StagePlace = {
      id: items.length > 1 ? `${id}.${index + 1}` : id,
      line: test.line,
      tags,
      before: stages[stages.length - 1],
    }
    stages.push(...stagesOf(item, place))
  }
  return {
    id,
    ruleId: titled ? Number(/^\d+/.exec(id)?.[0] ?? facts.ruleId) : facts.ruleId,
    file: test.file,
    line: test.line,
    description: test.textAt('desc') ?? '',
    stages,
  }
}

interface StagePlace {
  readonly id: string
  readonly line: number
  readonly tags: readonly string[]
  /** The stage before this one, for follow_redirect. */
  readonly before: RuleTestStage | undefined
}

/** One stage as written may hold several requests (`uris`). Schema 2 wraps input and output in `stage`. */
function stagesOf(item: YamlView, place: StagePlace): readonly RuleTestStage[] {
  const stage = item.at('stage').isMap ? item.at('stage') : item
  const input = stage.at('input')
  if (!input.isMap) return [{ problem: 'a stage needs a map "input"' }]
  const output = outputOf(stage.at('output'))
  if ('problem' in output) return [output]
  const redirect = input.flagAt('follow_redirect') === true ? redirectTarget(place.before) : null
  if (redirect !== null && 'problem' in redirect) return [redirect]
  const wish = input.at('response')
  const requests = requestsOf(stageInput(input, redirect?.uri))
  return requests.map((built, index): RuleTestStage => {
    if ('problem' in built) return built
    const { label, tags } = labelOf(output.expectIds)
    const record: TransactionRecord = {
      id: requests.length > 1 ? `${place.id}/${index + 1}` : place.id,
      label,
      tags: [...new Set([...tags, ...place.tags])],
      server: serverOf(input),
      client: { ip: '127.0.0.1', port: 40_000 },
      request: built.request,
      response: wish.isMap ? respond(responseWish(wish)) : answerOf(built.request),
      evidence: evidenceOf(built.request),
      source: { file: item.file, line: place.line },
    }
    return { record, output }
  })
}

function stageInput(input: YamlView, redirectUri: string | undefined): StageInput {
  const uris = textsOf(input.at('uris'))
  return {
    method: input.textAt('method'),
    uris: redirectUri !== undefined ? [redirectUri] : uris.length > 0 ? uris : [input.textAt('uri') ?? '/'],
    version: input.textAt('version'),
    headers: headersOf(input),
    data: dataOf(input.at('data')),
    encodedData: input.textAt('encoded_data'),
    encodedRequest: input.textAt('encoded_request'),
    rawRequest: input.textAt('raw_request'),
    autocomplete: input.flagAt('autocomplete_headers') ?? input.flagAt('stop_magic') !== true,
  }
}

/** A map of headers is sent sorted by name, as go-ftw does; `ordered_headers` as written, repeats included. */
function headersOf(input: YamlView): readonly (readonly [string, string])[] {
  const ordered = input
    .at('ordered_headers')
    .items.map((item): readonly [string, string] => [item.textAt('name') ?? '', item.textAt('value') ?? ''])
  if (ordered.length > 0) return ordered
  return input
    .at('headers')
    .pairs.map(([name, value]): readonly [string, string] => [name, value.text ?? ''])
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

/** Schema 2 allows the body as a list of lines. */
function dataOf(data: YamlView): string | null {
  return data.isList ? textsOf(data).join('\r\n') : data.text
}

function responseWish(wish: YamlView): { status: number; headers: readonly Header[]; body: string } {
  const body = wish.textAt('body')
  return {
    status: Number(wish.textAt('status') ?? 200) || 200,
    headers: wish.at('headers').pairs.map(([name, value]): Header => [utf8Bytes(name), utf8Bytes(value.text ?? '')]),
    body: body !== null && body !== '' ? utf8Bytes(body) : (base64Bytes(wish.textAt('encoded_body') ?? '') ?? ''),
  }
}

function serverOf(input: YamlView): { ip: string; port: number } {
  const address = input.textAt('dest_addr') ?? ''
  const port = Number(input.textAt('port') ?? 80)
  return { ip: isIP(address) > 0 ? address : '127.0.0.1', port: Number.isInteger(port) ? port : 80 }
}

/** Where the stage before was sent on to. */
function redirectTarget(before: RuleTestStage | undefined): { readonly uri: string } | { readonly problem: string } {
  const response = before !== undefined && 'record' in before ? before.record.response : undefined
  const location = response?.headers.find(([name]) => name.toLowerCase() === 'location')?.[1]
  if (response === undefined || location === undefined || response.status < 300 || response.status > 399)
    return { problem: 'follow_redirect: the stage before it was not redirected by the backend' }
  return { uri: location.replace(/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]*/, '') || '/' }
}

function textsOf(list: YamlView): readonly string[] {
  return list.items.map((item) => item.text ?? '')
}

async function* readAsCorpus(source: CaptureSource): AsyncGenerator<CorpusItem, void, undefined> {
  const chunks: Buffer[] = []
  for await (const chunk of source.chunks) chunks.push(chunk)
  let tests: readonly RuleTest[]
  try {
    tests = parseRuleTests(source.file, Buffer.concat(chunks).toString('utf8'))
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error
    yield { id: source.file, unreadable: error.message, source: { file: source.file, line: error.line ?? 1 } }
    return
  }
  for (const test of tests) {
    const at = { file: test.file, line: test.line }
    for (const stage of test.stages) {
      if ('record' in stage)
        yield source.ruleTags === undefined
          ? stage.record
          : taggedByRules(stage.record, stage.output.expectIds, source.ruleTags)
      else yield { id: test.id, unreadable: `${test.file}:${test.line}: ${stage.problem}`, source: at }
    }
  }
}
