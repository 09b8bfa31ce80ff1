/**
 * Codepage 20127 (US-ASCII) as a best-fit table: which ASCII character stands in for a Unicode code unit.
 *
 * The mapping is the codepage's as Windows publishes it and as `unicode.mapping` of the ModSecurity packages
 * lists it; only that codepage is here. Each run gives the first code unit and the characters for it and those
 * that follow. The full-width forms are computed.
 */

const runs: readonly (readonly [first: number, ascii: string])[] = [
  [0x00a0, ' !c'],
  [0x00a4, '$Y|'],
  [0x00a9, 'Ca<'],
  [0x00ad, '-R'],
  [0x00b2, '23'],
  [0x00b7, '.,1o>'],
  [0x00c0, 'AAAAAAACEEEEIIIIDNOOOOO'],
  [0x00d8, 'OUUUUY'],
  [0x00e0, 'aaaaaaaceeeeiiii'],
  [0x00f1, 'nooooo'],
  [0x00f8, 'ouuuuy'],
  [0x00ff, 'yAaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIi'],
  [0x0134, 'JjKk'],
  [0x0139, 'LlLlLl'],
  [0x0141, 'LlNnNnNn'],
  [0x014c, 'OoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZ'],
  [0x017b, 'ZzZz'],
  [0x0180, 'b'],
  [0x0189, 'D'],
  [0x0191, 'Ff'],
  [0x0197, 'I'],
  [0x019a, 'l'],
  [0x019f, 'OOo'],
  [0x01ab, 't'],
  [0x01ae, 'TUu'],
  [0x01b6, 'z'],
  [0x01cd, 'AaIiOoUuUuUuUuUu'],
  [0x01de, 'Aa'],
  [0x01e4, 'GgGgKkOoOo'],
  [0x01f0, 'j'],
  [0x0261, 'g'],
  [0x02b9, '\'"'],
  [0x02bc, "'"],
  [0x02c4, '^'],
  [0x02c6, '^'],
  [0x02c8, "'"],
  [0x02cb, '`'],
  [0x02cd, '_'],
  [0x02dc, '~'],
  [0x0300, '`'],
  [0x0302, '^~'],
  [0x030e, '"'],
  [0x0331, '__'],
  [0x2000, '       '],
  [0x2010, '--'],
  [0x2013, '--'],
  [0x2018, "'',"],
  [0x201c, '"""'],
  [0x2022, '.'],
  [0x2026, '.'],
  [0x2032, "'"],
  [0x2035, '`'],
  [0x2039, '<>'],
  [0x2122, 'T'],
]

/** Byte by code unit; a code unit without an entry is not in the codepage. */
export const bestFit: ReadonlyMap<number, number> = buildTable()

function buildTable(): Map<number, number> {
  const table = new Map<number, number>()
  for (const [first, ascii] of runs) for (let i = 0; i < ascii.length; i++) table.set(first + i, ascii.charCodeAt(i))
  // The other full stops of RFC 3490 are set in the code of both ModSecurity engines.
  table.set(0x3002, 0x2e)
  table.set(0xff61, 0x2e)
  // FF01-FF5E are ! to ~; U+FF1F is missing from the published table, and the full-width rule gives the same.
  for (let unit = 0xff01; unit <= 0xff5e; unit++) table.set(unit, unit - 0xfee0)
  return table
}
