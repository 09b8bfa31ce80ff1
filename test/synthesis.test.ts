/**
 * Synthesis of exclusions, held against replay: random rulesets in CRS style, random traffic, all platforms.
 *
 * Each case is made from a seed, which the message of a failure names.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type Candidate,
  effectsOf,
  evaluate,
  isAvailable,
  isProtected,
  type PlatformName,
  protectedRulesOf,
  type Ruleset,
  textsOf,
  type Verdict,
} from '../engine/index.js'
import { crsStyle, loadWith, type Synthesised, synthesiseInMemory } from './support/laboratory.js'
import { dice, type RandomCase, randomCase } from './support/random-traffic.js'
import { request } from './support/scenario.js'

const platforms: readonly PlatformName[] = ['modsec2', 'modsec3', 'coraza']
const seeds = Array.from({ length: 40 }, (_, n) => n + 1)

/** What does not differ between two evaluations of a record under the same rules. */
const essence = ({ wouldBlock, blockedBy, ruleIds, score, matches }: Verdict): string =>
  JSON.stringify([
    wouldBlock,
    blockedBy,
    ruleIds,
    score,
    matches.map(({ ruleId, target, scoreAdded }) => [ruleId, target, scoreAdded]),
  ])

function verdicts(ruleset: Ruleset, { records }: RandomCase): Map<string, Verdict> {
  return new Map(records.map((record) => [record.id, evaluate(ruleset, record)]))
}

function applied(each: RandomCase, { synthesis }: Synthesised, chosen: readonly Candidate[]): Ruleset {
  return loadWith(each.text, textsOf(chosen, synthesis.ids), 'as-given', each.platform).ruleset
}

/** Ids of records that are not cleared under these verdicts, judged as the user set it. */
function uncleared(each: RandomCase, { limits }: Synthesised, after: ReadonlyMap<string, Verdict>): Set<string> {
  const over = (verdict: Verdict): boolean =>
    verdict.wouldBlock || (each.targetScore !== null && verdict.score.inbound > limits.inbound)
  return new Set([...after].filter(([, verdict]) => over(verdict)).map(([id]) => id))
}

interface Tried {
  readonly each: RandomCase
  readonly result: Synthesised
  readonly before: ReadonlyMap<string, Verdict>
  readonly after: ReadonlyMap<string, Verdict>
}

const tried = new Map<string, Tried>()

async function synthesised(seed: number, platform: PlatformName): Promise<Tried> {
  const key = `${platform} ${seed}`
  let known = tried.get(key)
  if (known === undefined) {
    const each = randomCase(seed, platform)
    const result = await synthesiseInMemory(each)
    const before = verdicts(applied(each, result, []), each)
    const after = verdicts(applied(each, result, result.synthesis.chosen), each)
    known = { each, result, before, after }
    tried.set(key, known)
  }
  return known
}

async function forAll(check: (tried: Tried, name: string) => void | Promise<void>): Promise<void> {
  for (const platform of platforms)
    for (const seed of seeds) await check(await synthesised(seed, platform), `${platform}, seed ${seed}`)
}

test('the cases are worth it: many are blocked, many exclusions come of it, little is left', async () => {
  let blocked = 0
  let chosen = 0
  let left = 0
  const kinds = new Set<string>()
  await forAll(({ before, result: { synthesis } }) => {
    blocked += [...before.values()].filter(({ wouldBlock }) => wouldBlock).length
    chosen += synthesis.chosen.length
    left += synthesis.left.length
    for (const { kind } of synthesis.chosen) kinds.add(kind)
  })
  assert.ok(blocked > 400, `${blocked} blocked`)
  assert.ok(chosen > 400, `${chosen} exclusions`)
  assert.ok(left < blocked / 10, `${left} left of ${blocked}`)
  assert.ok(kinds.size >= 4, [...kinds].join(' '))
})

test('what is not left is cleared when the text is loaded and everything is replayed', async () => {
  await forAll(({ each, result, after }, name) => {
    const left = new Set(result.synthesis.left.map(({ id }) => id))
    const open = [...uncleared(each, result, after)].filter((id) => !left.has(id))
    assert.equal(open, [], name)
  })
})

