/**
 * The real engines: how each is built and run, and what of a record it is given. Their programs are in
 * `bench/peers/`, whose README.md has their protocol.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PlatformName, TransactionRecord } from '../../engine/index.js'

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

/** A peer that can take turns with wafsim. */
export interface BatchPeer extends Peer {
  /** Set beside our own environment, for one core. */
  readonly environment: Readonly<Record<string, string>>
  /** Directives behind the ruleset's. */
  readonly directives: readonly string[]
}

const libmodsecurity: Peer = {
  name: 'libmodsecurity',
  platform: 'modsec3',
  varies: false,
  folder: 'libmodsecurity',
  build: ['make', '--silent'],
  program: ['build/libmodsecurity-peer'],
  needs: 'a C++17 compiler and the Debian packages libmodsecurity-dev and nlohmann-json3-dev',
  readsRequestLine: false,
  readsResponse: true,
}

const coraza: Peer = {
  name: 'coraza',
  platform: 'coraza',
  varies: true,
  folder: 'coraza',
  build: ['go', 'build', '-o', 'build/coraza-peer', '.'],
  program: ['build/coraza-peer'],
  needs: 'Go 1.25 or newer',
  readsRequestLine: true,
  readsResponse: true,
}

const apache: Peer = {
  name: 'apache',
  platform: 'modsec2',
  varies: false,
  folder: 'apache',
  build: null,
  program: [process.execPath, fileURLToPath(new URL('../peers/apache/main.js', import.meta.url))],
  needs: 'Apache 2.4 with ModSecurity 2 and mod_lua (Debian: apache2, libapache2-mod-security2)',
  readsRequestLine: true,
  readsResponse: false,
}

export const peers: readonly Peer[] = [libmodsecurity, coraza, apache]

/** Go's collector runs beside the evaluation unless it is given one core. */
const oneCore = { GOMAXPROCS: '1' }

export const batchPeers: readonly BatchPeer[] = [
  { ...libmodsecurity, environment: {}, directives: [] },
  { ...coraza, environment: oneCore, directives: [] },
  {
    ...coraza,
    name: 'coraza-prefilter',
    build: ['go', 'build', '-tags', 'coraza.rule.no_regex_multiline', '-o', 'build/coraza-single-line-peer', '.'],
    program: ['build/coraza-single-line-peer'],
    environment: oneCore,
    directives: ['SecRxPreFilter On'],
  },
]

/** `bench/peers/` of the checkout, or what WAFSIM_PEERS names; null where there is neither. */
export function peersFolder(): string | null {
  const named = process.env.WAFSIM_PEERS
  const folder = named === undefined ? fileURLToPath(new URL('../../../bench/peers', import.meta.url)) : resolve(named)
  return existsSync(join(folder, 'README.md')) ? folder : null
}

/** How the program of a peer is made, as a user would type it. */
export function buildCommand(peer: Peer, folder: string): string {
  return peer.build === null ? '' : `(cd ${join(folder, peer.folder)} && ${peer.build.join(' ')})`
}

/** Null where the peer's program is there, else what to do about it. */
export function missingProgram(peer: Peer): string | null {
  const folder = peersFolder()
  if (folder === null)
    return 'its program comes with the source of wafsim only: check it out, build bench/peers, and set WAFSIM_PEERS to that folder'
  if (existsSync(join(folder, peer.folder, peer.program[0] ?? ''))) return null
  return `is not built; ${buildCommand(peer, folder)} builds it and needs ${peer.needs}`
}

/** The record as the peer gets it. */
export function asSentTo(peer: Peer, record: TransactionRecord): TransactionRecord {
  const { response, client, server, ...rest } = record
  const { line: _line, ...request } = record.request
  return {
    ...rest,
    request: peer.readsRequestLine ? record.request : request,
    ...(peer.readsResponse ? { response, client, server } : {}),
  }
}
