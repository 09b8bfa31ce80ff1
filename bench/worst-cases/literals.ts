/**
 * A value in which every literal stands that a ruleset's operators look for: the prefilter finds all of them, and so
 * nearly every test is asked.
 */
import type { ByteString, Ruleset } from '../../engine/index.js'
import { MatchPlan } from '../../engine/matching/plan.js'
import { randomPieces } from './values.js'

type Requirement = NonNullable<MatchPlan['tests'][number]['requires']>
type Literal = Extract<Requirement, { readonly kind: 'literal' }>

/** Literals in random order with what must stand around them, over and over, as many as come to so many bytes. */
export function valueOfLiterals(ruleset: Ruleset): (bytes: number) => ByteString {
  const pieces = [...new Set(new MatchPlan(ruleset).tests.flatMap(({ requires }) => piecesOf(requires)))]
  return (bytes) => randomPieces(pieces, 11, bytes)
}

function piecesOf(requirement: Requirement | null): ByteString[] {
  if (requirement === null) return []
  if (requirement.kind !== 'literal') return requirement.of.flatMap(piecesOf)
  return [border(requirement.before) + requirement.text + border(requirement.after)]
}

/** A blank is a word's border, a line feed a line's; of a set of bytes the first. */
function border(around: Literal['before']): ByteString {
  if (typeof around !== 'string') return String.fromCharCode(Math.max(0, around.indexOf(1)))
  return { any: '', word: ' ', line: '\n' }[around]
}
