/**
 * The arithmetic of `setvar` with `+` and `-`, as each engine computes it. Read off the engines with values that are
 * no numbers, too large, signed twice or set apart by blanks.
 */
import type { ByteString } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'

export interface Sum {
  readonly value: ByteString
  /** What was added. */
  readonly points: number
}

/** Leading integer of a text as the engines read one (C `atoi`); 0 where there is none. */
export function integerOf(text: ByteString): number {
  const value = Number.parseInt(text, 10)
  return Number.isNaN(value) ? 0 : value
}

/**
 * The variable's new value; null where it stays as it is. `change` begins with its sign.
 * COMPAT(modsec2): the sign belongs to the number, so `+ 3` adds nothing; 32 bits that wrap around.
 * COMPAT(modsec3): what does not fit into 32 bits counts as 0. COMPAT(coraza): both must be numbers as a whole; a
 * change that is none is taken as a text.
 */
export function sumOf(
  current: ByteString,
  change: ByteString,
  platform: Pick<Platform, 'numbers' | 'countersStopAtZero'>,
): Sum | null {
  if (platform.numbers === 'whole') return wholeSum(current, change)
  const points =
    platform.numbers === 'wrap' ? integerOf(change) | 0 : fitting(change.slice(1)) * (change[0] === '-' ? -1 : 1)
  const start = platform.numbers === 'wrap' ? integerOf(current) | 0 : fitting(current)
  const sum = (start + points) | 0
  return { value: String(platform.countersStopAtZero ? Math.max(0, sum) : sum), points }
}

function fitting(text: ByteString): number {
  const value = integerOf(text)
  return value === (value | 0) ? value : 0
}

const wholeNumber = /^[+-]?\d+$/

function wholeSum(current: ByteString, change: ByteString): Sum | null {
  const amount = change.slice(1)
  if (amount !== '' && !wholeNumber.test(amount)) return amount.startsWith('tx.') ? null : { value: change, points: 0 }
  if (current !== '' && !wholeNumber.test(current)) return null
  const points = integerOf(amount) * (change[0] === '-' ? -1 : 1)
  return { value: String(integerOf(current) + points), points }
}
