/**
 * Severities of rules, 0 to 7, as syslog names them (reference manual, "severity").
 */
export const severities: readonly string[] = [
  'EMERGENCY',
  'ALERT',
  'CRITICAL',
  'ERROR',
  'WARNING',
  'NOTICE',
  'INFO',
  'DEBUG',
]

/** Name of a severity; empty for null. */
export function severityName(severity: number | null): string {
  return severity === null ? '' : (severities[severity] ?? '')
}
