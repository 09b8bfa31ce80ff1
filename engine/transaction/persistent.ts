/**
 * Persistent collections: IP, SESSION, USER, GLOBAL, RESOURCE, and the clock they live by.
 *
 * A store is made for one run and shared by its transactions, which must be evaluated one by one. Time is the
 * capture's, never the machine's: each record moves the store's clock forward, an older or undated record leaves it.
 *
 * `stored` follows ModSecurity 2.9.7 (its own database of collections), `live` libmodsecurity 3.0.9's memory
 * backend, where nothing expires (it does from 3.0.10 on). Seen in runs of both.
 */
import type { PersistentName, WritableCollection } from '../model/definitions.js'
import { type ByteString, lowerAscii } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import { FixedCollection, VariableStore } from '../variables/index.js'

/** A variable, and the second it expires in; null: it stays. */
interface SavedVariable {
  readonly name: ByteString
  readonly value: ByteString
  readonly expires: number | null
}

interface SavedCollection {
  readonly variables: ReadonlyMap<ByteString, SavedVariable>
  readonly expires: number
}

/** What one run keeps of its persistent collections. Made by `createPersistentStore`. */
export class PersistentStore {
  /** Whole collections by name and key (`stored`). */
  readonly saved = new Map<string, SavedCollection>()
  /** Single variables by name, key, application (`live`). */
  readonly live = new Map<string, LiveCollection>()
  #seconds = 0

  /** The clock, in seconds since 1970, after a record of that time; it never goes back. */
  advance(seconds: number | null): number {
    if (seconds !== null && seconds > this.#seconds) this.#seconds = seconds
    return this.#seconds
  }
}

export function createPersistentStore(): PersistentStore {
  return new PersistentStore()
}

/** What a transaction does with the persistent collections. */
export interface PersistentCollections {
  get(name: PersistentName): WritableCollection | null
  /** `application` is empty where the key is not looked up by application. */
  open(name: PersistentName, key: ByteString, application: ByteString): void
  expire(name: PersistentName, lowerKey: ByteString, seconds: number): void
  deprecate(name: PersistentName, lowerKey: ByteString, amount: number, period: number): void
  /** The transaction is over: what it changed is kept. */
  close(): void
}

export interface PersistentInput {
  readonly store: PersistentStore
  readonly platform: Platform
  /** Seconds since 1970 on the store's clock. */
  readonly now: number
  readonly timeout: number
  readonly applicationId: ByteString
}

export function openCollections(input: PersistentInput): PersistentCollections {
  switch (input.platform.persistence) {
    case 'stored':
      return new StoredCollections(input)
    case 'live':
      return new LiveCollections(input)
    case 'none':
      return noCollections
  }
}

const noCollections: PersistentCollections = {
  get: () => null,
  open: () => {},
  expire: () => {},
  deprecate: () => {},
  close: () => {},
}

function whole(text: ByteString | null): number {
  const value = Number.parseInt(text ?? '', 10)
  return Number.isNaN(value) ? 0 : value
}

function deprecated(value: number, elapsed: number, amount: number, period: number): number {
  return Math.max(0, value - amount * Math.floor(elapsed / period))
}

/** A collection on loan to one transaction. */
class LoanedCollection extends VariableStore {
  changed = false
  readonly expiries = new Map<ByteString, number>()

  override set(key: ByteString, value: ByteString): void {
    super.set(key, value)
    this.changed = true
  }

  override remove(key: ByteString): void {
    super.remove(key)
    this.changed = true
  }
}

/** Built-in variables that are made anew at every opening. */
const unsaved = ['is_new', 'update_rate']

/** Collections are read when they are opened and written when the transaction ends. */
class StoredCollections implements PersistentCollections {
  readonly #open = new Map<PersistentName, { readonly slot: string; readonly values: LoanedCollection }>()

  constructor(private readonly input: PersistentInput) {}

  get(name: PersistentName): WritableCollection | null {
    return this.#open.get(name)?.values ?? null
  }

  /** The first opening of a name holds for the transaction. */
  open(name: PersistentName, key: ByteString, application: ByteString): void {
    if (this.#open.has(name)) return
    const slot = JSON.stringify([name, key, application])
    const values = this.#restored(slot) ?? this.#created(key)
    values.changed = false
    this.#open.set(name, { slot, values })
  }

  #restored(slot: string): LoanedCollection | null {
    const { store, now } = this.input
    const saved = store.saved.get(slot)
    if (saved === undefined) return null
    if (saved.expires <= now) {
      store.saved.delete(slot)
      return null
    }
    const values = new LoanedCollection()
    for (const [lower, { name, value, expires }] of saved.variables) {
      if (expires !== null && expires <= now) continue
      values.set(name, value)
      if (expires !== null) values.expiries.set(lower, expires)
    }
    const age = now - whole(values.get('create_time'))
    values.set('UPDATE_RATE', String(age === 0 ? 0 : Math.trunc((60 * whole(values.get('update_counter'))) / age)))
    return values
  }

