/**
 * The audit of existing exclusions: each finding fires where it should and nowhere else, on the platforms where it
 * differs; and the figures of one lifted replay are those of a replay with the exclusion taken out.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  Audit,
  type AuditedExclusion,
  evaluate,
  type FindingKind,
  loadRuleset,
  type PlatformName,
  type SourcePart,
  settingsInForce,
  type TransactionRecord,
} from '../engine/index.js'
import { type RequestShape, request } from './support/scenario.js'

const setup = `SecRuleEngine DetectionOnly
SecRequestBodyAccess On
SecAction "id:900110,phase:1,pass,nolog,setvar:tx.inbound_anomaly_score_threshold=5,setvar:tx.blocking_paranoia_level=1"
`
const score = ",setvar:'tx.inbound_anomaly_score_pl1=+5'"
const rulesText = `
SecRule REQUEST_HEADERS:Host "@rx ^[\\d.:]+$" "id:920350,phase:1,pass,log,msg:'Numeric host',tag:attack-protocol${score}"
SecRule ARGS|REQUEST_COOKIES "@contains bad" "id:942100,phase:2,pass,log,msg:'Bad words',tag:attack-sqli${score}"
SecRule ARGS "@contains worse" "id:942110,phase:2,pass,log,msg:'Worse words',tag:attack-sqli${score}"
SecRule ARGS:comment "@contains rude" "id:942120,phase:2,pass,log,msg:'Rude',tag:attack-rude${score}"
SecRule REQUEST_METHOD "@streq POST" "id:942130,phase:2,pass,log,chain,msg:'Posted',tag:attack-chain"
    SecRule ARGS "@contains posted" "setvar:'tx.inbound_anomaly_score_pl1=+5'"
SecAction "id:949060,phase:2,pass,nolog,setvar:'tx.blocking_inbound_anomaly_score=%{tx.inbound_anomaly_score_pl1}'"
SecRule TX:blocking_inbound_anomaly_score "@ge 5" "id:949110,phase:2,deny,log,msg:'Score',tag:anomaly-evaluation"
`

interface Scene {
  readonly before?: string
  readonly after?: string
  readonly platform?: PlatformName
  readonly requests?: readonly RequestShape[]
  readonly all?: boolean
}

const platformNames = ['modsec2', 'modsec3', 'coraza'] as const

function partsOf({ before = '', after = '' }: Scene): SourcePart[] {
  return [
    { kind: 'text', name: 'setup.conf', text: setup },
    { kind: 'text', name: 'before.conf', text: before },
    { kind: 'text', name: 'rules/REQUEST-942-X.conf', text: rulesText },
    { kind: 'text', name: 'after.conf', text: after },
  ]
}

function records(requests: readonly RequestShape[]): readonly TransactionRecord[] {
  return requests.map((shape, n) => request({ label: 'benign', id: `r${n}`, ...shape }))
}

function audited(scene: Scene) {
  const { platform = 'modsec3', requests = [{ uri: '/' }], all = false } = scene
  const loaded = loadRuleset({ parts: partsOf(scene), platform, keepExclusions: true })
  const audit = new Audit(loaded, settingsInForce(loaded.ruleset), { all })
  for (const record of records(requests))
    audit.add(record, evaluate(loaded.ruleset, record, { liftExclusions: audit.lifts }))
  return audit.report()
}

function only(scene: Scene): AuditedExclusion {
  const { exclusions } = audited(scene)
  assert.is(exclusions.length, 1, JSON.stringify(exclusions))
  return exclusions[0] as AuditedExclusion
}

const kinds = (scene: Scene): FindingKind[] => only(scene).findings.map(({ kind }) => kind)

function finds(kind: FindingKind, scene: Scene, reason?: RegExp): void {
  const { findings } = only(scene)
  const found = findings.filter((each) => each.kind === kind)
  assert.ok(found.length > 0, `${kind} in ${JSON.stringify(scene)}: ${JSON.stringify(findings)}`)
  if (reason !== undefined)
    assert.ok(
      found.some((each) => reason.test(each.reason)),
      JSON.stringify(found),
    )
}

function lacks(kind: FindingKind, scene: Scene): void {
  assert.not(
    kinds(scene).includes(kind),
    `${kind} in ${JSON.stringify(scene)}: ${JSON.stringify(only(scene).findings)}`,
  )
}

const ctl = (action: string, condition = ''): string =>
  condition === ''
    ? `SecAction "id:10000,phase:1,pass,nolog,ctl:${action}"\n`
    : `SecRule ${condition} "id:10000,phase:1,pass,nolog,ctl:${action}"\n`

test('needed, and how many requests would be blocked', () => {
  const requests = [{ uri: '/a?x=bad' }, { uri: '/a?x=bad&y=bad' }, { uri: '/b' }]
  const { findings, evidence, file, line } = only({ after: '\nSecRuleRemoveById 942100\n', requests })
  assert.is(`${file}:${line}`, 'after.conf:2')
  assert.ok(findings.some(({ kind }) => kind === 'needed'))
  assert.equal(
    [evidence?.hits, evidence?.hitsAlone, evidence?.requests, evidence?.wouldBlock, evidence?.inForce],
    [2, 2, 2, 2, 3],
  )
  lacks('needed', { after: 'SecRuleRemoveById 942100', requests: [{ uri: '/b' }] })
})

test('never needed: by a directive, by a condition that never held, by attacks alone', () => {
  finds('never-needed', { after: 'SecRuleRemoveById 942100' }, /nothing in 1 request\b/)
  finds(
    'never-needed',
    { before: ctl('ruleRemoveById=942100', 'REQUEST_FILENAME "@streq /x"') },
    /held for none of 1 request/,
  )
  const attack: RequestShape = { uri: '/?x=bad', label: 'attack' }
  finds('never-needed', { after: 'SecRuleRemoveById 942100', requests: [attack] }, /1 attack and lets 1 of them pass/)
  lacks('never-needed', { after: 'SecRuleRemoveById 942100', requests: [{ uri: '/?x=bad' }] })
})

test('redundant where another suppresses all of it', () => {
  const requests = [{ uri: '/?x=bad' }]
  const { exclusions } = audited({
    after: 'SecRuleRemoveById 942100\nSecRuleUpdateTargetById 942100 "!ARGS:x"\n',
    requests,
  })
  assert.equal(
    exclusions.map(({ findings }) => findings.map(({ kind }) => kind)),
    [['redundant'], ['redundant']],
  )
  assert.match(exclusions[0]?.findings[0]?.reason ?? '', /after\.conf:2/)
  const more = audited({
    after: 'SecRuleRemoveById 942100\nSecRuleUpdateTargetById 942100 "!ARGS:x"\n',
    requests: [...requests, { uri: '/?y=bad' }],
  }).exclusions
  assert.not(more[0]?.findings.some(({ kind }) => kind === 'redundant'))
})

test('stale ids, ranges, tags and messages', () => {
  finds('stale', { after: 'SecRuleRemoveById 981173' }, /981173/)
  finds('stale', { after: 'SecRuleRemoveById 942100 981173' }, /has the others/)
  finds('stale', { after: 'SecRuleRemoveById 950000-950999' })
  finds('stale', { after: 'SecRuleRemoveByTag gone' })
  finds('stale', { after: 'SecRuleRemoveByMsg "Gone"' })
  for (const after of ['SecRuleRemoveById 942100', 'SecRuleRemoveByTag attack-rude', 'SecRuleRemoveByMsg "Rude"'])
    lacks('stale', { after })
})

test('broader than its evidence, with the narrower text', () => {
  const requests = [{ uri: '/post?text=bad' }, { uri: '/about' }]
  const removed = only({ after: 'SecRuleRemoveById 942100', requests })
  const broader = removed.findings.find(({ kind }) => kind === 'broader-than-evidence')
  assert.match(broader?.instead ?? '', /@streq \/post/)
  assert.match(broader?.instead ?? '', /ctl:ruleRemoveTargetById=942100;ARGS:text/)
  const byTag = only({
    before: ctl('ruleRemoveTargetByTag=attack-sqli;ARGS:text', 'REQUEST_FILENAME "@streq /post"'),
    requests,
  })
  assert.is(
    byTag.findings.find(({ kind }) => kind === 'broader-than-evidence')?.instead,
    'ctl:ruleRemoveTargetById=942100;ARGS:text',
  )
  lacks('broader-than-evidence', {
    before: ctl('ruleRemoveTargetById=942100;ARGS:text', 'REQUEST_FILENAME "@streq /post"'),
    requests,
  })
})

test('a narrower text works as it is printed', () => {
  const requests = [{ uri: '/post?text=bad' }, { uri: '/post?text=fine' }]
  const { findings } = only({ after: 'SecRuleRemoveByTag attack-sqli', requests })
  const before = findings.find(({ kind }) => kind === 'broader-than-evidence')?.instead ?? ''
  for (const record of records(requests)) {
    const { ruleset } = loadRuleset({ parts: partsOf({ before }), platform: 'modsec3' })
    assert.is(evaluate(ruleset, record).score.inbound, 0)
  }
})

test('placebo: a part of the ids is read', () => {
  const range = { before: ctl('ruleRemoveTargetById=942100-942110;ARGS') }
  finds('placebo', { ...range, platform: 'modsec3' }, /first id of a range.*942110/)
  for (const platform of ['modsec2', 'coraza'] as const) lacks('placebo', { ...range, platform })
  const list = { after: 'SecRuleUpdateTargetById "942100 942110" "!ARGS:x"' }
  for (const platform of platformNames) finds('placebo', { ...list, platform }, /942110/)
  finds('placebo', {
    before: `SecAction "id:10000,phase:1,pass,nolog,ctl:'ruleRemoveById=942100,942110'"\n`,
    platform: 'coraza',
  })
})

test('placebo: a directive before its rules', () => {
  const scene = { before: 'SecRuleRemoveById 942100' }
  for (const platform of ['modsec2', 'coraza'] as const) finds('placebo', { ...scene, platform }, /loaded behind it/)
  lacks('placebo', scene)
  for (const platform of platformNames) lacks('placebo', { after: 'SecRuleRemoveById 942100', platform })
})

test('placebo: a ctl action after its rules', () => {
  finds(
    'placebo',
    { after: `SecAction "id:10000,phase:2,pass,nolog,ctl:ruleRemoveById=942100"` },
    /stands behind 942100/,
  )
  finds(
    'placebo',
    { before: `SecAction "id:10000,phase:2,pass,nolog,ctl:ruleRemoveById=920350"` },
    /phase 2, after 920350/,
  )
  lacks('placebo', { before: `SecAction "id:10000,phase:2,pass,nolog,ctl:ruleRemoveById=942100"` })
})

test('placebo: targets that are not inspected, or not reached', () => {
  finds('placebo', { after: 'SecRuleUpdateTargetById 920350 "!ARGS:x"' }, /not inspect ARGS:x, but REQUEST_HEADERS/)
  const child = { before: ctl('ruleRemoveTargetById=942130;ARGS:x') }
  for (const platform of ['modsec2', 'modsec3'] as const) finds('placebo', { ...child, platform }, /behind the head/)
  lacks('placebo', { ...child, platform: 'coraza' })
  lacks('placebo', { after: 'SecRuleUpdateTargetById 942130 "!ARGS:x"', platform: 'modsec2' })
  const whole = { before: ctl('ruleRemoveTargetById=942120;ARGS') }
  finds('placebo', { ...whole, platform: 'modsec3' }, /inspects ARGS:comment/)
  for (const platform of ['modsec2', 'coraza'] as const) lacks('placebo', { ...whole, platform })
})

test('placebo: spelling', () => {
  const lower = { before: ctl('ruleRemoveTargetById=942100;args:x') }
  finds('placebo', { ...lower, platform: 'modsec3' }, /it is ARGS/)
  for (const platform of ['modsec2', 'coraza'] as const) lacks('placebo', { ...lower, platform })
  const key = { before: ctl('ruleRemoveTargetById=942100;ARGS:text'), requests: [{ uri: '/?Text=bad' }] }
  finds('placebo', { ...key, platform: 'modsec3' }, /requests have ARGS:Text/)
  for (const platform of ['modsec2', 'coraza'] as const) lacks('placebo', { ...key, platform })
  const pattern = { before: ctl('ruleRemoveTargetById=942100;ARGS:/x/') }
  for (const platform of ['modsec2', 'modsec3'] as const) finds('placebo', { ...pattern, platform }, /no pattern/)
  lacks('placebo', { ...pattern, platform: 'coraza' })
  finds('placebo', { before: ctl('ruleRemoveTargetById=942100;ARGS:/X/'), platform: 'coraza' }, /lower case/)
  const tag = { after: 'SecRuleRemoveByTag attack-s' }
  for (const platform of ['modsec3', 'coraza'] as const) finds('placebo', { ...tag, platform }, /whole tag/)
  lacks('placebo', { ...tag, platform: 'modsec2' })
})

test('placebo: names in JSON bodies as another platform spells them', () => {
  const named = (key: string) => ({ before: ctl(`ruleRemoveTargetById=942100;ARGS:${key}`) })
  finds('placebo', { ...named('json.a.array_0.b'), platform: 'coraza' }, /json\.a\.0\.b/)
  finds('placebo', { ...named('json.a.0.b'), platform: 'modsec3' }, /array_0/)
  finds('placebo', { ...named('json.a.b'), platform: 'modsec2' }, /without `json\.`/)
  lacks('placebo', { ...named('json.a.array_0.b'), platform: 'modsec3' })
  lacks('placebo', { ...named('json.a.0.b'), platform: 'coraza' })
})

test('placebo: what the platform does not load, and <Location>', () => {
  finds('placebo', { before: ctl('ruleRemoveByMsg=Rude'), platform: 'modsec3' }, /does not know/)
  lacks('placebo', { before: ctl('ruleRemoveByMsg=Rude'), platform: 'coraza' })
  const located = (id: number) => ({ after: `<Location /x>\nSecRuleRemoveById ${id}\n</Location>\n` })
  finds('placebo', { ...located(920350), platform: 'modsec2' }, /phase 1/)
  lacks('placebo', { ...located(942100), platform: 'modsec2' })
  finds('placebo', { ...located(942100), platform: 'modsec3' }, /knows no <Location/)
})

test('dangerous: protected rules and whole classes', () => {
  finds('dangerous', { after: 'SecRuleRemoveById 949110' }, /scores block nothing/)
  finds('dangerous', { after: 'SecRuleRemoveById 949060' }, /sum up/)
  finds('dangerous', { after: 'SecRuleRemoveById 942100-949999' })
  finds('dangerous', { after: 'SecRuleRemoveByTag anomaly-evaluation' })
  lacks('dangerous', { after: 'SecRuleRemoveById 942100-942999' })
  lacks('dangerous', { after: 'SecRuleUpdateTargetById 942100-949999 "!ARGS:x"' })
  const many = Array.from(
    { length: 12 },
    (_, n) => `SecRule ARGS "@contains q" "id:${5000 + n},phase:2,pass,log,tag:big"\n`,
  ).join('')
  const big = (text: string) =>
    audited({ after: `${many}${text}` }).exclusions[0]?.findings.map(({ kind }) => kind) ?? []
  assert.ok(big('SecRuleRemoveByTag big').includes('dangerous'))
  assert.ok(big('SecRuleUpdateTargetByTag big "!ARGS"').includes('dangerous'))
  assert.not(big('SecRuleUpdateTargetByTag big "!ARGS:x"').includes('dangerous'))
})

test('dangerous: conditions that a client can meet', () => {
  const at = (condition: string) => ({ before: ctl('ruleRemoveById=942100', condition) })
  const bad = [
    'REMOTE_ADDR "@ipMatch 0.0.0.0/0"',
    'REMOTE_ADDR "@ipMatch 10.0.0.0/8"',
    'REMOTE_ADDR "@ipMatch 192.0.2.1"',
    'REMOTE_ADDR "@beginsWith 192.0.2."',
    'REQUEST_HEADERS:User-Agent "@contains bot"',
    'REQUEST_HEADERS:Host "@streq shop.example"',
    'REQUEST_COOKIES:admin "@streq 1"',
    'REQUEST_FILENAME "@endsWith /edit"',
    'REQUEST_URI "@contains /admin"',
    'REQUEST_URI "@beginsWith /admin"',
    'REQUEST_FILENAME "@rx /admin"',
    'REQUEST_FILENAME "!@streq /admin"',
  ]
  for (const condition of bad) finds('dangerous', at(condition))
  const good = [
    'REMOTE_ADDR "@ipMatch 192.0.2.1/32"',
    'REQUEST_FILENAME "@streq /edit"',
    'REQUEST_FILENAME "@beginsWith /admin/"',
    'REQUEST_FILENAME "@rx ^/admin$"',
  ]
  for (const condition of good) lacks('dangerous', at(condition))
  const chained = `SecRule REQUEST_HEADERS:Host "@streq a.example" "id:10000,phase:1,pass,nolog,chain"
    SecRule REQUEST_FILENAME "@streq /x" "t:none,ctl:ruleRemoveById=942100"`
  lacks('dangerous', { before: chained })
})

test('dangerous: an action before the last link of a chain, where the platform does not wait for it', () => {
  const before = `SecRule REQUEST_FILENAME "@streq /x" "id:10000,phase:1,pass,nolog,ctl:ruleRemoveById=942100,chain"
    SecRule REMOTE_ADDR "@ipMatch 192.0.2.1/32" "t:none"`
  for (const platform of ['modsec2', 'coraza'] as const)
    finds('dangerous', { before, platform }, /link behind it does not/)
  lacks('dangerous', { before, platform: 'modsec3' })
})

test('dangerous: the engine off', () => {
  finds('dangerous', { before: ctl('ruleEngine=Off', 'REQUEST_FILENAME "@streq /x"') }, /engine off/)
  finds('dangerous', { before: ctl('requestBodyAccess=Off') }, /request body/)
  finds('dangerous', { after: '<Location /x>\nSecRuleEngine Off\n</Location>\n', platform: 'modsec2' })
  assert.equal(audited({ before: ctl('ruleEngine=On') }).exclusions, [])
})

test("the ruleset's own are listed apart, and judged where asked for", () => {
  const own =
    'SecRule REQUEST_FILENAME "@streq /x" "id:942010,phase:1,pass,nolog,ctl:ruleRemoveTargetById=942100;ARGS:x"\n'
  const scene = (all: boolean) => {
    const parts = [
      ...partsOf({}).slice(0, 2),
      { kind: 'text' as const, name: 'rules/REQUEST-905-Y.conf', text: own },
      ...partsOf({}).slice(2),
    ]
    const loaded = loadRuleset({ parts, platform: 'modsec3', keepExclusions: true })
    return new Audit(loaded, settingsInForce(loaded.ruleset), { all }).report()
  }
  assert.equal([scene(false).exclusions.length, scene(false).own.length], [0, 1])
  assert.equal([scene(true).exclusions.length, scene(true).own.length], [1, 0])
})

test('figures are those of a replay with the exclusion taken out', () => {
  const lines = [
    'SecRuleRemoveById 942100',
    'SecRuleUpdateTargetByTag attack-sqli "!ARGS:x"',
    'SecRuleUpdateTargetById 942120 "!ARGS:comment"',
    'SecRuleRemoveById 942130',
  ]
  const words = ['bad', 'worse', 'rude', 'posted', 'fine', 'bad worse']
  const requests = words.flatMap((word) =>
    ['x', 'y', 'comment'].flatMap((name) => [
      { uri: `/p?${name}=${encodeURIComponent(word)}` },
      { uri: '/p', body: `${name}=${encodeURIComponent(word)}&x=worse` },
    ]),
  )
  for (const platform of platformNames) {
    const blocked = (after: string): readonly string[] => {
      const { ruleset } = loadRuleset({ parts: partsOf({ after }), platform })
      return records(requests)
        .filter((record) => evaluate(ruleset, record).wouldBlock)
        .map(({ id }) => id)
    }
    const base = blocked(lines.join('\n'))
    const { exclusions } = audited({ after: lines.join('\n'), platform, requests })
    lines.forEach((_, n) => {
      const without = blocked(lines.filter((__, at) => at !== n).join('\n'))
      assert.is(exclusions[n]?.evidence?.wouldBlock, without.length - base.length, `${platform}: ${lines[n]}`)
    })
  }
})

test('records in error or of incomplete evidence prove nothing', () => {
  const loaded = loadRuleset({
    parts: partsOf({ after: 'SecRuleRemoveById 942100' }),
    platform: 'modsec3',
    keepExclusions: true,
  })
  const audit = new Audit(loaded, settingsInForce(loaded.ruleset), { all: false })
  const record: TransactionRecord = { ...request({ uri: '/?x=bad' }), evidence: 'truncated' }
  audit.add(record, evaluate(loaded.ruleset, record, { liftExclusions: audit.lifts }))
  assert.equal(audit.report().records, { benign: 0, attack: 0, unknown: 0, leftOut: 1 })
  assert.is(audit.report().exclusions[0]?.evidence?.hits, 0)
})

test.run()
