/**
 * Operators that look for texts: @contains, @pm, @within and their kin (reference manual, "Operators").
 */
import { DefinitionError } from '../errors.js'
import type { OperatorDefinition, OperatorInput, OperatorMatch, OperatorTest } from '../model/definitions.js'
import { type ByteString, lowerAscii } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import { anyLiteral, literal } from '../model/requirement.js'
import { comparison, datasetNamed, matched, matchedPart, pure } from './match.js'
import { PhraseAutomaton } from './phrase-automaton.js'

/** Splits at blanks; `|41 42|` are bytes in hex, as in Snort rules, where `hex` says so. */
export function phrasesOf(argument: ByteString, hex: boolean): ByteString[] {
  return (hex ? withHexDecoded(argument) : argument)
    .split(/[ \t\r\n]+/)
    .filter((word) => word !== '')
    .map((word) => word.replace(/\u0100/g, ' '))
}

/** A decoded blank, which does not split, is U+0100. */
function withHexDecoded(argument: ByteString): string {
  return argument.replace(/\|([0-9a-fA-F\s]+)\|/g, (whole, hex: string) => {
    const digits = hex.replace(/\s+/g, '')
    return digits.length % 2 === 1 ? whole : Buffer.from(digits, 'hex').toString('latin1').replace(/ /g, '\u0100')
  })
}

/** One phrase a line; blanks around it and comments (`#`) are not part of it. */
export function phrasesOfFile(text: ByteString): ByteString[] {
  return text
    .split('\n')
    .map((line) => line.replace(/^[ \t]+|[ \t\r]+$/g, ''))
    .filter((line) => line !== '' && !line.startsWith('#'))
}

/** At most so many phrases are captured. */
const mostCaptures = 10

/** Phrases to be looked for together. What finds them is made with the first value: most lists see none. */
class PhraseList {
  #automaton: PhraseAutomaton | null = null
  #lower: ReadonlySet<ByteString> | null = null
  /** From the longest on. */
  #lengths: readonly number[] = []

  constructor(
    private readonly phrases: readonly ByteString[],
    private readonly platform: Platform,
  ) {}

  find(value: ByteString): OperatorMatch | null {
    this.#automaton ??= new PhraseAutomaton(this.phrases, this.platform.phraseSearch)
    const found = this.#automaton.find(value)
    if (found === null) return null
    if (this.platform.phraseCaptures === 'first') return matchedPart(found)
    const list = this
    return {
      matched: found,
      // Read only where a rule captures.
      get captures() {
        return list.#allIn(value)
      },
    }
  }

  /** The longest phrase at each place that one begins at, as the value spells it. */
  #allIn(value: ByteString): ByteString[] {
    if (this.#lower === null) {
      this.#lower = new Set(this.phrases.map(lowerAscii))
      this.#lengths = [...new Set(this.phrases.map(({ length }) => length))].sort((a, b) => b - a)
    }
    const known = this.#lower
    const lower = lowerAscii(value)
    const found: ByteString[] = []
    for (let at = 0; at < value.length && found.length < mostCaptures; at++) {
      const length = this.#lengths.find((each) => at + each <= value.length && known.has(lower.slice(at, at + each)))
      if (length !== undefined) found.push(value.slice(at, at + length))
    }
    return found
  }
}

function search(phrases: readonly ByteString[], platform: Platform): OperatorTest {
  if (phrases.length === 0) throw new DefinitionError('there is no phrase to look for')
  const list = new PhraseList(phrases, platform)
  return pure(
    (value) => list.find(value),
    () => anyLiteral(phrases),
  )
}

function compilePm({ argument, platform }: OperatorInput): OperatorTest {
  if (argument.constant !== null) return search(phrasesOf(argument.constant, platform.phraseHex), platform)
  return (value, view) => {
    const phrases = phrasesOf(argument.expand(view), platform.phraseHex)
    return phrases.length === 0 ? null : new PhraseList(phrases, platform).find(value)
  }
}

function compilePmFromFile({ argument, readDataFile, platform }: OperatorInput): OperatorTest {
  const names = (argument.constant ?? '').split(/[ \t]+/).filter((name) => name !== '')
  if (names.length === 0) throw new DefinitionError('the name of the file is missing, or holds macros')
  const remote = names.find((name) => /^https?:/.test(name))
  if (remote !== undefined) throw new DefinitionError(`${remote} is not fetched; save it to a file`, 'remote-file')
  return search(
    names.flatMap((name) => phrasesOfFile(readDataFile(name))),
    platform,
  )
}

function containsWord(value: ByteString, word: ByteString, wordByte: RegExp): boolean {
  if (word === '') return true
  const goesOn = (at: number): boolean => at >= 0 && at < value.length && wordByte.test(value[at] as string)
  for (let at = value.indexOf(word); at >= 0; at = value.indexOf(word, at + 1))
    if (!goesOn(at - 1) && !goesOn(at + word.length)) return true
  return false
}

const wordBytes = { letters: /[A-Za-z]/, 'letters-digits': /[A-Za-z0-9_]/ } as const

function compileContainsWord({ argument, platform }: OperatorInput): OperatorTest {
  const wordByte = wordBytes[platform.wordBytes]
  const { constant } = argument
  if (constant !== null)
    return pure(
      (value) => (containsWord(value, constant, wordByte) ? matched : null),
      () => literal(constant),
    )
  return (value, view) => (containsWord(value, argument.expand(view), wordByte) ? matched : null)
}

export const phraseOperators: readonly OperatorDefinition[] = [
  comparison('beginsWith', 'The value begins with the argument.', (value, text) => value.startsWith(text), literal),
  comparison('contains', 'The value contains the argument.', (value, text) => value.includes(text), literal),
  {
    name: 'containsWord',
    doc: 'The value contains the argument as a word.',
    argument: 'optional',
    platforms: 'libmodsecurity 3: digits and _ end a word.',
    compile: compileContainsWord,
  },
  comparison('endsWith', 'The value ends with the argument.', (value, text) => value.endsWith(text), literal),
  { name: 'noMatch', doc: 'Never matches.', argument: 'optional', compile: () => pure(() => null) },
  { name: 'pm', doc: 'One of the words stands in the value, in any case.', argument: 'required', compile: compilePm },
  {
    name: 'pmFromFile',
    doc: 'One of the phrases of a file stands in the value, in any case.',
    argument: 'required',
    compile: compilePmFromFile,
  },
  {
    name: 'pmFromDataset',
    doc: 'A phrase of a dataset (SecDataset) stands in the value.',
    argument: 'required',
    compile: ({ argument, lookups, platform }) => search(datasetNamed(argument.constant ?? '', lookups), platform),
  },
  comparison('streq', 'The value equals the argument.', (value, text) => value === text, literal),
  comparison('strmatch', 'The value contains the argument.', (value, text) => value.includes(text), literal),
  { name: 'unconditionalMatch', doc: 'Always matches.', argument: 'optional', compile: () => pure(() => matched) },
  comparison('within', 'The value stands in the argument.', (value, text) => text.includes(value)),
]
