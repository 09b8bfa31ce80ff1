/**
 * Variables of the response. All are absent where the capture holds no response.
 */
import type { VariableDefinition } from '../model/definitions.js'
import { FixedCollection } from './collection.js'
import { collection, namesOf, scalar, unsimulatedScalar } from './derive.js'

export const responseVariables: readonly VariableDefinition[] = [
  unsimulatedScalar('OUTBOUND_DATA_ERROR', 'Response body over the limit.', 'set on the engine, not recorded'),
  scalar('RESPONSE_BODY', 'Body of the response.', (v) => v.response?.body ?? null),
  scalar('RESPONSE_CONTENT_LENGTH', 'Bytes of the response body.', (v) =>
    v.response === null ? null : String(v.response.body.length),
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
  scalar('STATUS_LINE', 'Status line of the response.', (v) =>
    v.response === null ? null : `${v.response.protocol} ${v.response.status}`,
  ),
]
