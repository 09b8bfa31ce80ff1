/**
 * One line a record, in input order: the contract's `run --format ndjson`.
 */
import type { Match, Verdict } from '../../engine/index.js'
import type { ReportDefinition } from '../definitions.js'
import { maskValue } from './redact.js'

export const ndjsonReport: ReportDefinition = {
  name: 'ndjson',
  doc: 'one JSON object a record, in input order, as the run goes on',
  kind: 'lines',
  redactsByDefault: false,
  line: (verdict, options) => JSON.stringify(options.redact ? redacted(verdict) : verdict),
}

function redacted(verdict: Verdict): Verdict {
  return {
    ...verdict,
    matches: verdict.matches.map((match: Match) => ({
      ...match,
      value: maskValue(match.value),
      logdata: maskValue(match.logdata),
    })),
  }
}
