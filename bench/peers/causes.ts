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

/** Every rule that differs is one the engine itself does not always log. */
function isVariation({ onlyWafsim, onlyPeer, varying }: Difference): boolean {
  const ids = [...onlyWafsim, ...onlyPeer]
  return ids.length > 0 && ids.every((id) => varying.includes(id))
}

export const causes: readonly Cause[] = [
  {
    id: 'coraza-random-order',
    platforms: ['coraza'],
    whose: 'engine',
    doc: 'Coraza visits a collection in the random order of a Go map, and keeps transformed values by name and position: where a name is repeated, a rule may see the value of its twin, and the last match, which captures, is a random one. Replays of the same request differ from each other.',
    example: 'SecRule ARGS "@rx x" "id:1,phase:2,pass,log,t:lowercase" twice; a=x&b=1&a=2',
    explains: isVariation,
  },
]

export function causeOf(difference: Difference): Cause | null {
  return causes.find((cause) => cause.platforms.includes(difference.platform) && cause.explains(difference)) ?? null
}
