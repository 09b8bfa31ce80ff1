/**
 * Runs every test file under uvu and ends with `N passed, M failed`, so that a script can read the result.
 *
 * Fails where no test ran. `node dist/test/support/run-all.js PATTERN` runs the files whose name holds PATTERN.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const tests = fileURLToPath(new URL('..', import.meta.url))
const uvu = fileURLToPath(new URL('../../../node_modules/uvu/bin.js', import.meta.url))
const pattern = process.argv[2] ?? ''
const result = spawnSync(process.execPath, [uvu, tests, `${pattern}.*\\.test\\.js$`], {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
  maxBuffer: 1 << 28,
})
process.stdout.write(result.stdout)
// uvu colours its summary where it may; the figures are read without the escape codes.
const plain = result.stdout.replace(/\u001b\[[0-9;]*m/g, '')
const total = figure(/Total:\s+(\d+)/)
const passed = figure(/Passed:\s+(\d+)/)
const failed = total - passed
const ran = total > 0
process.exitCode = result.status === 0 && failed === 0 && ran ? 0 : 1
if (!ran) process.stdout.write('no test ran\n')
process.stdout.write(`${passed} passed, ${ran && result.status !== 0 ? Math.max(failed, 1) : failed} failed\n`)

function figure(shape: RegExp): number {
  const found = shape.exec(plain)
  return found === null ? 0 : Number(found[1])
}
