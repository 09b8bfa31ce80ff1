/**
 * Possessive quantifiers and atomic groups written as plain ones where that is exact: where giving back could never
 * lead to a match, because what follows cannot begin with a byte that would be given back.
 */
import { anyByte, type ByteSet, disjoint, emptySet, union } from './byte-set.js'
import { firstBytes, lengthOf, type PatternNode, type PatternTree } from './tree.js'

/** The same pattern with as few possessive quantifiers and atomic groups as can be said of it exactly. */
export function relaxPossessive(tree: PatternTree): PatternTree {
  // Behind the end of the pattern everything has matched: nothing would be given back.
  return { ...tree, root: relax(tree.root, emptySet()) }
}

/** `follow`: bytes that what follows can begin with. */
function relax(node: PatternNode, follow: ByteSet): PatternNode {
  switch (node.kind) {
    case 'sequence': {
      let rest = follow
      const items = node.items.toReversed().map((item) => {
        const relaxed = relax(item, rest)
        rest = firstBytes(item, rest)
        return relaxed
      })
      return { ...node, items: items.toReversed() }
    }
    case 'choice':
      return { ...node, branches: node.branches.map((branch) => relax(branch, follow)) }
    case 'group':
      return { ...node, body: relax(node.body, follow) }
    case 'atomic': {
      const body = relax(node.body, emptySet())
      return isRigid(body, follow) ? body : { ...node, body }
    }
    case 'repeat': {
      const body = relax(node.body, node.mode === 'possessive' ? anyByte : loopFollow(node.body, follow))
      const plain: PatternNode = { ...node, body, mode: 'greedy' }
      if (node.mode !== 'possessive') return { ...node, body }
      return isRigid(plain, follow) ? plain : { ...node, body }
    }
    case 'look':
      return { ...node, body: relax(node.body, node.behind ? anyByte : emptySet()) }
    case 'condition':
      return { ...node, yes: relax(node.yes, follow), no: relax(node.no, follow) }
    default:
      return node
  }
}

function loopFollow(body: PatternNode, follow: ByteSet): ByteSet {
  return union(firstBytes(body, follow), follow)
}

/** Whether the node matches in one way at most wherever what follows can match behind it. */
function isRigid(node: PatternNode, follow: ByteSet): boolean {
  switch (node.kind) {
    case 'set':
    case 'position':
    case 'look':
    case 'atomic':
      return true
    case 'sequence': {
      let rest = follow
      return node.items.toReversed().every((item) => {
        const rigid = isRigid(item, rest)
        rest = firstBytes(item, rest)
        return rigid
      })
    }
    case 'group':
      return isRigid(node.body, follow)
    case 'choice':
      return node.branches.every((branch, n) => isRigid(branch, follow) && isApart(branch, node.branches.slice(n + 1)))
    case 'repeat': {
      if (node.min === node.max && lengthOf(node.body).min === lengthOf(node.body).max)
        return isRigid(node.body, anyByte) && lengthOf(node.body).min > 0
      if (node.mode === 'possessive') return true
      if (node.mode === 'lazy' || lengthOf(node.body).min === 0) return false
      const body = firstBytes(node.body, emptySet())
      return disjoint(body, follow) && isRigid(node.body, union(body, follow))
    }
    default:
      return false
  }
}

/** Whether no later branch can begin as this one does. */
function isApart(branch: PatternNode, others: readonly PatternNode[]): boolean {
  const own = firstBytes(branch, anyByte)
  return others.every((other) => lengthOf(other).min > 0 && disjoint(own, firstBytes(other, anyByte)))
}
