/**
 * Whole processes: distinct short sentences as GET parameters through `wafsim run`, from start to end.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ndjsonLine } from '../corpora/index.js'
import { spreadOf } from './measure/statistics.js'
import type { BenchOptions } from './options.js'
import type { ProcessResult } from './record.js'
import { sentenceRequests } from './traffic/classes.js'

const wafsim = fileURLToPath(new URL('../cli/main.js', import.meta.url))

interface Once {
  readonly seconds: number
  readonly processorSeconds: number
  readonly peakMemoryBytes: number
  readonly digest: string
}

/** Prints processor time and peak memory of itself behind the run, on a descriptor of its own. */
const measured = `
if (require('node:worker_threads').isMainThread) process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  require('node:fs').writeSync(3, JSON.stringify({ processor: (userCPUTime + systemCPUTime) / 1e6, memory: maxRSS * 1024 }))
})`

function runOnce(words: readonly string[], preload: string): Once {
  const began = performance.now()
  const { status, stdout, stderr, output } = spawnSync(process.execPath, ['--require', preload, wafsim, ...words], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    maxBuffer: 1 << 30,
  })
  const seconds = (performance.now() - began) / 1000
  if (status !== 0) throw new Error(`wafsim run ended with ${status}: ${stderr.toString()}`)
  const { processor, memory } = JSON.parse(output[3]?.toString() ?? '{}') as Record<string, number>
  return {
    seconds,
    processorSeconds: processor ?? 0,
    peakMemoryBytes: memory ?? 0,
    digest: createHash('sha256').update(stdout).digest('hex'),
  }
}

export function measureSentences(
  rules: string,
  options: BenchOptions,
  told: (line: string) => void,
): readonly ProcessResult[] {
  const scratch = mkdtempSync(join(tmpdir(), 'wafsim-bench-'))
  try {
    const count = options.records * 2
    const corpus = join(scratch, 'sentences.ndjson')
    writeFileSync(corpus, sentenceRequests.records(count, options.seed, []).map(ndjsonLine).join(''))
    const preload = join(scratch, 'measured.cjs')
    writeFileSync(preload, measured)
    return options.levels.flatMap((paranoia) =>
      [1, 2].map((workers) => {
        const words = ['run', '--rules', rules, '--paranoia', String(paranoia), '--corpus', corpus]
        const all = [...words, '--workers', String(workers), '--format', 'ndjson', '--quiet']
        const runs = Array.from({ length: 5 }, () => runOnce(all, preload))
        const result: ProcessResult = {
          name: 'sentences',
          paranoia,
          records: count,
          workers,
          seconds: spreadOf(runs.map(({ seconds }) => seconds)),
          processorSeconds: spreadOf(runs.map(({ processorSeconds }) => processorSeconds)),
          peakMemoryBytes: Math.max(...runs.map(({ peakMemoryBytes }) => peakMemoryBytes)),
          verdictDigest: runs[0]?.digest ?? '',
        }
        const { seconds, processorSeconds } = result
        told(
          `${count} sentences, paranoia ${paranoia}, ${workers} workers: ${seconds.median.toFixed(2)} s (processor ${processorSeconds.median.toFixed(2)} s), ${result.verdictDigest.slice(0, 8)}`,
        )
        return result
      }),
    )
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
