/**
 * How measured values lie: the middle and how far they spread.
 */

/** Of some measured values; the unit is theirs. */
export interface Spread {
  readonly median: number
  readonly lowerQuartile: number
  readonly upperQuartile: number
  readonly least: number
  readonly most: number
  /** How many values. */
  readonly samples: number
}

/** Throws where there is no value. Quantiles between two values are interpolated. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error('no value to take the median of')
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number): number => {
    const position = share * (sorted.length - 1)
    const below = Math.floor(position)
    const low = sorted[below] as number
    return low + ((sorted[below + 1] ?? low) - low) * (position - below)
  }
  return {
    median: at(0.5),
    lowerQuartile: at(0.25),
    upperQuartile: at(0.75),
    least: at(0),
    most: at(1),
    samples: sorted.length,
  }
}
