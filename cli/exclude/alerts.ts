/**
 * `wafsim exclude --alerts`: what can be said from logs that hold no requests. Nothing is replayed.
 */
import { readAlerts } from '../../corpora/alerts/index.js'
import { type AlertGroup, AlertGroups, laddersAt, UsageError } from '../../engine/index.js'
import type { ExcludeOptions } from '../commands/exclude.js'
import { type ExitStatus, exitStatus } from '../definitions.js'
import { ladderText } from '../layouts/index.js'
import { write } from '../output.js'
import { count, plural, safe } from '../reports/layout.js'
import { handInput } from './by-hand.js'

/** Groups whose ladder the text shows; the JSON report has all. */
const shownGroups = 20

export async function excludeFromAlerts(options: ExcludeOptions): Promise<ExitStatus> {
  if (options.apply !== undefined)
    throw new UsageError('--apply takes exclusions that are proven: give a corpus with --corpus')
  const input = handInput(options, 0)
  const groups = new AlertGroups(input.ruleset.platform)
  const counts = await readAlerts(options.alerts, (alert) => groups.add(alert))
  if (counts.alerts === 0)
    throw new UsageError(`no alert in ${plural(counts.lines, 'line')}; are these error logs or audit logs of the WAF?`)
  const list = groups.list()
  const placed = list.flatMap(({ spot }) => spot ?? [])
  const ladderOf = new Map(laddersAt(placed, input).map((ladder, at) => [placed[at], ladder]))
  const ladders = list.map((group) => ({
    group,
    ladder: (group.spot === null ? undefined : ladderOf.get(group.spot)) ?? null,
  }))
  if (options.format === 'json') {
    const requests = groups.requests
    await write(
      process.stdout,
      `${JSON.stringify({ proof: 'unproven', counts, requests, ofProtectedRules: groups.ofProtectedRules, groups: ladders }, null, 2)}\n`,
    )
    return exitStatus.ok
  }
  if (options.format === 'conf') {
    for (const { ladder } of ladders) {
      const best = ladder?.rungs.find(({ preferred }) => preferred)?.exclusion
      if (best) await write(process.stdout, `# unproven: from alerts, without a replay\n${best.directive}\n`)
    }
    return exitStatus.ok
  }
  const { alerts, unreadable, unreadableAt, withoutTarget, truncated } = counts
  const lines = [
    `${plural(alerts, 'alert')} of ${plural(groups.requests, 'request')} in ${plural(counts.lines, 'line')}: all that follows is unproven, because logs hold no requests to replay`,
    ...(groups.ofProtectedRules > 0
      ? [`${plural(groups.ofProtectedRules, 'alert')} of rules that only weigh or steer others: never exclude those`]
      : []),
    ...(withoutTarget > 0 ? [`${plural(withoutTarget, 'alert')} without the name of what matched`] : []),
    ...(truncated > 0 ? [`${plural(truncated, 'alert')} cut by the log`] : []),
    ...(unreadable > 0
      ? [
          `${plural(unreadable, 'line')} unreadable: ${unreadableAt.map(({ file, line }) => `${safe(file)}:${line}`).join(', ')}`,
        ]
      : []),
  ]
  await write(process.stdout, `${lines.join('\n')}\n`)
  for (const { group, ladder } of ladders.slice(0, shownGroups)) {
    await write(process.stdout, `\n${heading(group)}\n`)
    await write(
      process.stdout,
      ladder === null ? '  the alerts do not say what matched and where\n' : ladderText(ladder),
    )
  }
  if (ladders.length > shownGroups)
    await write(process.stdout, `\n… and ${count(ladders.length - shownGroups)} more groups (--format json has all)\n`)
  return exitStatus.ok
}

function heading({ ruleId, msg, path, target, alerts, requests, disrupted }: AlertGroup): string {
  const where = [path, target].filter((text) => text !== null).map(safe)
  return `${ruleId} ${safe(msg)}\n${where.join('  ')}: ${plural(alerts, 'alert')} of ${plural(requests, 'request')}, ${count(disrupted)} of them disrupted`
}
