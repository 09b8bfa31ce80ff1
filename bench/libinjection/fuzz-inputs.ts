/**
 * Inputs for comparing our libinjection with others: fragments of a language, payloads changed a little, prose, noise.
 */
import type { ByteString, TransactionRecord } from '../../engine/index.js'
import { mutatedText, payloadsOf } from '../peers/mutations.js'
import type { Random } from '../peers/random.js'
import { sentences, snippets, words } from '../peers/texts.js'

export type Fragment = (random: Random) => ByteString

const noise = '<>/=\'"`!-?%&;#\\()[]{}*+,.:@|~^$ \t\n\0\x7f\xa0\xffaAxX01'
const maxNoise = 40

/** One input. `payloads` may be empty. */
export function fuzzInput(random: Random, fragment: Fragment, payloads: readonly ByteString[]): ByteString {
  const how = random.below(100)
  if (how < 40) return fragment(random)
  if (how < 55) return mutatedText(fragment(random), random)
  if (how < 75 && payloads.length > 0) return mutatedText(random.pick(payloads), random)
  if (how < 82)
    return `${beginningOf(payloads.length > 0 ? random.pick(payloads) : prose(random), random)}${fragment(random)}`
  if (how < 90) return mutatedText(prose(random), random)
  if (how < 91) return random.many(5, 60, () => fragment(random)).join(' ')
  if (how < 96) return random.many(0, maxNoise, () => random.pick(noise.split(''))).join('')
  return String.fromCharCode(...random.many(0, maxNoise, () => random.below(256)))
}

function prose(random: Random): ByteString {
  const text = random.pick([sentences, snippets, words])
  return Buffer.from(random.many(1, 3, () => random.pick(text)).join(' ')).toString('latin1')
}

function beginningOf(text: ByteString, random: Random): ByteString {
  return text.slice(0, random.below(text.length + 1))
}

/** The different values in the requests of a corpus, decoded. */
export function payloadsIn(records: readonly TransactionRecord[]): ByteString[] {
  return [...new Set(records.flatMap(payloadsOf))].sort()
}
