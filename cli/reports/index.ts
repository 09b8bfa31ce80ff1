/**
 * The table of report formats of `wafsim run`.
 */
import type { ReportDefinition } from '../definitions.js'
import { jsonReport } from './json.js'
import { ndjsonReport } from './ndjson.js'
import { textReport } from './text.js'

export const reports: readonly ReportDefinition[] = [jsonReport, ndjsonReport, textReport]

export function findReport(name: string): ReportDefinition | null {
  return reports.find((report) => report.name === name) ?? null
}
