/**
 * `npm run peers [-- OPTIONS]`: replays corpora through wafsim and the real engines, and prints where they differ.
 *
 * Exit status: 0 where every difference is explained, 1 where one is not, 2 where nothing could be compared.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { evaluate, type TransactionRecord } from '../../engine/index.js'
import { compare, type Difference, withReplays, withRules } from './comparison.js'
import { type CorpusName, type CorpusPlan, corpus, corpusNames } from './corpora.js'
import { buildPeer, type Peer, peers, replay } from './peer.js'
import { type Comparison, comparisonText, fidelityPage, unexplained } from './report.js'
import { chooseRules, rulesOfRun, testsOf } from './rules.js'

/** Of each record that differs, where a peer's answers vary. */
const replays = 16

const usage = `usage: npm run peers -- [OPTIONS]
  --peer NAME        ${peers.map(({ name }) => name).join(', ')}; may be repeated (all)
  --corpus NAME      ${corpusNames.join(', ')}; may be repeated (all)
  --paranoia LEVEL   1 to 4; may be repeated (1 and 4)
  --crs RULES        what wafsim's --rules takes (a CRS tree beside the checkout, an installed release, starter)
  --records N        at most N records a corpus (all; 20000 mutations)
  --seed N           of what is generated (1)
  --examples N       record ids printed for each group of differences (3)
  --write            writes docs/fidelity.md
`

const repository = fileURLToPath(new URL('../../..', import.meta.url))
const peersFolder = join(repository, 'bench', 'peers')

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}

function optionsGiven() {
  try {
    return parseArgs({
      options: {
        peer: { type: 'string', multiple: true },
        corpus: { type: 'string', multiple: true },
        paranoia: { type: 'string', multiple: true },
        crs: { type: 'string' },
        records: { type: 'string' },
        seed: { type: 'string' },
        examples: { type: 'string' },
        write: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values
  } catch (error) {
    return fail(`${(error as Error).message}\n${usage}`)
  }
}

function numberOf(text: string | undefined, otherwise: number, least: number, most: number): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > most)
    fail(`${text}: must be a whole number from ${least} to ${most}\n${usage}`)
  return value
}

function namesOf<T extends string>(given: readonly string[] | undefined, known: readonly T[]): readonly T[] {
  for (const name of given ?? [])
    if (!known.includes(name as T)) fail(`${name}: unknown; known are ${known.join(', ')}\n${usage}`)
  return given === undefined ? known : known.filter((name) => given.includes(name))
}

/** The record as the peer gets it. */
function asSentTo(peer: Peer, record: TransactionRecord): TransactionRecord {
  const { response, client, server, ...rest } = record
  const { line: _line, ...request } = record.request
  return {
    ...rest,
    request: peer.readsRequestLine ? record.request : request,
    ...(peer.readsResponse ? { response, client, server } : {}),
  }
}

const given = optionsGiven()
if (given.help === true) {
  process.stdout.write(usage)
  process.exit(0)
}
const rules = chooseRules(given.crs, repository)
const levels = (given.paranoia ?? ['1', '4']).map((text) => numberOf(text, 1, 1, 4))
const chosenCorpora: readonly CorpusName[] = namesOf(given.corpus, corpusNames)
const wanted = namesOf(
  given.peer,
  peers.map(({ name }) => name),
)
const plan: CorpusPlan = {
  crsTests: testsOf(rules),
  records: given.records === undefined ? null : numberOf(given.records, 0, 1, 10_000_000),
  seed: numberOf(given.seed, 1, 0, 0xffffffff),
}
const examples = numberOf(given.examples, 3, 0, 1000)
if (plan.crsTests === null) process.stdout.write(`${rules}: no CRS tests; corpus crs left out\n`)

function compareAll(peer: Peer, name: CorpusName, records: readonly TransactionRecord[], paranoia: number): Comparison {
  const scratch = mkdtempSync(join(tmpdir(), 'wafsim-peers-'))
  try {
    const sent = records.map((record) => asSentTo(peer, record))
    const { name: rulesName, loaded, files } = rulesOfRun(rules, peer.platform, paranoia, scratch, peer.mapsUnicode)
    const { results, version } = replay(peer, peersFolder, scratch, files, sent)
    const differences: Difference[] = []
    for (const [index, record] of sent.entries()) {
      const result = results[index]
      if (result === undefined) continue
      const difference = compare(peer.platform, record, evaluate(loaded.ruleset, record), result)
      if (difference !== null) differences.push(withRules(difference, loaded.ruleset))
    }
    const settled = peer.varies ? replayed(peer, scratch, files, differences) : differences
    return {
      peer: peer.name,
      version,
      rules: rulesName,
      corpus: name,
      paranoia,
      records: sent.length,
      differences: settled,
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Replays what differs again, to tell what the peer itself does not always do. */
function replayed(
  peer: Peer,
  scratch: string,
  files: readonly string[],
  differences: readonly Difference[],
): readonly Difference[] {
  const records = differences.flatMap(({ record }) => Array<TransactionRecord>(replays).fill(record))
  const { results } = replay(peer, peersFolder, scratch, files, records)
  return differences.map((difference, i) => withReplays(difference, results.slice(i * replays, (i + 1) * replays)))
}

const words = process.argv.slice(2).map((word) => (word.includes('/') ? 'CRS' : word))
const commandGiven = ['npm run peers --', ...words].join(' ')
const comparisons: Comparison[] = []
for (const peer of peers.filter(({ name }) => wanted.includes(name))) {
  const problem = buildPeer(peer, peersFolder)
  if (problem !== null) {
    process.stdout.write(`${peer.name}: left out, ${problem}\n`)
    continue
  }
  for (const name of chosenCorpora) {
    const records = await corpus(name, plan)
    if (records.length === 0) continue
    for (const paranoia of levels) {
      const comparison = compareAll(peer, name, records, paranoia)
      if (comparisons.every((each) => each.peer !== peer.name))
        process.stdout.write(`${peer.name}: ${comparison.version}, rules ${comparison.rules}\n`)
      comparisons.push(comparison)
      process.stdout.write(comparisonText(comparison, examples))
    }
  }
}
if (comparisons.length === 0) fail('no peer could be compared')
const open = comparisons.reduce((sum, { differences }) => sum + unexplained(differences), 0)
process.stdout.write(`unexplained differences: ${open}\n`)
if (given.write === true)
  writeFileSync(join(repository, 'docs', 'fidelity.md'), fidelityPage(comparisons, commandGiven))
process.exitCode = open === 0 ? 0 : 1
