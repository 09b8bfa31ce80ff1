/**
 * DNS blocklists from a file, in place of the network: one listing a line, `zone address [answer]`.
 *
 * `address` is an IP address, a range or a host name; `answer` is what the zone would say (an address such as
 * 127.0.0.2, or a text), 127.0.0.2 where it is left out. Lines that begin with # are comments.
 */
import ipaddr from 'ipaddr.js'
import { DefinitionError } from '../errors.js'
import type { BlocklistLookup } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { AddressTable } from './address-table.js'

const usualAnswer = '127.0.0.2'

interface Zone {
  readonly networks: AddressTable<ByteString>
  readonly hosts: Map<ByteString, ByteString>
}

/** Throws DefinitionError where a line lacks its address. */
export function readBlocklists(text: ByteString): BlocklistLookup {
  const zones = new Map<ByteString, Zone>()
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return
    const [name = '', address, ...answer] = line.trim().split(/[ \t]+/)
    if (address === undefined)
      throw new DefinitionError(`line ${index + 1} is not "zone address [answer]": ${line.trim()}`, 'bad-blocklist')
    let zone = zones.get(zoneName(name))
    if (zone === undefined) {
      zone = { networks: new AddressTable(), hosts: new Map() }
      zones.set(zoneName(name), zone)
    }
    const said = answer.length === 0 ? usualAnswer : answer.join(' ')
    if (address.includes('/') || ipaddr.isValid(address)) zone.networks.add(address, said)
    else zone.hosts.set(address.toLowerCase(), said)
  })
  return {
    find: (zone, value) => {
      const known = zones.get(zoneName(zone))
      return known === undefined ? null : (known.networks.find(value) ?? known.hosts.get(value.toLowerCase()) ?? null)
    },
  }
}

function zoneName(text: ByteString): ByteString {
  return text.toLowerCase().replace(/\.$/, '')
}
