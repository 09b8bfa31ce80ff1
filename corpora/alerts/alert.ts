/**
 * An alert: what a log says of one match, without the request that led to it.
 */
import type { ByteString } from '../../engine/model/exchange.js'
import type { AlertText } from './text.js'

/** What a log says of the request, the path as it was sent; null where it does not. */
export interface RequestOfAlert {
  readonly method: ByteString | null
  readonly path: ByteString | null
  readonly host: ByteString | null
  readonly uniqueId: string | null
}

export interface Alert extends RequestOfAlert {
  readonly ruleId: number
  readonly msg: ByteString
  /** As `ARGS:name`, the engine's spelling; null where the log does not say. */
  readonly target: ByteString | null
  /** Whether the path is as it was sent, or as the engine had it. */
  readonly pathIs: AlertText['pathIs']
  readonly disrupted: boolean
  readonly truncated: boolean
  readonly source: { readonly file: string; readonly line: number }
}

/** Joins what the alert and what its surroundings say; the latter has the request as it was sent. */
export function alertOf(text: AlertText, request: RequestOfAlert, source: Alert['source']): Alert {
  const { ruleId, msg, target, disrupted, truncated } = text
  return {
    ruleId,
    msg,
    target,
    method: request.method,
    path: request.path ?? text.path,
    pathIs: request.path === null ? text.pathIs : 'sent',
    host: request.host ?? text.host,
    uniqueId: request.uniqueId ?? text.uniqueId,
    disrupted,
    truncated,
    source,
  }
}
