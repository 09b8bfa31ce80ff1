/**
 * docs/seclang.md from the tables of the engine: every name, what it means, how far it is simulated, where the
 * engines differ. `npm run docs` writes it; a test fails where the committed page is stale.
 */
import {
  actions,
  ctlOptions,
  directives,
  type NameFamily,
  operators,
  type PlatformName,
  platforms,
  refusingPlatforms,
  transformations,
  variables,
} from '../engine/index.js'

interface Entry {
  readonly name: string
  readonly doc: string
  readonly unsimulated?: string
  readonly inert?: true
  readonly platforms?: string
  /** `unsimulated` holds only where the user gives no such data. */
  readonly needs?: string
}

interface Section {
  readonly family: NameFamily
  readonly title: string
  /** What stands before a name in a rule. */
  readonly sign: string
  readonly entries: readonly Entry[]
}

/** The compiler's own directives, which are in no table. */
const ownDirectives: readonly Entry[] = [
  { name: 'Include', doc: 'Reads another file, the files of a folder, or what a pattern matches.' },
  { name: 'IncludeOptional', doc: 'The same; no error where nothing is there.' },
  { name: 'SecAction', doc: 'A rule without a condition.' },
  { name: 'SecRule', doc: 'A rule: targets, operator, actions.' },
]

const sections: readonly Section[] = [
  { family: 'variable', title: 'Variables', sign: '', entries: variables },
  { family: 'transformation', title: 'Transformations', sign: 't:', entries: Object.values(transformations) },
  { family: 'operator', title: 'Operators', sign: '@', entries: Object.values(operators) },
  { family: 'action', title: 'Actions', sign: '', entries: actions },
  { family: 'ctl', title: 'Options of ctl', sign: 'ctl:', entries: ctlOptions() },
  { family: 'directive', title: 'Directives', sign: '', entries: [...directives, ...ownDirectives] },
]

const introduction = `# The rule language

Generated from the tables of the engine by \`npm run docs\`; do not edit.

Every name of the ModSecurity 2 and 3 reference manuals and of Coraza 3 is here. **simulated**: it does in a replay
what it does in the engine. **accepted**: it steers logs, files or the server, which a replay has none of, and changes
no verdict. **not simulated**: rules that use it load, never match by it, and \`wafsim rules check\` lists them with the
reason. A name that an engine refuses is a warning on that platform, and is simulated all the same; a name that no
table holds is an error. What the engines do differently beyond single names is in [platforms.md](platforms.md).

@geoLookup reads the file of SecGeoLookupDb. A CSV names its columns in the first line: \`network\` and any of
\`country_code\`, \`country_code3\`, \`country_name\`, \`country_continent\`, \`region\`, \`city\`, \`postal_code\`, \`latitude\`,
\`longitude\`, \`dma_code\`, \`area_code\`; a MaxMind .mmdb is read as libmodsecurity reads it. @rbl asks the file of \`--rbl\`,
one listing a line: \`zone address [answer]\`, where the address may be a range or a host name.

Persistent collections (IP, SESSION, USER, GLOBAL, RESOURCE) live for a run and follow the capture's clock: the time of
the records, which never goes back; a record without a time takes that of the one before. A ruleset that opens and reads
one is evaluated record by record in capture order, and the report says so (\`ruleset.evaluation\`).
`

function supportOf({ unsimulated, inert, needs }: Entry): string {
  if (needs !== undefined) return 'simulated with data'
  if (unsimulated !== undefined) return `not simulated: ${unsimulated}`
  return inert ? 'accepted' : 'simulated'
}

/** Names of engines in the words of the page. */
const engines: Readonly<Record<PlatformName, string>> = {
  coraza: platforms.coraza.title,
  modsec2: 'ModSecurity 2',
  modsec3: 'libmodsecurity 3',
}

function differencesOf(family: NameFamily, entry: Entry): string {
  const refusing = refusingPlatforms(family, entry.name).map((name) => engines[name])
  const unknown = refusing.length === 0 ? [] : [`Unknown to ${refusing.join(' and ')}.`]
  return [...(entry.platforms === undefined ? [] : [entry.platforms]), ...unknown].join(' ')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

function tableOf({ family, title, sign, entries }: Section): string {
  const rows = [...entries]
    .sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1))
    .map((entry) => [`\`${sign}${entry.name}\``, entry.doc, supportOf(entry), differencesOf(family, entry)].map(cell))
  const heads = ['name', 'meaning', 'supported', 'engines']
  const widths = heads.map((head, at) => Math.max(...[head, ...rows.map((row) => row[at] ?? '')].map((t) => t.length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text, at) => text.padEnd(widths[at] ?? 0)).join(' | ')} |`
  const rule = widths.map((width) => '-'.repeat(width))
  return [`## ${title} (${rows.length})`, '', line(heads), line(rule), ...rows.map(line), ''].join('\n')
}

/** The whole page. */
export function languageReference(): string {
  return `${introduction}\n${sections.map(tableOf).join('\n')}`
}
