/**
 * `node dist/bench/worst-cases/run.js --rules TREE [--platform P] [--bytes N] [--case TEXT] [--timeout MS]`: a table of
 * what hostile records cost beside benign ones of their size. Exit status 1 where one costs more than 20 times as much.
 */
import { parseArgs } from 'node:util'
import { type PlatformName, platforms } from '../../engine/index.js'
import { valueOfLiterals } from './literals.js'
import { type Cost, loadForWorstCases, Measurement } from './measure.js'
import { casesOf, placeCases, structureCases, valueCases } from './requests.js'

const bound = 20

const { values } = parseArgs({
  options: {
    rules: { type: 'string', default: 'starter' },
    platform: { type: 'string', multiple: true, default: Object.keys(platforms) },
    bytes: { type: 'string', default: '1000000' },
    case: { type: 'string', default: '' },
    timeout: { type: 'string', default: '30000' },
    /** Only so many of the costliest are printed. */
    most: { type: 'string', default: '1000' },
  },
})

function row({ name, bytes, milliseconds, ratio, unwatched, error }: Cost): string {
  const shown = name.replace(/[|`]/g, (sign) => `\\${sign}`)
  const figures = [bytes, milliseconds.toFixed(0), ratio.toFixed(1), unwatched.toFixed(0)]
  return `| ${shown} | ${figures.join(' | ')}${error === null ? '' : ` (${error})`} |\n`
}

let exceeded = false
for (const name of values.platform as PlatformName[]) {
  const loaded = loadForWorstCases(values.rules, name)
  const measurement = await Measurement.of(loaded, Number(values.timeout))
  process.stdout.write(`\n${name}: benign records ${(measurement.benignCost * 1000).toFixed(2)} µs a byte\n\n`)
  process.stdout.write('| case | bytes | CPU ms | times the benign share | ms without a look at the clock |\n')
  process.stdout.write('| --- | ---: | ---: | ---: | ---: |\n')
  const literals = casesOf('every literal', valueOfLiterals(loaded.ruleset))
  const costs = [...structureCases, ...placeCases, ...literals, ...valueCases]
    .filter((each) => each.name.includes(values.case))
    .map((each) => {
      const cost = measurement.cost(each, Number(values.bytes))
      if (process.stderr.isTTY) process.stderr.write(row(cost))
      return cost
    })
    .sort((one, other) => other.ratio - one.ratio)
  for (const cost of costs.slice(0, Number(values.most))) process.stdout.write(row(cost))
  if (costs.some(({ ratio, error }) => ratio > bound || error !== null)) exceeded = true
}
process.exitCode = exceeded ? 1 : 0
