/**
 * For a group of false positives the exclusion to paste: the narrowest form the group allows, with the plain
 * SecRuleRemoveById beside it; for a rule that a setting drives, the setting.
 *
 * Proposals here are not replayed (`proof: "unproven"`).
 */
import { createHash } from 'node:crypto'
import type { Platform } from '../model/platform.js'
import type { SettingsInForce } from '../settings-in-force.js'
import { isWritableTarget, scopedRule, settingAction } from './config-text.js'
import type { Exclusion, ExclusionKind } from './exclusion.js'
import type { HitGroup } from './false-positives.js'
import { settingRule } from './setting-rules.js'

export interface ProposeInput {
  readonly platform: Platform
  readonly settings: SettingsInForce
  /** Records the group's requests are a part of. */
  readonly of: number
}

/** Gives out ids for the rules that exclusions add: the field's range for rules before CRS. */
export class IdRange {
  #next: number
  constructor(first = 10_000) {
    this.#next = first
  }
  take(): number {
    return this.#next++
  }
}

export function proposeExclusion(group: HitGroup, input: ProposeInput, ids: IdRange): Exclusion {
  const plain = removeById(group, input)
  const setting = changeSetting(group, input, ids)
  if (setting !== null) return { ...setting, alternatives: [removeAtPath(group, input, ids), plain] }
  const targeted = removeTargetAtPath(group, input, ids)
  if (targeted !== null) return { ...targeted, alternatives: [plain] }
  return { ...removeAtPath(group, input, ids), alternatives: [plain] }
}

interface Form {
  readonly kind: ExclusionKind
  readonly targets: readonly string[]
  readonly path: string | null
  readonly placement: Exclusion['placement']
  readonly configIds: readonly number[]
  readonly directive: string
  readonly opens?: readonly string[]
}

function exclusion(group: HitGroup, input: ProposeInput, form: Form): Exclusion {
  const identity = JSON.stringify([form.kind, group.ruleId, form.targets, form.path])
  return {
    key: createHash('sha256').update(identity, 'latin1').digest('hex').slice(0, 12),
    kind: form.kind,
    ruleIds: [group.ruleId],
    tags: [],
    targets: form.targets,
    scope: { path: form.path, host: null, method: null },
    platform: input.platform.name,
    placement: form.placement,
    configIds: form.configIds,
    directive: form.directive,
    clears: { requests: group.requests, hits: group.hits, recordIds: group.recordIds },
    attacksLost: null,
    detectionsLost: null,
    opens: form.opens ?? [],
    evidence: { requests: group.requests, of: input.of, example: group.examples[0]?.id ?? '' },
    proof: 'unproven',
    alternatives: [],
  }
}

function removeById(group: HitGroup, input: ProposeInput): Exclusion {
  return exclusion(group, input, {
    kind: 'remove-by-id',
    targets: [],
    path: null,
    placement: 'after',
    configIds: [],
    directive: `SecRuleRemoveById ${group.ruleId}`,
  })
}

function removeAtPath(group: HitGroup, input: ProposeInput, ids: IdRange): Exclusion {
  const id = ids.take()
  return exclusion(group, input, {
    kind: 'ctl-remove-by-id',
    targets: [],
    path: group.path,
    placement: 'before',
    configIds: [id],
    directive: scopedRule(id, group.path, [`ruleRemoveById=${group.ruleId}`], input.platform),
  })
}

/** Null where the platform would not honour it: a target read behind a chain's head, a name it cannot spell. */
function removeTargetAtPath(group: HitGroup, input: ProposeInput, ids: IdRange): Exclusion | null {
  if (group.link > 0 && !input.platform.targetExclusionReachesChain) return null
  if (!isWritableTarget(group.target) || group.target.startsWith('TX:')) return null
  const id = ids.take()
  return exclusion(group, input, {
    kind: 'ctl-remove-target-by-id',
    targets: [group.target],
    path: group.path,
    placement: 'before',
    configIds: [id],
    directive: scopedRule(id, group.path, [`ruleRemoveTargetById=${group.ruleId};${group.target}`], input.platform),
  })
}

function changeSetting(group: HitGroup, input: ProposeInput, ids: IdRange): Exclusion | null {
  const rule = settingRule(group.ruleId)
  const current = rule === null ? undefined : input.settings.tx.get(rule.name)
  if (rule === null || current === undefined) return null
  const value = rule.propose(current, group.comparedValues)
  if (value === null) return null
  const id = ids.take()
  const action = settingAction(id, rule.name, value)
  if (action === null) return null
  return exclusion(group, input, {
    kind: 'setting',
    targets: [`TX:${rule.name}`],
    path: null,
    placement: 'setup',
    configIds: [id],
    directive: `# crs-setup.conf: edit rule ${rule.setupId} instead where it is in use\n${action}`,
    opens: rule.opens,
  })
}
