/**
 * Replays records through a real Apache with ModSecurity 2 and prints one result a record, as the other peers do:
 * the rules that logged, the status, the scores, the time. See ../README.md.
 *
 * Requests go one by one, so whatever the audit log gains belongs to the request just answered. A request that
 * Apache refuses before ModSecurity sees it has a status and no rule ids.
 */
import { readFileSync } from 'node:fs'
import { recordOf } from '../../../corpora/index.js'
import type { TransactionRecord } from '../../../engine/index.js'
import { type AuditEntry, AuditLog } from './audit-log.js'
import { type ScoreNames, type Scores, scoreDirectives } from './scores.js'
import { ApacheError, type ApacheServer, startApache } from './server.js'
import { bytesOf, send } from './wire.js'

interface Options {
  readonly files: readonly string[]
  readonly repeat: number
  readonly time: boolean
  readonly names: ScoreNames
}

type Line =
  | { readonly id: string; readonly request: TransactionRecord['request'] }
  | { readonly id: string; readonly error: string }

interface Result {
  readonly ruleIds: readonly number[]
  readonly status: number
  readonly disruptive: boolean
  readonly score?: Scores
  readonly microseconds: number
}

const usage =
  'usage: apache-peer [--phases 1..5] [--repeat N] [--time] [--inbound NAMES] [--outbound NAMES] RULEFILE... < records.ndjson'

/** `--phases` is taken as the other peers take it, and changes nothing: Apache runs them all. */
function optionsOf(words: readonly string[]): Options | null {
  const files: string[] = []
  let repeat = 1
  let time = false
  let inbound: readonly string[] = []
  let outbound: readonly string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string
    if (word === '--time') time = true
    else if (word === '--phases') at++
    else if (word === '--repeat') repeat = Number(words[++at])
    else if (word === '--inbound') inbound = words[++at]?.split(',') ?? []
    else if (word === '--outbound') outbound = words[++at]?.split(',') ?? []
    else if (word.startsWith('--')) return null
    else files.push(word)
  }
  if (files.length === 0 || !Number.isInteger(repeat) || repeat < 1) return null
  return { files, repeat, time, names: { inbound, outbound } }
}

function linesOf(text: string): Line[] {
  return text
    .split('\n')
    .map((line, index) => ({ line, id: `line-${index + 1}`, number: index + 1 }))
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, id, number }) => {
      try {
        const record = recordOf(JSON.parse(line), { file: 'line', line: number })
        return { id: record.id, request: record.request }
      } catch (error) {
        return { id, error: (error as Error).message }
      }
    })
}

/**
 * A connection that was reset says nothing about when its entry is written. The one child takes the next connection
 * when it is done with it, so another request is answered behind the entry; its own entry is the last one.
 */
async function entriesBehindReset(server: ApacheServer, log: AuditLog): Promise<AuditEntry[]> {
  await send(server.port, Buffer.from('GET / HTTP/1.0\r\n\r\n'))
  return log.read().slice(0, -1)
}

async function resultOf(server: ApacheServer, log: AuditLog, request: TransactionRecord['request']): Promise<Result> {
  const status = await send(server.port, bytesOf(request))
  const entries = status === 0 ? await entriesBehindReset(server, log) : log.read()
  const score = entries.find((entry) => entry.score !== null)?.score ?? null
  return {
    ruleIds: [...new Set(entries.flatMap((entry) => entry.ruleIds))],
    status,
    disruptive: entries.some((entry) => entry.disruptive),
    ...(score === null ? {} : { score }),
    microseconds: entries.reduce((sum, entry) => sum + entry.microseconds, 0),
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const high = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? 0) + high) / 2
}

async function replay(server: ApacheServer, lines: readonly Line[], options: Options): Promise<void> {
  const log = new AuditLog(server.auditLog)
  const results: Result[] = []
  const times: number[][] = lines.map(() => [])
  for (let pass = 1; pass <= options.repeat; pass++) {
    let total = 0
    for (const [at, line] of lines.entries()) {
      if ('error' in line) continue
      const result = await resultOf(server, log, line.request)
      results[at] = result
      times[at]?.push(result.microseconds)
      total += result.microseconds
    }
    if (options.time)
      process.stderr.write(`${JSON.stringify({ pass, transactions: lines.length, microseconds: total })}\n`)
  }
  log.close()
  for (const [at, line] of lines.entries()) {
    const result = results[at]
    const out =
      'error' in line || result === undefined ? line : { id: line.id, ...result, microseconds: median(times[at] ?? []) }
    process.stdout.write(`${JSON.stringify(out)}\n`)
  }
}

async function main(): Promise<number> {
  const options = optionsOf(process.argv.slice(2))
  if (options === null) {
    process.stderr.write(`apache-peer: ${usage}\n`)
    return 2
  }
  const start = performance.now()
  try {
    const server = await startApache(options.files, scoreDirectives(options.names))
    try {
      if (options.time) {
        const loadMicroseconds = Math.round((performance.now() - start) * 1000)
        process.stderr.write(`${JSON.stringify({ engine: server.version, loadMicroseconds })}\n`)
      }
      await replay(server, linesOf(readFileSync(0, 'utf8')), options)
    } finally {
      await server.stop()
    }
    return 0
  } catch (error) {
    if (!(error instanceof ApacheError)) throw error
    process.stderr.write(`apache-peer: ${error.message}\n`)
    return 2
  }
}

process.exitCode = await main()
