/**
 * What `wafsim exclude` makes of the bundled corpus, for each platform and paranoia level: false positives before and
 * after, exclusions, attacks lost, and what one SecRuleRemoveById for each rule would lose. Prints a table.
 *
 *   npm run exclusions -- --rules crs [--platform modsec3] [--paranoia 1]
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { bundledCorpora } from '../../corpora/index.js'
import { platforms } from '../../engine/index.js'

interface Options {
  readonly rules: string
  readonly platform: readonly string[]
  readonly paranoia: readonly string[]
}

/** What of the JSON report is read here. */
interface Report {
  readonly before: { readonly falsePositives: number }
  readonly after: { readonly falsePositives: number }
  readonly exclusions: readonly { readonly opens: readonly string[] }[]
  readonly attacksBefore: number
  readonly attacksLost: number
  readonly standing: { readonly attacksLost: number }
  readonly places: readonly unknown[]
  readonly plain: { readonly ruleIds: readonly number[]; readonly attacksLost: number }
  readonly timing: Readonly<Record<string, number>>
}

const head = ['platform', 'paranoia', 'false positives', 'after', 'exclusions', 'places', 'attacks', 'lost', 'of them as they stand', 'plain removal loses', 'ratio', 'seconds'] // biome-ignore format: a row

const options = new Command('exclusions')
  .option('--rules <preset|dir>', 'ruleset', 'crs')
  .option('--platform <name>', 'repeatable; default: all', collect, [])
  .option('--paranoia <level>', 'repeatable; default: 1, 2 and 3', collect, [])
  .parse()
  .opts<Options>()

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value]
}

function measure(platform: string, paranoia: string): readonly string[] {
  const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
  const args = ['exclude', '--rules', options.rules, '--corpus', bundledCorpora().benign, '--platform', platform]
  const run = spawnSync(process.execPath, [main, ...args, '--paranoia', paranoia, '--format', 'json', '--quiet'], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  })
  if (run.status !== 0) throw new Error(`${platform}, paranoia ${paranoia}: ${run.stderr}`)
  const report = JSON.parse(run.stdout) as Report
  const { attacksBefore, attacksLost, plain, exclusions, timing } = report
  const milliseconds = Object.values(timing).reduce((sum, part) => sum + part, 0)
  return [
    platform,
    paranoia,
    String(report.before.falsePositives),
    String(report.after.falsePositives),
    String(exclusions.length),
    String(report.places.length),
    String(attacksBefore),
    String(attacksLost),
    String(report.standing.attacksLost),
    `${plain.attacksLost} (${plain.ruleIds.length} rules)`,
    attacksLost === 0 ? '–' : (plain.attacksLost / attacksLost).toFixed(1),
    (milliseconds / 1000).toFixed(1),
  ]
}

process.stdout.write(`| ${head.join(' | ')} |\n|${head.map(() => '---').join('|')}|\n`)
for (const platform of options.platform.length > 0 ? options.platform : Object.keys(platforms))
  for (const paranoia of options.paranoia.length > 0 ? options.paranoia : ['1', '2', '3'])
    process.stdout.write(`| ${measure(platform, paranoia).join(' | ')} |\n`)
