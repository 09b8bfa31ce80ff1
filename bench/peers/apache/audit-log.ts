/**
 * ModSecurity 2's JSON audit log, Serial: what has been added since the last look, read as results.
 *
 * A rule that matched is a message with its id in the metadata; a chain is its head's id. Messages of rules that
 * could not run ("Execution error - PCRE limits exceeded") carry an id too and are no match.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

export interface AuditEntry {
  /** Ids of the rules that logged, in order, each once. */
  readonly ruleIds: readonly number[]
  readonly disruptive: boolean
  /** Time in the engine's phases, in microseconds. */
  readonly microseconds: number
}

interface LoggedTransaction {
  readonly audit_data?: {
    readonly messages?: readonly string[]
    readonly action?: { readonly intercepted?: boolean }
    readonly stopwatch?: Readonly<Record<string, number | string>>
  }
}

/** Metadata begin behind the text of the match, in which quotes are escaped. */
const metadata = /\[file "[^"]*"\] \[line "\d+"\] \[id "(\d+)"\]/

const phases = ['p1', 'p2', 'p3', 'p4', 'p5']

export class AuditLog {
  readonly #file: number
  #offset = 0

  constructor(path: string) {
    this.#file = openSync(path, 'r')
    this.skip()
  }

  /** Passes over what is there. */
  skip(): void {
    this.#offset = fstatSync(this.#file).size
  }

  /** Entries added since the last call; one for each request that ModSecurity saw. */
  read(): AuditEntry[] {
    const size = fstatSync(this.#file).size
    const bytes = Buffer.alloc(size - this.#offset)
    let filled = 0
    while (filled < bytes.length) {
      const count = readSync(this.#file, bytes, filled, bytes.length - filled, this.#offset + filled)
      if (count === 0) break
      filled += count
    }
    this.#offset += filled
    return bytes
      .toString('latin1', 0, filled)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => entryOf(JSON.parse(line)))
  }

  close(): void {
    closeSync(this.#file)
  }
}

function entryOf({ audit_data: data }: LoggedTransaction): AuditEntry {
  const ids = new Set<number>()
  for (const message of data?.messages ?? []) {
    if (/Execution error - |PCRE limits exceeded/.test(message.slice(0, 200))) continue
    const id = metadata.exec(message)?.[1]
    if (id !== undefined) ids.add(Number(id))
  }
  const microseconds = phases.reduce((sum, phase) => sum + Number(data?.stopwatch?.[phase] ?? 0), 0)
  return { ruleIds: [...ids], disruptive: data?.action?.intercepted === true, microseconds }
}
