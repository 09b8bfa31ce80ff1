/**
 * What ModSecurity 2 makes of SecPcreMatchLimit: whether PCRE2's compiled matcher would give up on a value.
 *
 * PCRE2 counts, for each place a match may begin, how often it goes on behind a repetition, and gives up beyond the
 * limit; a repetition that cannot be given back to any use is possessive to it and so counts once. Measured with
 * libpcre2 10.42, see docs/platforms.md.
 */
import type { ByteString } from '../model/exchange.js'
import { Backtracker, PatternRunaway } from './backtracker.js'
import { anyByte, type ByteSet, disjoint, emptySet } from './byte-set.js'
import { compileProgram, isLiteral } from './program.js'
import { firstBytes, type PatternNode, type PatternTree } from './tree.js'

/** Steps spent on finding out, what fails again counted as one; where they do not suffice the limit counts as exceeded. */
const stepBudget = 20_000_000

export type LimitTest = (value: ByteString) => boolean

/** Values shorter than this are not looked at, whatever the pattern; see `leastLength`. In bytes. */
export function leastLimitedLength(limit: number): number {
  return Math.floor(2.5 * Math.sqrt(limit))
}

/** Null where no value can exceed the limit. The test says whether the value does. */
export function compileMatchLimit(tree: PatternTree, limit: number): LimitTest | null {
  const possessive = { ...tree, root: possessify(tree.root, emptySet(), anyByte) }
  if (givers(possessive.root) === 0) return null
  const program = compileProgram(possessive, true)
  const required = requiredLiteral(tree.root) ?? null
  const backtracker = new Backtracker(program, stepBudget, limit)
  const least = leastLength(possessive, limit)
  return (value) => {
    if (value.length < least) return false
    if (required !== null && !holds(value, required)) return false
    try {
      backtracker.exec(value)
      return false
    } catch (error) {
      if (error instanceof PatternRunaway) return true
      throw error
    }
  }
}

function holds(value: ByteString, set: ByteSet): boolean {
  for (let at = 0; at < value.length; at++) if (set[value.charCodeAt(at)] === 1) return true
  return false
}

/**
 * Shortest value worth a look: with one repetition it takes as many bytes as passes, with several at least about
 * 2.5 times the root (measured over CRS 4.25: no shorter value came near).
 */
function leastLength(tree: PatternTree, limit: number): number {
  return givers(tree.root) === 1 ? limit - 64 : leastLimitedLength(limit)
}

/** Number of repetitions that can give something back; one inside another counts as many. */
function givers(node: PatternNode): number {
  switch (node.kind) {
    case 'sequence':
      return node.items.reduce((sum, item) => sum + givers(item), 0)
    case 'choice':
      return node.branches.reduce((sum, branch) => sum + givers(branch), 0)
    case 'condition':
      return givers(node.yes) + givers(node.no)
    case 'group':
    case 'atomic':
    case 'look':
      return givers(node.body)
    case 'repeat':
      if (node.min === node.max) return givers(node.body) * 2
      if (node.body.kind === 'set') return node.mode === 'possessive' ? 0 : 1
      return 2 + 2 * givers(node.body)
    default:
      return 0
  }
}

/**
 * Repeated bytes made possessive where PCRE2 does it. `follow` and `lazyFollow`: bytes that what follows can begin
 * with, for a greedy and for a lazy repetition; they differ at the end of the pattern.
 */
function possessify(node: PatternNode, follow: ByteSet, lazyFollow: ByteSet): PatternNode {
  switch (node.kind) {
    case 'sequence': {
      let greedy = follow
      let lazy = lazyFollow
      const items = node.items.toReversed().map((item) => {
        const done = possessify(item, greedy, lazy)
        greedy = firstBytes(item, greedy)
        lazy = firstBytes(item, lazy)
        return done
      })
      return { ...node, items: items.toReversed() }
    }
    case 'choice':
      return { ...node, branches: node.branches.map((branch) => possessify(branch, follow, lazyFollow)) }
    case 'group':
      return { ...node, body: possessify(node.body, follow, lazyFollow) }
    case 'repeat': {
      if (node.body.kind === 'set') {
        const behind = node.mode === 'lazy' ? lazyFollow : follow
        return disjoint(node.body.set, behind) ? { ...node, mode: 'possessive' } : node
      }
      const looped = node.max > 1
      return { ...node, body: possessify(node.body, looped ? anyByte : follow, looped ? anyByte : lazyFollow) }
    }
    case 'atomic':
    case 'look':
      return { ...node, body: possessify(node.body, anyByte, anyByte) }
    default:
      return node
  }
}

/**
 * The last literal every match must hold, as PCRE2 keeps it; null where it keeps none. Undefined: the node says
 * nothing, so what was before it stays. Branches that end differently leave none.
 */
function requiredLiteral(node: PatternNode): ByteSet | null | undefined {
  switch (node.kind) {
    case 'set':
      return isLiteral(node.set) ? node.set : undefined
    case 'sequence':
      return node.items.reduce<ByteSet | null | undefined>((found, item) => {
        const own = requiredLiteral(item)
        return own === undefined ? found : own
      }, undefined)
    case 'group':
    case 'atomic':
      return requiredLiteral(node.body)
    case 'repeat':
      return node.min > 0 ? requiredLiteral(node.body) : undefined
    case 'choice': {
      if (node.branches.every((branch) => branch.kind === 'set')) return undefined
      const [first, ...rest] = node.branches.map(requiredLiteral)
      if (first === undefined) return rest.every((each) => each === undefined) ? undefined : null
      return first !== null && rest.every((each) => each?.every((m, code) => m === first[code])) ? first : null
    }
    default:
      return undefined
  }
}
