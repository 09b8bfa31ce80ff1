/**
 * `wafsim exclude --reproduce`: false positives as the smallest requests that still show them, written as rule tests and
 * as curl commands, for reports to whoever maintains the rules.
 *
 * Names of files and comments hold numbers alone; what is left of a request stands in the request alone.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { curlCommand, ruleTestYaml } from '../../corpora/index.js'
import {
  type Evaluated,
  evaluate,
  hitsOf,
  type Laboratory,
  type LoadedRuleset,
  type ReductionStep,
  reproduce,
  requestBytes,
  type TransactionRecord,
  type Trial,
  UsageError,
  type Verdict,
} from '../../engine/index.js'
import type { ExcludeOptions } from '../commands/exclude.js'
import { type ExitStatus, exitStatus } from '../definitions.js'
import { createLaboratory } from '../laboratory.js'
import { loadFromOptions } from '../load.js'
import { corpusRequest, defaultWorkers } from '../options.js'
import { write } from '../output.js'
import { count, plural, safe } from '../reports/layout.js'

/** What a written test asks for: that the rule fires, as today, or that it does not, as once it is mended. */
export const expectations = ['silent', 'fires'] as const
export type Expectation = (typeof expectations)[number]

interface FalsePositive {
  readonly record: TransactionRecord
  /** Rules that the reproducer must fire, ascending. */
  readonly ruleIds: readonly number[]
}

/** A reproducer as reports carry it. */
export interface WrittenReproducer {
  readonly recordId: string
  /** The rule that names the test: the first of `ruleIds`. */
  readonly ruleId: number
  /** Number of the test among those of this rule. */
  readonly testId: number
  /** Rules that the test is about. */
  readonly ruleIds: readonly number[]
  /** Other rules that score on the reduced request too. */
  readonly alsoFire: readonly number[]
  /** Bytes of target, headers and body. */
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly steps: readonly ReductionStep[]
  readonly evaluations: number
  /** Nothing more can be left out. */
  readonly minimal: boolean
  readonly yaml: string
  /** Null where curl cannot send such a request; `curlProblem` says why. */
  readonly curl: string | null
  readonly curlProblem: string | null
  /** Files written. */
  readonly files: readonly string[]
}

export async function excludeReproduce(options: ExcludeOptions): Promise<ExitStatus> {
  refuseOthers(options)
  const loaded = loadFromOptions({ ...options, engineMode: 'detection-only' }, { quiet: options.quiet ?? false }).loaded
  const found = await falsePositives(options)
  const tests = new Map<number, number>()
  const written: WrittenReproducer[] = []
  const left: FalsePositive[] = []
  for (const each of found) {
    const [ruleId = 0] = each.ruleIds
    const testId = (tests.get(ruleId) ?? 0) + 1
    const reduced = reduce(each, testId, loaded, options)
    if (reduced === null) {
      left.push(each)
      continue
    }
    tests.set(ruleId, testId)
    written.push(typeof options.reproduce === 'string' ? withFiles(reduced, options.reproduce) : reduced)
  }
  if (options.format === 'json') {
    const notReproduced = left.map(({ record, ruleIds }) => ({ recordId: record.id, ruleIds }))
    await write(process.stdout, `${JSON.stringify({ reproducers: written, notReproduced }, null, 2)}\n`)
  } else await write(process.stdout, textOf(written, left))
  return exitStatus.ok
}

function refuseOthers(options: ExcludeOptions): void {
  const { apply, alerts, format, corpus, param, path, method, host } = options
  const others = { apply, alerts: alerts.length > 0 || undefined, param, path, method, host }
  for (const [name, value] of Object.entries(others))
    if (value !== undefined)
      throw new UsageError(
        `--${name} does not go with --reproduce; --record, --rule and --filter choose what is reduced`,
      )
  if (format === 'conf')
    throw new UsageError('--reproduce writes rule tests and curl commands: --format text, or --format json')
  if (corpus.includes('-')) throw new UsageError('--reproduce takes files: give one in place of standard input (-)')
}

