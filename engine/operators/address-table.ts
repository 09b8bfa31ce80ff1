/**
 * Networks to values, longest prefix first: what geographical databases and blocklists are looked up in.
 *
 * Addresses are read by ipaddr.js; an IPv4 address mapped into IPv6 is its IPv4 address.
 */
import ipaddr from 'ipaddr.js'
import { DefinitionError } from '../errors.js'
import type { ByteString } from '../model/exchange.js'

interface Prefix {
  readonly bits: number
  readonly kind: string
}

export class AddressTable<T> {
  /** Longest prefix first. */
  readonly #prefixes: Prefix[] = []
  readonly #values = new Map<string, T>()

  /** Throws DefinitionError where `network` is neither an address nor a range; the first entry of a network stays. */
  add(network: ByteString, value: T): void {
    const [address, bits] = parseNetwork(network)
    const kind = address.kind()
    if (!this.#prefixes.some((prefix) => prefix.bits === bits && prefix.kind === kind)) {
      this.#prefixes.push({ bits, kind })
      this.#prefixes.sort((a, b) => b.bits - a.bits)
    }
    const key = keyOf(address.toByteArray(), { bits, kind })
    if (!this.#values.has(key)) this.#values.set(key, value)
  }

  /** Value of the narrowest network around the address; null where none, or where it is no address. */
  find(text: ByteString): T | null {
    if (!ipaddr.isValid(text)) return null
    const address = ipaddr.process(text)
    const bytes = address.toByteArray()
    const kind = address.kind()
    for (const prefix of this.#prefixes) {
      if (prefix.kind !== kind) continue
      const value = this.#values.get(keyOf(bytes, prefix))
      if (value !== undefined) return value
    }
    return null
  }
}

function parseNetwork(text: ByteString): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  try {
    if (text.includes('/')) return ipaddr.parseCIDR(text)
    const address = ipaddr.process(text)
    return [address, address.kind() === 'ipv4' ? 32 : 128]
  } catch {
    throw new DefinitionError(`"${text}" is neither an IP address nor a range such as 192.0.2.0/24`)
  }
}

/** The bits before the prefix's end, and which prefix that is. */
function keyOf(bytes: readonly number[], { bits, kind }: Prefix): string {
  let key = `${kind}/${bits}:`
  for (let at = 0; at * 8 < bits; at++) {
    const kept = Math.min(8, bits - at * 8)
    key += String.fromCharCode((bytes[at] ?? 0) & (0xff << (8 - kept)))
  }
  return key
}
