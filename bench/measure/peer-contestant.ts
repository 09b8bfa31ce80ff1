/**
 * A real engine as a contestant: its program, fed batch by batch through pipes, with its own clock.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ndjsonLine } from '../../corpora/index.js'
import type { TransactionRecord } from '../../engine/index.js'
import { type Contestant, firstRecord, outcomeOf, type Turn } from './contestant.js'
import { asSentTo, type BatchPeer, buildCommand } from './peers.js'

/** The engine refuses the rules, or does not end as it should; the message is its own. */
export class ContestantError extends Error {
  override readonly name = 'ContestantError'
}

interface Line {
  readonly engine?: string
  readonly batch?: number
  readonly microseconds?: number
  readonly processorMicroseconds?: number
  readonly ruleIds?: readonly number[]
  readonly status?: number
  readonly error?: string
}

/** `folder` is that of all peers; the program reads its rules from `ruleFile`. */
export function peerContestant(peer: BatchPeer, folder: string, ruleFile: string): Contestant {
  return new PeerContestant(peer, folder, ruleFile)
}

class PeerContestant implements Contestant {
  version: string | null = null
  readonly compilesWhileRunning = false
  #child: ChildProcessWithoutNullStreams | null = null
  #lines: AsyncIterator<string> | null = null
  #notes = ''

  constructor(
    private readonly peer: BatchPeer,
    private readonly folder: string,
    private readonly ruleFile: string,
  ) {}

  get name(): string {
    return this.peer.name
  }

  async start(): Promise<number> {
    const [program = '', ...words] = this.peer.program
    const began = performance.now()
    const child = spawn(program, [...words, '--batches', this.ruleFile], {
      cwd: join(this.folder, this.peer.folder),
      env: { ...process.env, ...this.peer.environment },
    })
    child.once('error', (error) => {
      this.#notes += error.message
    })
    child.stdin.on('error', () => {
      // The program has gone; the end of its output says so too, with its message.
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#notes += text
    })
    this.#child = child
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    this.version = (await this.#read()).engine ?? this.peer.name
    await this.evaluate([firstRecord])
    return performance.now() - began
  }

  async evaluate(records: readonly TransactionRecord[]): Promise<Turn> {
    const child = this.#child
    if (child === null) throw new ContestantError(`${this.name} has not started`)
    const sent = records.map((record) => ndjsonLine(asSentTo(this.peer, record))).join('')
    if (!child.stdin.write(`${sent}\n`)) void once(child.stdin, 'drain').catch(() => {})
    const outcomes = []
    for (;;) {
      const line = await this.#read()
      if (line.batch === undefined) {
        const { ruleIds = [], status = 0, error = null } = line
        outcomes.push(outcomeOf(JSON.stringify({ ruleIds, status, error }), ruleIds, status))
        continue
      }
      if (outcomes.length !== records.length)
        throw new ContestantError(`${this.name}: ${outcomes.length} results for ${records.length} records`)
      const { microseconds = 0, processorMicroseconds = 0 } = line
      return { microseconds, processorMicroseconds, outcomes }
    }
  }

  async close(): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null) return
    child.stdin.end()
    await Promise.race([once(child, 'close'), new Promise((done) => setTimeout(done, 5000).unref())])
    if (child.exitCode === null) child.kill()
  }

  async #read(): Promise<Line> {
    const { value, done } = (await this.#lines?.next()) ?? { value: undefined, done: true }
    if (done === true || value === undefined) {
      await new Promise((settled) => setTimeout(settled, 100))
      throw new ContestantError(`${this.name}: ${this.#lastWords()}`)
    }
    return JSON.parse(value as string) as Line
  }

  #lastWords(): string {
    const notes = this.#notes.trim()
    if (this.version === null && notes.includes('usage:'))
      return `its program is of another version of wafsim; build it again: ${buildCommand(this.peer, this.folder)}`
    return notes.split('\n').slice(-5).join('\n') || 'has ended'
  }
}
