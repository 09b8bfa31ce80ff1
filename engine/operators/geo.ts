/**
 * Geographical databases of SecGeoLookupDb: CSV of our own form, and MaxMind's .mmdb. The only importer of mmdb-lib.
 *
 * CSV: the first line names the columns. `network` (an address or a range) must be one of them; the others are keys
 * of GEO in any case: country_code, country_code3, country_name, country_continent, region, city, postal_code,
 * latitude, longitude, dma_code, area_code. Fields may stand in double quotes; lines that begin with # are comments.
 */
import { createRequire } from 'node:module'
import ipaddr from 'ipaddr.js'
import type { Reader } from 'mmdb-lib'
import { DefinitionError } from '../errors.js'
import type { GeoLookup } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { encodeUtf8 } from '../utf8.js'
import { AddressTable } from './address-table.js'

const load = createRequire(import.meta.url)
/** Loaded with the first database. */
const mmdb = (): typeof import('mmdb-lib') => load('mmdb-lib')

/** Keys of GEO (reference manual, "GEO"). */
const geoKeys = [
  'AREA_CODE',
  'CITY',
  'COUNTRY_CODE',
  'COUNTRY_CODE3',
  'COUNTRY_CONTINENT',
  'COUNTRY_NAME',
  'DMA_CODE',
  'LATITUDE',
  'LONGITUDE',
  'POSTAL_CODE',
  'REGION',
]

const mmdbMarker = '\xab\xcd\xefMaxMind.com'

/** Reads a database of either form; throws DefinitionError that says what is wrong with it. */
export function readGeoDatabase(bytes: ByteString): GeoLookup {
  if (bytes.includes(mmdbMarker)) return mmdbLookup(bytes)
  if (/[\x00-\x08]/.test(bytes.slice(0, 200)))
    throw new DefinitionError('a binary file that is no .mmdb; old GeoIP .dat files are not read: use .mmdb or CSV')
  return csvLookup(bytes)
}

function csvLookup(text: ByteString): GeoLookup {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'))
  const columns = fieldsOf(lines[0] ?? '').map((name) => name.trim().toUpperCase())
  const network = columns.indexOf('NETWORK')
  if (network < 0) throw new DefinitionError('the first line names no column "network"', 'bad-geo-database')
  const unknown = columns.find((name) => name !== 'NETWORK' && !geoKeys.includes(name))
  if (unknown !== undefined)
    throw new DefinitionError(`"${unknown.toLowerCase()}" is no column of a geographical database`, 'bad-geo-database')
  const table = new AddressTable<ReadonlyMap<ByteString, ByteString>>()
  for (const line of lines.slice(1)) {
    const fields = fieldsOf(line)
    const place = new Map<ByteString, ByteString>()
    columns.forEach((name, at) => {
      const value = fields[at] ?? ''
      if (at !== network && value !== '') place.set(name, value)
    })
    table.add((fields[network] ?? '').trim(), place)
  }
  return { find: (address) => table.find(address) }
}

function fieldsOf(line: ByteString): ByteString[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '',
  )
}

/** What libmodsecurity 3.0.9 takes out of a MaxMind record. */
const mmdbPaths: readonly (readonly [ByteString, readonly string[]])[] = [
  ['COUNTRY_CODE', ['country', 'iso_code']],
  ['COUNTRY_NAME', ['country', 'names', 'en']],
  ['COUNTRY_CONTINENT', ['continent', 'names', 'en']],
  ['CITY', ['city', 'names', 'en']],
  ['POSTAL_CODE', ['postal', 'code']],
  ['LATITUDE', ['location', 'latitude']],
  ['LONGITUDE', ['location', 'longitude']],
]

function mmdbLookup(bytes: ByteString): GeoLookup {
  const reader = openMmdb(bytes)
  return {
    find: (address) => {
      if (!ipaddr.isValid(address)) return null
      const record: unknown = reader.get(ipaddr.process(address).toString())
      if (record === null) return null
      const place = new Map<ByteString, ByteString>()
      for (const [key, path] of mmdbPaths) {
        const value = path.reduce<unknown>(
          (inner, step) => (inner === undefined ? undefined : (inner as Record<string, unknown>)[step]),
          record,
        )
        if (typeof value === 'number') place.set(key, value.toFixed(6))
        else if (typeof value === 'string') place.set(key, encodeUtf8(value))
      }
      return place
    },
  }
}

function openMmdb(bytes: ByteString): Reader<never> {
  try {
    return new (mmdb().Reader)(Buffer.from(bytes, 'latin1'))
  } catch (error) {
    throw new DefinitionError(`no sound .mmdb: ${(error as Error).message}`, 'bad-geo-database')
  }
}
