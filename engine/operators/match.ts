/**
 * Small makers of operators and of what they answer.
 */
import { DefinitionError } from '../errors.js'
import type {
  Lookups,
  OperatorDefinition,
  OperatorInput,
  OperatorMatch,
  OperatorTest,
  Template,
} from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { Requirement } from '../model/requirement.js'

/** A match that has nothing to tell: the whole value, no captures. */
export const matched: OperatorMatch = Object.freeze({ matched: null, captures: null })

/** A match of a part of the value, which is also capture 0. */
export function matchedPart(part: ByteString): OperatorMatch {
  return { matched: part, captures: [part] }
}

/** The test with what is known of its answers: they depend on the value alone. `requires` is asked where rules are planned. */
export function pure(
  test: (value: ByteString) => OperatorMatch | null,
  requires: () => Requirement | null = () => null,
): OperatorTest {
  return Object.assign((value: ByteString) => test(value), {
    traits: {
      pureUpTo: Number.POSITIVE_INFINITY,
      matches: (value: ByteString) => test(value) !== null,
      get requires() {
        return requires()
      },
    },
  })
}

/** The test, whose answers depend on the value and on its argument alone. */
export function ofArgument({ ofTx }: Template, test: OperatorTest): OperatorTest {
  return ofTx === true ? Object.assign(test, { ofTx }) : test
}

/** An operator that compares the value with its argument, expanded anew for each value where it holds macros. */
export function comparison(
  name: string,
  doc: string,
  holds: (value: ByteString, argument: ByteString) => boolean,
  requires: (argument: ByteString) => Requirement | null = () => null,
): OperatorDefinition {
  return {
    name,
    doc,
    argument: 'optional',
    compile: ({ argument }: OperatorInput): OperatorTest => {
      const { constant } = argument
      if (constant !== null)
        return pure(
          (value) => (holds(value, constant) ? matched : null),
          () => requires(constant),
        )
      return ofArgument(argument, (value, view) => (holds(value, argument.expand(view)) ? matched : null))
    },
  }
}

/** An operator that is known but cannot be simulated: it never matches, and the ruleset says why. */
export function unsimulatedOperator(name: string, doc: string, reason: string): OperatorDefinition {
  return { name, doc, argument: 'optional', unsimulated: reason, compile: () => pure(() => null) }
}

/** The lines of a SecDataset; throws DefinitionError where there is none of that name above the rule. */
export function datasetNamed(name: ByteString, { datasets }: Lookups): readonly ByteString[] {
  const lines = datasets.get(name)
  if (lines === undefined || lines.length === 0)
    throw new DefinitionError(`there is no dataset "${name}" above this rule`, 'missing-dataset')
  return lines
}