/** Blocked records that are benign, with the rules to show. */
async function falsePositives(options: ExcludeOptions): Promise<readonly FalsePositive[]> {
  const { workers = defaultWorkers(), recordTimeout, rule } = options
  const laboratory = createLaboratory({
    ruleset: options,
    corpus: corpusRequest(options),
    workers,
    recordTimeout,
  })
  const trial = await laboratory.load([], 'detection-only')
  if (rule !== undefined && !trial.ruleset.rules.some(({ id }) => id === rule))
    throw new UsageError(`--rule ${rule}: no rule of this ruleset has the id`)
  return options.record.length > 0
    ? namedOnes(laboratory, trial, options)
    : smallestOnes(trial.evaluate(laboratory.records(({ label }) => label === 'benign')), rule)
}

/** The records asked for, in the order in which they were. */
async function namedOnes(
  laboratory: Laboratory,
  trial: Trial,
  { record: ids, rule }: ExcludeOptions,
): Promise<readonly FalsePositive[]> {
  const named = new Map<string, FalsePositive | null>(ids.map((id) => [id, null]))
  for await (const { record, verdict } of trial.evaluate(laboratory.recordsWithIds(new Set(named.keys())))) {
    const ruleIds = scoringRules(verdict, rule)
    const problem = problemWith(record, verdict, ruleIds, rule)
    if (problem !== null) throw new UsageError(`--record ${safe(record.id)}: ${problem}`)
    named.set(record.id, { record, ruleIds })
  }
  return [...named].map(([id, found]) => {
    if (found === null) throw new UsageError(`--record ${safe(id)}: no such record in the corpus`)
    return found
  })
}

/** For each rule the smallest record that it helps to block. */
async function smallestOnes(
  results: AsyncIterable<Evaluated>,
  rule: number | undefined,
): Promise<readonly FalsePositive[]> {
  const smallest = new Map<number, TransactionRecord>()
  let seen = 0
  for await (const { record, verdict } of results) {
    seen++
    const ruleIds = scoringRules(verdict, rule)
    if (problemWith(record, verdict, ruleIds, rule) !== null) continue
    for (const id of ruleIds) {
      const known = smallest.get(id)
      if (known === undefined || requestBytes(record) < requestBytes(known)) smallest.set(id, record)
    }
  }
  if (seen === 0)
    throw new UsageError(
      'no benign record in the corpus; label it with --label, or take all for benign (--assume-benign)',
    )
  return [...smallest]
    .sort(([one], [other]) => one - other)
    .map(([id, record]): FalsePositive => ({ record, ruleIds: [id] }))
}

/** Rules with hits an exclusion could answer, or of these the one that is asked for; ascending. */
function scoringRules(verdict: Verdict, rule: number | undefined): readonly number[] {
  const blocking = verdict.blockedBy?.kind === 'rule' ? verdict.blockedBy.ruleId : null
  const hits = hitsOf(verdict, (ruleId) => ruleId === blocking)
  const ids = new Set(hits.map(({ ruleId }) => ruleId).filter((id) => rule === undefined || id === rule))
  return [...ids].sort((a, b) => a - b)
}

/** Why a record shows no false positive; null where it does. */
function problemWith(
  { label, evidence }: TransactionRecord,
  { error, wouldBlock, evidence: found }: Verdict,
  ruleIds: readonly number[],
  rule: number | undefined,
): string | null {
  if (label !== 'benign') return 'it is not labelled benign; use --label, or --assume-benign'
  if (error !== null) return 'it cannot be evaluated'
  if (evidence !== 'complete' || found !== 'complete') return 'its capture is not complete, so it proves nothing'
  if (!wouldBlock) return 'it is not blocked, so it is no false positive'
  if (ruleIds.length > 0) return null
  return rule === undefined ? 'no rule that scores fires' : `rule ${rule} does not fire there`
}

