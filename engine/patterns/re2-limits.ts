/**
 * Whether RE2 takes a pattern for certain, so that it need not be compiled to find out.
 *
 * Source: RE2's documentation of its syntax, and what it refuses in programs and repetitions. False means only that it
 * is not known.
 */
import type { ByteString } from '../model/exchange.js'
import { type ByteSet, rangesOf } from './byte-set.js'
import type { PatternNode, PatternTree } from './tree.js'

/** RE2 refuses repetitions that come to more than 1,000, one inside the other. */
const mostRepeats = 1000
/** Half of the instructions that RE2's default of 8 MiB allows for. */
const mostInstructions = 40_000
/** RE2's parser stops at 1,000. */
const deepestNesting = 250
/** About what the ranges of UTF-8 behind a byte above 0x7F, or behind their complement, come to. */
const instructionsOfHighSet = 40

/** `source` is the pattern as RE2 gets it, `tree` what our parser reads in the pattern itself. */
export function re2Accepts(source: ByteString, tree: PatternTree): boolean {
  // Names of groups and empty lists of options have rules of their own, and numbers that nothing stands before.
  if (/\(\?(?:P?<|'|-|\)|:\)|P)|(?:^|[|(]|\(\?[\w-]*[:)])\{\d/.test(source)) return false
  return sizeOf(tree.root, 1, 0) <= mostInstructions
}

/** Instructions at most, about; infinite where RE2 may refuse the node. `repeats`: those around it, multiplied. */
function sizeOf(node: PatternNode, repeats: number, depth: number): number {
  if (depth > deepestNesting) return Number.POSITIVE_INFINITY
  switch (node.kind) {
    case 'set':
      return sizeOfSet(node.set)
    case 'position':
      return 1
    case 'sequence':
      return node.items.reduce((sum, item) => sum + sizeOf(item, repeats, depth + 1), 1)
    case 'choice':
      return node.branches.reduce((sum, branch) => sum + 1 + sizeOf(branch, repeats, depth + 1), 1)
    case 'group':
      return 2 + sizeOf(node.body, repeats, depth + 1)
    case 'repeat': {
      const { body, min, max, mode } = node
      const times = Math.max(1, max === Number.POSITIVE_INFINITY ? min + 1 : max)
      if (mode === 'possessive' || body.kind === 'repeat' || repeats * times > mostRepeats)
        return Number.POSITIVE_INFINITY
      return 1 + times * (1 + sizeOf(body, repeats * times, depth + 1))
    }
    default:
      return Number.POSITIVE_INFINITY
  }
}

const sizes = new WeakMap<ByteSet, number>()

function sizeOfSet(set: ByteSet): number {
  let size = sizes.get(set)
  if (size === undefined) {
    const ranges = rangesOf(set)
    // `k` and `s` without case are three characters each.
    size = 4 + ranges.length + (ranges.some(([, last]) => last >= 0x80) ? instructionsOfHighSet : 0)
    sizes.set(set, size)
  }
  return size
}
