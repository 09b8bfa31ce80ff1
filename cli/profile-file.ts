/**
 * The file of `--profile`.
 */
import { closeSync, writeSync } from 'node:fs'
import { type Profiling, startProfiling } from '../engine/index.js'
import { openForWriting } from './output.js'

export interface ProfileFile {
  readonly profiling: Profiling
  /** Ends the profile and writes it. */
  write(): void
}

/** Starts the profile; null where none is asked for. Throws UsageError where the file cannot be written. */
export async function startProfileFile(file: string | undefined): Promise<ProfileFile | null> {
  if (file === undefined) return null
  const descriptor = openForWriting(file)
  const profiling = await startProfiling()
  return {
    profiling,
    write: () => {
      const bytes = profiling.finish()
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
      closeSync(descriptor)
    },
  }
}
