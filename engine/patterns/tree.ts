/**
 * The tree of a PCRE pattern over bytes. Options are resolved while parsing: a caseless letter is a set of two
 * bytes, `.` is a set, `^` is one of two assertions; so a tree means the same wherever it is looked at.
 */
import { anyByte, type ByteSet, emptySet, singleByte, union } from './byte-set.js'

export type RepeatMode = 'greedy' | 'lazy' | 'possessive'

export type Position =
  | 'start'
  | 'end'
  | 'end-or-last-newline'
  | 'line-start'
  | 'line-end'
  | 'word-border'
  | 'no-word-border'
  | 'search-start'

export type PatternNode =
  | { readonly kind: 'set'; readonly set: ByteSet }
  | { readonly kind: 'sequence'; readonly items: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly branches: readonly PatternNode[] }
  | { readonly kind: 'group'; readonly index: number; readonly body: PatternNode }
  | { readonly kind: 'atomic'; readonly body: PatternNode }
  | {
      readonly kind: 'repeat'
      readonly body: PatternNode
      readonly min: number
      /** Infinity where there is no upper bound. */
      readonly max: number
      readonly mode: RepeatMode
    }
  | LookNode
  | { readonly kind: 'reference'; readonly groups: readonly number[]; readonly caseless: boolean }
  | { readonly kind: 'position'; readonly at: Position }
  | {
      readonly kind: 'condition'
      /** Groups of which one must have matched, or an assertion. */
      readonly test: readonly number[] | LookNode
      readonly yes: PatternNode
      readonly no: PatternNode
    }
  /** `\K`: what is matched so far is left out of the match. */
  | { readonly kind: 'keep' }

export interface LookNode {
  readonly kind: 'look'
  readonly behind: boolean
  readonly negated: boolean
  readonly body: PatternNode
}

export interface PatternTree {
  readonly root: PatternNode
  /** Number of capturing groups. */
  readonly groups: number
}

/** Greatest length of a look-behind that is told apart from "any". */
const unbounded = Number.POSITIVE_INFINITY

/** Least and greatest number of bytes the node consumes. References count as anything. */
export function lengthOf(node: PatternNode): { readonly min: number; readonly max: number } {
  switch (node.kind) {
    case 'set':
      return { min: 1, max: 1 }
    case 'sequence': {
      const parts = node.items.map(lengthOf)
      return {
        min: parts.reduce((sum, part) => sum + part.min, 0),
        max: parts.reduce((sum, part) => sum + part.max, 0),
      }
    }
    case 'choice':
      return spanOf(node.branches)
    case 'condition':
      return spanOf([node.yes, node.no])
    case 'group':
    case 'atomic':
      return lengthOf(node.body)
    case 'repeat': {
      const body = lengthOf(node.body)
      return { min: body.min * node.min, max: body.max === 0 ? 0 : node.max === 0 ? 0 : body.max * node.max }
    }
    case 'reference':
      return { min: 0, max: unbounded }
    default:
      return { min: 0, max: 0 }
  }
}

/** Whether a `^` of line starts stands where nothing need follow it. `rest`: least length of what follows the node. */
export function hasLooseLineStart(node: PatternNode, rest = 0): boolean {
  switch (node.kind) {
    case 'position':
      return node.at === 'line-start' && rest === 0
    case 'sequence': {
      let behind = rest
      return node.items.toReversed().some((item) => {
        const loose = hasLooseLineStart(item, behind)
        behind += lengthOf(item).min
        return loose
      })
    }
    case 'choice':
      return node.branches.some((branch) => hasLooseLineStart(branch, rest))
    case 'group':
    case 'atomic':
    case 'repeat':
      return hasLooseLineStart(node.body, rest)
    default:
      return false
  }
}

function spanOf(nodes: readonly PatternNode[]): { min: number; max: number } {
  const parts = nodes.map(lengthOf)
  return { min: Math.min(...parts.map((part) => part.min)), max: Math.max(...parts.map((part) => part.max)) }
}

/** What a byte must be for the node, and then what follows it, to have a chance there. */
export function firstBytes(node: PatternNode, follow: ByteSet): ByteSet {
  switch (node.kind) {
    case 'set':
      return node.set
    case 'sequence':
      return node.items.reduceRight((rest, item) => firstBytes(item, rest), follow)
    case 'choice':
      return node.branches.map((branch) => firstBytes(branch, follow)).reduce(union)
    case 'group':
    case 'atomic':
      return firstBytes(node.body, follow)
    case 'repeat': {
      if (node.max === 0) return follow
      const inner = firstBytes(node.body, follow)
      return node.min === 0 ? union(inner, follow) : inner
    }
    case 'keep':
      return follow
    case 'position':
      return firstAt(node.at)
    default:
      return anyByte
  }
}

/** A byte behind the end, or inside a line, is none that `\z` or `$` can stand before. */
function firstAt(at: Position): ByteSet {
  if (at === 'end') return emptySet()
  if (at === 'line-end' || at === 'end-or-last-newline') return singleByte(0x0a)
  return anyByte
}
