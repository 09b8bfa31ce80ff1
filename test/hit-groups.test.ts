/**
 * Groups of hits keep their memory within bounds, whatever the corpus.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { evaluate, HitGroups } from '../engine/index.js'
import { request, rules } from './support/scenario.js'

const { ruleset } = rules(`SecRule ARGS:q "@contains x" "id:1,phase:1,deny"`)

function add(groups: HitGroups, n: number, path: string): void {
  const record = request({ id: `r${n}`, uri: `${path}?q=x` })
  groups.add(record, evaluate(ruleset, record))
}

test('of one group so many record ids are kept, and of all together', () => {
  const groups = new HitGroups()
  for (let path = 0; path < 110; path++) for (let n = 0; n < 1001; n++) add(groups, n, `/${path}`)
  const list = groups.list()
  assert.is(list.length, 110)
  assert.ok(list.every(({ requests }) => requests === 1001))
  assert.is(Math.max(...list.map(({ recordIds }) => recordIds.length)), 1000)
  assert.is(
    list.reduce((sum, { recordIds }) => sum + recordIds.length, 0),
    100_000,
  )
})

test('beyond so many groups none is begun, and what is left out is counted', () => {
  const groups = new HitGroups()
  for (let n = 0; n < 10_050; n++) add(groups, n, `/item/${n}`)
  add(groups, 0, '/item/0')
  assert.is(groups.list().length, 10_000)
  assert.is(groups.leftOut, 50)
  assert.is(groups.list()[0]?.requests, 2)
})

test.run()
