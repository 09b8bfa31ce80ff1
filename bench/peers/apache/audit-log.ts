/**
 * ModSecurity 2's JSON audit log, Serial: what has been added since the last look, read as results.
 *
 * A rule that matched is a message with its id in the metadata; a chain is its head's id. Messages of rules that
 * could not run ("Execution error - PCRE limits exceeded") carry an id too and are no match.
 *
 * ModSecurity cuts a message at 1,023 bytes, and with a long name of an argument its id is lost. The list of matched
 * rules (part K) then tells: it holds rules that do not log too, so it counts only where a message is cut.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { type Scores, scoreRuleId, scoresIn } from './scores.js'

export interface AuditEntry {
  /** Ids of the rules that logged, in order, each once. */
  readonly ruleIds: readonly number[]
  readonly disruptive: boolean
  /** Null where the rule that logs them did not run. */
  readonly score: Scores | null
  /** Time in the engine's phases, in microseconds. */
  readonly microseconds: number
}

interface LoggedRule {
  readonly actionset?: { readonly id?: string }
  /** The rule in SecLang, with the actions it inherits. */
  readonly unparsed?: string
  readonly is_matched?: boolean
}

interface LoggedTransaction {
  readonly audit_data?: {
    readonly messages?: readonly string[]
    readonly action?: { readonly intercepted?: boolean }
    readonly stopwatch?: Readonly<Record<string, number | string>>
  }
  /** A rule, or a chain with its head first. */
  readonly matched_rules?: readonly { readonly full_chain_match?: boolean; readonly rules: readonly LoggedRule[] }[]
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

/** Length in bytes from which a message without an id is one that was cut. */
const cutLength = 1000

function entryOf({ audit_data: data, matched_rules: matched }: LoggedTransaction): AuditEntry {
  const ids = new Set<number>()
  let cut = false
  let score: Scores | null = null
  for (const message of data?.messages ?? []) {
    if (/Execution error - |PCRE limits exceeded/.test(message.slice(0, 200))) continue
    const scores = scoresIn(message)
    if (scores !== null) {
      score = scores
      continue
    }
    const id = metadata.exec(message)?.[1]
    if (id !== undefined) ids.add(Number(id))
    else if (/^(?:Warning|Access denied|Pause)/.test(message) && message.length >= cutLength) cut = true
  }
  if (cut) for (const id of loggingIds(matched ?? [])) ids.add(id)
  const microseconds = phases.reduce((sum, phase) => sum + Number(data?.stopwatch?.[phase] ?? 0), 0)
  return { ruleIds: [...ids], disruptive: data?.action?.intercepted === true, score, microseconds }
}

/** Ids of the rules and whole chains of part K that log. */
function loggingIds(matched: NonNullable<LoggedTransaction['matched_rules']>): number[] {
  return matched
    .filter(({ full_chain_match: full, rules: [head] }) => full ?? head?.is_matched === true)
    .filter(({ rules: [head] }) => !/[",]nolog[",]/.test(head?.unparsed ?? ''))
    .map(({ rules: [head] }) => Number(head?.actionset?.id))
    .filter((id) => id !== scoreRuleId)
}
