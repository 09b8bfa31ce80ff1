/**
 * Building a peer and replaying records through it. All take `RULEFILE... < records.ndjson > results.ndjson` (see README.md).
 */
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ndjsonLine } from '../../corpora/index.js'
import { scoreVariables, type TransactionRecord } from '../../engine/index.js'
import type { Peer } from '../measure/peers.js'

export interface Scores {
  readonly inbound: number
  readonly outbound: number
}

export interface PeerResult {
  readonly id: string
  readonly ruleIds: readonly number[]
  readonly status: number
  readonly disruptive: boolean
  /** Blocking anomaly scores behind the last phase, where the peer can tell. */
  readonly score?: Scores
  readonly error?: string
}

/** Null where the peer can run, else why it cannot. Tries it with no rule and no record. */
export async function buildPeer(peer: Peer, root: string): Promise<string | null> {
  const folder = join(root, peer.folder)
  if (!existsSync(folder)) return 'is not part of this checkout'
  const problem = peer.build === null ? null : runBuild(peer, peer.build, folder)
  if (problem !== null) return problem
  const scratch = mkdtempSync(join(tmpdir(), 'wafsim-peers-'))
  try {
    const rules = join(scratch, 'none.conf')
    writeFileSync(rules, 'SecRuleEngine On\n')
    await replay(peer, root, scratch, [rules], [])
    return null
  } catch (error) {
    return `${(error as Error).message}; needs ${peer.needs}`
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function runBuild(peer: Peer, build: readonly string[], folder: string): string | null {
  const [command = '', ...words] = build
  const run = spawnSync(command, words, { cwd: folder, encoding: 'utf8' })
  if (run.error !== undefined) return `${command}: ${run.error.message}; needs ${peer.needs}`
  if (run.status !== 0) return `${build.join(' ')} failed; needs ${peer.needs}\n${lastLines(run.stderr, 3)}`
  return null
}

export interface PeerRun {
  readonly results: readonly PeerResult[]
  /** Name and version as the engine gives them. */
  readonly version: string
}

/** The peer refuses the rules, or does not end as it should; the message is its own. */
export class PeerError extends Error {
  override readonly name = 'PeerError'
}

/** The names that wafsim reads the scores by, for the other side. */
const scoreOptions = [
  '--inbound',
  scoreVariables.inbound.join(','),
  '--outbound',
  scoreVariables.outbound.join(','),
] as const

/** Replays the records through the peer; files of the run are kept in `scratch`. PeerError where the peer fails. */
export async function replay(
  peer: Peer,
  root: string,
  scratch: string,
  ruleFiles: readonly string[],
  records: readonly TransactionRecord[],
): Promise<PeerRun> {
  const input = join(scratch, 'records.ndjson')
  const output = join(scratch, 'results.ndjson')
  writeFileSync(input, records.map(ndjsonLine).join(''))
  const notes = await run(peer, join(root, peer.folder), ruleFiles, input, output)
  const results = readFileSync(output, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as PeerResult)
  if (results.length !== records.length)
    throw new PeerError(`${peer.name}: ${results.length} results for ${records.length} records`)
  return { results, version: /"engine": ?"([^"]+)"/.exec(notes)?.[1] ?? peer.name }
}

/** Resolves to what the program said on standard error. */
function run(peer: Peer, cwd: string, files: readonly string[], input: string, output: string): Promise<string> {
  const [program = '', ...words] = peer.program
  const from = openSync(input, 'r')
  const to = openSync(output, 'w')
  const child = spawn(program, [...words, '--time', ...scoreOptions, ...files], { cwd, stdio: [from, to, 'pipe'] })
  closeSync(from)
  closeSync(to)
  const notes: string[] = []
  child.stderr?.setEncoding('utf8').on('data', (text: string) => notes.push(text))
  return new Promise((done, fail) => {
    child.once('error', (error) => fail(new PeerError(`${peer.name}: ${error.message}`)))
    child.once('close', (status) => {
      const text = notes.join('')
      if (status === 0) done(text)
      else fail(new PeerError(`${peer.name}: ${lastLines(text, 5)}`))
    })
  })
}

function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}
