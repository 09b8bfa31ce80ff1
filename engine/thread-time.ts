/**
 * Processor time of the calling thread: what it has really worked, however busy the machine is.
 */
import { readFileSync } from 'node:fs'

/** First number: nanoseconds on a processor (Linux, proc(5): /proc/[pid]/schedstat). */
const linuxFile = '/proc/thread-self/schedstat'

/**
 * Milliseconds from some moment on; differences count. Where the system does not tell, the clock's. Asking takes about
 * as long as opening a file.
 */
export function threadMilliseconds(): number {
  try {
    const nanoseconds = Number.parseInt(readFileSync(linuxFile, 'latin1'), 10)
    if (nanoseconds > 0) return nanoseconds / 1e6
  } catch {
    // Another system.
  }
  return performance.now()
}
