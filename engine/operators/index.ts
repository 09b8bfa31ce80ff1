/**
 * The table of operators.
 */
import type { OperatorDefinition } from '../model/definitions.js'
import { compareOperators } from './compare.js'
import { networkOperators } from './network.js'
import { phraseOperators } from './phrase.js'
import { rxOperators } from './rx.js'
import { sqliOperator } from './sqli.js'
import { validateOperators } from './validate.js'
import { xssOperator } from './xss.js'

/** By name, in alphabetical order. */
export const operators: Readonly<Record<string, OperatorDefinition>> = Object.fromEntries(
  [
    ...compareOperators,
    ...networkOperators,
    ...phraseOperators,
    ...rxOperators,
    sqliOperator,
    ...validateOperators,
    xssOperator,
  ]
    .sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1))
    .map((operator) => [operator.name, operator]),
)

/** Other spellings the engines accept. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['ipmatchf', 'ipmatchfromfile'],
  ['pmf', 'pmfromfile'],
])

const byName = new Map(Object.values(operators).map((operator) => [operator.name.toLowerCase(), operator]))

/** The operator of that name, any case; null where it is unknown. */
export function findOperator(name: string): OperatorDefinition | null {
  const lower = name.toLowerCase()
  return byName.get(aliases.get(lower) ?? lower) ?? null
}
