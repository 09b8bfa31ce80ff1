/**
 * Disruptive actions: what becomes of the transaction when a rule matches.
 *
 * Of several in one list the last one counts (reference manual, "Actions").
 */
import { DefinitionError } from '../errors.js'
import type { DisruptionKind } from '../model/ruleset.js'
import type { ActionDefinition } from './definition.js'

function plain(name: string, disruption: DisruptionKind | 'pass' | 'block', doc: string): ActionDefinition {
  return {
    name,
    doc,
    argument: 'none',
    apply: (draft) => {
      draft.disruption = disruption
    },
  }
}

const allowKinds: ReadonlyMap<string, DisruptionKind> = new Map([
  ['', 'allow'],
  ['phase', 'allow-phase'],
  ['request', 'allow-request'],
])

export const disruptiveActions: readonly ActionDefinition[] = [
  {
    name: 'allow',
    doc: 'Stops the rules: of all phases but logging, of the phase, or of the request phases.',
    argument: 'optional',
    apply: (draft, { argument }) => {
      const kind = allowKinds.get(argument.toLowerCase())
      if (kind === undefined) throw new DefinitionError(`allow takes "phase" or "request", not "${argument}"`)
      draft.disruption = kind
    },
  },
  plain('block', 'block', 'Does what SecDefaultAction of the phase says.'),
  plain('deny', 'deny', 'Answers with the status (403 unless set).'),
  plain('drop', 'drop', 'Closes the connection without an answer.'),
  plain('pass', 'pass', 'Goes on with the next rule.'),
  {
    name: 'proxy',
    doc: 'Hands the request to another server; the replay only notes that.',
    argument: 'required',
    apply: (draft) => {
      draft.disruption = 'proxy'
    },
  },
  {
    name: 'redirect',
    doc: 'Answers with a redirection to the location.',
    argument: 'required',
    apply: (draft, input) => {
      draft.disruption = 'redirect'
      // Compiled for its diagnostics: nobody follows a location in a replay.
      input.template(input.argument)
    },
  },
  {
    name: 'status',
    doc: 'Status of deny and redirect.',
    argument: 'required',
    apply: (draft, { argument }) => {
      const status = Number(argument)
      if (!Number.isInteger(status) || status < 100 || status > 599)
        throw new DefinitionError(`"${argument}" is not an HTTP status (100-599)`)
      draft.status = status
    },
  },
]
