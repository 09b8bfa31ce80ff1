/**
 * The command line of `npm run bench`. What cannot be used ends the run with exit status 2.
 */
import { parseArgs } from 'node:util'
import { type BatchPeer, batchPeers } from './measure/peers.js'
import { trafficClasses } from './traffic/classes.js'

export const kinds = ['micro', 'transactions', 'sizes', 'sentences'] as const
export type Kind = (typeof kinds)[number]

export interface BenchOptions {
  readonly kinds: readonly Kind[]
  /** Whether docs/performance.md is written anew in the end. */
  readonly page: boolean
  /** What `--rules` of wafsim takes; undefined: what is found. */
  readonly rules: string | undefined
  readonly classes: readonly string[]
  readonly levels: readonly number[]
  readonly peers: readonly BatchPeer[]
  readonly records: number
  readonly rounds: number
  /** Records that every contestant sees between its cold and its first warm round. */
  readonly warmUp: number
  readonly seed: number
  /** Whether results are kept in bench/records/. */
  readonly keep: boolean
}

const usage = `usage: npm run bench -- [WHAT...] [OPTIONS]
  WHAT              ${kinds.join(', ')}, page (docs/performance.md from the records); without any: all of them
  --rules RULES     what wafsim's --rules takes (a CRS tree beside the checkout, an installed release or starter)
  --class NAME      ${trafficClasses.map(({ name }) => name).join(', ')}; may be repeated (all)
  --paranoia LEVEL  1 to 4; may be repeated (1 and 4)
  --peer NAME       ${batchPeers.map(({ name }) => name).join(', ')}; none for none; may be repeated (all)
  --records N       distinct records of a class, and values of a micro case (5000)
  --rounds N        turns of each contestant, behind a cold one (10)
  --warm-up N       mixed records behind the cold round, in no figure (5000)
  --seed N          of what is generated (1)
  --keep            keeps the results in bench/records/
`

function fail(message: string): never {
  process.stderr.write(`${message}\n${usage}`)
  process.exit(2)
}

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        rules: { type: 'string' },
        class: { type: 'string', multiple: true },
        paranoia: { type: 'string', multiple: true },
        peer: { type: 'string', multiple: true },
        records: { type: 'string' },
        rounds: { type: 'string' },
        'warm-up': { type: 'string' },
        seed: { type: 'string' },
        keep: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    return fail((error as Error).message)
  }
}

function numberOf(text: string | undefined, otherwise: number, least: number, most = 10_000_000): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > most)
    fail(`${text}: must be a whole number from ${least} to ${most}`)
  return value
}

function namesOf<T extends string>(given: readonly string[] | undefined, known: readonly T[]): readonly T[] {
  for (const name of given ?? [])
    if (!known.includes(name as T)) fail(`${name}: unknown; known are ${known.join(', ')}`)
  return given === undefined ? known : known.filter((name) => given.includes(name))
}

export function optionsGiven(): BenchOptions {
  const { values, positionals } = parsed()
  if (values.help === true) {
    process.stdout.write(usage)
    process.exit(0)
  }
  const what = namesOf(positionals.length === 0 ? undefined : positionals, [...kinds, 'page'] as const)
  const peers = namesOf(values.peer, [...batchPeers.map(({ name }) => name), 'none'])
  return {
    kinds: kinds.filter((kind) => what.includes(kind)),
    page: what.includes('page'),
    rules: values.rules,
    classes: namesOf(
      values.class,
      trafficClasses.map(({ name }) => name),
    ),
    levels: (values.paranoia ?? ['1', '4']).map((text) => numberOf(text, 1, 1, 4)),
    peers: batchPeers.filter(({ name }) => peers.includes(name)),
    records: numberOf(values.records, 5000, 2),
    rounds: numberOf(values.rounds, 10, 1, 1000),
    warmUp: numberOf(values['warm-up'], 5000, 0),
    seed: numberOf(values.seed, 1, 0, 0xffffffff),
    keep: values.keep === true,
  }
}
