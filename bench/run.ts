/**
 * `npm run bench [-- RULES]`: operations a second of each case, on this machine, with the spread of the samples.
 *
 * RULES is what `--rules` takes; the starter ruleset where none is given.
 */
import Benchmark from 'benchmark'
import { resolveRuleset } from '../rulesets/index.js'
import { casesFor } from './cases.js'

const rules = process.argv[2] ?? 'starter'
const { parts, name } = resolveRuleset({ rules: [rules], platform: 'modsec3', set: [] })
process.stdout.write(`rules ${name}, node ${process.version}\n`)
const suite = new Benchmark.Suite()
for (const each of casesFor(parts)) suite.add(each.name, each.run)
suite
  .on('cycle', (event: Benchmark.Event) => process.stdout.write(`${String(event.target)}\n`))
  .on('error', (event: Benchmark.Event) => {
    throw (event.target as Benchmark.Target & { error: Error }).error
  })
  .run()
