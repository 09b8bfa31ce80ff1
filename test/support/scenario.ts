/**
 * Short ways to write rules and requests in tests.
 */
import {
  evaluate,
  type LoadedRuleset,
  loadRuleset,
  type PlatformName,
  type TransactionRecord,
  type Verdict,
} from '../../engine/index.js'

export interface RequestShape {
  readonly method?: string
  readonly uri?: string
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: string
  readonly response?: TransactionRecord['response']
  readonly label?: TransactionRecord['label']
  readonly id?: string
}

/** Engine on, bodies read: what most scenarios want. */
const preamble = 'SecRuleEngine On\nSecRequestBodyAccess On\nSecResponseBodyAccess On\n'

export function rules(text: string, platform: PlatformName = 'modsec3'): LoadedRuleset {
  return loadRuleset({ parts: [{ kind: 'text', name: 'scenario.conf', text: preamble + text }], platform })
}

/** A record; a body without a content type is a form. */
export function request(shape: RequestShape = {}): TransactionRecord {
  const body = shape.body ?? ''
  const given = shape.headers ?? []
  const hasType = given.some(([name]) => name.toLowerCase() === 'content-type')
  const type: [string, string][] = body === '' || hasType ? [] : [['Content-Type', 'application/x-www-form-urlencoded']]
  return {
    id: shape.id ?? 'scenario',
    label: shape.label ?? 'unknown',
    tags: [],
    request: {
      method: shape.method ?? (body === '' ? 'GET' : 'POST'),
      uri: shape.uri ?? '/',
      httpVersion: '1.1',
      headers: [['Host', 'www.example.com'], ...given, ...type, ['Content-Length', String(body.length)]],
      body,
    },
    ...(shape.response === undefined ? {} : { response: shape.response }),
    evidence: 'complete',
  }
}

export function play(text: string, shape: RequestShape = {}, platform: PlatformName = 'modsec3'): Verdict {
  return evaluate(rules(text, platform).ruleset, request(shape), { allRules: true })
}
