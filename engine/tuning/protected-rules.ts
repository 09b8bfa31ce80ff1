/**
 * Rules that no exclusion may touch: they set up, gate or evaluate, and removing one disarms the ruleset.
 *
 * The list is the CRS layout (initialisation, common exceptions, blocking evaluation, correlation, paranoia
 * gates) and the engine's own rules of the recommended configuration.
 */

const protectedRanges: readonly (readonly [number, number])[] = [
  [200_000, 200_007],
  [900_000, 905_999],
  [949_000, 949_999],
  [959_000, 959_999],
  [980_000, 980_999],
  [7_000_000, 7_000_199],
  [7_009_000, 7_009_999],
]

/** Whether the rule sets up, gates or evaluates others. */
export function isProtected(ruleId: number): boolean {
  if (protectedRanges.some(([low, high]) => ruleId >= low && ruleId <= high)) return true
  return isParanoiaGate(ruleId)
}

/** 9xx011 to 9xx018 skip a file's rules above the paranoia level. */
function isParanoiaGate(ruleId: number): boolean {
  if (ruleId < 910_000 || ruleId > 999_999) return false
  const last = ruleId % 1000
  return last >= 11 && last <= 18
}
