/**
 * Operators that check the form of a value: byte ranges, URL and UTF-8 encoding, numbers with check digits.
 *
 * They match where the value is NOT valid, but for verifyCC and its kin, which match where it is.
 */
import { DefinitionError } from '../errors.js'
import type { OperatorDefinition, OperatorInput, OperatorMatch, OperatorTest } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { anyLiteral, literal } from '../model/requirement.js'
import { compilePattern } from '../patterns/index.js'
import { spend } from '../time-budget.js'
import { utf8LengthAt } from '../utf8.js'
import { pure, unsimulatedOperator } from './match.js'

/** `10,13,32-126` as a table of allowed bytes. */
function allowedBytes(text: ByteString): Uint8Array {
  const allowed = new Uint8Array(256)
  for (const word of text.split(',')) {
    const range = /^\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?\s*$/.exec(word)
    const low = Number(range?.[1])
    const high = Number(range?.[2] ?? range?.[1])
    if (range === null || high > 255 || high < low)
      throw new DefinitionError(`"${word}" is neither a byte (0-255) nor a range of bytes`)
    allowed.fill(1, low, high + 1)
  }
  return allowed
}

function outside(value: ByteString, allowed: Uint8Array): OperatorMatch | null {
  for (let i = 0; i < value.length; i++)
    if (allowed[value.charCodeAt(i) & 0xff] === 0) return { matched: value.slice(i, i + 1), captures: null }
  return null
}

function bytesOutside(allowed: Uint8Array): ByteString[] {
  return [...allowed.keys()].filter((code) => allowed[code] === 0).map((code) => String.fromCharCode(code))
}

function compileByteRange({ argument }: OperatorInput): OperatorTest {
  if (argument.constant !== null) {
    const allowed = allowedBytes(argument.constant)
    return pure(
      (value) => outside(value, allowed),
      () => anyLiteral(bytesOutside(allowed)),
    )
  }
  return (value, view) => {
    try {
      return outside(value, allowedBytes(argument.expand(view)))
    } catch {
      return null
    }
  }
}

function badUrlEncoding(value: ByteString): OperatorMatch | null {
  for (let at = value.indexOf('%'); at >= 0; at = value.indexOf('%', at + 1))
    if (!/^%[0-9a-fA-F]{2}/.test(value.slice(at, at + 3))) return { matched: value.slice(at, at + 3), captures: null }
  return null
}

function badUtf8(value: ByteString, beyond: boolean): OperatorMatch | null {
  for (let at = 0; at < value.length; ) {
    const length = utf8LengthAt(value, at, beyond)
    if (length === 0) return { matched: value.slice(at, at + 1), captures: null }
    at += length
  }
  return null
}

/**
 * Digits of a number written with blanks and dashes pass the check. A match that does not is tried again from its
 * second byte on, but for patterns that look at what stands before (`^`, `\b`). LIMIT: quadratic in the worst case, as the engines are.
 */
function checkedNumber(name: string, doc: string, valid: (digits: string) => boolean): OperatorDefinition {
  return {
    name,
    doc,
    argument: 'required',
    compile: ({ argument, platform }) => {
      const pattern = compilePattern(argument.constant ?? '', platform)
      const looksBehind = /\^|\\[AbB]|\(\?</.test(argument.constant ?? '')
      return (value) => {
        for (let at = 0; at < value.length; ) {
          spend(value.length - at)
          const found = pattern.exec(value.slice(at))
          if (found === null) return null
          if (valid(found.matched.replace(/\D/g, ''))) return { matched: found.matched, captures: [found.matched] }
          if (looksBehind) return null
          at += found.index + 1
        }
        return null
      }
    },
  }
}

function luhn(digits: string): boolean {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i])
    sum += i % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2
  }
  return digits !== '' && sum % 10 === 0
}

function cpf(digits: string): boolean {
  if (digits.length !== 11 || /^(\d)\1*$/.test(digits)) return false
  const check = (length: number): number => {
    let sum = 0
    for (let i = 0; i < length; i++) sum += Number(digits[i]) * (length + 1 - i)
    return ((sum * 10) % 11) % 10
  }
  return check(9) === Number(digits[9]) && check(10) === Number(digits[10])
}

