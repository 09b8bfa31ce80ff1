/**
 * Variables of the response. All are absent where the capture holds no response.
 */
import type { ResponseView, VariableDefinition } from '../model/definitions.js'
import { FixedCollection } from './collection.js'
import { collection, flag, namesOf, scalar, unsimulatedCollection, unsimulatedScalar } from './derive.js'

function statusLine({ protocol, status }: ResponseView, form: 'recorded' | 'connector'): string {
  return form === 'connector' ? String(status) : `${protocol} ${status}`
}

export const responseVariables: readonly VariableDefinition[] = [
  scalar('OUTBOUND_DATA_ERROR', '1 where the response body was over the limit.', (v) =>
    v.response?.bodyRead || v.response?.overLimit ? flag(v.response.overLimit) : null,
  ),
  unsimulatedCollection('RESPONSE_ARGS', 'Arguments of a JSON response (Coraza).', 'responses are read as text'),
  scalar('RESPONSE_BODY', 'Body of the response.', (v) => v.response?.body ?? null),
  scalar('RESPONSE_CONTENT_LENGTH', 'Bytes of the response body.', (v) =>
    v.response === null || (v.platform.responseLengthOfReadBodies && !v.response.bodyRead)
      ? null
      : String(v.response.body.length),
  ),
  scalar('RESPONSE_CONTENT_TYPE', 'Content type of the response.', (v) => v.response?.contentType ?? null),
  collection(
    'RESPONSE_HEADERS',
    'Response headers, keyed by name.',
    (v) => v.response?.headers ?? FixedCollection.empty,
  ),
  namesOf(
    'RESPONSE_HEADERS_NAMES',
    'Names of the response headers.',
    (v) => v.response?.headers ?? FixedCollection.empty,
  ),
  scalar('RESPONSE_PROTOCOL', 'Protocol of the response.', (v) => v.response?.protocol ?? null),
  scalar('RESPONSE_STATUS', 'Status of the response.', (v) => (v.response === null ? null : String(v.response.status))),
  {
    kind: 'selected',
    name: 'RESPONSE_XML',
    doc: 'XML of the response (Coraza).',
    unsimulated: 'responses are read as text',
    read: () => [],
  },
  unsimulatedScalar('RES_BODY_ERROR', 'The response could not be read (Coraza).', 'responses are read as text'),
  unsimulatedScalar('RES_BODY_ERROR_MSG', 'Why the response could not be read.', 'responses are read as text'),
  unsimulatedScalar('RES_BODY_PROCESSOR', 'Processor of the response (Coraza).', 'responses are read as text'),
  unsimulatedScalar('RES_BODY_PROCESSOR_ERROR', 'The response could not be read.', 'responses are read as text'),
  unsimulatedScalar('RES_BODY_PROCESSOR_ERROR_MSG', 'Why it could not be read.', 'responses are read as text'),
  scalar('STATUS_LINE', 'Status line of the response.', (v) =>
    v.response === null ? null : statusLine(v.response, v.platform.responseLine),
  ),
]
