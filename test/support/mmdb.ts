/**
 * A MaxMind database of one IPv4 network, as bytes: enough to test that such files are read.
 */

type MmdbValue = string | number | readonly MmdbValue[] | { readonly [key: string]: MmdbValue }

function control(type: number, size: number): Buffer {
  const length = size < 29 ? [size] : [29, size - 29]
  const [first = 0, ...more] = length
  return Buffer.from(type < 8 ? [(type << 5) | first, ...more] : [first, type - 7, ...more])
}

function encode(value: MmdbValue): Buffer {
  if (typeof value === 'string') return Buffer.concat([control(2, Buffer.byteLength(value)), Buffer.from(value)])
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleBE(value)
    return Buffer.concat([control(3, 8), bytes])
  }
  if (Array.isArray(value)) return Buffer.concat([control(11, value.length), ...value.map(encode)])
  const entries = Object.entries(value)
  return Buffer.concat([control(7, entries.length), ...entries.flatMap(([key, inner]) => [encode(key), encode(inner)])])
}

function uint(type: number, value: number): Buffer {
  const hex = value.toString(16)
  const bytes = value === 0 ? Buffer.alloc(0) : Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  return Buffer.concat([control(type, bytes.length), bytes])
}

/** The database of `network` (four bytes) with `bits`, whose record is `record`. */
export function mmdbOf(network: readonly number[], bits: number, record: MmdbValue): Buffer {
  const nodes: number[] = []
  for (let depth = 0; depth < bits; depth++) {
    const bit = ((network[depth >> 3] ?? 0) >> (7 - (depth & 7))) & 1
    const next = depth === bits - 1 ? bits + 16 : depth + 1
    for (const side of [0, 1]) {
      const target = side === bit ? next : bits
      nodes.push((target >> 16) & 0xff, (target >> 8) & 0xff, target & 0xff)
    }
  }
  const facts: [string, Buffer][] = [
    ['binary_format_major_version', uint(5, 2)],
    ['binary_format_minor_version', uint(5, 0)],
    ['build_epoch', uint(9, 1_700_000_000)],
    ['database_type', encode('GeoLite2-City')],
    ['description', encode({ en: 'test' })],
    ['ip_version', uint(5, 4)],
    ['languages', encode(['en'])],
    ['node_count', uint(6, bits)],
    ['record_size', uint(5, 24)],
  ]
  const metadata = [control(7, facts.length), ...facts.flatMap(([key, value]) => [encode(key), value])]
  const marker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')
  return Buffer.concat([Buffer.from(nodes), Buffer.alloc(16), encode(record), marker, ...metadata])
}
