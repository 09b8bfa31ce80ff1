/**
 * Progress of a long run, on standard error and only on a terminal.
 */
import { createRequire } from 'node:module'
import { count } from './reports/layout.js'

const load = createRequire(import.meta.url)
/** Loaded with the first bar. */
const cliProgress = (): typeof import('cli-progress') => load('cli-progress')

export interface Progress {
  /** Records so far, and how much of the input's bytes has been read (0 to 1; null where unknown). */
  update(records: number, share: number | null): void
  stop(): void
}

const silent: Progress = { update: () => {}, stop: () => {} }

/** Milliseconds before the bar shows: short runs need none. */
const patience = 700

export function createProgress(shown: boolean): Progress {
  if (!shown) return silent
  const { Presets, SingleBar } = cliProgress()
  const bar = new SingleBar(
    {
      format: '{bar} {percentage}% | {records} records | {rate}/s | {elapsed}',
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
      fps: 4,
    },
    Presets.shades_classic,
  )
  const started = Date.now()
  let running = false
  return {
    update: (records, share) => {
      const milliseconds = Date.now() - started
      if (milliseconds < patience) return
      const seconds = milliseconds / 1000
      const facts = {
        records: count(records),
        rate: count(Math.round(records / seconds)),
        elapsed: `${Math.round(seconds)} s`,
      }
      if (!running) {
        bar.start(1000, 0, facts)
        running = true
      }
      bar.update(Math.round((share ?? 0) * 1000), facts)
    },
    stop: () => {
      if (running) bar.stop()
    },
  }
}
