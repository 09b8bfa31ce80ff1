/**
 * What a run found, as text for a terminal and as Markdown for docs/fidelity.md.
 */
import { printable } from '../../engine/index.js'
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
  const head = `${comparison.peer}, ${comparison.corpus}, paranoia ${comparison.paranoia}: ${agree} of ${records} agree (${share(agree, records)}), ${unexplained(differences)} unexplained`
  const lines = groupsOf(differences).map((group) => {
    const ids = group.differences.slice(0, examples).map(({ record }) => printable(record.id))
    const name = group.cause === null ? `UNEXPLAINED ${group.signature}` : `${group.cause.id} (${group.cause.whose})`
    return `  ${String(group.differences.length).padStart(6)}  ${name}: ${ids.join(', ')}`
  })
  return `${[head, ...lines].join('\n')}\n`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** The whole of docs/fidelity.md. */
export function fidelityPage(comparisons: readonly Comparison[], command: string): string {
  const versions = [...new Set(comparisons.map(({ peer, version }) => `- ${peer}: ${version}`))]
  const rulesets = [...new Set(comparisons.map(({ rules }) => rules.replace(/ \(.*\)$/, '')))]
  const rows = comparisons.map((each) => [
    each.peer,
    each.corpus,
    String(each.paranoia),
    String(each.records),
    share(each.records - each.differences.length, each.records),
    String(each.differences.length - unexplained(each.differences)),
    String(unexplained(each.differences)),
  ])
  const counts = new Map<string, number>()
  for (const { differences } of comparisons)
    for (const difference of differences) {
      const id = causeOf(difference)?.id
      if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1)
    }
  const explained = causes.map((cause) => [
    cause.id,
    cause.platforms.join(', '),
    cause.whose,
    cause.doc,
    `\`${cause.example.replace(/\|/g, '\\|')}\``,
    String(counts.get(cause.id) ?? 0),
  ])
  return `# Fidelity

Written by \`${command}\` (\`--records\` replays a sample). Every record is replayed
through wafsim with \`--platform\` of the peer and through the peer itself, with the same rule files
(${rulesets.join(', ')}). They agree where both log the same rule ids and the client gets the same answer.

${versions.join('\n')}

${table(['peer', 'corpus', 'paranoia', 'records', 'agree', 'explained', 'unexplained'], rows)}

\`benign\` and \`attacks\` are the bundled corpora, \`crs\` the requests of the CRS tests, \`generated\` seeded benign
requests of many kinds, \`mutations\` payloads carried elsewhere and records with a few bytes changed.

## Explained differences

${explained.length === 0 ? 'None.' : table(['cause', 'platform', 'whose', 'what', 'example', 'count'], explained)}
`
}
