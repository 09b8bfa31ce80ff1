/**
 * A pattern tree written for RE2: exactly, where RE2 can say it, or as a pattern that matches wherever the tree
 * does and maybe elsewhere.
 */
import type { ByteString } from '../model/exchange.js'
import { type ByteSet, rangesOf } from './byte-set.js'
import type { PatternNode, PatternTree, Position } from './tree.js'

/** RE2's bound on a counted repetition. */
const greatestCount = 1000

/** Longest text of a group that stands in for a reference to it. */
const longestReference = 500

/** What RE2 lacks of the tree, named for reports; empty where it can say all of it. */
export function beyondRe2(tree: PatternTree): readonly string[] {
  const found = new Set<string>()
  visit(tree.root, (node) => {
    if (node.kind === 'look') found.add('look-around')
    else if (node.kind === 'reference') found.add('back-reference')
    else if (node.kind === 'atomic') found.add('atomic group')
    else if (node.kind === 'repeat' && node.mode === 'possessive') found.add('possessive quantifier')
    else if (node.kind === 'condition') found.add('conditional')
    else if (node.kind === 'keep') found.add('\\K')
    else if (node.kind === 'repeat' && counts(node).some((count) => count > greatestCount))
      found.add('repetition above 1000')
    else if (node.kind === 'position' && node.at === 'search-start') found.add('\\G')
    else if (node.kind === 'position' && node.at === 'end-or-last-newline') found.add('\\Z')
    else if (node.kind === 'position' && node.at === 'no-word-border') found.add('\\B')
  })
  return [...found]
}

function counts({ min, max }: Extract<PatternNode, { kind: 'repeat' }>): readonly number[] {
  return max === Number.POSITIVE_INFINITY ? [min] : [min, max]
}

export function visit(node: PatternNode, see: (node: PatternNode) => void): void {
  see(node)
  for (const child of childrenOf(node)) visit(child, see)
}

function childrenOf(node: PatternNode): readonly PatternNode[] {
  if (node.kind === 'sequence') return node.items
  if (node.kind === 'choice') return node.branches
  if (node.kind === 'condition') return 'kind' in node.test ? [node.test, node.yes, node.no] : [node.yes, node.no]
  return 'body' in node ? [node.body] : []
}

/** The tree for RE2; `beyondRe2` must be empty. */
export function printExact(tree: PatternTree): ByteString {
  return new Printer(tree, false).print(tree.root)
}

/**
 * A pattern for RE2 that matches every value the tree matches: assertions dropped, references as what their group
 * can match, atomic groups and possessive quantifiers as plain ones.
 */
export function printSuperset(tree: PatternTree): ByteString {
  return new Printer(tree, true).print(tree.root)
}

const positions: Readonly<Record<Position, string>> = {
  start: '\\A',
  end: '\\z',
  // It looks ahead: a wider pattern takes nothing instead.
  'end-or-last-newline': '',
  'line-start': '(?m:^)',
  'line-end': '(?m:$)',
  'word-border': '\\b',
  'no-word-border': '\\B',
  'search-start': '',
}

class Printer {
  readonly #groups = new Map<number, PatternNode>()

  constructor(
    tree: PatternTree,
    private readonly superset: boolean,
  ) {
    if (superset)
      visit(tree.root, (node) => {
        if (node.kind === 'group') this.#groups.set(node.index, node.body)
      })
  }

  /** `inside`: groups whose reference is being written, which cannot stand in for themselves. */
  print(node: PatternNode, inside: readonly number[] = []): string {
    switch (node.kind) {
      case 'set':
        return printSet(node.set)
      case 'sequence':
        return node.items.map((item) => this.print(item, inside)).join('')
      case 'choice':
        return `(?:${node.branches.map((branch) => this.print(branch, inside)).join('|')})`
      case 'group': {
        const body = this.print(node.body, inside)
        return this.superset ? `(?:${body})` : `(${body})`
      }
      case 'atomic':
        return `(?:${this.print(node.body, inside)})`
      case 'repeat':
        return this.#repeat(node, inside)
      case 'reference':
        return this.#reference(node, inside)
      case 'position':
        // What holds where a group stands need not hold where it is referred to.
        return inside.length > 0 ? '' : positions[node.at]
      case 'condition':
        return `(?:${this.print(node.yes, inside)}|${this.print(node.no, inside)})`
      default:
        return ''
    }
  }

  #repeat(node: Extract<PatternNode, { kind: 'repeat' }>, inside: readonly number[]): string {
    const min = this.superset ? Math.min(node.min, greatestCount) : node.min
    const max = this.superset && node.max > greatestCount ? Number.POSITIVE_INFINITY : node.max
    const body = `(?:${this.print(node.body, inside)})`
    const lazy = node.mode === 'lazy' ? '?' : ''
    if (max === Number.POSITIVE_INFINITY) {
      if (min > 1) return `${body}{${min},}${lazy}`
      return `${body}${min === 0 ? '*' : '+'}${lazy}`
    }
    return `${body}{${min},${max}}${lazy}`
  }

  #reference(node: Extract<PatternNode, { kind: 'reference' }>, inside: readonly number[]): string {
    const anything = '(?s:.*)'
    if (node.caseless || node.groups.some((group) => inside.includes(group))) return anything
    const texts = node.groups.map((group) => {
      const body = this.#groups.get(group)
      return body === undefined ? anything : this.print(body, [...inside, ...node.groups])
    })
    const text = `(?:${texts.join('|')})`
    return text.length > longestReference ? anything : text
  }
}

function printSet(set: ByteSet): string {
  const ranges = rangesOf(set)
  if (ranges.length === 0) return '[^\\x00-\\xff]'
  const [first] = ranges
  if (ranges.length === 1 && first !== undefined && first[0] === first[1]) return hex(first[0])
  return `[${ranges.map(([low, high]) => (low === high ? hex(low) : `${hex(low)}-${hex(high)}`)).join('')}]`
}

function hex(code: number): string {
  return `\\x${code.toString(16).padStart(2, '0')}`
}
