/**
 * The price of a set of exclusions, held against brute force: every payload written by hand into every place that the
 * exclusions open, evaluated before and after.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type Candidate,
  evaluate,
  gatherAttacks,
  type PlatformName,
  type Pricing,
  priceExclusions,
  type Ruleset,
  type TransactionRecord,
  textsOf,
  type Verdict,
} from '../engine/index.js'
import { folderWith, wafsim } from './support/cli.js'
import {
  crsStyle,
  loadWith,
  type RulesetText,
  type Synthesised,
  synthesiseInMemory,
  trialOf,
} from './support/laboratory.js'
import { dice } from './support/random-traffic.js'
import { request } from './support/scenario.js'

const add = (points: number): string => `setvar:'tx.inbound_anomaly_score_pl1=+${points}'`
const text =
  crsStyle(`SecRule ARGS|REQUEST_COOKIES "@contains union" "id:942100,phase:2,pass,log,tag:'attack-sqli',${add(5)}"
SecRule ARGS|REQUEST_COOKIES "@contains select" "id:942110,phase:2,pass,log,tag:'attack-sqli',${add(3)}"
SecRule ARGS "@contains script" "id:941100,phase:2,pass,log,tag:'attack-xss',${add(4)}"
SecRule ARGS "@contains own" "id:933100,phase:2,deny,status:403,log,tag:'attack-php'"
SecRule ARGS "@contains form" "id:920900,phase:2,pass,log,tag:'attack-protocol',${add(5)}"
`)

const words = ['union', 'select', 'script', 'own', 'form', 'more']

/** Every set of words but the empty one. */
const payloads = Array.from({ length: 2 ** words.length - 1 }, (_, n) =>
  words.filter((_, bit) => ((n + 1) >> bit) & 1).join(' '),
)

/** Places by hand: a request that holds the value there. */
const writers: Readonly<Record<string, (id: string, value: string) => TransactionRecord>> = {
  'ARGS:message': (id, value) => request({ id, uri: '/contact', body: `message=${encodeURIComponent(value)}` }),
  'ARGS:title': (id, value) => request({ id, uri: '/post', body: `title=${encodeURIComponent(value)}` }),
  'ARGS:q': (id, value) => request({ id, uri: `/search?q=${encodeURIComponent(value)}` }),
  'REQUEST_COOKIES:sid': (id, value) =>
    request({ id, uri: '/home', headers: [['Cookie', `sid=${encodeURIComponent(value)}`]] }),
}
const targets = Object.keys(writers)

const attacks = payloads.map(
  (value, n): TransactionRecord => ({
    ...request({ id: `attack-${n}`, uri: '/login', body: `user=${encodeURIComponent(value)}` }),
    label: 'attack',
  }),
)

interface Priced {
  readonly before: Ruleset
  readonly after: Ruleset
  readonly plain: Ruleset
  readonly pricing: Pricing
  readonly result: Synthesised
}

async function* each<T>(values: readonly T[]): AsyncGenerator<T, void, undefined> {
  yield* values
}

async function priced(
  rules: RulesetText,
  records: readonly TransactionRecord[],
  platform: PlatformName,
  change: (chosen: readonly Candidate[]) => readonly Candidate[] = (chosen) => chosen,
): Promise<Priced> {
  const result = await synthesiseInMemory({ text: rules, platform, records, targetScore: null })
  const { laboratory, base, book, synthesis, filenameOf } = result
  const chosen = change(synthesis.chosen)
  const after = loadWith(rules, textsOf(chosen, synthesis.ids), 'detection-only', platform).ruleset
  const plainText = chosen.map(({ ruleIds: [id] }) => `SecRuleRemoveById ${id}\n`).join('')
  const plain = loadWith(rules, [{ placement: 'after', text: plainText }], 'detection-only', platform).ruleset
  const pricing = await priceExclusions({
    laboratory,
    book,
    index: synthesis.index,
    attacks: await gatherAttacks(base, each(attacks)),
    chosen,
    records: records.length,
    filenameOf,
    before: base,
    after: trialOf(after),
  })
  return { before: base.ruleset, after, plain, pricing, result }
}

const points: Readonly<Record<number, number>> = { 942100: 5, 942110: 3, 941100: 4 }

/** Whether more than a rule on the request's form stops it. */
function isStopped({ ruleIds, matches }: Verdict): boolean {
  let score = 0
  for (const { ruleId } of matches) score += points[ruleId] ?? 0
  return score >= 5 || ruleIds.includes(933100)
}

