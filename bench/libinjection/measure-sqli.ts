/**
 * Measures the tables of libinjection's SQL half and writes them as data: which words it knows, and which
 * sequences of tokens it takes for SQL injection.
 *
 * Usage: node dist/bench/libinjection/measure-sqli.js PEER [LIBRARY]      (writes engine/operators/libinjection/)
 * PEER is an oracle of `bench/peers/`, LIBRARY the engine's shared library; `npm run format` afterwards.
 * Nothing is read from a source: every sequence of one to five token types is asked for, and every candidate word.
 * Candidates are the words of `sql-candidates.ts`, each alone and in phrases that begin with a known word, and every
 * tail of every text in LIBRARY's data, which a program cannot leave out of what it compares with.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import type { ByteString } from '../../engine/index.js'
import { type Oracle, peer } from './oracle.js'
import { sqlCandidates } from './sql-candidates.js'

const tokenTypes = 'KUBETFN1VSO&CA(){}.,:;?X\\'
const longestFingerprint = 5
/** Longer words are never looked up: a token keeps 31 bytes. */
const longestWord = 31
const batch = 50_000
const folder = 'engine/operators/libinjection'
const lineWidth = 114

async function ask(oracle: Oracle, question: string, values: Iterable<ByteString>): Promise<Map<ByteString, string>> {
  const found = new Map<ByteString, string>()
  let waiting: ByteString[] = []
  const flush = async (): Promise<void> => {
    const answers = await oracle.ask(question, waiting)
    for (const [index, value] of waiting.entries()) {
      const answer = answers[index] as string
      if (answer !== '\0' && answer !== '') found.set(value, answer)
    }
    waiting = []
  }
  for (const value of values) {
    waiting.push(value)
    if (waiting.length === batch) await flush()
  }
  await flush()
  return found
}

function* sequences(length: number): Generator<string> {
  if (length === 0) {
    yield ''
    return
  }
  for (const head of sequences(length - 1)) for (const type of tokenTypes) yield head + type
}

function* fingerprintQuestions(): Generator<string> {
  for (let length = 1; length <= longestFingerprint; length++) for (const types of sequences(length)) yield `0${types}`
}

/** Every tail of every printable text in a file, in upper case, each once. */
function textsIn(file: string): Set<string> {
  const texts = new Set<string>()
  for (const [text] of readFileSync(file, 'latin1').matchAll(/[\x20-\x7e]+/g))
    for (let from = Math.max(0, text.length - longestWord); from < text.length; from++)
      texts.add(text.slice(from).toUpperCase())
  return texts
}

async function measureWords(oracle: Oracle, library: string | undefined): Promise<Map<string, string>> {
  const candidates = new Set(sqlCandidates)
  for (const left of '!%&*+-/:<=>^|~') for (const right of '!%&*+-/:<=>^|~') candidates.add(left + right)
  const listed = await ask(oracle, 'w', candidates)
  const texts = library === undefined ? new Set<string>() : textsIn(library)
  const words = new Map([...listed, ...(await ask(oracle, 'w', texts))])
  // Phrases grow word by word: any known word or phrase, and any part of one behind it.
  const parts = new Set(
    [...sqlCandidates, ...words.keys()].flatMap((word) => word.split(' ')).filter((part) => /^[A-Z_]+$/.test(part)),
  )
  for (let heads = [...parts]; heads.length > 0; ) {
    const known = await ask(oracle, 'w', phrases(heads, parts))
    heads = [...known.keys()].filter((phrase) => !words.has(phrase))
    for (const [phrase, type] of known) words.set(phrase, type)
  }
  for (const [word, type] of words) if (type === 'F' || word.length > longestWord) words.delete(word)
  console.log(`${words.size} words; ${[...words.keys()].filter((word) => !listed.has(word)).length} not in the list`)
  return words
}

function* phrases(heads: readonly string[], parts: ReadonlySet<string>): Generator<string> {
  for (const head of heads)
    for (const part of parts) if (head.length + part.length < longestWord) yield `${head} ${part}`
}

/** Parts joined into texts of the width of a line, sorted. */
function lines(parts: readonly string[], separator: string): string[] {
  const found: string[] = []
  for (const part of parts) {
    const last = found.at(-1)
    if (last === undefined || last.length + separator.length + part.length > lineWidth) found.push(part)
    else found[found.length - 1] = last + separator + part
  }
  return found
}

function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\')}'`
}

function writeWords(words: ReadonlyMap<string, string>): void {
  const types = [...new Set(words.values())].sort()
  const groups = types.map((type) => {
    const ofType = [...words].flatMap(([word, its]) => (its === type ? [word] : [])).sort()
    const texts = lines(ofType, ',').map((line) => `    ${literal(line)},\n`)
    return `  ${/[a-zA-Z]/.test(type) ? type : literal(type)}: [\n${texts.join('')}  ],\n`
  })
  writeFileSync(
    `${folder}/sqli-words.ts`,
    `/**
 * The words libinjection knows, by the type of token they make; a phrase of several words is one word.
 *
 * Written by bench/libinjection/measure-sqli.ts, which asks a real engine; not to be edited.
 * Words are in upper case and apart by commas.
 */
export const sqlWords: Readonly<Record<string, readonly string[]>> = {
${groups.join('')}}
`,
  )
}

function writeFingerprints(fingerprints: readonly string[]): void {
  const tails = new Map<string, string>()
  for (const types of fingerprints) {
    const head = types.slice(0, -1)
    tails.set(head, (tails.get(head) ?? '') + types.slice(-1))
  }
  const texts = lines([...tails].map(([head, last]) => `${head} ${last}`).sort(), ' ')
  // A line holds whole pairs: a head of types and the types that may come last behind it.
  writeFileSync(
    `${folder}/sqli-fingerprints.ts`,
    `/**
 * The sequences of tokens libinjection takes for SQL injection, types in upper case.
 *
 * Written by bench/libinjection/measure-sqli.ts, which asks a real engine; not to be edited.
 * Pairs of texts, apart by blanks: all types but the last, then every type that may be the last behind them.
 */
export const fingerprintPairs: readonly string[] = [
${texts.map((line) => `  ${literal(line)},\n`).join('')}]
`,
  )
}

const [program, library] = process.argv.slice(2)
if (program === undefined) throw new Error('usage: measure-sqli.js PEER [LIBRARY]')
const oracle = peer('libinjection', program, library === undefined ? [] : [library])
const fingerprints = [...(await ask(oracle, 'f', fingerprintQuestions())).keys()].map((key) => key.slice(1))
console.log(`${fingerprints.length} fingerprints`)
writeFingerprints(fingerprints)
writeWords(await measureWords(oracle, library))
oracle.close()
