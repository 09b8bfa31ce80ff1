/**
 * What a run found, as text for a terminal and as Markdown for docs/fidelity.md.
 */

import { printable } from '../../engine/index.js'
import { table } from '../markdown.js'
import { type Cause, causeOf, causes } from './causes.js'
import { type Difference, signatureOf } from './comparison.js'

/** One peer, corpus and paranoia level. */
export interface Comparison {
  readonly peer: string
  readonly version: string
  readonly rules: string
  readonly corpus: string
  readonly paranoia: number
  readonly records: number
  readonly differences: readonly Difference[]
}

/** Rules that a peer, wafsim on its platform, or both do not load. */
export interface RefusedRules {
  readonly peer: string
  readonly rules: string
  /** What each says; null where it loads them. */
  readonly wafsim: string | null
  readonly engine: string | null
}

interface Group {
  readonly signature: string
  readonly cause: Cause | null
  readonly differences: readonly Difference[]
}

function groupsOf(differences: readonly Difference[]): Group[] {
  const groups = new Map<string, { cause: Cause | null; signature: string; differences: Difference[] }>()
  for (const difference of differences) {
    const cause = causeOf(difference)
    const signature = cause?.id ?? signatureOf(difference)
    const key = `${cause === null ? 'unexplained' : 'explained'} ${signature}`
    const group = groups.get(key) ?? { cause, signature, differences: [] }
    group.differences.push(difference)
    groups.set(key, group)
  }
  return [...groups.values()].sort((a, b) => b.differences.length - a.differences.length)
}

export function unexplained(differences: readonly Difference[]): number {
  return differences.filter((difference) => causeOf(difference) === null).length
}

function share(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(2)} %`
}

/** The groups of one comparison; at most `examples` record ids for each. */
export function comparisonText(comparison: Comparison, examples: number): string {
  const { differences, records } = comparison
  const agree = records - differences.length
  const head = `${comparison.peer}, ${comparison.rules}, ${comparison.corpus}, paranoia ${comparison.paranoia}: ${agree} of ${records} agree (${share(agree, records)}), ${unexplained(differences)} unexplained`
  const lines = groupsOf(differences).map((group) => {
    const ids = group.differences.slice(0, examples).map(({ record }) => printable(record.id))
    const name = group.cause === null ? `UNEXPLAINED ${group.signature}` : `${group.cause.id} (${group.cause.whose})`
    return `  ${String(group.differences.length).padStart(6)}  ${name}: ${ids.join(', ')}`
  })
  return `${[head, ...lines].join('\n')}\n`
}

/** One line: who refuses the rules, and why; where both do they agree. */
export function refusalText({ peer, rules, wafsim, engine }: RefusedRules): string {
  if (wafsim === null)
    return `${peer}, ${rules}: UNEXPLAINED only the peer refuses the rules: ${shortened(engine ?? '')}`
  if (engine === null) return `${peer}, ${rules}: UNEXPLAINED only wafsim refuses the rules: ${shortened(wafsim)}`
  return `${peer}, ${rules}: left out, wafsim and the peer both refuse the rules: ${shortened(wafsim)}`
}

/** What a message says first, without the place in a file. */
function shortened(message: string): string {
  const [line = ''] = message.split('\n')
  return printable(/ error: (.*)/.exec(line)?.[1] ?? line).slice(0, 200)
}

function agreementTable(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map((each) => [
    each.peer,
    each.corpus,
    String(each.paranoia),
    String(each.records),
    share(each.records - each.differences.length, each.records),
    String(each.differences.length - unexplained(each.differences)),
    String(unexplained(each.differences)),
  ])
  return table(['peer', 'corpus', 'paranoia', 'records', 'agree', 'explained', 'unexplained'], rows)
}

function explainedTable(comparisons: readonly Comparison[]): string {
  const counts = new Map<string, number>()
  for (const difference of comparisons.flatMap(({ differences }) => differences)) {
    const id = causeOf(difference)?.id
    if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  const rows = causes.map((cause) => [
    cause.id,
    cause.platforms.join(', '),
    cause.whose,
    cause.doc,
    `\`${cause.example.replace(/\|/g, '\\|')}\``,
    String(counts.get(cause.id) ?? 0),
  ])
  return rows.length === 0 ? 'None.' : table(['cause', 'platform', 'whose', 'what', 'example', 'count'], rows)
}

/** The whole of docs/fidelity.md: a table a ruleset. */
export function fidelityPage(
  comparisons: readonly Comparison[],
  refusals: readonly RefusedRules[],
  command: string,
): string {
  const versions = new Map<string, string>()
  // Apache does not always say its own.
  for (const { peer, version } of comparisons)
    if (version.length > (versions.get(peer) ?? '').length) versions.set(peer, version)
  const rulesets = [...new Set([...comparisons, ...refusals].map(({ rules }) => rules))]
  const sections = rulesets.map((name) => {
    const here = comparisons.filter(({ rules }) => rules === name)
    const notes = refusals.filter(({ rules }) => rules === name).map((each) => `- ${refusalText(each)}`)
    const parts = [here.length > 0 ? agreementTable(here) : '', notes.join('\n')].filter((part) => part !== '')
    return `## ${name}\n\n${parts.join('\n\n')}`
  })
  return `# Fidelity

Written by \`${command}\` (\`--records\` replays a sample). Every record is replayed through
wafsim with \`--platform\` of the peer and through the peer itself, with the same rule files. They agree where both
log the same rule ids, come to the same anomaly scores, and the client gets the same answer.

${[...versions].map(([peer, version]) => `- ${peer}: ${version}`).join('\n')}

\`benign\` and \`attacks\` are the bundled corpora, \`crs\` the requests of the CRS tests, \`generated\` seeded benign
requests of many kinds, \`mutations\` payloads carried elsewhere and records with a few bytes changed.

${sections.join('\n\n')}

## Explained differences

${explainedTable(comparisons)}
`
}