/** Neither one digit nine times nor a row of rising digits. */
function ssn(digits: string): boolean {
  if (digits.length !== 9) return false
  const [area, group, serial] = [Number(digits.slice(0, 3)), Number(digits.slice(3, 5)), Number(digits.slice(5))]
  if (area === 0 || area >= 740 || area === 666 || group === 0 || serial === 0) return false
  const steps = [...digits].slice(1).map((digit, at) => Number(digit) - Number(digits[at]))
  return !steps.every((step) => step === 0) && !steps.every((step) => step === 1)
}

function svnr(digits: string): boolean {
  if (digits.length !== 10) return false
  const weights = [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]
  const sum = weights.reduce((total, weight, i) => total + weight * Number(digits[i]), 0)
  return (sum % 11) % 10 === Number(digits[3]) && !/^([0-8])\1*$/.test(digits)
}

/** Chile's RUT: digits and a check digit, modulus 11, `k` for ten. */
function chileanId(text: ByteString): boolean {
  const id = text.toLowerCase().replace(/[^\dk]/g, '')
  if (text.length < 8 || id === '') return false
  let rest = Number(/^\d*$/.test(id.slice(0, -1)) ? id.slice(0, -1) : 0)
  let sum = 0
  for (let factor = 2; rest !== 0; rest = Math.trunc(rest / 10)) {
    sum += (rest % 10) * factor
    factor = factor === 7 ? 2 : factor + 1
  }
  const check = sum % 11
  return (check === 0 ? '0' : check === 1 ? 'k' : String(11 - check)) === id.slice(-1)
}

function americanId(text: ByteString): boolean {
  return ssn(text.replace(/\D/g, '').slice(0, 9))
}

const nationalIds: Readonly<Record<string, (text: ByteString) => boolean>> = { cl: chileanId, us: americanId }

function compileNid({ argument, platform }: OperatorInput): OperatorTest {
  const parts = /^(\w+) ([\s\S]+)$/.exec(argument.constant ?? '')
  const valid = nationalIds[parts?.[1] ?? '']
  if (parts === null || valid === undefined || !Object.hasOwn(nationalIds, parts[1] ?? ''))
    throw new DefinitionError('@validateNid takes "cl" or "us" and a pattern')
  const pattern = compilePattern(parts[2] ?? '', platform)
  return (value) => {
    for (let rest = value, tries = 0; tries < 10; tries++) {
      const found = pattern.exec(rest)
      if (found === null) return null
      if (valid(found.matched)) return { matched: found.matched, captures: [found.matched] }
      const at = rest.indexOf(found.matched)
      rest = rest.slice(at + Math.max(1, found.matched.length))
    }
    return null
  }
}

export const validateOperators: readonly OperatorDefinition[] = [
  unsimulatedOperator('fuzzyHash', 'Compares fuzzy hashes.', 'fuzzy hashes are not computed'),
  unsimulatedOperator('inspectFile', 'Gives an uploaded file to a program.', 'programs are never run in a replay'),
  {
    name: 'validateByteRange',
    doc: 'A byte of the value is outside the ranges.',
    argument: 'required',
    compile: compileByteRange,
  },
  unsimulatedOperator('validateDTD', 'Checks an XML body against a DTD.', 'XML schemas are not read'),
  unsimulatedOperator('validateHash', 'Checks the hash of a link.', 'the hash engine is not run'),
  {
    name: 'validateNid',
    doc: 'A national id that passes its check matches the pattern: `cl PATTERN` or `us PATTERN`.',
    argument: 'required',
    compile: compileNid,
  },
  unsimulatedOperator('validateSchema', 'Checks an XML body (Coraza: JSON) against a schema.', 'schemas are not read'),
  {
    name: 'validateUrlEncoding',
    doc: 'A %-sequence of the value is broken.',
    argument: 'optional',
    compile: () => pure(badUrlEncoding, () => literal('%')),
  },
  {
    name: 'validateUtf8Encoding',
    doc: 'The value is not well-formed UTF-8.',
    argument: 'optional',
    platforms: 'The ModSecurity engines take sequences beyond U+10FFFF for valid.',
    compile: ({ platform }) => pure((value) => badUtf8(value, platform.utf8BeyondUnicode)),
  },
  checkedNumber('verifyCC', 'A credit card number with a right check digit matches the pattern.', luhn),
  checkedNumber('verifyCPF', 'A Brazilian CPF with right check digits matches the pattern.', cpf),
  checkedNumber('verifySSN', 'A US social security number matches the pattern.', ssn),
  checkedNumber('verifySVNR', 'An Austrian social security number matches the pattern.', svnr),
]
