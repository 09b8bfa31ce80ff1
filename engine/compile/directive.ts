/**
 * The shape of a directive of the table, and what it is given.
 */
import type { Span } from '../errors.js'
import type { ByteString } from '../model/exchange.js'
import type { DirectiveNode } from '../seclang/ast.js'
import type { Assembly } from './draft.js'

export interface DirectiveInput {
  readonly node: DirectiveNode
  /** First argument; empty where none. */
  readonly argument: ByteString
  readonly arguments: readonly ByteString[]
  readonly span: Span
}

export interface DirectiveDefinition {
  readonly name: string
  readonly doc: string
  /** Least number of arguments. */
  readonly least: number
  readonly unsimulated?: string
  /** Where it changes nothing that a replay reports. */
  readonly inert?: true
  /** Where the engines differ, for the documentation. */
  readonly platforms?: string
  apply(assembly: Assembly, input: DirectiveInput): void
}
