/**
 * What a value must hold for a pattern of Go's regexp to match it.
 *
 * Go folds `s` and `k` with two letters beyond ASCII, and characters are sequences of UTF-8: both make literals weaker
 * than those of the same pattern over bytes.
 */
import type { ByteString } from '../model/exchange.js'
import { anyLiteral, anyOf, type Literal, type Requirement } from '../model/requirement.js'
import { writesBytes } from './go-pattern.js'
import { parsePattern } from './parser.js'
import { requiredLiterals } from './required-literals.js'

/** UTF-8 of what Go folds to `s` and `k`: ſ and the Kelvin sign. */
const foldedBeyondAscii = anyLiteral(['\xc5\xbf', '\xe2\x84\xaa'])

/** Throws where our parser does not read the pattern. Null where nothing is required. */
export function goRequirement(pattern: ByteString): Requirement | null {
  const caseless = mayBeCaseless.test(pattern)
  const tree = parsePattern(pattern, { caseless: false, multiLine: true })
  const highBytes = writesBytes(pattern) && !caseless && !hasOtherSets.test(pattern)
  const required = requiredLiterals(tree, { highBytes })
  return required === null || !caseless ? required : withFolded(required)
}

/** Too often rather than too seldom: a name of a group is no option. */
const mayBeCaseless = /\(\?[a-zA-Z-]*i/

/** What stands for other bytes in Go than in PCRE: white space and what is none. */
const hasOtherSets = /\\[sShHvV]|\[:/

/** A literal may stand there with another letter, and so may what stands at its borders. */
function withFolded(requirement: Requirement): Requirement {
  if (requirement.kind === 'literal')
    return mayFold(requirement) ? (anyOf([requirement, foldedBeyondAscii]) as Requirement) : requirement
  const of = requirement.of.map(withFolded)
  return requirement.kind === 'any' ? (anyOf(of) as Requirement) : { kind: 'all', of }
}

function mayFold({ text, before, after }: Literal): boolean {
  return /[sk]/.test(text) || holdsFolding(before) || holdsFolding(after)
}

function holdsFolding(border: Literal['before']): boolean {
  return typeof border !== 'string' && [...'sSkK'].some((letter) => border[letter.charCodeAt(0)] === 1)
}
