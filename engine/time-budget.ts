/**
 * How long one record may take: whoever does work that can be long counts it here, and where the record has had its
 * time, its evaluation ends.
 *
 * The clock is looked at after so much work only, so that records of ordinary size never ask it. Where it says that the
 * time is over, the thread's processor time decides: on a busy machine a record may have waited for most of it.
 * Evaluation is synchronous: there is one record at work in a thread, and its budget is the module's state.
 */
import { threadMilliseconds } from './thread-time.js'

/** The record at hand has taken longer than it may. Nothing catches it but `evaluate`. */
export class RecordTimeout extends Error {
  override readonly name: string = 'RecordTimeout'
}

/** LIMIT: bytes looked at, or steps of like cost, between two looks at the clock. */
const workBetweenLooks = 1 << 18

let milliseconds = 0
/** By the clock; put off where the thread has had less of a processor. */
let deadline = Number.POSITIVE_INFINITY
/**
 * Processor time when the record began, as reckoned at its first look: up to there the clock's time counts. NaN: there
 * has been none.
 */
let workedBefore = Number.NaN
let work = 0
let doing: number | string = ''

/** Runs the evaluation of a record with its budget in milliseconds; 0: none. Throws RecordTimeout. */
export function withinTime<T>(budget: number, evaluation: () => T): T {
  milliseconds = budget
  deadline = budget > 0 ? performance.now() + budget : Number.POSITIVE_INFINITY
  workedBefore = Number.NaN
  work = 0
  doing = ''
  try {
    return evaluation()
  } finally {
    deadline = Number.POSITIVE_INFINITY
  }
}

/** Says what is at work from here on: a rule by its id, anything else in words. */
export function atWork(what: number | string): void {
  doing = what
}

/** Counts work done, in bytes looked at. Throws RecordTimeout. */
export function spend(bytes: number): void {
  work += bytes
  if (work > workBetweenLooks) look()
}

function look(): void {
  work = 0
  if (deadline === Number.POSITIVE_INFINITY) return
  const now = performance.now()
  if (Number.isNaN(workedBefore)) workedBefore = threadMilliseconds() - (now - (deadline - milliseconds))
  if (now <= deadline) return
  const left = milliseconds - (threadMilliseconds() - workedBefore)
  if (left > 0) {
    deadline = now + left
    return
  }
  const name = typeof doing === 'number' ? `rule ${doing}` : doing
  throw new RecordTimeout(`more than ${milliseconds} ms on one record; at work: ${name}`)
}