interface Losses {
  attacksBefore: number
  attacksLost: number
  detectionsLost: number
}

/** Counts by hand. Rules on the form stop nothing and detect nothing where an attack is carried. */
function lossesOf(records: readonly TransactionRecord[], before: Ruleset, after: Ruleset): Losses {
  const losses = { attacksBefore: 0, attacksLost: 0, detectionsLost: 0 }
  for (const record of records) {
    const [one, other] = [evaluate(before, record), evaluate(after, record)]
    if (isStopped(one)) losses.attacksBefore++
    if (isStopped(one) && !isStopped(other)) losses.attacksLost++
    losses.detectionsLost += one.ruleIds.filter(
      (id) => id !== 949110 && id !== 920900 && !other.ruleIds.includes(id),
    ).length
  }
  return losses
}

function randomBenign(seed: number): readonly TransactionRecord[] {
  const d = dice(seed)
  return Array.from({ length: 3 + d.below(6) }, (_, n): TransactionRecord => {
    const write = writers[d.pick(targets)] as (id: string, value: string) => TransactionRecord
    const value = d.some(['union', 'select', 'script', 'own'], 0.5).join(' ')
    return { ...write(`r${n}`, value === '' ? 'hello' : value), label: 'benign' }
  })
}

test('what is lost in each place is what brute force loses', async () => {
  let lost = 0
  let places = 0
  for (const platform of ['modsec2', 'modsec3', 'coraza'] as const)
    for (let seed = 1; seed <= 25; seed++) {
      const { before, after, plain, pricing } = await priced(text, randomBenign(seed), platform)
      for (const place of pricing.places) {
        const name = `${platform}, seed ${seed}, ${place.target}`
        const write = writers[place.target]
        if (write === undefined) throw new Error(name)
        const tried = payloads
          .filter((value) => value !== 'form' && value !== 'more' && value !== 'form more')
          .map((value, n) => write(`p${n}`, value))
        const { attacksBefore, attacksLost, detectionsLost } = place
        assert.equal({ attacksBefore, attacksLost, detectionsLost }, lossesOf(tried, before, after), name)
        assert.is(place.misjudged, 0, name)
        assert.is(place.proof, 'replayed', name)
        assert.is(
          [...place.byClass.values()].reduce((sum, n) => sum + n, 0),
          attacksLost,
          name,
        )
        const removal = lossesOf(tried, before, plain)
        assert.equal(place.plain, { attacksLost: removal.attacksLost, detectionsLost: removal.detectionsLost }, name)
        lost += attacksLost
        places++
      }
    }
  assert.ok(places > 50 && lost > 500, `${places} places, ${lost} lost`)
})

test('the totals are the sums; narrow exclusions lose no attack as it stands, plain removal does', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { before, plain, pricing, result } = await priced(text, randomBenign(seed), 'modsec3')
    if (result.synthesis.chosen.length === 0) continue
    const sum = (pick: (place: Pricing['places'][number]) => number): number =>
      pricing.places.reduce((total, place) => total + pick(place), 0)
    assert.is(pricing.standing.attacksLost, 0)
    assert.is(pricing.standing.detectionsLost, 0)
    assert.is(
      pricing.attacksLost,
      sum((place) => place.attacksLost),
    )
    assert.is(
      pricing.detectionsLost,
      sum((place) => place.detectionsLost),
    )
    assert.is(pricing.attacksBefore, pricing.standing.attacksBefore + sum((place) => place.attacksBefore))
    const standing = lossesOf(attacks, before, plain)
    assert.is(pricing.plain.attacksLost, standing.attacksLost + sum((place) => place.plain.attacksLost), `seed ${seed}`)
    assert.ok(pricing.plain.attacksLost >= pricing.attacksLost)
  }
})

test('what an exclusion alone is blamed for is within what its place loses', async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const { pricing } = await priced(text, randomBenign(seed), 'modsec3')
    for (const { keys, attacksLost, attacksBefore } of pricing.places) {
      const own = keys.map((key) => pricing.byKey.get(key)?.attacksLost ?? Number.NaN)
      for (const lost of own) assert.ok(lost <= attacksLost && lost <= attacksBefore, `seed ${seed}`)
      // Each attack lost is some exclusion's doing.
      assert.ok(own.reduce((all, lost) => all + lost, 0) >= attacksLost, `seed ${seed}`)
    }
  }
})