function reduce(
  { record, ruleIds }: FalsePositive,
  testId: number,
  { ruleset }: LoadedRuleset,
  { recordTimeout, expect = 'silent' }: ExcludeOptions,
): WrittenReproducer | null {
  const reproducer = reproduce(record, (each) => evaluate(ruleset, each, { recordTimeout }), { ruleIds })
  const [ruleId = 0] = ruleIds
  if (reproducer === null) return null
  const { record: reduced, steps, evaluations, minimal } = reproducer
  const message = ruleset.rules.find(({ id }) => id === ruleId)?.msg?.constant ?? ''
  const about = ruleIds.length === 1 ? `rule ${ruleId}` : `rules ${ruleIds.join(', ')}`
  const text = ruleTestYaml(reduced, {
    ruleId,
    testId,
    description: `False positive of ${about}${message === '' ? '' : ` (${safe(message)})`}`,
    ...(expect === 'fires' ? { expectIds: ruleIds } : { noExpectIds: ruleIds }),
  })
  const command = curlCommand(reduced)
  return {
    recordId: record.id,
    ruleId,
    testId,
    ruleIds,
    alsoFire: reproducer.ruleIds.filter((id) => !ruleIds.includes(id)),
    bytesBefore: requestBytes(record),
    bytesAfter: requestBytes(reduced),
    steps,
    evaluations,
    minimal,
    yaml: withNote(text, ruleIds, expect),
    curl: 'problem' in command ? null : command.command,
    curlProblem: 'problem' in command ? command.problem : null,
    files: [],
  }
}

/** Says in a comment what the test asks for, and what to write in order to ask for the opposite. */
function withNote(yaml: string, ruleIds: readonly number[], expect: Expectation): string {
  const ids = `[${ruleIds.join(', ')}]`
  const note =
    expect === 'silent'
      ? `# Fails as long as the false positive is there. To show it as it is: expect_ids: ${ids}`
      : `# Passes as long as the false positive is there. Once it is mended: no_expect_ids: ${ids}`
  return yaml.replace(/^---\n/, `---\n${note}\n`)
}

function withFiles(written: WrittenReproducer, folder: string): WrittenReproducer {
  const { ruleId, testId, yaml, curl } = written
  const name = join(folder, `${ruleId}-${testId}`)
  const texts = [[`${name}.yaml`, yaml], ...(curl === null ? [] : [[`${name}.sh`, `#!/bin/sh\n${curl}`]])] as [
    string,
    string,
  ][]
  try {
    mkdirSync(folder, { recursive: true })
    for (const [file, text] of texts) writeFileSync(file, text, 'latin1')
  } catch (error) {
    throw new UsageError(`--reproduce ${safe(folder)}: ${safe((error as Error).message)}`)
  }
  return { ...written, files: texts.map(([file]) => file) }
}

function textOf(written: readonly WrittenReproducer[], left: readonly FalsePositive[]): string {
  if (written.length + left.length === 0) return 'no benign request is blocked: nothing to reproduce\n'
  const pieces = written.map((each) => {
    const { recordId, ruleIds, alsoFire, bytesBefore, bytesAfter, evaluations, minimal, files, yaml } = each
    const lines = [
      `rule ${ruleIds.join(', ')} in ${safe(recordId)}: ${count(bytesBefore)} bytes, reduced to ${count(bytesAfter)} in ${plural(evaluations, 'evaluation')}`,
    ]
    if (alsoFire.length > 0) lines.push(`fires too: ${alsoFire.join(', ')}`)
    if (!minimal) lines.push('more could be left out: the evaluations were used up')
    if (each.curlProblem !== null) lines.push(`no curl command: ${each.curlProblem}`)
    if (files.length > 0) lines.push(...files.map(safe))
    else lines.push(...(each.curl === null ? [] : ['', each.curl.trimEnd()]), '', yaml.trimEnd())
    return `${lines.join('\n')}\n`
  })
  const failed = left.map(
    ({ record, ruleIds }) =>
      `rule ${ruleIds.join(', ')} in ${safe(record.id)}: does not fire when it is evaluated alone\n`,
  )
  const advice = 'What is not masked is what the rules need. Read it before it leaves your hands.\n'
  return `${[...pieces, ...failed].join('\n')}\n${advice}`
}
