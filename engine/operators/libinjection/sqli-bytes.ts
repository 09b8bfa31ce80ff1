/**
 * The bytes of SQL by what they mean to libinjection's tokeniser, as tables of 256.
 */
import type { ByteString } from '../../model/exchange.js'
import { spend } from '../../time-budget.js'

/** Readers of tokens, by the byte a token begins with. */
export const word = 0
export const white = 1
export const digit = 2
export const single = 3
export const operator1 = 4
export const operator2 = 5
export const quote = 6
export const hash = 7
export const dash = 8
export const slash = 9
export const money = 10
export const at = 11
export const tick = 12
export const bracket = 13
export const backslash = 14
export const unknown = 15
export const bitString = 16
export const escapeString = 17
export const nationalString = 18
export const quoteString = 19
export const unicodeString = 20
export const hexString = 21

export const atSign = 0x40
export const quoteMark = 0x71
export const unicodeMark = 0x75

const blanks = ' \t\n\v\f\r\xa0'
const marks: Readonly<Record<number, string>> = {
  [digit]: '.0123456789',
  [single]: '(),;{}',
  [operator1]: '%+^~',
  [operator2]: '!&*:<=>|',
  [quote]: '\'"',
  [hash]: '#',
  [dash]: '-',
  [slash]: '/',
  [money]: '$',
  [at]: '@',
  [tick]: '`',
  [bracket]: '[',
  [backslash]: '\\',
  [unknown]: '?]',
  [bitString]: 'Bb',
  [escapeString]: 'Ee',
  [nationalString]: 'Nn',
  [quoteString]: 'Qq',
  [unicodeString]: 'Uu',
  [hexString]: 'Xx',
}

export const readerOf = new Uint8Array(256)
readerOf.fill(white, 0, 0x21)
readerOf[0x7f] = white
readerOf[0xa0] = white
for (const [reader, chars] of Object.entries(marks))
  for (const char of chars) readerOf[char.charCodeAt(0)] = Number(reader)

function setOf(chars: string): Uint8Array {
  const set = new Uint8Array(256)
  for (const char of chars) set[char.charCodeAt(0)] = 1
  return set
}

export const endsWord = setOf(`${blanks}\0[]{}<>:\\?=@!#~+-*/&|^%(),';"`)
const isBlankByte = setOf(`${blanks}\0`)

/**
 * Sets that are strings in C: searching in one finds the NUL at its end too, so that NUL is in every one of them.
 * Other languages have no such NUL.
 */
export class ByteSets {
  readonly endsVariable: Uint8Array
  readonly isHex: Uint8Array
  readonly isBit: Uint8Array
  readonly isAmount: Uint8Array
  readonly isTag: Uint8Array

  constructor(withNul: boolean) {
    const nul = withNul ? '\0' : ''
    this.endsVariable = setOf(` \t\n\v\f\r<>:\\?=@!#~+-*/&|^%(),';\`"${nul}`)
    this.isHex = setOf(`0123456789ABCDEFabcdef${nul}`)
    this.isBit = setOf(`01${nul}`)
    this.isAmount = setOf(`0123456789.,${nul}`)
    this.isTag = setOf(`abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ${nul}`)
  }
}

export function isBlank(code: number): boolean {
  return isBlankByte[code] === 1
}

/** Whether Oracle's mark of a float or a double is here, and it is plain that it is one. */
export function isFloatMark(value: ByteString, place: number): boolean {
  if (place >= value.length) return false
  const mark = value.charCodeAt(place) | 0x20
  if (mark !== 0x64 && mark !== 0x66) return false
  if (place + 1 === value.length) return true
  const next = value.charCodeAt(place + 1)
  return isBlank(next) || next === 0x3b || (next | 0x20) === unicodeMark
}

export function skipSign(value: ByteString, from: number): number {
  if (from >= value.length) return from
  const code = value.charCodeAt(from)
  return code === 0x2b || code === 0x2d ? from + 1 : from
}

export function skipDigits(value: ByteString, from: number): number {
  let next = from
  while (next < value.length && value.charCodeAt(next) >= 0x30 && value.charCodeAt(next) <= 0x39) next++
  return next
}

/** The bracket that closes one of Oracle's quoted strings, or the byte itself. */
export function closing(opening: number): number {
  switch (opening) {
    case 0x28:
      return 0x29
    case 0x5b:
      return 0x5d
    case 0x7b:
      return 0x7d
    case 0x3c:
      return 0x3e
    default:
      return opening
  }
}

/** Whether the character ends right before a place, in UTF-8 where it is above 0x7f. */
export function endsWith(value: ByteString, end: number, char: number): boolean {
  if (char <= 0x7f) return value.charCodeAt(end - 1) === char
  return value.charCodeAt(end - 2) === (0xc0 | (char >> 6)) && value.charCodeAt(end - 1) === (0x80 | (char & 0x3f))
}

/** Whether an odd number of backslashes stands before a place, none of them before `from`. */
export function isEscaped(value: ByteString, from: number, place: number): boolean {
  let before = place - 1
  while (before >= from && value.charCodeAt(before) === 0x5c) before--
  return ((place - 1 - before) & 1) === 1
}

/** LIMIT: the rest of a value is looked for only where it is no longer; a longer one hardly comes twice. */
const longestRest = 4096

/** The first place from `from` on where what stands from `place` to the end of the value stands too. */
export function firstAlike(value: ByteString, from: number, place: number): number {
  if (value.length - place > longestRest) return place
  spend(place - from)
  return value.indexOf(value.slice(place), from)
}
