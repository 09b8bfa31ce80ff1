/**
 * Values as people and scripts send them, written anew every time: prose, names, numbers, tokens, code. UTF-8 bytes.
 */
import type { ByteString } from '../../engine/index.js'
import type { Random } from '../peers/random.js'
import { contents, familyNames, givenNames, joints, otherTongues } from './vocabulary.js'

const bytes = (text: string): ByteString => Buffer.from(text, 'utf8').toString('latin1')

const marks = ['.', '.', '.', '.', '!', '?', '...', ';', ' :-)', ' (see above).', ', right?'] as const

function word(random: Random, tongue: readonly string[] | null): string {
  if (tongue !== null) return random.pick(tongue)
  const kind = random.below(100)
  if (kind < 45) return random.pick(joints)
  if (kind < 90) return random.pick(contents)
  if (kind < 93) return String(random.below(5000))
  if (kind < 95) return `${random.pick(contents)}-${random.pick(contents)}`
  if (kind < 96) return `"${random.pick(contents)}"`
  if (kind < 97) return `${random.pick(contents)}'s`
  if (kind < 98) return `${1 + random.below(400)}.${10 + random.below(89)} €`
  if (kind < 99) return random.pick(["don't", "can't", "it's", "I'd", 'e.g.', 'and/or', '&', '100%', '--'])
  return random.pick(givenNames)
}

function sentence(random: Random): string {
  const tongue = random.chance(0.12) ? random.pick(otherTongues) : null
  const words = random.many(4, 16, () => word(random, tongue) + (random.chance(0.08) ? ',' : ''))
  const text = words.join(' ')
  return text.charAt(0).toUpperCase() + text.slice(1) + random.pick(marks)
}

/** Sentences of about `length` bytes together, with paragraphs. */
export function prose(random: Random, length: number): ByteString {
  let text = ''
  while (text.length < length) text += bytes(sentence(random)) + (random.chance(0.1) ? '\r\n\r\n' : ' ')
  return text.trimEnd()
}

export function shortSentence(random: Random): ByteString {
  return bytes(sentence(random))
}

export function fullName(random: Random): ByteString {
  return bytes(`${random.pick(givenNames)} ${random.pick(familyNames)}`)
}

export function token(random: Random, length: number): ByteString {
  return Array.from({ length }, () =>
    random.pick([...'0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_']),
  ).join('')
}

export function address(random: Random): ByteString {
  return `${token(random, 3 + random.below(4))}.${random.below(10_000)}@${random.pick(contents)}.example`
}

export function date(random: Random): ByteString {
  const two = (least: number, most: number): string => String(least + random.below(most - least + 1)).padStart(2, '0')
  return `20${two(20, 26)}-${two(1, 12)}-${two(1, 28)}T${two(0, 23)}:${two(0, 59)}:${two(0, 59)}Z`
}

/** A line or some of program text. */
export function code(random: Random): ByteString {
  const name = (): string => random.pick(contents)
  const lines = [
    () => `const ${name()} = await fetch("/api/${name()}?id=${random.below(999)}");`,
    () => `SELECT ${name()}, ${name()} FROM ${name()}s WHERE id = ${random.below(9999)} ORDER BY ${name()}`,
    () => `if (${name()} != null && ${name()} > ${random.below(99)}) { return ${name()}; }`,
    () => `<p class="${name()}">${name()} <b>${name()}</b></p>`,
    () => `for f in *.${name()}; do echo "$f" | grep ${name()} >> ${name()}.log; done`,
    () => `def ${name()}(self, ${name()}=None): return self.${name()}["${name()}"]`,
    () => `docker run --rm -p ${random.below(9999)}:80 ${name()}/${name()}:latest`,
  ]
  return random.many(1, 4, () => random.pick(lines)()).join('\n')
}

/** Any of them, as a field of a form or a member of an object holds it. */
export function value(random: Random): ByteString {
  const kind = random.below(20)
  if (kind < 4) return fullName(random)
  if (kind < 8)
    return random.pick(contents) + (random.chance(0.5) ? ` ${random.pick(contents)}` : '') + random.below(1000)
  if (kind < 11) return String(random.below(1_000_000) / (random.chance(0.4) ? 100 : 1))
  if (kind < 13) return date(random)
  if (kind < 15) return token(random, 12 + random.below(30))
  if (kind < 16) return address(random)
  if (kind < 17)
    return `https://www.${random.pick(contents)}.example/${random.pick(contents)}/${random.below(10_000)}?ref=${token(random, 6)}&lang=en`
  if (kind < 18) return code(random)
  return shortSentence(random)
}
