/**
 * Actions that describe a rule and say how its match is logged: id, phase, msg, tag, severity, log …
 */
import { DefinitionError } from '../errors.js'
import { severities } from '../model/severity.js'
import type { ActionDefinition } from './definition.js'

const phaseNames: Record<string, number> = { request: 2, response: 4, logging: 5 }

function set(name: string, doc: string, apply: ActionDefinition['apply']): ActionDefinition {
  return { name, doc, argument: 'none', apply }
}

/** Known to the engines, without an effect on what a replay reports. */
function noted(name: string, doc: string, argument: 'required' | 'optional' | 'none' = 'required'): ActionDefinition {
  return { name, doc, argument, inert: true, apply: () => {} }
}

export const metadataActions: readonly ActionDefinition[] = [
  noted('accuracy', 'Accuracy of the rule, 1 to 9; kept as written.'),
  set('auditlog', 'Writes the transaction to the audit log.', (draft, { platform }) => {
    draft.auditLog = true
    if (platform.auditLogSteersLog) draft.log = true
  }),
  {
    name: 'id',
    doc: 'Number of the rule, unique in the ruleset.',
    argument: 'required',
    apply: (draft, { argument }) => {
      if (!/^\s*\d+\s*$/.test(argument)) throw new DefinitionError(`"${argument}" is not a rule id`, 'bad-id')
      draft.id = Number(argument)
    },
  },
  set('log', 'Logs a match.', (draft) => {
    draft.log = true
    draft.auditLog = true
  }),
  {
    name: 'logdata',
    doc: 'Data logged with a match; macros are expanded.',
    argument: 'required',
    apply: (draft, input) => {
      draft.logdata = input.template(input.argument)
    },
  },
  noted('maturity', 'Maturity of the rule, 1 to 9; kept as written.'),
  {
    name: 'msg',
    doc: 'Message of the rule; macros are expanded.',
    argument: 'required',
    apply: (draft, input) => {
      draft.msg = input.template(input.argument)
    },
  },
  set('noauditlog', 'Keeps a match out of the audit log.', (draft, { platform }) => {
    draft.auditLog = false
    if (platform.auditLogSteersLog) draft.log = false
  }),
  set('nolog', 'Does not log a match (nor in the audit log).', (draft) => {
    draft.log = false
    draft.auditLog = false
  }),
  {
    name: 'phase',
    doc: 'Phase the rule runs in: 1 to 5, request, response or logging.',
    argument: 'required',
    apply: (draft, { argument }) => {
      const phase = phaseNames[argument.trim().toLowerCase()] ?? Number(argument)
      if (!Number.isInteger(phase) || phase < 1 || phase > 5)
        throw new DefinitionError(`"${argument}" is not a phase (1-5, request, response, logging)`, 'bad-phase')
      draft.phase = phase
    },
  },
  {
    name: 'rev',
    doc: 'Revision of the rule.',
    argument: 'required',
    apply: (draft, { argument }) => {
      draft.rev = argument
    },
  },
  {
    name: 'severity',
    doc: 'Severity, 0 (EMERGENCY) to 7 (DEBUG), as number or name.',
    argument: 'required',
    apply: (draft, { argument }) => {
      const named = severities.indexOf(argument.trim().toUpperCase())
      const severity = named >= 0 ? named : Number(argument)
      if (!Number.isInteger(severity) || severity < 0 || severity > 7)
        throw new DefinitionError(`"${argument}" is not a severity (0-7 or ${severities.join(', ')})`)
      draft.severity = severity
    },
  },
  {
    name: 'tag',
    doc: 'A tag; a rule may carry many.',
    argument: 'required',
    apply: (draft, input) => {
      draft.tags.push(input.template(input.argument))
    },
  },
  {
    name: 'ver',
    doc: 'Version of the ruleset the rule belongs to.',
    argument: 'required',
    apply: (draft, { argument }) => {
      draft.ver = argument
    },
  },
  noted('xmlns', 'Namespace prefix for XPath expressions.'),
]
