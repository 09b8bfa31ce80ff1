/**
 * The time a record may take: who exceeds it is in error, with the rule at work; nobody else notices.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createPool, evaluate, type LoadedRuleset, type TransactionRecord } from '../engine/index.js'
import { allShortcuts, noShortcuts } from '../engine/matching/index.js'
import { RecordTimeout, spend, withinTime } from '../engine/time-budget.js'
import { request, rules } from './support/scenario.js'

/** Far more than can be done in a millisecond: none of these values repeats. */
const large = request({
  id: 'large',
  body: Array.from({ length: 20_000 }, (_, n) => `a${n}=${n}+or+${n * 7}`).join('&'),
})
const small = request({ id: 'small', body: 'a=1' })

const ruleset = rules(`
SecArgumentsLimit 100000
SecRule ARGS "@rx (?i)\\bor\\b\\W+\\d+.*x$" "id:101,phase:2,pass,log,t:urlDecodeUni,t:lowercase"
SecRule ARGS "!@rx ^[a-z]$" "id:102,phase:2,pass,log,setvar:tx.n=+1"
`)

test('a record over its time is an error that names the rule at work', () => {
  for (const shortcuts of [allShortcuts, noShortcuts]) {
    const verdict = evaluate(ruleset.ruleset, large, { recordTimeout: 1, shortcuts })
    assert.is(verdict.verdict, 'error')
    assert.match(
      verdict.error ?? '',
      /^RecordTimeout: more than 1 ms on one record; at work: (rule 10[12]|reading the request body)$/,
    )
    assert.equal(verdict.ruleIds, [])
  }
})

test('without a limit, and within it, verdicts are what they are', () => {
  const plain = evaluate(ruleset.ruleset, large)
  assert.is(plain.error, null)
  assert.equal(evaluate(ruleset.ruleset, large, { recordTimeout: 0 }), plain)
  assert.equal(evaluate(ruleset.ruleset, large, { recordTimeout: 3_600_000 }), plain)
})

test('a pattern that backtracks for long is ended too', () => {
  const { ruleset: slow } = rules(
    Array.from(
      { length: 40 },
      (_, n) =>
        `SecRule ARGS "@rx ^(?:(?=x|y)[xy]{1,4})*z${n}$|^(?:x|y)*(?!z)\\w{9}${n}$" "id:${200 + n},phase:2,pass,log"`,
    ).join('\n'),
  )
  const record = request({ body: `a=${'xy'.repeat(5000)}` })
  const { error } = evaluate(slow, record, { recordTimeout: 1 })
  assert.match(error ?? '', /rule 2\d\d/)
})

test('a record that timed out leaves nothing to the next', () => {
  const before = evaluate(ruleset.ruleset, small)
  evaluate(ruleset.ruleset, large, { recordTimeout: 1 })
  assert.equal(evaluate(ruleset.ruleset, small, { recordTimeout: 60_000 }), before)
  assert.not.throws(() => spend(1e9), 'no budget is in force between records')
})

test('work is only an error where the time is over', () => {
  assert.is(
    withinTime(60_000, () => {
      spend(1e9)
      return 'done'
    }),
    'done',
  )
  assert.throws(
    () =>
      withinTime(1, () => {
        for (;;) spend(1e6)
      }),
    (error: unknown) => error instanceof RecordTimeout,
  )
})

test('a thread that waits for a processor is not charged for it', () => {
  if (process.platform !== 'linux') return
  const wait = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
  const evaluation = (): string => {
    spend(1e6)
    wait()
    spend(1e6)
    return 'done'
  }
  assert.is(withinTime(200, evaluation), 'done')
})

async function verdictsOf(loaded: LoadedRuleset, workers: number): Promise<string[]> {
  const pool = createPool(loaded, { workers, recordTimeout: 1 })
  const kinds: string[] = []
  try {
    for await (const { verdict } of pool.run(items([small, large, small]))) kinds.push(verdict.verdict)
  } finally {
    await pool.close()
  }
  return kinds
}

async function* items(records: readonly TransactionRecord[]): AsyncGenerator<TransactionRecord> {
  yield* records
}

test('workers hold to it, and so does the main thread', async () => {
  for (const workers of [0, 1]) assert.is((await verdictsOf(ruleset, workers))[1], 'error')
})

test.run()
