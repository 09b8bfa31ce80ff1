/**
 * Real implementations of libinjection behind one question: what do you make of these values?
 *
 * `peer` runs a program of `bench/peers/` and talks to it over a pipe, in batches; its protocol is in
 * `bench/peers/libinjection/main.cc`. One batch at a time.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { ByteString } from '../../engine/index.js'

/**
 * `x` cross-site scripting, answered with one byte 0 or 1; `s` SQL injection, with a fingerprint or nothing; `C` the
 * fingerprints in all contexts of SQL.
 */
export type Question = 'x' | 's' | 'C'

export interface Oracle {
  readonly name: string
  /** One answer a value, in order. `question` may be any kind of the protocol that the oracle knows. */
  ask(question: string, values: readonly ByteString[]): Promise<readonly ByteString[]>
  /** Whether a value can be asked about as it is. */
  takes(question: string, value: ByteString): boolean
  close(): void
}

const headBytes = 5
const flush = '.'

/** Starts a peer. A program that ends early makes `ask` fail. */
export function peer(name: string, program: string, args: readonly string[]): Oracle {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let waiting: { readonly take: (bytes: Buffer) => void; readonly fail: (error: Error) => void } | null = null
  child.stdout.on('data', (bytes: Buffer) => waiting?.take(bytes))
  const ended = (reason: string) => waiting?.fail(new Error(`${name}: ${reason}`))
  child.on('error', (error) => ended(error.message))
  child.on('exit', (code) => ended(`ended with ${code}`))
  child.stdin.on('error', (error) => ended(error.message))
  return {
    name,
    ask: (question, values) =>
      new Promise((resolve, reject) => {
        if (values.length === 0) return resolve([])
        const answers: ByteString[] = []
        let rest: Buffer = Buffer.alloc(0)
        waiting = {
          fail: reject,
          take: (bytes) => {
            rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
            let at = 0
            while (at < rest.length && at + 1 + (rest[at] as number) <= rest.length) {
              const end = at + 1 + (rest[at] as number)
              answers.push(rest.toString('latin1', at + 1, end))
              at = end
            }
            rest = rest.subarray(at)
            if (answers.length < values.length) return
            waiting = null
            resolve(answers)
          },
        }
        child.stdin.write(requestsOf(question, values))
      }),
    takes: () => true,
    close: () => child.stdin.end(),
  }
}

function requestsOf(question: string, values: readonly ByteString[]): Buffer {
  const bytes = values.reduce((sum, value) => sum + headBytes + value.length, headBytes)
  const requests = Buffer.alloc(bytes)
  let at = 0
  const put = (kind: string, value: ByteString): void => {
    requests[at] = kind.charCodeAt(0)
    requests.writeUInt32LE(value.length, at + 1)
    requests.write(value, at + headBytes, 'latin1')
    at += headBytes + value.length
  }
  for (const value of values) put(question, value)
  put(flush, '')
  return requests
}
