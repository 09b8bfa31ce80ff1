/**
 * When V8 optimises: later while a run starts. Reading and compiling rules runs much code a few times; optimising it
 * took a fifth of the processor time in which a run starts, and the threads want that processor. PERF(start-up)
 */
import { setFlagsFromString } from 'node:v8'

/** Of executed bytecode, before V8 looks whether a function is worth optimising. */
const whileStarting = 1_500_000
/** V8's own, of Node 20 to 24. */
const usual = 67_584

/** To be called before modules are loaded. */
export function optimiseLate(): void {
  setFlagsFromString(`--interrupt-budget=${whileStarting}`)
}

/** To be called once records come by. */
export function optimiseAsUsual(): void {
  setFlagsFromString(`--interrupt-budget=${usual}`)
}
