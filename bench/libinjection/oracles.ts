/**
 * The table of oracles: which program answers, and whose behaviour ours is compared with it.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Dialect } from './fuzz-kinds.js'
import { nativeAppsec } from './native-appsec.js'
import { type Oracle, peer } from './oracle.js'

export interface OpenedOracle {
  readonly oracle: Oracle
  readonly dialect: Dialect
}

const peers = fileURLToPath(new URL('../../../bench/peers/', import.meta.url))

const oracles: Readonly<Record<string, (library: string) => OpenedOracle | Promise<OpenedOracle>>> = {
  libmodsecurity: (library) => ({
    oracle: peer(library, join(peers, 'libinjection/build/libinjection-peer'), [library]),
    dialect: 'c',
  }),
  modsecurity2: (library) => ({
    oracle: peer(library, join(peers, 'libinjection/build/libinjection-peer'), [library]),
    dialect: 'c2',
  }),
  'libinjection-go': () => ({
    oracle: peer('libinjection-go', join(peers, 'libinjection-go/build/libinjection-go-peer'), []),
    dialect: 'go',
  }),
  'native-appsec': async () => ({ oracle: await nativeAppsec(), dialect: 'appsec' }),
}

export const oracleNames = Object.keys(oracles)

/** Starts an oracle; null where no oracle has the name. `library` is what the first two open. */
export async function openOracle(name: string, library: string): Promise<OpenedOracle | null> {
  return (await oracles[name]?.(library)) ?? null
}
