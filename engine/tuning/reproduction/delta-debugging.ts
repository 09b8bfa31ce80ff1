/**
 * Delta debugging: of a list, the items that are needed for something to hold; of a text, the characters that can be
 * masked while it holds.
 *
 * After Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002), with complements alone:
 * ever smaller runs are left out, and at the end no single item can be.
 */

/** The items that are left: without any one of them `holds` fails. It holds for all of them to begin with. */
export function needed<T>(items: readonly T[], holds: (kept: readonly T[]) => boolean): readonly T[] {
  if (items.length === 0 || holds([])) return []
  let kept = items
  for (let size = Math.ceil(kept.length / 2); kept.length > 1; ) {
    const before = kept.length
    for (let from = 0; from < kept.length && kept.length > 1; ) {
      const without = [...kept.slice(0, from), ...kept.slice(from + size)]
      if (without.length > 0 && holds(without)) kept = without
      else from += size
    }
    if (size > 1) size = Math.ceil(size / 2)
    else if (kept.length === before) break
  }
  return kept
}

/**
 * The items with as many masked as can be. `maskOf` gives an item's mask, or the item itself where it has none.
 */
export function masked<T>(
  items: readonly T[],
  maskOf: (item: T) => T,
  holds: (items: readonly T[]) => boolean,
): readonly T[] {
  let current = items
  const ranges: (readonly [number, number])[] = [[0, items.length]]
  for (let range = ranges.pop(); range !== undefined; range = ranges.pop()) {
    const [from, to] = range
    const attempt = current.map((item, at) => (at >= from && at < to ? maskOf(item) : item))
    if (attempt.every((item, at) => item === current[at])) continue
    if (holds(attempt)) {
      current = attempt
      continue
    }
    if (to - from < 2) continue
    const middle = (from + to) >> 1
    // The last one pushed is looked at first: from left to right.
    ranges.push([middle, to], [from, middle])
  }
  return current
}

/**
 * A text in pieces that can be left out one by one without breaking what is left: characters of UTF-8, %-sequences of one
 * character, escapes of JSON and references of XML.
 */
export function textUnits(text: string): readonly string[] {
  return text.match(unit) ?? []
}

const continuation = '[\\x80-\\xbf]'
const encodedContinuation = '%[89abAB][0-9a-fA-F]'
const unit = new RegExp(
  [
    `%[cdCD][0-9a-fA-F]${encodedContinuation}`,
    `%[eE][0-9a-fA-F](?:${encodedContinuation}){2}`,
    `%[fF][0-7](?:${encodedContinuation}){3}`,
    '%[0-9a-fA-F]{2}',
    '\\\\u[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}',
    '\\\\u[0-9a-fA-F]{4}',
    '\\\\.',
    '&(?:#[0-9]{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});',
    `[\\xc2-\\xdf]${continuation}`,
    `[\\xe0-\\xef]${continuation}{2}`,
    `[\\xf0-\\xf4]${continuation}{3}`,
    '.',
  ].join('|'),
  'gs',
)

/** Letters become `x` or `X`, digits and numbers `0`, what is encoded and no sign of ASCII `x`; signs stay. */
export function maskOfUnit(text: string): string {
  if (/^[a-z]$/.test(text) || /^(?:%[c-fC-F]|\\u00[89a-fA-F]|\\u0[1-9a-fA-F]|\\u[1-9a-fA-F])/.test(text)) return 'x'
  if (/^[A-Z]$/.test(text)) return 'X'
  if (/^-?[0-9]/.test(text)) return '0'
  return /^[\x80-\xff]/.test(text) ? 'x' : text
}
