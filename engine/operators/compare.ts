/**
 * Numeric operators. What is no number is 0; how far a text is read differs (runs of all three engines).
 */
import type { OperatorDefinition, OperatorInput, OperatorTest } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import { matched, ofArgument, pure } from './match.js'

const least64 = -(2n ** 63n)
const most64 = 2n ** 63n - 1n

/** Whether the value must fit into 32 bits: @eq and @ne of libmodsecurity, not the operators that order. */
type Comparing = 'equal' | 'order'

/** COMPAT: the three engines read numbers in three ways, see `Platform.numbers`. */
function numberOf(text: ByteString, numbers: Platform['numbers'], comparing: Comparing): number {
  // PERF(operators): most numbers have few digits and nothing else.
  if (text.length < 10 && isDigits(text)) return Number(text)
  const [digits = ''] = /^[\t-\r ]*[+-]?\d+/.exec(text) ?? []
  if (numbers === 'whole') return wholeNumber(text, digits)
  if (digits.length < 10) return Number(digits)
  const value = clamped(digits)
  const wrapped = BigInt.asIntN(32, value)
  if (numbers === 'wrap') return Number(wrapped)
  if (comparing === 'order') return Number(value)
  return wrapped === value ? Number(value) : 0
}

function isDigits(text: ByteString): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x30 || code > 0x39) return false
  }
  return text !== ''
}

/** Digits that overflow 64 bits count before what follows them is looked at. */
function wholeNumber(text: ByteString, digits: string): number {
  if (/^[\t-\r ]/.test(digits)) return 0
  if (digits === text && digits.length < 10) return Number(digits)
  const overflows = digits.length >= 20 && BigInt(digits.replace(/^[+-]/, '')) >= 2n ** 64n
  return digits === text || overflows ? Number(clamped(digits)) : 0
}

function clamped(digits: string): bigint {
  const value = BigInt(digits.trim().replace('+', '') || 0)
  return value < least64 ? least64 : value > most64 ? most64 : value
}

function numeric(
  name: string,
  doc: string,
  comparing: Comparing,
  holds: (value: number, limit: number) => boolean,
): OperatorDefinition {
  const numberIn = (text: ByteString, numbers: Platform['numbers']): number => numberOf(text, numbers, comparing)
  return {
    name,
    doc,
    argument: 'optional',
    platforms:
      'Coraza: 0 unless the whole text is a number. Beyond 32 bits ModSecurity 2 wraps; libmodsecurity 3 takes 0 for @eq.',
    compile: ({ argument, platform: { numbers } }: OperatorInput): OperatorTest => {
      if (argument.constant !== null) {
        const limit = numberIn(argument.constant, numbers)
        return pure((value) => (holds(numberIn(value, numbers), limit) ? matched : null))
      }
      return ofArgument(argument, (value, view) =>
        holds(numberIn(value, numbers), numberIn(argument.expand(view), numbers)) ? matched : null,
      )
    },
  }
}

export const compareOperators: readonly OperatorDefinition[] = [
  numeric('eq', 'The number equals the argument.', 'equal', (value, limit) => value === limit),
  numeric('ge', 'The number is at least the argument.', 'order', (value, limit) => value >= limit),
  numeric('gt', 'The number is above the argument.', 'order', (value, limit) => value > limit),
  numeric('le', 'The number is at most the argument.', 'order', (value, limit) => value <= limit),
  numeric('lt', 'The number is below the argument.', 'order', (value, limit) => value < limit),
  numeric('ne', 'The number differs from the argument.', 'equal', (value, limit) => value !== limit),
]
