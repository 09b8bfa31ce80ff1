/**
 * Measures what each libinjection takes for XSS and writes it as data.
 *
 *     node dist/bench/libinjection/measure-xss.js LIBRARY > engine/operators/libinjection/xss-lists.ts
 *
 *     node dist/bench/libinjection/measure-xss.js LIBDDWAF native-appsec > bench/libinjection/native-appsec-lists.ts
 *
 * LIBRARY is the path of libmodsecurity.so.3, LIBDDWAF that of the library in `@datadog/native-appsec`. Both oracles
 * of `bench/peers/` must be built, and `npm run format` follows. An implementation is asked about every candidate as a
 * tag, an attribute and a scheme; each list is then cut to what explains its hits. What is a prefix and what a whole
 * name is asked too, and so is every behaviour that a dialect has a field for.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ByteString } from '../../engine/index.js'
import { knownAttributes, knownSchemes, knownTags, wordsInProgram, wordsOf } from './candidates.js'
import { nativeAppsec } from './native-appsec.js'
import { type Oracle, peer } from './oracle.js'
import { type MeasuredXss, writeXssLists } from './write-xss-lists.js'

const batch = 50_000
const hit = '\x01'
/** Behind a word, shows whether it is found as a prefix: no list has a word that ends so. */
const filler = 'QZQZQ'

class Prober {
  constructor(readonly oracle: Oracle) {}

  /** Those of the words whose page is a hit. */
  async hits(words: Iterable<string>, page: (word: string) => ByteString): Promise<string[]> {
    const found: string[] = []
    for (const some of batches(words)) {
      const answers = await this.oracle.ask('x', some.map(page))
      for (const [index, answer] of answers.entries()) if (answer === hit) found.push(some[index] as string)
    }
    return found
  }

  async isHit(page: ByteString): Promise<boolean> {
    return (await this.oracle.ask('x', [page]))[0] === hit
  }

  /** The shortest beginnings of the words that are hits whatever follows. */
  async prefixes(words: readonly string[], page: (word: string) => ByteString): Promise<string[]> {
    const found = new Set<string>()
    for (const word of await this.hits(words, (each) => page(each + filler))) {
      let length = word.length
      while (length > 1 && (await this.isHit(page(word.slice(0, length - 1) + filler)))) length--
      found.add(word.slice(0, length))
    }
    return [...found].sort()
  }
}

function* batches(words: Iterable<string>): Generator<string[]> {
  let some: string[] = []
  for (const word of words) {
    some.push(word)
    if (some.length < batch) continue
    yield some
    some = []
  }
  yield some
}

const asTag = (word: string): ByteString => `<${word}>`
const asAttribute = (word: string): ByteString => `<a ${word}=x>`
const asUrlAttribute = (word: string): ByteString => `<a ${word}=javascript:>`
const asNameAttribute = (word: string): ByteString => `<a ${word}=onclick>`
const asScheme = (word: string): ByteString => `<a href="${word}">`

async function measure(oracle: Oracle, program: ByteString): Promise<MeasuredXss> {
  const prober = new Prober(oracle)
  const inProgram = wordsInProgram(program)
  const short = [1, 2, 3, 4].flatMap((length) => [...wordsOf(length)])
  const candidates = new Set([...short, ...inProgram, ...knownTags, ...knownAttributes, ...knownSchemes])
  for (const word of inProgram) candidates.add(`ON${word}`)
  process.stderr.write(`${oracle.name}: ${candidates.size} candidates\n`)

  const tagHits = await prober.hits(candidates, asTag)
  const tagPrefixes = await prober.prefixes(tagHits, asTag)
  const scriptHits = await prober.hits(candidates, asAttribute)
  const scriptPrefixes = await prober.prefixes(scriptHits, asAttribute)
  const urlHits = await prober.hits(candidates, asUrlAttribute)
  const nameHits = await prober.hits(candidates, asNameAttribute)
  const schemes = shortest(await prober.hits(candidates, asScheme))
  const scripts = scriptHits.filter((word) => word.length < 5 || !beginsWithOne(word, scriptPrefixes))
  const nameAttribute = nameHits.find((word) => !scriptHits.includes(word))
  const named = new Set(await prober.hits(scripts, (word) => `<a ${nameAttribute}=${word}>`))
  const known = new Set(scriptHits)
  return {
    tags: tagHits.filter((word) => !beginsWithOne(word, tagPrefixes)).sort(),
    tagPrefixes,
    attributes: {
      script: scripts.filter((word) => named.has(word)).sort(),
      style: scripts.filter((word) => !named.has(word)).sort(),
      url: urlHits.filter((word) => !known.has(word)).sort(),
      name: nameHits.filter((word) => !known.has(word)).sort(),
    },
    scriptPrefixes,
    schemes,
    ...(await measureReading(prober, nameAttribute ?? '')),
  }
}

/** The behaviours, each by a page that is a hit where it is so. */
async function measureReading(prober: Prober, nameAttribute: string): Promise<Omit<MeasuredXss, keyof Lists>> {
  return {
    namedKinds: (await prober.isHit(`<a ${nameAttribute}=href>`)) ? 'all' : 'script',
    tagPrefixIn: (await prober.isHit(`<svg${'q'.repeat(100)}>`)) ? 'bytes' : 'short-name',
    nulIsBlank: await prober.isHit('<a b\0onclick=1>'),
    ffIsEnd: !(await prober.isHit('<a \xff onclick=1>')),
    percentCommentEnd: (await prober.isHit('<%x>%%<z q="<script>')) ? 'at-start' : 'at-percent',
    commentWordIn: (await prober.isHit('<?IM\0PORT>')) ? 'comment' : 'six-bytes',
  }
}

type Lists = Pick<MeasuredXss, 'tags' | 'tagPrefixes' | 'attributes' | 'scriptPrefixes' | 'schemes'>

function beginsWithOne(word: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => word.startsWith(prefix))
}

/** The words that begin with no other one of them. */
function shortest(words: readonly string[]): string[] {
  const kept: string[] = []
  for (const word of [...words].sort()) if (!beginsWithOne(word, kept)) kept.push(word)
  return kept
}

const [library, target] = process.argv.slice(2)
if (library === undefined) throw new Error('usage: measure-xss LIBRARY [native-appsec]')
const peers = fileURLToPath(new URL('../../../bench/peers/', import.meta.url))
const goPeer = join(peers, 'libinjection-go/build/libinjection-go-peer')
const programs: readonly (readonly [string, Oracle, string])[] =
  target === 'native-appsec'
    ? [['nativeAppsec', await nativeAppsec(), library]]
    : [
        [
          'libinjection3',
          peer('libmodsecurity', join(peers, 'libinjection/build/libinjection-peer'), [library]),
          library,
        ],
        ['libinjectionGo', peer('libinjection-go', goPeer, []), goPeer],
      ]
const measured: [string, MeasuredXss][] = []
for (const [name, oracle, path] of programs) {
  measured.push([name, await measure(oracle, readFileSync(path, 'latin1'))])
  oracle.close()
}
process.stdout.write(
  writeXssLists(measured, target === 'native-appsec' ? '../../engine/operators/libinjection/' : './'),
)
