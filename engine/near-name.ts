/**
 * "Did you mean …?": the nearest of the known names to one that is unknown.
 */
import { createRequire } from 'node:module'

const load = createRequire(import.meta.url)
/** Loaded with the first mistake. */
const levenshtein = (): typeof import('fastest-levenshtein') => load('fastest-levenshtein')

/** A hint for a diagnostic, or undefined where nothing is near (more than a third of the letters differ). */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined
  const { closest, distance } = levenshtein()
  const byLower = new Map(known.map((candidate) => [candidate.toLowerCase(), candidate]))
  const lower = name.toLowerCase()
  const best = closest(lower, [...byLower.keys()])
  if (distance(lower, best) > Math.max(name.length > 3 ? 2 : 1, Math.floor(name.length / 3))) return undefined
  return `did you mean "${byLower.get(best)}"?`
}
