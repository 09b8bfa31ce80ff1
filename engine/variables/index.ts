/**
 * The table of variables, by canonical name in alphabetical order within each family.
 */
import type { VariableDefinition } from '../model/definitions.js'
import { internalVariables } from './internal.js'
import { requestVariables } from './request.js'
import { responseVariables } from './response.js'

export { collectionOf, FixedCollection, type StoreJournal, VariableStore } from './collection.js'
export { asFilled } from './filling.js'

export const variables: readonly VariableDefinition[] = [
  ...internalVariables,
  ...[...requestVariables, ...responseVariables].map((variable) => ({ ...variable, fixed: true as const })),
].sort((a, b) => (a.name < b.name ? -1 : 1))

/** Other spellings the engines accept. */
const aliases: Readonly<Record<string, string>> = {
  REQUEST_XML: 'XML',
  RESPONSE_BODY_LENGTH: 'RESPONSE_CONTENT_LENGTH',
  URL_ENCODED_ERROR: 'URLENCODED_ERROR',
  USER_ID: 'USERID',
}

const byName = new Map(variables.map((variable) => [variable.name, variable]))

/** The variable of that name, any case; null where the name is unknown. */
export function findVariable(name: string): VariableDefinition | null {
  const upper = name.toUpperCase()
  return byName.get(aliases[upper] ?? upper) ?? null
}
