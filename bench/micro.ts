/**
 * What is measured of the engine's parts: parsing, compiling, planning, transformations, the prefilter, operators.
 * No value repeats within one pass over them.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { bundledCorpora } from '../corpora/index.js'
import {
  type ByteString,
  type LoadedRuleset,
  loadRuleset,
  type Rule,
  type SourcePart,
  transformations,
} from '../engine/index.js'
import { MatchPlan } from '../engine/matching/plan.js'
import { Prefilter } from '../engine/matching/prefilter.js'
import { parseFile } from '../engine/seclang/parser.js'
import { readAll } from './peers/corpora.js'
import { payloadsOf } from './peers/mutations.js'
import { Random } from './peers/random.js'
import { value } from './traffic/writer.js'

export interface MicroCase {
  readonly group: string
  readonly name: string
  readonly unit: string
  readonly values: number
  /** Does the work once; called many times. */
  run(): void
  /** sha256 of what one pass over all values comes to. */
  digest(): string
}

/** Transformations by what they have in common. */
const families: Readonly<Record<string, readonly string[]>> = {
  case: ['lowercase', 'uppercase'],
  url: ['urlDecode', 'urlDecodeUni', 'urlEncode'],
  escapes: ['htmlEntityDecode', 'jsDecode', 'cssDecode', 'escapeSeqDecode'],
  unicode: ['utf8toUnicode'],
  codecs: ['base64Decode', 'base64DecodeExt', 'base64Encode', 'hexDecode', 'hexEncode', 'sqlHexDecode'],
  digests: ['md5', 'sha1'],
  comments: ['removeComments', 'removeCommentsChar', 'replaceComments'],
  blanks: ['compressWhitespace', 'removeWhitespace', 'trim', 'trimLeft', 'trimRight'],
  nulls: ['removeNulls', 'replaceNulls'],
  paths: ['normalizePath', 'normalizePathWin'],
  commands: ['cmdLine'],
}

/** Distinct values: nine in ten as people send them, one in ten from recorded attacks. */
export async function microValues(count: number, seed: number): Promise<readonly ByteString[]> {
  const random = new Random(seed)
  const attacks = (await readAll(bundledCorpora().attacks)).flatMap(payloadsOf)
  const found = new Set<ByteString>()
  while (found.size < count)
    found.add(random.chance(0.1) ? random.pick(attacks) + random.below(1_000_000) : value(random))
  return [...found]
}

/** One value after another. */
function overValues(
  group: string,
  name: string,
  values: readonly ByteString[],
  answer: (value: ByteString, at: number) => unknown,
): MicroCase {
  let next = 0
  return {
    group,
    name,
    unit: 'value',
    values: values.length,
    run: () => {
      answer(values[next] as ByteString, next)
      next = next + 1 === values.length ? 0 : next + 1
    },
    digest: () => sha256(values.map((each, at) => String(answer(each, at)))),
  }
}

function sha256(texts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const text of texts) hash.update(`${text.length}:${text}`, 'latin1')
  return hash.digest('hex')
}

function wholeRuleset(name: string, work: () => unknown, digest: () => string): MicroCase {
  return { group: 'ruleset', name, unit: 'ruleset', values: 1, run: () => void work(), digest }
}

function rulesetCases(parts: readonly SourcePart[], { ruleset, digest }: LoadedRuleset): readonly MicroCase[] {
  const texts = parts.map((part) =>
    part.kind === 'text'
      ? { name: part.name, text: part.text }
      : { name: part.path, text: readFileSync(part.path, 'latin1') },
  )
  const nodes = (): number => texts.reduce((sum, { name, text }) => sum + parseFile(name, text).tree.items.length, 0)
  const plan = (): MatchPlan => {
    const made = new MatchPlan(ruleset)
    for (const source of made.sources.keys()) made.classOf(source, 0b11111)
    return made
  }
  return [
    wholeRuleset('parse', nodes, () => sha256([String(nodes())])),
    wholeRuleset(
      'read, parse and compile',
      () => loadRuleset({ parts, engineMode: 'on' }),
      () => digest,
    ),
    wholeRuleset('plan', plan, () => sha256([String(plan().tests.length)])),
  ]
}

function transformationCases(values: readonly ByteString[]): readonly MicroCase[] {
  return Object.entries(families).map(([family, names]) => {
    const members = names.map((name) => transformations[name]?.apply).filter((apply) => apply !== undefined)
    const answer = (each: ByteString): ByteString => members.map((apply) => apply(each)).join('\n')
    return overValues('transformations', `${family} (${members.length})`, values, answer)
  })
}

function prefilterCase({ ruleset }: LoadedRuleset, values: readonly ByteString[]): MicroCase {
  const { tests } = new MatchPlan(ruleset)
  const prefilter = new Prefilter(tests.map(({ requires }) => requires))
  return overValues('prefilter', `scan for ${tests.length} rules`, values, (each) => {
    const count = prefilter.scan(each)
    return [...prefilter.candidates.subarray(0, count)].sort((a, b) => a - b).join(' ')
  })
}

/** Each operator on the arguments that the rules give it, one rule after another. */
function operatorCases({ ruleset }: LoadedRuleset, values: readonly ByteString[]): readonly MicroCase[] {
  const tests = new Map<string, ((value: ByteString) => boolean)[]>()
  for (const link of ruleset.rules.flatMap(({ links }: Rule) => links)) {
    const matches = link.operator?.traits?.matches
    if (matches === undefined) continue
    tests.set(link.operatorName, [...(tests.get(link.operatorName) ?? []), matches])
  }
  return [...tests]
    .sort()
    .map(([name, list]) =>
      overValues('operators', `@${name} (${list.length} in the rules)`, values, (each, at) =>
        (list[at % list.length] as (value: ByteString) => boolean)(each),
      ),
    )
}

export function microCases(parts: readonly SourcePart[], values: readonly ByteString[]): readonly MicroCase[] {
  const loaded = loadRuleset({ parts, engineMode: 'on' })
  return [
    ...rulesetCases(parts, loaded),
    ...transformationCases(values),
    prefilterCase(loaded, values),
    ...operatorCases(loaded, values),
  ]
}