test('what is left says why, once', async () => {
  await forAll(({ result: { synthesis } }, name) => {
    const ids = synthesis.left.map(({ id }) => id)
    assert.is(new Set(ids).size, ids.length, name)
    for (const { reason } of synthesis.left) assert.ok(reason.length > 0, name)
  })
})

test('every exclusion clears what it claims', async () => {
  await forAll(({ each, result, before, after }, name) => {
    const { synthesis, book } = result
    const effects = effectsOf(synthesis, book)
    for (const candidate of synthesis.chosen) {
      const effect = effects.get(candidate.key)
      assert.ok(effect !== undefined && effect.clears.hits > 0, `${name}: ${candidate.directive([1])} clears no hit`)
      assert.is(effect?.clears.requests, effect?.clears.recordIds.length, name)
      for (const id of effect?.clears.recordIds ?? []) {
        assert.ok(before.get(id)?.wouldBlock, `${name}: ${id} was not blocked`)
        assert.not(after.get(id)?.wouldBlock, `${name}: ${id} is still blocked`)
      }
    }
    for (const { id, goneHits } of synthesis.outcomes.values()) {
      const record = each.records.find((one) => one.id === id)
      if (record === undefined) throw new Error(id)
      const found = book.hitsIn(record, after.get(id) as Verdict)
      for (const hit of goneHits) assert.not(found.includes(hit), `${name}: ${id} is hit by ${hit.ruleId} still`)
    }
  })
})

test('the set is minimal: without any one exclusion something is no longer cleared', async () => {
  await forAll(({ each, result, after }, name) => {
    const { chosen } = result.synthesis
    const open = uncleared(each, result, after)
    for (const one of chosen) {
      const rest = chosen.filter((other) => other !== one)
      const without = uncleared(each, result, verdicts(applied(each, result, rest), each))
      assert.ok(
        [...without].some((id) => !open.has(id)),
        `${name}: needless: ${one.directive([1])}\n${textsOf(chosen, result.synthesis.ids)
          .map(({ text }) => text)
          .join('')}`,
      )
    }
  })
})

test('no candidate blocks a request that passed', async () => {
  await forAll(({ each, result, before }, name) => {
    const { synthesis, book } = result
    const seen = new Set<string>()
    for (const atom of book.atoms)
      for (const rung of synthesis.rungsOf(synthesis.spotOf(atom)).filter(isAvailable)) {
        if (seen.has(rung.key) || rung.placement === 'location' || rung.processor !== null) continue
        seen.add(rung.key)
        if (seen.size > 25) return
        const texts = [{ placement: rung.placement, text: `${rung.directive([9999])}\n` }]
        const after = verdicts(loadWith(each.text, texts, 'as-given', each.platform).ruleset, each)
        for (const [id, verdict] of after)
          assert.ok(!verdict.wouldBlock || before.get(id)?.wouldBlock, `${name}: ${id} by ${rung.directive([9999])}`)
      }
  })
})

test('what changes otherwise is in the outcomes', async () => {
  await forAll(({ result: { synthesis }, before, after }, name) => {
    for (const [id, verdict] of after) {
      const outcome = synthesis.outcomes.get(id)
      if (outcome === undefined) assert.is(essence(verdict), essence(before.get(id) as Verdict), `${name}: ${id}`)
      else {
        assert.is(outcome.blocked, verdict.wouldBlock, `${name}: ${id}`)
        assert.is(outcome.score, verdict.score.inbound, `${name}: ${id}`)
      }
    }
  })
})

const shown = ({ synthesis }: Synthesised): unknown => ({
  keys: synthesis.chosen.map(({ key }) => key),
  ids: [...synthesis.ids],
  texts: textsOf(synthesis.chosen, synthesis.ids),
  left: synthesis.left.map(({ id }) => id).sort(),
})

test('the same input, in any order of the records, gives the same keys, ids and texts', async () => {
  await forAll(async ({ each, result }, name) => {
    if (each.seed % 2 === 0) return
    assert.equal(shown(await synthesiseInMemory(each)), shown(result), name)
    const records = dice(each.seed + 1000).shuffle(each.records)
    assert.equal(shown(await synthesiseInMemory({ ...each, records })), shown(result), `${name}, other order`)
  })
})