const contact = [
  {
    ...(writers['ARGS:message'] as (id: string, value: string) => TransactionRecord)('b', 'union'),
    label: 'benign' as const,
  },
]

test('a scope that holds for more paths than it says is caught; one that does not has no other way through', async () => {
  for (const platform of ['modsec2', 'modsec3', 'coraza'] as const) {
    const tight = await priced(text, contact, platform)
    const ways = ({ pricing }: Priced): string[] =>
      [...pricing.byKey.values()].flatMap((price) => price.ways.map(({ variant }) => variant))
    assert.is(tight.result.synthesis.chosen.length, 1)
    // ARGS hold the query string as well: no scope by path tells the two apart.
    assert.equal(ways(tight), ['same parameter in the query string'], platform)
    const wide = await priced(text, contact, platform, (chosen) =>
      chosen.map((candidate) => ({
        ...candidate,
        directive: (ids) =>
          candidate.directive(ids).replace(/REQUEST_FILENAME "[^"]*"/, 'REQUEST_FILENAME "@beginsWith /contact"'),
        scope: {
          ...candidate.scope,
          template: {
            text: '/contact',
            literal: true,
            pattern: null,
            operator: '@beginsWith /contact',
            matches: (path: string) => path.startsWith('/contact'),
          },
        },
      })),
    )
    assert.ok(
      ways(wide).some((variant) => /path/i.test(variant)),
      `${platform}: ${ways(wide)}`,
    )
  }
})

const typeRule = `SecRule REQUEST_HEADERS:Content-Type "@rx ^[^;\\s]+" "id:920420,phase:1,pass,log,capture,msg:'Type',tag:'attack-protocol',setvar:'tx.content_type=|%{tx.0}|',chain"
  SecRule TX:content_type "!@within %{tx.allowed_request_content_type}" "t:none,t:lowercase,${add(5)}"
`

function upload(id: string, type: string): TransactionRecord {
  return { ...request({ id, uri: '/import', headers: [['Content-Type', type]], body: 'a,b,c' }), label: 'benign' }
}

test('a setting that leaves a body uninspected is offered and never chosen by itself', async () => {
  for (const platform of ['modsec2', 'modsec3', 'coraza'] as const)
    for (const type of ['text/csv', 'application/octet-stream', 'application/vnd.api+json']) {
      const { result } = await priced(crsStyle(typeRule), [upload('u1', type), upload('u2', type)], platform)
      const { chosen, spotOf, rungsOf } = result.synthesis
      const isOpenSetting = ({ kind, opens }: Pick<Candidate, 'kind' | 'opens'>): boolean =>
        kind === 'setting' && opens.includes('uninspected-body')
      assert.not(chosen.some(isOpenSetting), `${platform} ${type}`)
      const rungs = result.book.atoms.flatMap((atom) => rungsOf(spotOf(atom)))
      assert.ok(
        rungs.some((rung) => 'opens' in rung && isOpenSetting(rung)),
        `${platform} ${type}`,
      )
    }
})

test('what leaves a body uninspected is shown first', () => {
  const { setup, rules } = crsStyle(`${typeRule}SecRule ARGS "@contains evil" "id:911900,phase:2,pass,log,${add(5)}"\n`)
  const bodies = [request({ id: 'b1', uri: '/a?q=evil', label: 'benign' }), upload('b2', 'application/octet-stream')]
  const at = folderWith({
    'rules.conf': `SecRuleEngine On\n${setup}${rules}`,
    'corpus.ndjson': bodies.map((record) => `${JSON.stringify(record)}\n`).join(''),
  })
  const args = ['--rules', at('rules.conf'), '--corpus', at('corpus.ndjson'), '--no-standard-attacks', '--workers', '0']
  const { out, err, status } = wafsim(['exclude', ...args, '--format', 'json'])
  assert.is(status, 0, err)
  const { exclusions } = JSON.parse(out) as { exclusions: { ruleIds: number[]; opens: string[]; kind: string }[] }
  assert.equal(
    exclusions.map(({ ruleIds, opens }) => [ruleIds[0], opens.includes('uninspected-body')]),
    [
      [920420, true],
      [911900, false],
    ],
  )
  assert.is.not(exclusions[0]?.kind, 'setting')
})

test.run()
