/**
 * The peers: how each is built and run. All take `RULEFILE... < records.ndjson > results.ndjson` (see README.md).
 */
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ndjsonLine } from '../../corpora/index.js'
import { type PlatformName, scoreVariables, type TransactionRecord } from '../../engine/index.js'

export interface Peer {
  readonly name: string
  readonly platform: PlatformName
  /** In `bench/peers/`. */
  readonly folder: string
  /** Makes the program; null where it needs no building. */
  readonly build: readonly string[] | null
  /** The program and its first arguments, in the folder. */
  readonly program: readonly string[]
  /** What it needs, for who cannot build it. */
  readonly needs: string
  /** Whether the peer is given the raw request line of a record. */
  readonly readsRequestLine: boolean
  /** Whether the peer's answer to one request is not always the same. */
  readonly varies: boolean
  /** Whether the peer is given the recorded response, client and server; otherwise it has its own. */
  readonly readsResponse: boolean
}

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

export const peers: readonly Peer[] = [
  {
    name: 'libmodsecurity',
    platform: 'modsec3',
    varies: false,
    folder: 'libmodsecurity',
    build: ['make', '--silent'],
    program: ['build/libmodsecurity-peer'],
    needs: 'a C++17 compiler and the Debian packages libmodsecurity-dev and nlohmann-json3-dev',
    readsRequestLine: false,
    readsResponse: true,
  },
  {
    name: 'coraza',
    platform: 'coraza',
    varies: true,
    folder: 'coraza',
    build: ['go', 'build', '-o', 'build/coraza-peer', '.'],
    program: ['build/coraza-peer'],
    needs: 'Go 1.25 or newer',
    readsRequestLine: true,
    readsResponse: true,
  },
  {
    name: 'apache',
    platform: 'modsec2',
    varies: false,
    folder: 'apache',
    build: null,
    program: [process.execPath, fileURLToPath(new URL('apache/main.js', import.meta.url))],
    needs: 'Apache 2.4 with ModSecurity 2 and mod_lua (Debian: apache2, libapache2-mod-security2)',
    readsRequestLine: true,
    readsResponse: false,
  },
]

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
