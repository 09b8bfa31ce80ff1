/**
 * `node dist/bench/libinjection/fuzz.js`: our libinjection against another one, over seeded inputs.
 *
 *     --kind KIND       --oracle NAME       --count N       --seed S
 *     --library PATH    what libmodsecurity and modsecurity2 open (libmodsecurity.so.3)
 *     --crs FOLDER      CRS tests, whose payloads are changed too; the bundled corpora are used always
 *     --digest          also prints the digests of inputs and answers; then without any payloads
 *
 * Kinds are those of `fuzz-kinds.ts`, oracles those of `oracles.ts`.
 * Prints every difference, escaped and shortened, then the counts. Exit status 1 where there was one.
 */
import { parseArgs } from 'node:util'
import { bundledCorpora } from '../../corpora/index.js'
import { readAll } from '../peers/corpora.js'
import { payloadsIn } from './fuzz-inputs.js'
import { fuzzKinds } from './fuzz-kinds.js'
import { fuzz } from './fuzz-run.js'
import { openOracle, oracleNames } from './oracles.js'

const { values: options } = parseArgs({
  options: {
    kind: { type: 'string', default: 'xss' },
    oracle: { type: 'string', default: 'libmodsecurity' },
    count: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    library: { type: 'string', default: 'libmodsecurity.so.3' },
    crs: { type: 'string' },
    digest: { type: 'boolean', default: false },
  },
})

const kind = fuzzKinds[options.kind]
if (kind === undefined) throw new Error(`--kind is one of ${Object.keys(fuzzKinds).join(', ')}`)
const { library } = options
const opened = await openOracle(options.oracle, library)
if (opened === null) throw new Error(`--oracle is one of ${oracleNames.join(', ')}`)
const { oracle, dialect } = opened
const { benign, attacks } = bundledCorpora()
const folders = [benign, attacks, ...(options.crs === undefined ? [] : [options.crs])]
const payloads = options.digest ? [] : payloadsIn(await readAll(...folders))
const started = performance.now()
const plan = { kind, count: Number(options.count), seed: Number(options.seed), payloads }
const counts = await fuzz(plan, oracle, kind.ours(dialect), ({ input, ours, theirs }) => {
  process.stdout.write(`${JSON.stringify(input)}: ours ${JSON.stringify(ours)}, theirs ${JSON.stringify(theirs)}\n`)
})
oracle.close()
const seconds = ((performance.now() - started) / 1000).toFixed(1)
process.stdout.write(
  `${options.kind} against ${oracle.name}, seed ${options.seed}, ${payloads.length} payloads: ${counts.asked} inputs, ` +
    `${counts.skipped} skipped, ${counts.hits} hits, ${counts.differences} differences, ${seconds} s\n`,
)
if (options.digest) process.stdout.write(`${JSON.stringify(counts.digest)}\n`)
process.exitCode = counts.differences === 0 ? 0 : 1
