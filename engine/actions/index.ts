/**
 * The table of actions.
 */
import { ctlAction } from './ctl.js'
import type { ActionDefinition } from './definition.js'
import { disruptiveActions } from './disruptive.js'
import { flowActions } from './flow.js'
import { metadataActions } from './metadata.js'
import { stateActions } from './state.js'

export { integerOf } from './arithmetic.js'
export { ctlOptions, parseEngineMode, parseSwitch } from './ctl.js'
export type { ActionDefinition, ActionDraft, ActionInput } from './definition.js'
export { emptyDraft } from './definition.js'

export const actions: readonly ActionDefinition[] = [
  ctlAction,
  ...disruptiveActions,
  ...flowActions,
  ...metadataActions,
  ...stateActions,
].sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1))

const byName = new Map(actions.map((action) => [action.name.toLowerCase(), action]))

export function findAction(name: string): ActionDefinition | null {
  return byName.get(name.toLowerCase()) ?? null
}
