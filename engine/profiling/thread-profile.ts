/**
 * The profile of the thread that runs this: wall time and processor time of its functions, and its heap. The only
 * importer of @datadog/pprof, and itself imported only where somebody asks for a profile.
 */
import { encodeSync, heap, time } from '@datadog/pprof'
import { MergedProfile } from './merged-profile.js'

/** Between two samples of what runs, in microseconds. */
const interval = 1000
/** Between two samples of what is allocated, in bytes; and how deep their stacks are kept. */
const heapInterval = 256 * 1024
const heapDepth = 64

/** To be called once a thread. */
export function startThreadProfile(): void {
  heap.start(heapInterval, heapDepth)
  time.start({ intervalMicros: interval, withContexts: true, collectCpuTime: true })
}

/** Ends it. The heap is what is still in use. */
export function stopThreadProfile(): Uint8Array<ArrayBuffer> {
  const inUse = heap.profile()
  const ran = time.stop()
  heap.stop()
  const profile = new MergedProfile()
  profile.add(encodeSync(ran), null)
  profile.add(encodeSync(inUse), null)
  return profile.encode()
}
