/**
 * The command line of `npm run peers`. What cannot be used ends the run with exit status 2.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { type Peer, peers } from '../measure/peers.js'
import { type CorpusName, corpusNames } from './corpora.js'

export interface Options {
  readonly peers: readonly Peer[]
  readonly corpora: readonly CorpusName[]
  readonly levels: readonly number[]
  /** What `--rules` takes; undefined: what is found. */
  readonly rulesets: readonly string[] | undefined
  readonly records: number | null
  readonly seed: number
  readonly examples: number
  readonly workers: number
  readonly resume: boolean
  readonly write: boolean
}

const usage = `usage: npm run peers -- [OPTIONS]
  --peer NAME        ${peers.map(({ name }) => name).join(', ')}; may be repeated (all)
  --corpus NAME      ${corpusNames.join(', ')}; may be repeated (all)
  --paranoia LEVEL   1 to 4; may be repeated (1 and 4)
  --crs RULES        what wafsim's --rules takes; may be repeated (a CRS tree beside the checkout, an installed
                     release or starter; and the CRS of Debian's package where it is installed)
  --records N        at most N records a corpus (all; 20000 mutations)
  --seed N           of what is generated (1)
  --examples N       record ids printed for each group of differences (3)
  --workers N        threads of wafsim beside the peer (one a core)
  --resume           takes over what an interrupted run of the same programs, rules and options has finished
  --write            writes docs/fidelity.md
`

export function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}

function wordsGiven() {
  try {
    return parseArgs({
      options: {
        peer: { type: 'string', multiple: true },
        corpus: { type: 'string', multiple: true },
        paranoia: { type: 'string', multiple: true },
        crs: { type: 'string', multiple: true },
        records: { type: 'string' },
        seed: { type: 'string' },
        examples: { type: 'string' },
        workers: { type: 'string' },
        resume: { type: 'boolean' },
        write: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values
  } catch (error) {
    return fail(`${(error as Error).message}\n${usage}`)
  }
}

function numberOf(text: string | undefined, otherwise: number, least: number, most: number): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > most)
    fail(`${text}: must be a whole number from ${least} to ${most}\n${usage}`)
  return value
}

function namesOf<T extends string>(given: readonly string[] | undefined, known: readonly T[]): readonly T[] {
  for (const name of given ?? [])
    if (!known.includes(name as T)) fail(`${name}: unknown; known are ${known.join(', ')}\n${usage}`)
  return given === undefined ? known : known.filter((name) => given.includes(name))
}

export function optionsGiven(): Options {
  const given = wordsGiven()
  if (given.help === true) {
    process.stdout.write(usage)
    process.exit(0)
  }
  const wanted = namesOf(
    given.peer,
    peers.map(({ name }) => name),
  )
  return {
    peers: peers.filter(({ name }) => wanted.includes(name)),
    corpora: namesOf(given.corpus, corpusNames),
    levels: (given.paranoia ?? ['1', '4']).map((text) => numberOf(text, 1, 1, 4)),
    rulesets: given.crs,
    records: given.records === undefined ? null : numberOf(given.records, 0, 1, 10_000_000),
    seed: numberOf(given.seed, 1, 0, 0xffffffff),
    examples: numberOf(given.examples, 3, 0, 1000),
    workers: numberOf(given.workers, availableParallelism(), 0, 64),
    resume: given.resume === true,
    write: given.write === true,
  }
}
