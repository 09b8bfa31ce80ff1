/**
 * The first lines of every report for people: what was tested.
 */
import { count, plural, safe, wrap } from './layout.js'
import type { RunReport } from './run-report.js'

export type Tested = Pick<RunReport, 'ruleset' | 'totals' | 'corpus' | 'tool'>

export function testedLines({ ruleset, totals, corpus, tool }: Tested, width: number): string {
  const { settings } = ruleset
  const phases = ruleset.rulesByPhase.map((rules, n) => `phase ${n + 1}: ${rules}`).join(', ')
  const components = ruleset.components.length === 0 ? '' : ` (${ruleset.components.map(safe).join(', ')})`
  const paranoia =
    settings.blockingParanoia === null
      ? 'no paranoia levels'
      : `paranoia ${settings.blockingParanoia} blocking, ${settings.detectionParanoia ?? settings.blockingParanoia} detection`
  const thresholds =
    settings.inboundThreshold === null
      ? 'no anomaly thresholds'
      : `thresholds ${settings.inboundThreshold} inbound, ${settings.outboundThreshold ?? '–'} outbound`
  const { benign, attack, unknown } = totals.byLabel
  const incomplete = Object.entries(totals.byEvidence).filter(([kind, n]) => kind !== 'complete' && n > 0)
  const evidence =
    incomplete.length === 0
      ? 'all complete'
      : `${count(totals.byEvidence.complete)} complete, ${incomplete.map(([kind, n]) => `${count(n)} ${kind}`).join(', ')} (incomplete records prove nothing and are in no benign or attack figure)`
  const lines = [
    `wafsim ${tool.version}: rules ${safe(ruleset.name)}${components}`,
    `${count(ruleset.rulesLoaded)} rules loaded (${phases}), ${plural(ruleset.exclusions.length, 'exclusion')} already in the ruleset`,
    `platform ${ruleset.platform}, engine ${ruleset.engineMode}, ${paranoia}, ${thresholds}`,
    `${plural(totals.transactions, 'record')} from ${plural(corpus.sources.length, 'source')}: ${count(benign)} benign, ${count(attack)} attack, ${count(unknown)} unlabelled; evidence: ${evidence}`,
  ]
  if (ruleset.evaluation === 'capture-order')
    lines.push('records evaluated one by one in capture order: the rules keep persistent collections')
  if (ruleset.unsimulated.length > 0)
    lines.push(
      `${plural(ruleset.unsimulated.length, 'rule part')} cannot be simulated: \`wafsim rules check\` lists them`,
    )
  return lines.map((line) => wrap(line, width)).join('\n')
}
