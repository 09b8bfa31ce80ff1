/**
 * Runs every test file in a process of its own, one for each core at a time, and ends with `N passed, M failed`, so
 * that a script can read the result. What a file prints comes in one piece.
 *
 * Fails where no test ran. `node dist/test/support/run-all.js PATTERN` runs the files whose name holds PATTERN.
 */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const tests = fileURLToPath(new URL('..', import.meta.url))
const wanted = new RegExp(`${process.argv[2] ?? ''}.*\\.test\\.js$`)
const files = readdirSync(tests).filter((name) => wanted.test(name))
let passed = 0
let failed = 0

/** Null where the file printed no such figure. */
function figure(text: string, shape: RegExp): number | null {
  const found = shape.exec(text)
  return found === null ? null : Number(found[1])
}

function run(file: string): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(tests, file)], { stdio: ['ignore', 'pipe', 'pipe'] })
    const printed: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => printed.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => printed.push(chunk))
    child.on('close', (status) => {
      const text = Buffer.concat(printed).toString('utf8')
      process.stdout.write(`${file}\n${text}`)
      // uvu colours its summary where it may; the figures are read without the escape codes.
      const plain = text.replace(/\u001b\[[0-9;]*m/g, '')
      const good = figure(plain, /Passed:\s+(\d+)/) ?? 0
      const bad = (figure(plain, /Total:\s+(\d+)/) ?? 0) - good
      passed += good
      failed += status === 0 ? bad : Math.max(bad, 1)
      resolve()
    })
  })
}

async function lane(): Promise<void> {
  for (let file = files.shift(); file !== undefined; file = files.shift()) await run(file)
}

await Promise.all(Array.from({ length: availableParallelism() }, lane))
if (passed + failed === 0) process.stdout.write('no test ran\n')
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
process.stdout.write(`${passed} passed, ${failed} failed\n`)
