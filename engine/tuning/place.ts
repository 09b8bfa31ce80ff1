/**
 * Where a hit lives: the path and the parameter, each as a family of names learned from the corpus.
 */
import type { ByteString } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import { pathOperator } from './config-text.js'
import type { KeyFamily } from './parameter-families.js'
import type { PathTemplate } from './path-templates.js'

/** A rule and one of the targets it hit in, at one place. */
export interface Spot {
  readonly ruleId: number
  readonly link: number
  readonly variable: ByteString
  /** Null: the variable has no names. */
  readonly family: KeyFamily | null
  readonly template: PathTemplate
  /** Content types or other values that the rule compared, for rules that a setting drives. */
  readonly compared: readonly ByteString[]
}

/** Conditions under which an exclusion acts. Method and host are the client's to choose: no security boundary. */
export interface Scope {
  readonly template: PathTemplate | null
  readonly method: ByteString | null
  readonly host: ByteString | null
}

/** What an exclusion would have to cover: a source of a hit, on a request. */
export interface HitSource {
  readonly ruleId: number
  readonly link: number
  readonly target: ByteString
  readonly path: ByteString
}

/** `ARGS:message` to its variable and key; the key is null where there is none. */
export function splitTarget(target: ByteString): { readonly variable: ByteString; readonly key: ByteString | null } {
  const colon = target.indexOf(':')
  if (colon < 0) return { variable: target, key: null }
  return { variable: target.slice(0, colon), key: target.slice(colon + 1) }
}

/** One path and no other. */
export function literalTemplate(path: ByteString, platform: Pick<Platform, 'regexSubject'>): PathTemplate {
  const operator = pathOperator(path, platform)
  return { text: path, literal: true, operator, pattern: null, matches: (other) => other === path }
}
