/**
 * Small makers of variable entries: what most variables of the table have in common.
 *
 * A variable is a name, a line of documentation and one of these readers.
 */
import type {
  Collection,
  CollectionDefinition,
  Entry,
  ScalarDefinition,
  TransactionView,
} from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { collectionOf, FixedCollection } from './collection.js'

export function scalar(
  name: string,
  doc: string,
  read: (view: TransactionView) => ByteString | null,
): ScalarDefinition {
  return { kind: 'scalar', name, doc, read }
}

/** A variable that the engine sets only where `isSet` holds; before, it is what the platform makes of unset ones. */
export function setWhere(isSet: (view: TransactionView) => boolean, definition: ScalarDefinition): ScalarDefinition {
  const read = (view: TransactionView): ByteString | null =>
    view.platform.unsetVariables === 'default' || isSet(view) ? definition.read(view) : null
  return { ...definition, read }
}

export function collection(
  name: string,
  doc: string,
  read: (view: TransactionView) => Collection,
): CollectionDefinition {
  return { kind: 'collection', name, doc, read }
}

/** A collection computed from the transaction's data once and kept while that data stays the same. */
export function derivedCollection(
  name: string,
  doc: string,
  entries: (view: TransactionView) => readonly Entry[],
): CollectionDefinition {
  return collection(name, doc, (view) => view.derived(name, () => collectionOf(entries(view), view.platform)))
}

/** The names of another collection as values. */
export function namesOf(
  name: string,
  doc: string,
  source: (view: TransactionView) => Collection,
): CollectionDefinition {
  return collection(name, doc, (view) =>
    view.derived(name, () => {
      const entries = source(view).all()
      return new FixedCollection(entries.map((entry) => ({ key: entry.key, value: entry.key ?? '' })))
    }),
  )
}

/** A variable that is known but has no value in a replay; `reason` is printed by the documentation. */
export function unsimulatedScalar(name: string, doc: string, reason: string): ScalarDefinition {
  return { kind: 'scalar', name, doc, unsimulated: reason, read: () => null }
}

/** A collection that is known but has no values in a replay. */
export function unsimulatedCollection(name: string, doc: string, reason: string): CollectionDefinition {
  return { ...collection(name, doc, () => FixedCollection.empty), unsimulated: reason }
}

export function flag(on: boolean): ByteString {
  return on ? '1' : '0'
}
