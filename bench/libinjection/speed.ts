/**
 * `node dist/bench/libinjection/speed.js [LIBRARY]`: nanoseconds a value, ours beside the real libinjections.
 *
 * The values are those of the bundled corpora. Each program takes the least of several passes over all of them, and
 * times itself: no pipe is in the figures. The real ones must be built, see `bench/peers/README.md`.
 */
import { bundledCorpora } from '../../corpora/index.js'
import type { ByteString } from '../../engine/index.js'
import { readAll } from '../peers/corpora.js'
import { payloadsIn } from './fuzz-inputs.js'
import { fuzzKinds } from './fuzz-kinds.js'
import { nativeAppsec } from './native-appsec.js'
import { openOracle } from './oracles.js'

const passes = 50

function ours(ask: (value: ByteString) => ByteString, values: readonly ByteString[]): number {
  let least = Number.POSITIVE_INFINITY
  for (let pass = 0; pass < passes; pass++) {
    const started = performance.now()
    for (const value of values) ask(value)
    least = Math.min(least, performance.now() - started)
  }
  return (least * 1e6) / values.length
}

async function throughNode(question: string, values: readonly ByteString[]): Promise<number> {
  const oracle = await nativeAppsec()
  const taken = values.filter((value) => oracle.takes(question, value))
  let least = Number.POSITIVE_INFINITY
  for (let pass = 0; pass < passes; pass++) {
    const started = performance.now()
    await oracle.ask(question, taken)
    least = Math.min(least, performance.now() - started)
  }
  oracle.close()
  return (least * 1e6) / taken.length
}

function packed(question: string, values: readonly ByteString[]): ByteString {
  const length = Buffer.alloc(4)
  const parts = values.map((value) => {
    length.writeUInt32LE(value.length)
    return length.toString('latin1') + value
  })
  return question + parts.join('')
}

const library = process.argv[2] ?? 'libmodsecurity.so.3'
const corpora = bundledCorpora()
for (const [name, folder] of [
  ['benign', corpora.benign],
  ['attacks', corpora.attacks],
] as const) {
  const values = payloadsIn(await readAll(folder))
  const bytes = values.reduce((sum, value) => sum + value.length, 0) / values.length
  process.stdout.write(`${name}: ${values.length} values of ${bytes.toFixed(0)} bytes on average\n`)
  for (const [kindName, kind] of Object.entries(fuzzKinds)) {
    if (kind.question === 'C') continue
    const spent = (await throughNode(kind.question, values)).toFixed(0)
    process.stdout.write(`  ${kindName} native-appsec: ${spent} ns a value, called from Node\n`)
    for (const oracleName of ['libmodsecurity', 'libinjection-go']) {
      const opened = await openOracle(oracleName, library)
      if (opened === null) continue
      const [spent] = await opened.oracle.ask('t', [packed(kind.question, values)])
      opened.oracle.close()
      const theirs = Number(spent) / values.length
      const own = ours(kind.ours(opened.dialect), values)
      process.stdout.write(`  ${kindName} ${oracleName}: ${theirs.toFixed(0)} ns a value, ours ${own.toFixed(0)} ns\n`)
    }
  }
}
