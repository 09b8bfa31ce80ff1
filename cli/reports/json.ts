/**
 * The whole report as one JSON object: the contract's `run --format json`.
 */
import type { ReportDefinition } from '../definitions.js'
import { maskValue } from './redact.js'
import type { FalsePositiveGroup, RunReport } from './run-report.js'

export const jsonReport: ReportDefinition = {
  name: 'json',
  doc: 'the whole report as one JSON object',
  kind: 'whole',
  redactsByDefault: false,
  render: (report, options) => `${JSON.stringify(options.redact ? redacted(report) : report, null, 2)}\n`,
}

function redacted(report: RunReport): RunReport {
  const mask = (groups: readonly FalsePositiveGroup[]): FalsePositiveGroup[] =>
    groups.map((group) => ({
      ...group,
      examples: group.examples.map((example) => ({
        ...example,
        value: maskValue(example.value),
        logdata: maskValue(example.logdata),
      })),
    }))
  return { ...report, falsePositives: mask(report.falsePositives), unlabelledBlocks: mask(report.unlabelledBlocks) }
}
