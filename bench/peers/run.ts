/**
 * `npm run peers [-- OPTIONS]`: replays corpora through wafsim and the real engines, and prints where they differ.
 * Peers, rulesets, corpora and levels one after another; results on standard output, progress on standard error.
 *
 * Exit status: 0 where every difference is explained, 1 where one is not, 2 where nothing could be compared.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TransactionRecord } from '../../engine/index.js'
import type { Peer } from '../measure/peers.js'
import { type CorpusName, type CorpusPlan, corpus } from './corpora.js'
import { digestOfFolders, Journal, keyOf } from './journal.js'
import { fail, optionsGiven } from './options.js'
import { buildPeer } from './peer.js'
import { type Comparison, comparisonText, fidelityPage, type RefusedRules, refusalText, unexplained } from './report.js'
import { chooseRules, planOf, testsOf } from './rules.js'
import { type Match, refusalOf, sideBySide } from './side-by-side.js'

const repository = fileURLToPath(new URL('../../..', import.meta.url))
const peersFolder = join(repository, 'bench', 'peers')

const options = optionsGiven()
const rulesets = chooseRules(options.rulesets, repository)
const plan: CorpusPlan = { crsTests: testsOf(rulesets), records: options.records, seed: options.seed }
if (plan.crsTests === null) process.stdout.write('no CRS tests beside the rules; corpus crs left out\n')
const journal = new Journal(join(peersFolder, 'build', 'journal'))
const total = options.peers.length * rulesets.length * options.corpora.length * options.levels.length
const comparisons: Comparison[] = []
const refusals: RefusedRules[] = []
const corporaRead = new Map<CorpusName, Promise<readonly TransactionRecord[]>>()
let begun = 0

function recordsOf(name: CorpusName): Promise<readonly TransactionRecord[]> {
  const known = corporaRead.get(name) ?? corpus(name, plan)
  corporaRead.set(name, known)
  return known
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}

async function compared(match: Match, name: CorpusName, programs: string): Promise<void> {
  const records = await recordsOf(name)
  begun++
  if (records.length === 0) return
  const { peer, paranoia } = match
  const { name: rulesName, parts } = planOf(match.rules, peer.platform, paranoia)
  const key = keyOf(programs, parts, [peer.name, name, paranoia, options.records, options.seed, plan.crsTests])
  progress(`${begun} of ${total}: ${peer.name}, ${rulesName}, ${name}, paranoia ${paranoia}, ${records.length} records`)
  const kept = options.resume ? journal.find(key) : null
  if (kept !== null) progress('  taken over from an earlier run')
  const comparison = kept ?? (await replayedNow(match, records))
  journal.keep(key, comparison)
  comparisons.push(comparison)
  process.stdout.write(comparisonText(comparison, options.examples))
}

async function replayedNow(match: Match, records: readonly TransactionRecord[]): Promise<Comparison> {
  const { comparison, seconds } = await sideBySide(match, peersFolder, records, options.workers)
  const again = seconds.again >= 1 ? `, what differs again ${seconds.again} s` : ''
  progress(`  wafsim ${seconds.wafsim} s, ${match.peer.name} ${seconds.peer} s at the same time${again}`)
  return comparison
}

async function comparePeer(peer: Peer): Promise<void> {
  const problem = await buildPeer(peer, peersFolder)
  if (problem !== null) {
    process.stdout.write(`${peer.name}: left out, ${problem}\n`)
    return
  }
  const built = fileURLToPath(new URL('../..', import.meta.url))
  const sides = ['engine', 'corpora', 'rulesets', 'bench/measure', 'bench/peers'].map((folder) => join(built, folder))
  const programs = digestOfFolders([...sides, ...(peer.build === null ? [] : [join(peersFolder, peer.folder)])])
  for (const rules of rulesets) {
    const refused = await refusalOf({ peer, rules, corpus: '', paranoia: options.levels[0] ?? 1 }, peersFolder)
    if (refused !== null) {
      const refusal = { peer: peer.name, rules: planOf(rules, peer.platform, 1).name, ...refused }
      refusals.push(refusal)
      process.stdout.write(`${refusalText(refusal)}\n`)
      begun += options.corpora.length * options.levels.length
      continue
    }
    for (const name of options.corpora)
      for (const paranoia of options.levels) await compared({ peer, rules, corpus: name, paranoia }, name, programs)
  }
  const version = comparisons.find((each) => each.peer === peer.name)?.version
  if (version !== undefined) process.stdout.write(`${peer.name} is ${version}\n`)
}

for (const peer of options.peers) await comparePeer(peer)
if (comparisons.length === 0) fail('no peer could be compared')
const oneSided = refusals.filter(({ wafsim, engine }) => (wafsim === null) !== (engine === null)).length
const open = comparisons.reduce((sum, { differences }) => sum + unexplained(differences), oneSided)
process.stdout.write(`unexplained differences: ${open}\n`)
if (options.write) {
  const words = process.argv.slice(2).filter((word) => word !== '--resume')
  const command = ['npm run peers --', ...words.map((word) => (word.includes('/') ? 'CRS' : word))].join(' ')
  writeFileSync(join(repository, 'docs', 'fidelity.md'), fidelityPage(comparisons, refusals, command))
}
process.exitCode = open === 0 ? 0 : 1
