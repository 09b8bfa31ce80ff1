/**
 * The CRS settings a ruleset arrives at: paranoia levels, thresholds, lists of allowed things.
 *
 * Rules set them in TX when a transaction begins, so they are found by running one harmless request and
 * reading TX: whatever order the files set them in, what is read here is what counts.
 */

import { noShortcuts, type Shortcuts } from './matching/index.js'
import type { TransactionRecord } from './model/exchange.js'
import type { Ruleset } from './model/ruleset.js'
import { runTransaction } from './transaction/phases.js'

export interface SettingsInForce {
  readonly blockingParanoia: number | null
  readonly detectionParanoia: number | null
  readonly inboundThreshold: number | null
  readonly outboundThreshold: number | null
  /** Every TX variable after the request, keys in lower case. */
  readonly tx: ReadonlyMap<string, string>
}

const harmless: TransactionRecord = {
  id: 'settings',
  label: 'benign',
  tags: [],
  request: {
    method: 'GET',
    uri: '/',
    httpVersion: '1.1',
    headers: [
      ['Host', 'www.example.com'],
      ['User-Agent', 'Mozilla/5.0'],
      ['Accept', '*/*'],
    ],
    body: '',
  },
  evidence: 'complete',
}

/** Shortcuts are worth while where this thread will evaluate records too; without them nothing is made ready. */
export function settingsInForce(ruleset: Ruleset, shortcuts: Shortcuts = noShortcuts): SettingsInForce {
  const { tx } = runTransaction(ruleset, harmless, { everything: false, shortcuts })
  const values = new Map(tx.all().map((entry) => [(entry.key ?? '').toLowerCase(), entry.value]))
  const read = (...names: string[]): number | null => {
    for (const name of names) {
      const value = Number.parseInt(values.get(name) ?? '', 10)
      if (!Number.isNaN(value)) return value
    }
    return null
  }
  return {
    blockingParanoia: read('blocking_paranoia_level', 'paranoia_level'),
    detectionParanoia: read('detection_paranoia_level', 'executing_paranoia_level'),
    inboundThreshold: read('inbound_anomaly_score_threshold'),
    outboundThreshold: read('outbound_anomaly_score_threshold'),
    tx: values,
  }
}
