/**
 * Random patterns and values that they are likely to match, the same in every run.
 */
import type { PatternNode } from '../../engine/patterns/tree.js'

/** A generator of numbers below a bound, the same in every run. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

export type Random = (below: number) => number

export function pick(random: Random, texts: readonly string[]): string {
  return texts[random(texts.length)] ?? ''
}

export const atoms = [
  'a',
  'b',
  'c',
  'ab',
  '[ab]',
  '[^a]',
  '.',
  '\\w',
  '\\s',
  '\\xe9',
  '\\b',
  '^',
  '$',
  '\\B',
  '[^\\W_]',
  '',
]
const quantifiers = ['', '', '', '*', '+', '?', '{2}', '{1,2}', '{0,2}', '*?', '+?', '??', '{1,}?']

/** A random pattern; `extra` builds the constructs RE2 has not. Bodies of repetitions are never empty. */
export function randomPattern(random: Random, depth: number, extra: (body: () => string) => string | null): string {
  const body = (): string => randomPattern(random, depth - 1, extra)
  const items: string[] = []
  for (let n = 0; n <= random(3); n++) {
    const kind = depth > 0 ? random(7) : 0
    const special = depth > 0 && random(4) === 0 ? extra(body) : null
    if (special !== null) items.push(special)
    else if (kind === 1) items.push(`(${body()})`)
    else if (kind === 2) items.push(`(?:${body()}|${body()})`)
    else if (kind === 3) items.push(`(x${body()}|${body()}y)${pick(random, quantifiers)}`)
    else if (kind === 4) items.push(`(?:${pick(random, ['a', 'b', '[bc]'])}${body()})${pick(random, quantifiers)}`)
    else {
      const atom = pick(random, atoms)
      items.push(/^(?:\\b|\\B|\^|\$|)$/.test(atom) ? atom : `${atom}${pick(random, quantifiers)}`)
    }
  }
  return items.join('')
}

export function randomValue(random: Random): string {
  return Array.from({ length: random(12) }, () => pick(random, ['a', 'b', 'c', 'x', 'y', ' ', '\n', '\xe9'])).join('')
}

/** A value that the pattern matches but for its assertions, which are passed over. */
export function valueMatching(random: Random, node: PatternNode): string {
  switch (node.kind) {
    case 'set': {
      const members = [...node.set.keys()].filter((code) => node.set[code] === 1)
      return members.length === 0 ? '' : String.fromCharCode(members[random(members.length)] as number)
    }
    case 'sequence':
      return node.items.map((item) => valueMatching(random, item)).join('')
    case 'choice':
      return valueMatching(random, node.branches[random(node.branches.length)] as PatternNode)
    case 'group':
    case 'atomic':
      return valueMatching(random, node.body)
    case 'repeat': {
      const times = node.min + random(Math.min(node.max - node.min, 3) + 1)
      return Array.from({ length: times }, () => valueMatching(random, node.body)).join('')
    }
    default:
      return ''
  }
}
