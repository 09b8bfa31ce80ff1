/**
 * Ordered multimaps of byte strings: the values behind ARGS, REQUEST_HEADERS, TX and the like.
 *
 * Keys keep their spelling and compare without ASCII case. Entries are never changed in place, so a
 * list handed out stays what it was while rules write to the collection.
 */
import type { Collection, Entry, WritableCollection } from '../model/definitions.js'
import { type ByteString, lowerAscii } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import { hashedOrder } from './hashed-order.js'

const NONE: readonly Entry[] = Object.freeze([])

/** A collection of what a request or response holds, in the platform's order. */
export function collectionOf(entries: readonly Entry[], platform: Pick<Platform, 'collectionOrder'>): Collection {
  if (entries.length === 0) return FixedCollection.empty
  if (platform.collectionOrder === 'hashed') return new HashedCollection(entries)
  return new FixedCollection(entries, platform.collectionOrder === 'grouped' ? grouped(entries) : entries)
}

/** COMPAT(coraza): the likeliest order of a small Go map. */
function grouped(entries: readonly Entry[]): readonly Entry[] {
  const groups = new Map<ByteString, Entry[]>()
  for (const entry of entries) {
    const key = lowerAscii(entry.key ?? '')
    const group = groups.get(key)
    if (group) group.push(entry)
    else groups.set(key, [entry])
  }
  return groups.size === entries.length ? entries : [...groups.values()].flat()
}

/** A collection filled once. Looking up by name builds an index on first use. */
export class FixedCollection implements Collection {
  static readonly empty: FixedCollection = new FixedCollection(NONE)
  #index: ReadonlyMap<ByteString, readonly Entry[]> | null = null

  /** `visited` holds the same entries in the order of `all`. */
  constructor(
    private readonly entries: readonly Entry[],
    private readonly visited: readonly Entry[] = entries,
  ) {}

  all(): readonly Entry[] {
    return this.visited
  }

  inserted(): readonly Entry[] {
    return this.entries
  }

  named(key: ByteString): readonly Entry[] {
    if (this.entries.length === 0) return NONE
    this.#index ??= indexByKey(this.entries)
    return this.#index.get(key) ?? NONE
  }
}

/** Up to so many entries, names are looked for one by one. PERF(transaction): an index is not worth its making. */
const fewEntries = 16

/** Values in the order of libmodsecurity's hash table; those of one name from the last to the first. */
class HashedCollection implements Collection {
  /** Of each entry, in lower case. */
  readonly #keys: readonly ByteString[]
  #all: readonly Entry[] | null = null
  #index: ReadonlyMap<ByteString, readonly Entry[]> | null = null

  constructor(private readonly entries: readonly Entry[]) {
    this.#keys = entries.map(({ key }) => lowerAscii(key ?? ''))
  }

  all(): readonly Entry[] {
    this.#all ??= hashedOrder(this.entries, this.#keys)
    return this.#all
  }

  inserted(): readonly Entry[] {
    return this.entries
  }

  named(key: ByteString): readonly Entry[] {
    if (this.entries.length <= fewEntries) return this.#found(key)
    this.#index ??= indexByKey([...this.entries].reverse())
    return this.#index.get(key) ?? NONE
  }

  #found(key: ByteString): readonly Entry[] {
    let found: Entry[] | null = null
    for (let n = this.entries.length - 1; n >= 0; n--) {
      if (this.#keys[n] !== key) continue
      found ??= []
      found.push(this.entries[n] as Entry)
    }
    return found ?? NONE
  }
}

function indexByKey(entries: readonly Entry[]): ReadonlyMap<ByteString, readonly Entry[]> {
  const index = new Map<ByteString, Entry[]>()
  for (const entry of entries) {
    const key = lowerAscii(entry.key ?? '')
    const list = index.get(key)
    if (list) list.push(entry)
    else index.set(key, [entry])
  }
  return index
}

/** Told of what is read from a store and written to it; null: nothing stands there any more. */
export interface StoreJournal {
  read(key: ByteString, found: readonly Entry[]): void
  written(key: ByteString, value: readonly [Entry] | null): void
  /** All of it was read. */
  listed(): void
}

/** One value a key, in order of first writing: TX and the persistent collections. */
export class VariableStore implements WritableCollection {
  journal: StoreJournal | null = null
  /** Grows with every write. */
  version = 0
  /** Each value as the list that `named` gives. */
  readonly #entries = new Map<ByteString, readonly [Entry]>()
  #list: readonly Entry[] | null = null

  all(): readonly Entry[] {
    this.journal?.listed()
    this.#list ??= [...this.#entries.values()].map(([entry]) => entry)
    return this.#list
  }

  inserted(): readonly Entry[] {
    return this.all()
  }

  named(key: ByteString): readonly Entry[] {
    const found = this.#entries.get(key) ?? NONE
    if (this.journal !== null) this.journal.read(key, found)
    return found
  }

  get(key: ByteString): ByteString | null {
    return this.named(key)[0]?.value ?? null
  }

  set(key: ByteString, value: ByteString): void {
    this.write(lowerAscii(key), [{ key, value }])
  }

  remove(key: ByteString): void {
    this.write(key, null)
  }

  /** Writes what a journal was told of. */
  write(key: ByteString, value: readonly [Entry] | null): void {
    if (value !== null) this.#entries.set(key, value)
    else if (!this.#entries.delete(key) && this.journal === null) return
    this.#list = null
    this.version++
    if (this.journal !== null) this.journal.written(key, value)
  }
}
