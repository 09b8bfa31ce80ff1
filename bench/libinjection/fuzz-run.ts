/**
 * Comparing our detector with an oracle over seeded inputs; every difference is made as short as it gets.
 */
import { createHash, type Hash } from 'node:crypto'
import type { ByteString } from '../../engine/index.js'
import { Random } from '../peers/random.js'
import { fuzzInput } from './fuzz-inputs.js'
import { type FuzzKind, isHit } from './fuzz-kinds.js'
import type { Oracle } from './oracle.js'

export interface FuzzPlan {
  readonly kind: FuzzKind
  readonly count: number
  readonly seed: number
  readonly payloads: readonly ByteString[]
}

export interface Difference {
  readonly input: ByteString
  readonly ours: ByteString
  readonly theirs: ByteString
}

export interface FuzzCounts {
  readonly asked: number
  /** Inputs that the oracle cannot be asked about as they are. */
  readonly skipped: number
  readonly hits: number
  readonly differences: number
  readonly digest: InputDigest
}

/** SHA-256 of all inputs and of all answers, so that a run can be checked without the oracle. */
export interface InputDigest {
  readonly inputs: string
  readonly answers: string
}

const batchSize = 20_000

/** The plan's inputs, the same for the same plan. */
export function* fuzzInputs({ kind, count, seed, payloads }: FuzzPlan): Generator<ByteString> {
  const random = new Random(seed)
  for (let left = count; left > 0; left--) yield fuzzInput(random, kind.fragment, payloads)
}

export class FuzzDigest {
  readonly #inputs: Hash = createHash('sha256')
  readonly #answers: Hash = createHash('sha256')

  add(input: ByteString, answer: ByteString): void {
    this.#inputs.update(`${input.length}:`).update(input, 'latin1')
    this.#answers.update(`${answer.length}:`).update(answer, 'latin1')
  }

  digest(): InputDigest {
    return { inputs: this.#inputs.digest('hex'), answers: this.#answers.digest('hex') }
  }
}

/** Asks the oracle about every input; `report` gets each difference, shortened. */
export async function fuzz(
  plan: FuzzPlan,
  oracle: Oracle,
  ours: (value: ByteString) => ByteString,
  report: (difference: Difference) => void,
): Promise<FuzzCounts> {
  const { question } = plan.kind
  const digest = new FuzzDigest()
  let asked = 0
  let skipped = 0
  let hits = 0
  let differences = 0
  const judge = async (values: readonly ByteString[]): Promise<void> => {
    const answers = await oracle.ask(question, values)
    for (const [index, value] of values.entries()) {
      const theirs = answers[index] as ByteString
      digest.add(value, theirs)
      if (isHit(theirs)) hits++
      if (ours(value) === theirs) continue
      differences++
      const input = await shortest(value, async (each) => {
        const [said] = oracle.takes(question, each) ? await oracle.ask(question, [each]) : []
        return said !== undefined && said !== ours(each)
      })
      report({ input, ours: ours(input), theirs: (await oracle.ask(question, [input]))[0] as ByteString })
    }
    asked += values.length
  }
  let batch: ByteString[] = []
  for (const input of fuzzInputs(plan)) {
    if (oracle.takes(question, input)) batch.push(input)
    else skipped++
    if (batch.length < batchSize) continue
    await judge(batch)
    batch = []
  }
  await judge(batch)
  return { asked, skipped, hits, differences, digest: digest.digest() }
}

/** A value from which no stretch can be cut without losing what is so of it. */
async function shortest(value: ByteString, isSo: (value: ByteString) => Promise<boolean>): Promise<ByteString> {
  let kept = value
  for (let stretch = Math.ceil(value.length / 2); stretch >= 1; ) {
    let cut = false
    for (let at = 0; at + stretch <= kept.length; ) {
      const less = kept.slice(0, at) + kept.slice(at + stretch)
      if (await isSo(less)) {
        kept = less
        cut = true
      } else at += stretch
    }
    if (!cut || stretch > 1) stretch = stretch === 1 ? 0 : Math.ceil(stretch / 2)
  }
  return kept
}