  #created(key: ByteString): LoanedCollection {
    const values = new LoanedCollection()
    values.set('KEY', key)
    values.set('TIMEOUT', String(this.input.timeout))
    values.set('CREATE_TIME', String(this.input.now))
    values.set('UPDATE_COUNTER', '0')
    values.set('IS_NEW', '1')
    return values
  }

  expire(name: PersistentName, lowerKey: ByteString, seconds: number): void {
    const values = this.#open.get(name)?.values
    if (values === undefined) return
    values.expiries.set(lowerKey, this.input.now + seconds)
    values.changed = true
  }

  /** A collection that was never written has no last update, and nothing to deprecate. */
  deprecate(name: PersistentName, lowerKey: ByteString, amount: number, period: number): void {
    const values = this.#open.get(name)?.values
    const value = values?.get(lowerKey) ?? null
    const updated = values?.get('last_update_time') ?? null
    if (values === undefined || value === null || updated === null) return
    const lowered = deprecated(whole(value), this.input.now - whole(updated), amount, period)
    if (lowered !== whole(value)) values.set(values.named(lowerKey)[0]?.key ?? lowerKey, String(lowered))
  }

  close(): void {
    const { now, store, timeout } = this.input
    for (const { slot, values } of this.#open.values()) {
      if (!values.changed) continue
      for (const lower of unsaved) values.remove(lower)
      values.set('LAST_UPDATE_TIME', String(now))
      values.set('UPDATE_COUNTER', String(whole(values.get('update_counter')) + 1))
      const lasting = values.get('timeout')
      const variables = new Map<ByteString, SavedVariable>()
      for (const { key, value } of values.all()) {
        const name = key ?? ''
        variables.set(lowerAscii(name), { name, value, expires: values.expiries.get(lowerAscii(name)) ?? null })
      }
      store.saved.set(slot, { variables, expires: now + (lasting === null ? timeout : whole(lasting)) })
    }
  }
}

/** Variables that all transactions share. */
class LiveCollection implements WritableCollection {
  readonly #values = new VariableStore()
  /** The clock of the transaction that looks. */
  now = 0
  /** Second of the last write; null: none. */
  updated: number | null = null

  /** The engine finds single variables only; the collection as a whole has no value to inspect. */
  all(): ReturnType<WritableCollection['all']> {
    return FixedCollection.empty.all()
  }

  inserted(): ReturnType<WritableCollection['inserted']> {
    return FixedCollection.empty.inserted()
  }

  named(lowerKey: ByteString): ReturnType<WritableCollection['named']> {
    return this.#values.named(lowerKey)
  }

  get(lowerKey: ByteString): ByteString | null {
    return this.#values.get(lowerKey)
  }

  set(key: ByteString, value: ByteString): void {
    this.#values.set(key, value)
    this.updated = this.now
  }

  remove(lowerKey: ByteString): void {
    this.#values.remove(lowerKey)
  }
}

class LiveCollections implements PersistentCollections {
  readonly #keys = new Map<PersistentName, ByteString>()

  constructor(private readonly input: PersistentInput) {}

  get(name: PersistentName): LiveCollection {
    const { store, applicationId, now } = this.input
    const slot = JSON.stringify([name, this.#keys.get(name) ?? '', applicationId])
    let found = store.live.get(slot)
    if (found === undefined) {
      found = new LiveCollection()
      store.live.set(slot, found)
    }
    found.now = now
    return found
  }

  /** A later opening takes the place of an earlier one. */
  open(name: PersistentName, key: ByteString): void {
    this.#keys.set(name, key)
  }

  /** COMPAT(modsec3): 3.0.9 takes `expirevar` and does nothing. */
  expire(): void {}

  deprecate(name: PersistentName, lowerKey: ByteString, amount: number, period: number): void {
    const collection = this.get(name)
    const value = collection.get(lowerKey)
    if (value === null || collection.updated === null) return
    const lowered = deprecated(whole(value), this.input.now - collection.updated, amount, period)
    if (lowered !== whole(value)) collection.set(collection.named(lowerKey)[0]?.key ?? lowerKey, String(lowered))
  }

  close(): void {}
}
