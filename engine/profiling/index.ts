/**
 * Profiles of a whole run: the main thread from here on, and what its workers hand over. What this needs is loaded only
 * by `startProfiling`.
 */

export interface Profiling {
  /** Adds profiles that workers made of themselves; `of` goes before their numbers in the names of the threads. */
  addWorkers(profiles: readonly Uint8Array[], of?: string): void
  /** Ends the profile of the main thread; all of them as one, in pprof's format. */
  finish(): Uint8Array
}

/** To be called once a process. */
export async function startProfiling(): Promise<Profiling> {
  const [{ startThreadProfile, stopThreadProfile }, { MergedProfile }] = await Promise.all([
    import('./thread-profile.js'),
    import('./merged-profile.js'),
  ])
  const merged = new MergedProfile()
  startThreadProfile()
  return {
    addWorkers: (profiles, of = '') => {
      for (const [at, profile] of profiles.entries()) merged.add(profile, `${of}worker ${at + 1}`)
    },
    finish: () => {
      merged.add(stopThreadProfile(), 'main')
      return merged.encode()
    },
  }
}
