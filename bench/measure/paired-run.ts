/**
 * A paired run: contestants take turns on the same records (A B C, B C A, …), so that what the machine does besides
 * weighs on all of them alike, and only ratios within a round count.
 */
import { createHash } from 'node:crypto'
import type { TransactionRecord } from '../../engine/index.js'
import type { Contestant, Turn } from './contestant.js'
import { type Spread, spreadOf } from './statistics.js'

export interface PairedPlan {
  /** Rounds on warm contestants; records are dealt out to them and to one cold round before them. */
  readonly rounds: number
  /**
   * Evaluated behind the cold round and in no figure, by contestants that are compiled ahead only so far as fills their
   * caches; absent: none.
   */
  readonly warmUp?: readonly TransactionRecord[]
  /** Called behind each round, the cold one (0) included. */
  onRound?(round: number): void
}

/** Times a transaction: on the clock and of the processor, in microseconds. */
export interface Times {
  readonly clock: Spread
  readonly processor: Spread
}

/** How often the second contestant's time goes into the first's; above 1 the measured one is faster. */
export interface Ratio {
  readonly clock: Spread
  readonly processor: Spread
}

export type Temperature = 'cold' | 'warm'

export interface Showing {
  readonly name: string
  readonly version: string | null
  /** From nothing to the first verdict. */
  readonly startMilliseconds: number
  readonly records: Readonly<Record<Temperature, number>>
  readonly times: Readonly<Record<Temperature, Times>>
  /** sha256 of what was said about all records, in the order of the corpus. */
  readonly verdictDigest: string
  readonly turns: readonly Turn[]
  /** By record of the corpus: rules that logged and status. */
  readonly answers: readonly string[]
}

/** Records dealt out like cards, so that every hand holds some of each part of the corpus; indexes into it. */
export function dealt(count: number, hands: number): readonly (readonly number[])[] {
  return Array.from({ length: Math.min(hands, count) }, (_unused, hand) =>
    Array.from({ length: Math.ceil((count - hand) / hands) }, (_none, card) => hand + card * hands),
  )
}

/** Starts the contestants, lets them take turns and stops them. Throws what a contestant throws. */
export async function pairedRun(
  contestants: readonly Contestant[],
  records: readonly TransactionRecord[],
  plan: PairedPlan,
): Promise<readonly Showing[]> {
  const hands = dealt(records.length, plan.rounds + 1)
  const starts: number[] = []
  const turns = contestants.map((): Turn[] => [])
  try {
    for (const contestant of contestants) starts.push(await contestant.start())
    for (const [round, hand] of hands.entries()) {
      const cards = hand.map((index) => records[index] as TransactionRecord)
      for (let n = 0; n < contestants.length; n++) {
        const at = (round + n) % contestants.length
        turns[at]?.push(await (contestants[at] as Contestant).evaluate(cards))
      }
      if (round === 0 && plan.warmUp !== undefined)
        for (const contestant of contestants) await contestant.evaluate(warmUpOf(contestant, plan.warmUp))
      plan.onRound?.(round)
    }
  } finally {
    for (const contestant of contestants) await contestant.close()
  }
  return contestants.map((contestant, at) => showing(contestant, starts[at] as number, turns[at] as Turn[], hands))
}

/** LIMIT: records of the warm-up for a contestant that is compiled ahead. */
const mostForCompiled = 200

function warmUpOf(
  { compilesWhileRunning }: Contestant,
  records: readonly TransactionRecord[],
): readonly TransactionRecord[] {
  return compilesWhileRunning ? records : records.slice(0, mostForCompiled)
}

function showing(
  { name, version }: Contestant,
  startMilliseconds: number,
  turns: readonly Turn[],
  hands: readonly (readonly number[])[],
): Showing {
  const digests: Buffer[] = []
  const answers: string[] = []
  for (const [round, { outcomes }] of turns.entries())
    for (const [card, { digest, answer }] of outcomes.entries()) {
      const index = hands[round]?.[card] as number
      digests[index] = digest
      answers[index] = answer
    }
  const count = (some: readonly Turn[]): number => some.reduce((sum, { outcomes }) => sum + outcomes.length, 0)
  return {
    name,
    version,
    startMilliseconds,
    records: { cold: count(cold(turns)), warm: count(warm(turns)) },
    times: { cold: timesOf(cold(turns)), warm: timesOf(warm(turns)) },
    verdictDigest: createHash('sha256').update(Buffer.concat(digests)).digest('hex'),
    turns,
    answers,
  }
}

function cold<T>(turns: readonly T[]): readonly T[] {
  return turns.slice(0, 1)
}

/** With one record there is one round, the cold one: it then stands for both. */
function warm<T>(turns: readonly T[]): readonly T[] {
  return turns.length === 1 ? turns : turns.slice(1)
}

function timesOf(turns: readonly Turn[]): Times {
  return {
    clock: spreadOf(turns.map(({ microseconds, outcomes }) => microseconds / outcomes.length)),
    processor: spreadOf(turns.map(({ processorMicroseconds, outcomes }) => processorMicroseconds / outcomes.length)),
  }
}

/** Of each round, how often `mine` goes into `theirs`. */
export function ratioOf(mine: Showing, theirs: Showing, temperature: Temperature): Ratio {
  const of = temperature === 'cold' ? cold<Turn> : warm<Turn>
  const other = of(theirs.turns)
  const ratios = (key: 'microseconds' | 'processorMicroseconds'): Spread =>
    spreadOf(of(mine.turns).map((turn, round) => (other[round] as Turn)[key] / turn[key]))
  return { clock: ratios('microseconds'), processor: ratios('processorMicroseconds') }
}

/** Records on which both logged the same rules and came to the same status. */
export function sameAnswers(mine: Showing, theirs: Showing): number {
  return mine.answers.filter((answer, index) => answer === theirs.answers[index]).length
}
