/**
 * How likely an everyday value meets a requirement: a rough guess from how often each byte stands in text.
 */
import type { ByteString } from './exchange.js'
import type { Requirement } from './requirement.js'

const shares: Readonly<Record<string, number>> = {
  e: 12,
  t: 9,
  a: 8,
  o: 8,
  i: 7,
  n: 7,
  s: 6,
  r: 6,
  h: 6,
  l: 4,
  d: 4,
  c: 3,
  u: 3,
  m: 3,
  f: 2,
  p: 2,
  g: 2,
  w: 2,
  y: 2,
  b: 1.5,
  v: 1,
  k: 0.8,
  ' ': 18,
  '0': 8,
  '-': 2,
  '.': 2,
  '/': 2,
  ',': 1.5,
  '=': 1,
  _: 1,
  '\n': 1,
}
const otherShare = 0.3
/** Of a folded byte: about how many of a hundred bytes of text are this one. */
export function shareOf(byte: ByteString): number {
  return shares[byte] ?? otherShare
}

/** Bytes of a value, for the estimate. */
const valueLength = 40
/** How much a border lowers the chance. */
const borderShare = 0.3

/** About how likely a value meets it, from 0 to 1. */
export function chanceOf(requirement: Requirement): number {
  switch (requirement.kind) {
    case 'literal': {
      let share = 1
      for (const byte of requirement.text) share *= shareOf(byte) / 100
      if (requirement.before !== 'any') share *= borderShare
      if (requirement.after !== 'any') share *= borderShare
      return Math.min(1, share * valueLength)
    }
    case 'all':
      return Math.min(...requirement.of.map(chanceOf))
    case 'any':
      return Math.min(
        1,
        requirement.of.reduce((sum, part) => sum + chanceOf(part), 0),
      )
  }
}
