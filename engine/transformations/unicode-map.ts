/**
 * Tables of SecUnicodeMapFile: which byte stands in for a Unicode code unit in `urlDecodeUni`.
 *
 * The file holds a line with the number of a code page, then one with its entries, `unit:byte` in hexadecimal. Seen in
 * runs of ModSecurity 2.9.7 and libmodsecurity 3.0.9: without the directive no code unit has an entry; with any table
 * the two other full stops have one.
 */
import type { ByteString } from '../model/exchange.js'
import { bestFit } from './best-fit.js'

export type UnicodeMap = ReadonlyMap<number, number>

/** The file of this name comes with every ModSecurity; where it is missing, its code page 20127 is here. */
export const bundledMapName = 'unicode.mapping'
export const bundledCodePage = 20127
export const bundledMap: UnicodeMap = bestFit

/** What Coraza maps by, unasked: the same code page without the other full stops. Compared with its source, 3.8.1. */
export const corazaMap: UnicodeMap = new Map([...bestFit].filter(([unit]) => unit !== 0x3002 && unit !== 0xff61))

/** The table of one code page of a map file's text; null where the file does not hold the page. */
export function readUnicodeMap(text: ByteString, codePage: number): UnicodeMap | null {
  const lines = text.split(/\r?\n/)
  const head = lines.findIndex((line) => Number(/^(\d+)(?:\s|$)/.exec(line)?.[1]) === codePage)
  if (head < 0) return null
  const table = new Map<number, number>()
  for (const [, unit, byte] of (lines[head + 1] ?? '').matchAll(/([0-9a-fA-F]+):([0-9a-fA-F]{2})/g))
    table.set(Number.parseInt(unit as string, 16), Number.parseInt(byte as string, 16))
  for (const unit of fullStops) table.set(unit, 0x2e)
  return table
}

/** The other full stops of RFC 3490, which both ModSecurity engines add to every table. */
const fullStops = [0x3002, 0xff61]

/** The bundled table as text of a map file. */
export function bundledMapText(): string {
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')
  const entries = [...bundledMap].map(([unit, byte]) => `${hex(unit, 4)}:${hex(byte, 2)}`)
  return `${bundledCodePage} (US-ASCII)\n${entries.join(' ')}\n\n`
}
