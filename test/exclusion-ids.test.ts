/**
 * Ids of exclusions: stable from run to run, from the user's range alone, never one that is taken.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { UsageError } from '../engine/errors.js'
import { allocateIds, checkIdBounds, defaultIdBounds, parseIdBounds } from '../engine/tuning/ids.js'

const none = new Set<number>()
const keysOf = (count: number, prefix = 'k'): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

test('the same key has the same id, whatever the order', () => {
  const keys = keysOf(300)
  const forward = allocateIds(keys, defaultIdBounds, none)
  const backward = allocateIds([...keys].reverse(), defaultIdBounds, none)
  for (const key of keys) assert.is(forward.get(key), backward.get(key))
  assert.is(new Set(forward.values()).size, keys.length)
  for (const id of forward.values()) assert.ok(id >= 10_000 && id <= 49_999)
})

test('an exclusion that comes or goes moves no other', () => {
  const before = allocateIds(keysOf(40), defaultIdBounds, none)
  const after = allocateIds([...keysOf(38), ...keysOf(5, 'new')], defaultIdBounds, none, before)
  for (const key of keysOf(38)) assert.is(after.get(key), before.get(key))
  const without = allocateIds(keysOf(40).slice(1), defaultIdBounds, none)
  const moved = keysOf(40)
    .slice(1)
    .filter((key) => without.get(key) !== before.get(key))
  assert.ok(moved.length <= 1, moved.join())
})

test('a taken id and an id outside the range are given up, one of the file is not given away', () => {
  const previous = new Map([
    ['a', 10_005],
    ['b', 99],
    ['gone', 10_001],
  ])
  const ids = allocateIds(['a', 'b'], { first: 10_000, last: 10_005 }, new Set([10_005, 10_000]), previous)
  assert.is.not(ids.get('a'), 10_005)
  assert.ok([...ids.values()].every((id) => [10_002, 10_003, 10_004].includes(id)))
  const tight = allocateIds(['x', 'y'], { first: 7, last: 8 }, none, new Map([['gone', 7]]))
  assert.equal([...tight.values()].sort(), [7, 8])
})

test('a small range is filled to the last id, then says what to do', () => {
  const bounds = { first: 20_000, last: 20_099 }
  assert.is(new Set(allocateIds(keysOf(100), bounds, none).values()).size, 100)
  assert.throws(
    () => allocateIds(keysOf(101), bounds, none),
    (error: unknown) => error instanceof UsageError && /no room for 101 .*--id-range/.test(error.message),
  )
})

test('ranges that belong to others are refused', () => {
  for (const text of [
    '900000-999999',
    '950000-950001',
    '1-900000',
    '200000-200007',
    '9500000-9500999',
    '9-3',
    'x',
    '1',
    '0-5',
    '1-99999999999',
  ])
    assert.throws(
      () => parseIdBounds(text),
      (error: unknown) => error instanceof UsageError,
      text,
    )
  assert.equal(parseIdBounds('50000-79999'), { first: 50_000, last: 79_999 })
  assert.throws(() => checkIdBounds({ first: 1.5, last: 3 }))
  assert.throws(
    () => parseIdBounds('\x1b[31m'),
    (error: unknown) => !/\x1b/.test((error as Error).message),
  )
})

test.run()
