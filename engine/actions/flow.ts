/**
 * Flow actions: chains, skips, and how values are prepared and captured.
 */
import { DefinitionError } from '../errors.js'
import type { ActionDefinition } from './definition.js'

export const flowActions: readonly ActionDefinition[] = [
  {
    name: 'capture',
    doc: 'Keeps what the operator captured in TX:0 to TX:9.',
    argument: 'none',
    apply: (draft) => {
      draft.capture = true
    },
  },
  {
    name: 'chain',
    doc: 'Joins the next rule to this one: all must match.',
    argument: 'none',
    apply: (draft) => {
      draft.chain = true
    },
  },
  {
    name: 'multiMatch',
    doc: 'Runs the operator before and after every transformation that changes the value.',
    argument: 'none',
    apply: (draft) => {
      draft.multiMatch = true
    },
  },
  {
    name: 'skip',
    doc: 'Skips the next N rules of the phase.',
    argument: 'required',
    apply: (draft, { argument }) => {
      const count = Number(argument)
      if (!Number.isInteger(count) || count < 1) throw new DefinitionError(`"${argument}" is not a number of rules`)
      draft.skip = count
    },
  },
  {
    name: 'skipAfter',
    doc: 'Goes on behind the SecMarker (or the rule id) of that name.',
    argument: 'required',
    apply: (draft, { argument }) => {
      draft.skipAfter = argument
    },
  },
  {
    name: 't',
    doc: 'Adds a transformation; t:none drops those before it.',
    argument: 'required',
    apply: (draft, input) => {
      const name = input.argument.trim()
      if (name.toLowerCase() === 'none') {
        draft.transformations = []
        draft.inheritTransformations = false
        return
      }
      const transformation = input.transformation(name)
      draft.transformations.push(transformation)
      if (transformation.unsimulated !== undefined)
        draft.unsimulated.push({ what: `t:${transformation.name}`, reason: transformation.unsimulated })
    },
  },
]
