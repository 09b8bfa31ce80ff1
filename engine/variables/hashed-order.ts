/**
 * The order in which libmodsecurity 3 visits the values of a collection: that of a hash table of its C++ library.
 *
 * It shows wherever the last match counts: captures, MATCHED_VAR, a setvar of a value. Keys that fall in one bucket
 * stand together where the first of them came, and so do the values of one key; how keys share buckets depends on
 * their number. Modelled after what libmodsecurity 3.0.9 does with libstdc++: the sum of a key's bytes, in lower case,
 * is its hash; 11 buckets at first, about twice as many when there are more values than buckets; a value is put in
 * front of its bucket's; the table is visited from the end.
 */
import type { Entry } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { spend } from '../time-budget.js'

const firstBuckets = 11
/** Sizes that follow when a table is full. */
const largerBuckets = [23, 47, 97, 199, 409, 823, 1741, 3739, 7517, 15_173, 30_727, 62_233, 126_271, 256_279, 520_241]

/** LIMIT: lists of names whose order is kept, and the length of one in bytes. */
const keptLists = 500
const longestKeptList = 512

/** By all names in a row, none of which holds a newline. PERF(transaction): clients send the same headers, and forms the same fields. */
const known = new Map<ByteString, readonly number[]>()

/** The entries, of which the keys are given in lower case, as the engine visits them. */
export function hashedOrder(entries: readonly Entry[], keys: readonly ByteString[]): readonly Entry[] {
  if (entries.length < 3) return entries
  return orderOf(keys).map((at) => entries[at] as Entry)
}

function orderOf(keys: readonly ByteString[]): readonly number[] {
  const row = keys.join('\n')
  if (row.length > longestKeptList) return computedOrder(keys)
  const found = known.get(row)
  // So many names, and they make a row with as many newlines between: they hold none themselves.
  if (found?.length === keys.length) return found
  const order = computedOrder(keys)
  if (row.split('\n').length !== keys.length) return order
  if (known.size >= keptLists) known.clear()
  known.set(row, order)
  return order
}

function computedOrder(keys: readonly ByteString[]): readonly number[] {
  spend(nodeCost * keys.length)
  const table = new BucketTable(keys)
  for (let i = 0; i < keys.length; i++) table.insert(i)
  return table.visited()
}

/** Putting a value in takes about as long as so many bytes looked at. */
const nodeCost = 64

/** Before the first node of the list. */
const listHead = -1
const absent = -2

/**
 * One singly linked list of all nodes, the nodes of a bucket next to each other; a bucket knows the node before its
 * first. Nodes are positions in `keys`.
 */
class BucketTable {
  /** Below 0: a number of 64 bits without sign that has overflowed. */
  readonly #hashes: readonly number[]
  // PERF(transaction): most tables are small, for which plain arrays are made faster than typed ones.
  readonly #next: number[]
  readonly #previous: number[]
  /** By key, its first node in the list: buckets of an attacker's names are long. */
  readonly #firstOfKey = new Map<ByteString, number>()
  #first = absent
  #before: number[]
  #buckets = firstBuckets
  #count = 0

  /** Keys in lower case. */
  constructor(private readonly keys: readonly ByteString[]) {
    this.#hashes = keys.map(sumOfBytes)
    this.#next = keys.map(() => absent)
    this.#previous = keys.map(() => absent)
    this.#before = new Array<number>(firstBuckets).fill(absent)
  }

  insert(node: number): void {
    if (this.#count + 1 > this.#buckets) this.#grow()
    const bucket = this.#bucketOf(node)
    const key = this.keys[node] as ByteString
    const twin = this.#firstOfKey.get(key)
    this.#firstOfKey.set(key, node)
    if (twin !== undefined) this.#linkBehind(node, this.#previous[twin] as number)
    else if (this.#before[bucket] !== absent) this.#linkBehind(node, this.#before[bucket] as number)
    else this.#linkFirst(node, bucket)
    this.#count++
  }

  /** From the last node of the list to its first. */
  visited(): readonly number[] {
    const order: number[] = []
    for (let node = this.#first; node !== absent; node = this.#next[node] as number) order.push(node)
    return order.reverse()
  }

  #bucketOf(node: number): number {
    const hash = this.#hashes[node] as number
    if (hash >= 0) return hash % this.#buckets
    return Number(BigInt.asUintN(64, BigInt(hash)) % BigInt(this.#buckets))
  }

  #after(node: number): number {
    return node === listHead ? this.#first : (this.#next[node] as number)
  }

  #linkBehind(node: number, previous: number): void {
    const follower = this.#after(previous)
    this.#next[node] = follower
    this.#previous[node] = previous
    if (follower !== absent) this.#previous[follower] = node
    if (previous === listHead) this.#first = node
    else this.#next[previous] = node
  }

  /** A bucket's first node goes to the head of the whole list. */
  #linkFirst(node: number, bucket: number): void {
    const follower = this.#first
    this.#linkBehind(node, listHead)
    if (follower !== absent) this.#before[this.#bucketOf(follower)] = node
    this.#before[bucket] = listHead
  }

  /** Nodes move in list order; one behind another of its new bucket stays behind it, so that twins keep theirs. */
  #grow(): void {
    this.#buckets = largerBuckets.find((size) => size >= 2 * this.#buckets) ?? 2 * this.#buckets + 1
    this.#before = new Array<number>(this.#buckets).fill(absent)
    let node = this.#first
    this.#first = absent
    let previous = absent
    let previousBucket = -1
    while (node !== absent) {
      const following = this.#next[node] as number
      const bucket = this.#bucketOf(node)
      if (previous !== absent && previousBucket === bucket) this.#moveBehind(node, previous, bucket)
      else if (this.#before[bucket] === absent) this.#linkFirst(node, bucket)
      else this.#linkBehind(node, this.#before[bucket] as number)
      previous = node
      previousBucket = bucket
      node = following
    }
  }

  #moveBehind(node: number, previous: number, bucket: number): void {
    this.#linkBehind(node, previous)
    const follower = this.#next[node] as number
    if (follower !== absent && this.#bucketOf(follower) !== bucket) this.#before[this.#bucketOf(follower)] = node
  }
}

/** The C library lower-cases 0xFF to -1, as it does its end-of-file. */
function sumOfBytes(key: ByteString): number {
  let sum = 0
  for (let i = 0; i < key.length; i++) {
    const byte = key.charCodeAt(i)
    sum += byte === 0xff ? -1 : byte
  }
  return sum
}
