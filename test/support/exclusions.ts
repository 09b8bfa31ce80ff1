/**
 * Exclusions made up for tests, plain ones and ones from captures that try to break out of comments and quotes.
 */
import { type Exclusion, type PlatformName, platforms } from '../../engine/index.js'
import { scopedRule, settingAction } from '../../engine/tuning/config-text.js'
import { literalTemplate } from '../../engine/tuning/place.js'
import { IdRange, proposeExclusion } from '../../engine/tuning/propose.js'
import { rules } from './scenario.js'

export function exclusion(change: Partial<Exclusion> = {}): Exclusion {
  const ruleId = change.ruleIds?.[0] ?? 942_100
  const configIds = change.configIds ?? [10_001]
  return {
    key: `k${ruleId}`,
    kind: 'ctl-remove-by-id',
    ruleIds: [ruleId],
    tags: [],
    targets: [],
    scope: { path: '/contact', host: null, method: null },
    platform: 'modsec3',
    placement: 'before',
    configIds,
    directive: scopedRule(
      configIds[0] ?? 10_001,
      { template: literalTemplate('/contact', platforms.modsec3), method: null, host: null },
      [`ruleRemoveById=${ruleId}`],
      platforms.modsec3,
    ),
    clears: { requests: 3, hits: 4, recordIds: [] },
    attacksLost: 1,
    detectionsLost: 2,
    opens: [],
    evidence: { requests: 3, of: 100, example: 'record-1' },
    proof: 'replayed',
    alternatives: [],
    ...change,
  }
}

export const removal = (ruleId: number): Exclusion =>
  exclusion({
    kind: 'remove-by-id',
    placement: 'after',
    ruleIds: [ruleId],
    configIds: [],
    directive: `SecRuleRemoveById ${ruleId}`,
  })

export const setting: Exclusion = exclusion({
  key: 'setting',
  kind: 'setting',
  placement: 'setup',
  ruleIds: [911_100],
  configIds: [10_009],
  directive: `# crs-setup.conf: edit rule 900200 instead where it is in use\n${settingAction(10_009, 'allowed_methods', 'GET HEAD POST PUT')}`,
})

/** Numbers from 0 up to below 1, the same for the same seed. */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

const pieces = [
  '\n',
  '\r',
  '\\',
  '"',
  "'",
  '`',
  '{$HOME}',
  '$' + '{PATH}',
  '%{tx.0}',
  '#',
  ',',
  ';',
  '|',
  '<',
  '>',
  ' ',
  '\t',
  '\0',
  '\x1b[2J',
  '\xe2\x80\xa8',
  '\x85',
  '\xff',
  '*/',
  '*',
  '/',
  'a',
  'item',
  '0',
  '</Location>',
  'SecRuleEngine Off',
  'SecRuleRemoveById 1-999999',
  ' wafsim:begin key=a kind=setting place=setup rules= ids= date=2026-01-01',
  '# wafsim:end key=a sha=0123456789abcdef',
  '\nSecRuleEngine Off\n',
  "';",
  '`\n}',
  '"\n]',
  'id:1,deny',
  '=',
  ':',
  '[',
  ']',
  '(',
  ')',
  '$',
  '^',
  '.',
  '+',
  '?',
  '&',
  '~',
]

export function hostileText(next: () => number): string {
  const length = 1 + Math.floor(next() * 6)
  let text = ''
  for (let i = 0; i < length; i++) text += pieces[Math.floor(next() * pieces.length)] ?? ''
  return text
}

export interface HostileCase {
  readonly exclusion: Exclusion
  readonly message: string
}

const flagged = [942_100, 941_320, 911_100, 920_420, 932_130]
  .map((id) => `SecRule ARGS "@contains x" "id:${id},phase:2,deny,tag:'attack-made-up'"`)
  .join('\n')

/** What would be proposed for hits that an attacker chose; the ids are from 10000 + 10 × number on. */
export function hostileCase(next: () => number, number: number, platform: PlatformName): HostileCase {
  const ruleId = [942_100, 941_320, 911_100, 920_420, 932_130][Math.floor(next() * 5)] ?? 942_100
  const target = next() < 0.5 ? `ARGS:${hostileText(next)}` : 'ARGS:message'
  const example = { id: hostileText(next), source: null, value: hostileText(next), logdata: hostileText(next) }
  const group = {
    ruleId,
    msg: hostileText(next),
    target,
    link: next() < 0.2 ? 1 : 0,
    method: hostileText(next),
    path: `/${hostileText(next)}`,
    requests: 3,
    blockedRequests: 2,
    hits: 4,
    examples: [example],
    recordIds: [example.id],
    comparedValues: [hostileText(next), next() < 0.5 ? 'PUT' : hostileText(next)],
  }
  const tx = new Map([
    ['allowed_methods', 'GET HEAD POST'],
    ['allowed_request_content_type', '|text/xml|'],
  ])
  const settings = { blockingParanoia: 1, detectionParanoia: 1, inboundThreshold: 5, outboundThreshold: 4, tx }
  const { ruleset } = rules(flagged, platform)
  const input = { ruleset, platform: platforms[platform], settings, of: 100 }
  const proposed = proposeExclusion(group, input, new IdRange(10_000 + 10 * number))
  if (proposed === null) throw new Error(`nothing proposed for ${ruleId}`)
  const chosen = next() < 0.3 ? (proposed.alternatives[0] ?? proposed) : proposed
  return { exclusion: { ...chosen, key: `${chosen.key}-${number}` }, message: hostileText(next) }
}
