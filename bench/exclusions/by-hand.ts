/**
 * Our exclusions beside a file of exclusions written by hand for the same false positives. Prints Markdown.
 *
 *   npm run exclusions:by-hand -- --rules crs [--paranoia 1] [--hand FILE] [--payloads N]
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { bundledCorpora } from '../../corpora/index.js'
import { type PlatformName, platforms } from '../../engine/index.js'
import { crsTestsOf, type PlacedText } from '../../rulesets/index.js'
import { type Comparison, compareExclusions } from './comparison.js'

interface Options {
  readonly rules: string
  readonly corpus: string
  readonly attacks: readonly string[]
  readonly hand: readonly string[]
  readonly platform: string
  readonly paranoia?: string
  readonly payloads?: string
}

const root = new URL('../../../', import.meta.url)
const collect = (value: string, previous: readonly string[]): readonly string[] => [...previous, value]

const options = new Command('exclusions:by-hand')
  .option('--rules <preset|dir>', 'ruleset', 'crs')
  .option('--corpus <file>', 'benign requests (default: the bundled CMS)', join(bundledCorpora().benign, 'cms.ndjson'))
  .option(
    '--attacks <file>',
    'attacks (repeatable; default: the bundled ones and the tests of the CRS tree)',
    collect,
    [],
  )
  .option('--hand <file>', 'exclusions written by hand, loaded before the rules (repeatable)', collect, [])
  .option('--platform <name>', Object.keys(platforms).join(', '), 'modsec3')
  .option('--paranoia <level>', '1 to 4 (default: as the ruleset has it)')
  .option('--payloads <n>', 'attacks carried in each place, evenly spread (default: all)')
  .parse()
  .opts<Options>()

/** Those of paranoia 2 come on top of those of 1. */
const hand =
  options.hand.length > 0
    ? options.hand
    : ['cms-by-hand.conf', ...(Number(options.paranoia) >= 2 ? ['cms-by-hand-paranoia-2.conf'] : [])].map((name) =>
        fileURLToPath(new URL(`bench/exclusions/${name}`, root)),
      )

const attacks =
  options.attacks.length > 0 ? options.attacks : [bundledCorpora().attacks, ...crsTestsOf([options.rules])]

interface Report {
  readonly exclusions: readonly { readonly placement: string; readonly directive: string }[]
}

/** What `wafsim exclude` proposes with the same rules, requests and attacks. */
function ours(): readonly PlacedText[] {
  const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
  const { rules, corpus, platform, paranoia } = options
  const args = ['exclude', '--rules', rules, '--corpus', corpus, '--platform', platform, '--no-standard-attacks']
  for (const file of attacks) args.push('--attacks', file)
  if (paranoia !== undefined) args.push('--paranoia', paranoia)
  const run = spawnSync(process.execPath, [main, ...args, '--format', 'json', '--quiet'], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  })
  if (run.status !== 0) throw new Error(run.stderr)
  const { exclusions } = JSON.parse(run.stdout) as Report
  return exclusions.flatMap(({ placement, directive }, n): PlacedText[] =>
    placement === 'setup' || placement === 'before' || placement === 'after'
      ? [{ placement, name: `exclusion ${n + 1}`, text: `${directive}\n` }]
      : [],
  )
}

function tables({ benign, falsePositives, standing, carried, places, sets }: Comparison): string {
  const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |\n`
  const head = (cells: readonly string[]): string => row(cells) + row(cells.map(() => '---'))
  const classes = [...new Set(sets.flatMap(({ byClass }) => [...byClass.keys()]))].sort()
  return [
    `${benign} benign requests, ${falsePositives} of them blocked without exclusions; ${standing} attacks stopped as they stand,\n`,
    `${carried} carried in the ${places} places that one of the two opens.\n\n`,
    head(['exclusions', 'false positives', 'ctl and directives', 'places opened', 'attacks lost', 'as they stand', 'carried', 'detections lost']), // biome-ignore format: a row
    ...sets.map((set) =>
      row([
        set.name,
        set.falsePositives,
        set.exclusions,
        set.placesOpened,
        set.standingLost + set.carriedLost,
        set.standingLost,
        set.carriedLost,
        set.detectionsLost,
      ]),
    ),
    '\n',
    head(['attacks lost by class', ...sets.map(({ name }) => name)]),
    ...classes.map((name) => row([name, ...sets.map(({ byClass }) => byClass.get(name) ?? 0)])),
  ].join('')
}

const comparison = await compareExclusions({
  rules: [options.rules],
  platform: options.platform as PlatformName,
  ...(options.paranoia === undefined ? {} : { paranoia: Number(options.paranoia) }),
  corpus: [options.corpus],
  attacks,
  sets: [
    { name: 'wafsim', texts: ours() },
    {
      name: 'by hand',
      texts: hand.map((name): PlacedText => ({ placement: 'before', name, text: readFileSync(name, 'latin1') })),
    },
  ],
  ...(options.payloads === undefined ? {} : { payloads: Number(options.payloads) }),
  onPlace: (done, of) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${of} places`)
  },
})
process.stdout.write(tables(comparison))
