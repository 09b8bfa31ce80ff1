/**
 * What hostile records cost beside benign ones of the same size: CPU time of one process, so only ratios count.
 */
import { bundledCorpora } from '../../corpora/index.js'
import {
  allShortcuts,
  evaluate,
  type LoadedRuleset,
  loadRuleset,
  type PlatformName,
  type TransactionRecord,
} from '../../engine/index.js'
import { resolveRuleset } from '../../rulesets/index.js'
import { readAll } from '../peers/corpora.js'
import type { WorstCase } from './requests.js'

/** So that hostile records are inspected and not refused. */
const limits = 'SecRequestBodyLimit 50000000\nSecRequestBodyNoFilesLimit 50000000\nSecArgumentsLimit 20000\n'

/** The ruleset at paranoia 4, where it inspects most; detection only, so that no match saves the rules behind it. */
export function loadForWorstCases(rules: string, platform: PlatformName): LoadedRuleset {
  const { parts } = resolveRuleset({ rules: [rules], platform, paranoia: 4, set: [] })
  return loadRuleset({
    parts: [...parts, { kind: 'text', name: 'limits', text: limits }],
    platform,
    engineMode: 'detection-only',
  })
}

/** Bytes of a request: target, headers and body. */
export function bytesOf({ request }: TransactionRecord): number {
  const { uri, headers, body } = request
  return headers.reduce((sum, [name, value]) => sum + name.length + value.length, uri.length + body.length)
}

/**
 * Longest CPU time, in milliseconds, that the work takes between two looks at the clock, its begin and end included: so
 * long can a record go on beyond its time budget.
 */
function longestUnwatched(work: () => void): number {
  const now = performance.now.bind(performance)
  let last = process.cpuUsage()
  let longest = 0
  const look = (): number => {
    const { user, system } = process.cpuUsage(last)
    longest = Math.max(longest, (user + system) / 1000)
    last = process.cpuUsage()
    return now()
  }
  performance.now = look
  try {
    work()
  } finally {
    performance.now = now
  }
  look()
  return longest
}

/** CPU time in milliseconds. */
function cpuOf(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

export interface Cost {
  readonly name: string
  readonly bytes: number
  readonly milliseconds: number
  /** How often the cost of as many bytes of benign records. */
  readonly ratio: number
  /** Milliseconds that went by without a look at the clock, at most. */
  readonly unwatched: number
  /** Why there is no verdict, such as the time budget; null where there is one. */
  readonly error: string | null
}

export class Measurement {
  private constructor(
    private readonly loaded: LoadedRuleset,
    private readonly recordTimeout: number,
    /** Milliseconds a byte of the bundled benign corpus. */
    readonly benignCost: number,
  ) {}

  /** Measures the benign corpus once warm; no record has been seen by the memo then. */
  static async of(loaded: LoadedRuleset, recordTimeout: number): Promise<Measurement> {
    const benign = await readAll(bundledCorpora().benign)
    const replay = (memo: boolean): void => {
      for (const record of benign) evaluate(loaded.ruleset, record, { shortcuts: { ...allShortcuts, memo } })
    }
    replay(false)
    const bytes = benign.reduce((sum, record) => sum + bytesOf(record), 0)
    return new Measurement(loaded, recordTimeout, cpuOf(() => replay(true)) / bytes)
  }

  cost({ name, make }: WorstCase, size: number): Cost {
    const record = make(size)
    const bytes = bytesOf(record)
    let error: string | null = null
    let unwatched = 0
    const milliseconds = cpuOf(() => {
      unwatched = longestUnwatched(() => {
        error = evaluate(this.loaded.ruleset, record, { recordTimeout: this.recordTimeout }).error
      })
    })
    return { name, bytes, milliseconds, ratio: milliseconds / (this.benignCost * bytes), unwatched, error }
  }
}
