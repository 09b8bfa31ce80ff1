/**
 * The differences that are known and stay: whose bug each is, and the least that shows it.
 *
 * An entry explains a difference only where every rule id that differs is its own. What no entry explains fails the
 * run.
 */
import type { PlatformName } from '../../engine/index.js'
import type { Difference } from './comparison.js'

export interface Cause {
  readonly id: string
  readonly platforms: readonly PlatformName[]
  /** Whose bug or limit it is. */
  readonly whose: 'wafsim' | 'engine' | 'peer driver'
  readonly doc: string
  /** A rule and a request that show it. */
  readonly example: string
  explains(difference: Difference): boolean
}

export const causes: readonly Cause[] = []

export function causeOf(difference: Difference): Cause | null {
  return causes.find((cause) => cause.platforms.includes(difference.platform) && cause.explains(difference)) ?? null
}
