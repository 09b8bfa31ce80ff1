/**
 * `npm run bench [-- WHAT... OPTIONS]`: how fast wafsim is, beside the real engines; see README.md. Results on standard
 * output and, with --keep, in bench/records/, from which docs/performance.md is made.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadRuleset } from '../engine/index.js'
import { resolveRuleset } from '../rulesets/index.js'
import { levelsOf } from './figures.js'
import { microCases, microValues } from './micro.js'
import { runMicro } from './micro-run.js'
import { type Kind, optionsGiven } from './options.js'
import { performancePage } from './page.js'
import { chooseRules } from './peers/rules.js'
import { type BenchRecord, keepRecord, newestRecords, recordOf, repository } from './record.js'
import { measureSentences } from './sentences.js'
import { measureSizes, measureTransactions } from './transactions.js'

const options = optionsGiven()
const rules = options.rules ?? chooseRules(undefined, repository)[0] ?? 'starter'
const { parts, name } = resolveRuleset({ rules: [rules], platform: 'modsec3', set: [] })
const about = {
  ruleset: { name: name.replace(/ \(.*\)$/, ''), digest: loadRuleset({ parts, engineMode: 'on' }).digest },
  options: `--records ${options.records} --rounds ${options.rounds} --warm-up ${options.warmUp} --seed ${options.seed}`,
}

function told(line: string): void {
  process.stdout.write(`${line}\n`)
}

function keep(record: BenchRecord): void {
  if (options.keep) told(`kept in ${keepRecord(record)}`)
}

/** Kept after each class and level, so that a run that is stopped has not been in vain. */
async function measureTraffic(kind: 'sizes' | 'transactions'): Promise<void> {
  const date = new Date()
  const measure = kind === 'sizes' ? measureSizes : measureTransactions
  await measure(rules, options, { told, soFar: (run) => keep(recordOf(kind, { ...about, ...run }, date)) })
}

async function measured(kind: Kind): Promise<void> {
  if (kind === 'micro') {
    const cases = microCases(parts, await microValues(options.records, options.seed))
    keep(recordOf(kind, { ...about, leftOut: [], results: runMicro(cases, told) }))
  } else if (kind === 'sentences')
    keep(recordOf(kind, { ...about, leftOut: [], results: measureSentences(rules, options, told) }))
  else await measureTraffic(kind)
}

told(`rules ${about.ruleset.name}, node ${process.version}`)
for (const kind of options.kinds) {
  told(`\n${kind}`)
  await measured(kind)
}

/** Plots are drawn only here, so that measuring needs no library for them. */
async function writePage(): Promise<void> {
  const { bytesPlot, costPlot, ratioPlot } = await import('./plots.js')
  const docs = join(repository, 'docs')
  const kept = newestRecords()
  mkdirSync(join(docs, 'performance'), { recursive: true })
  const draw = (name: string, drawing: string): void => writeFileSync(join(docs, 'performance', `${name}.svg`), drawing)
  const transactions = kept.transactions?.results ?? []
  for (const level of levelsOf(transactions)) {
    draw(`ratios-${level}`, ratioPlot(transactions, level))
    draw(`bytes-${level}`, bytesPlot(transactions, level))
  }
  if (kept.sizes !== null) draw('sizes', costPlot(kept.sizes.results))
  writeFileSync(join(docs, 'performance.md'), performancePage(kept))
  told('docs/performance.md is written')
}

if (options.page) await writePage()