const neverExcluded = [200_001, 900_990, 901_990, 949_059, 949_110, 942_013, 7_000]

test('what a chain finds last without a target is found out, on records that it did not hit', async () => {
  const rule = `SecRule ARGS "@contains beta" "id:934200,phase:2,pass,log,chain"
  SecRule MATCHED_VAR "@contains gamma" "t:none,setvar:tx.inbound_anomaly_score_pl1=+5"
`
  const uris = ['/x?message=beta+gamma', '/x?a=beta+gamma&message=beta', '/y?a=beta+gamma&message=beta']
  const records = uris.map((uri, n) => request({ id: `r${n}`, uri, label: 'benign' }))
  for (const platform of platforms) {
    const each: RandomCase = { seed: 0, text: crsStyle(rule), platform, records, targetScore: null }
    const result = await synthesiseInMemory(each)
    const before = verdicts(applied(each, result, []), each)
    assert.equal([...uncleared(each, result, before)], ['r0'], platform)
    const first = result.synthesis.chosen.filter(({ targets }) => targets.includes('ARGS:message'))
    assert.is(first.length, 1, platform)
    assert.equal([...uncleared(each, result, verdicts(applied(each, result, first), each))], ['r1'], platform)
    assert.equal(
      [...uncleared(each, result, verdicts(applied(each, result, result.synthesis.chosen), each))],
      [],
      platform,
    )
  }
})

test('what stays above the target score is left, although it passes', async () => {
  const rule = `SecRule ARGS "@contains beta" "id:905500,phase:2,pass,log,setvar:tx.inbound_anomaly_score_pl1=+4"
SecRule ARGS "@contains beta" "id:942100,phase:2,pass,log,setvar:tx.inbound_anomaly_score_pl1=+2"
`
  const records = [request({ id: 'r0', uri: '/x?a=beta', label: 'benign' })]
  for (const platform of platforms) {
    const of = async (targetScore: number | null): Promise<readonly string[]> =>
      (await synthesiseInMemory({ text: crsStyle(rule), platform, records, targetScore })).synthesis.left.map(
        ({ id }) => id,
      )
    assert.equal([await of(3), await of(4), await of(null)], [['r0'], [], []], platform)
  }
})

test('protected rules are named by nothing that is emitted or offered, wherever hits seem to come from', async () => {
  for (const platform of platforms)
    for (const seed of seeds) {
      const each = randomCase(seed, platform)
      const forged = dice(seed).pick(neverExcluded)
      // Hits look as if they came from a protected rule, half of them.
      const tamper = (verdict: Verdict): Verdict => ({
        ...verdict,
        matches: verdict.matches.map((match, n) => (n % 2 === 0 ? { ...match, ruleId: forged } : match)),
      })
      const { synthesis, book, base } = await synthesiseInMemory({ ...each, tamper })
      const rungs = book.atoms.flatMap((atom) => synthesis.rungsOf(synthesis.spotOf(atom)).filter(isAvailable))
      const covered = protectedRulesOf(base.ruleset)
      for (const candidate of [...synthesis.chosen, ...rungs]) {
        const name = `${platform}, seed ${seed}: ${candidate.directive([9999])}`
        for (const id of candidate.ruleIds) assert.not(isProtected(id) || covered.has(id), name)
        for (const tag of candidate.tags) assert.equal(covered.coveredByTag(tag), [], name)
        for (const [, ids = ''] of candidate.directive([9999]).matchAll(/ById[ =]([0-9-]+)/g))
          assert.equal(covered.coveredByIds(ids), [], name)
      }
    }
})

test('--target-score 0 leaves no scoring hit on what is cleared', async () => {
  await forAll(({ each, result, after }, name) => {
    if (each.targetScore !== 0) return
    const left = new Set(result.synthesis.left.map(({ id }) => id))
    for (const { id, unclearable } of result.book.cases())
      if (!left.has(id) && unclearable === null) assert.is(after.get(id)?.score.inbound, 0, `${name}: ${id}`)
  })
})

test.run()
