/**
 * What a value must hold for an operator to match it: literals, joined by "all of" and "any of".
 *
 * A requirement may be too weak, never too strong: a value that does not meet it is no match for certain. Literals
 * are looked for without ASCII case, and blanks, line ends and digits are each taken for any other: classes such as
 * `\s` and `\d` are one or two bytes then.
 */
import type { ByteString } from './exchange.js'

/**
 * What stands next to a literal: anything, the border of a word (`\b`), a line's or the value's end, or a byte of a set
 * of 256 flags.
 */
export type Border = 'any' | 'word' | 'line' | Uint8Array

export interface Literal {
  readonly kind: 'literal'
  /** Folded, not empty. */
  readonly text: ByteString
  readonly before: Border
  readonly after: Border
}

export type Requirement =
  | Literal
  | { readonly kind: 'all'; readonly of: readonly Requirement[] }
  | { readonly kind: 'any'; readonly of: readonly Requirement[] }

/** What each byte counts as. */
export const foldedBytes: readonly ByteString[] = Array.from({ length: 256 }, (_, code) => {
  if (code >= 0x41 && code <= 0x5a) return String.fromCharCode(code | 0x20)
  if (code >= 0x30 && code <= 0x39) return '0'
  if (code === 10 || code === 13) return '\n'
  return (code >= 9 && code <= 12) || code === 0x20 ? ' ' : String.fromCharCode(code)
})

function folded(text: ByteString): ByteString {
  let result = ''
  for (let i = 0; i < text.length; i++) result += foldedBytes[text.charCodeAt(i) & 0xff]
  return result
}

/**
 * LIMIT: bytes of a literal that are looked for. Of a longer one the rest says little more, and the automaton of many
 * long ones would no longer fit the processor's cache.
 */
const longestLiteral = 8

/** The text stands in the value. Null (nothing is required) for the empty text. */
export function literal(text: ByteString, before: Border = 'any', after: Border = 'any'): Literal | null {
  if (text === '') return null
  // A sign is looked for by itself at next to no cost, with its borders it is not.
  if (text.length === 1 && !/[A-Za-z0-9]/.test(text))
    return { kind: 'literal', text: folded(text), before: 'any', after: 'any' }
  const isCut = text.length > longestLiteral
  return { kind: 'literal', text: folded(text.slice(0, longestLiteral)), before, after: isCut ? 'any' : after }
}

/** Every part is met; a part that is null asks for nothing. */
export function allOf(parts: readonly (Requirement | null)[]): Requirement | null {
  const of = parts.flatMap((part) => (part === null ? [] : part.kind === 'all' ? part.of : [part]))
  if (of.length === 0) return null
  return of.length === 1 ? (of[0] as Requirement) : { kind: 'all', of }
}

/** One part at least is met; where one asks for nothing, so does the whole. */
export function anyOf(parts: readonly (Requirement | null)[]): Requirement | null {
  const of: Requirement[] = []
  for (const part of parts) {
    if (part === null) return null
    if (part.kind === 'any') for (const each of part.of) of.push(each)
    else of.push(part)
  }
  if (of.length === 0) return null
  const least = withoutLongerLiterals(of)
  return least.length === 1 ? (least[0] as Requirement) : { kind: 'any', of: least }
}

/** One of the texts stands in the value. */
export function anyLiteral(texts: readonly ByteString[]): Requirement | null {
  return anyOf(texts.map((text) => literal(text)))
}

/** Length of the shortest literal that alone can meet the requirement, in bytes. */
export function shortestLiteral(requirement: Requirement): number {
  if (requirement.kind === 'literal') return requirement.text.length
  const better = requirement.kind === 'all' ? Math.max : Math.min
  return requirement.of.map(shortestLiteral).reduce((one, other) => better(one, other))
}

/** All literals of the requirement. */
export function* literalsOf(requirement: Requirement): Generator<Literal, void, undefined> {
  if (requirement.kind === 'literal') yield requirement
  else for (const part of requirement.of) yield* literalsOf(part)
}

/** The same for literals that are the same. */
export function literalKey({ text, before, after }: Literal): string {
  return `${borderKey(before)} ${borderKey(after)} ${text}`
}

const setKeys = new WeakMap<Uint8Array, string>()
const sets = new Map<string, number>()

function borderKey(border: Border): string {
  if (typeof border === 'string') return border
  let key = setKeys.get(border)
  if (key === undefined) {
    const members = border.join('')
    key = String(sets.get(members) ?? sets.size)
    sets.set(members, Number(key))
    setKeys.set(border, key)
  }
  return key
}

/** A literal that holds another one adds nothing to "any of". */
function withoutLongerLiterals(parts: readonly Requirement[]): readonly Requirement[] {
  const literals = new Map<string, Literal>()
  const others: Requirement[] = []
  for (const part of parts)
    if (part.kind === 'literal') literals.set(literalKey(part), part)
    else others.push(part)
  const all = [...literals.values()]
  const plain = new Set(all.filter(isPlain).map(({ text }) => text))
  return plain.size === 0 ? [...all, ...others] : [...all.filter((each) => !holdsOneOf(each, plain)), ...others]
}

/** Whether the literal holds a text of the set besides itself. */
function holdsOneOf(each: Literal, texts: ReadonlySet<ByteString>): boolean {
  const { text } = each
  for (let from = 0; from < text.length; from++)
    for (let to = from + 1; to <= text.length; to++)
      if ((to - from < text.length || !isPlain(each)) && texts.has(text.slice(from, to))) return true
  return false
}

function isPlain({ before, after }: Literal): boolean {
  return before === 'any' && after === 'any'
}
