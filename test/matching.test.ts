/**
 * Shortcuts of matching: none of them may change a verdict. What patterns require against RE2 on random patterns, the
 * prefilter against brute force, transformations that are left out, verdicts with every shortcut off.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bundledCorpora, corpusReader } from '../corpora/index.js'
import {
  evaluate,
  isUnreadable,
  type LoadedRuleset,
  loadRuleset,
  type SourcePart,
  type TransactionRecord,
} from '../engine/index.js'
import { allKinds, kindsNeeded, meet } from '../engine/matching/byte-kinds.js'
import { allShortcuts, noShortcuts, type Shortcuts } from '../engine/matching/index.js'
import { BytePresence, mostGrowth, PipelineTrie } from '../engine/matching/pipeline-trie.js'
import { MatchPlan } from '../engine/matching/plan.js'
import { Prefilter } from '../engine/matching/prefilter.js'
import { mostPlans } from '../engine/matching/value-class.js'
import { type PlatformName, platforms } from '../engine/model/platform.js'
import { anyLiteral, type Requirement } from '../engine/model/requirement.js'
import { compilePattern } from '../engine/patterns/index.js'
import { parsePattern } from '../engine/patterns/parser.js'
import type { PatternNode } from '../engine/patterns/tree.js'
import { findTransformation, transformations } from '../engine/transformations/index.js'
import { resolveRuleset } from '../rulesets/index.js'
import { pick, type Random, randomFrom, randomPattern, randomValue, valueMatching } from './support/random-patterns.js'
import { request, rules } from './support/scenario.js'
import { announceSkipped, crsTree } from './support/test-data.js'

const tree = crsTree()

/** CRS where it is at hand, else the starter ruleset. */
function crsParts(platform: PlatformName): readonly SourcePart[] {
  return resolveRuleset({ rules: [tree ?? 'starter'], platform, paranoia: 4, set: [] }).parts
}

const names = Object.keys(platforms) as PlatformName[]
const corpora = bundledCorpora()

async function recordsOf(folder: string): Promise<TransactionRecord[]> {
  const records: TransactionRecord[] = []
  const { items } = corpusReader({ specs: [folder], assumeBenign: false, labels: [], filters: [] })
  for await (const item of items) if (!isUnreadable(item)) records.push(item)
  return records
}

const benign = await recordsOf(corpora.benign)
const attacks = await recordsOf(corpora.attacks)

/** Every n-th of them. */
function sample<T>(items: readonly T[], step: number): T[] {
  return items.filter((_, index) => index % step === 0)
}

const pieces = [
  "' or 1=1 -- ",
  '<script>',
  '%3Cscript%3E',
  '&#x6a;avascript:',
  '../../etc/passwd',
  '$(id)',
  '\\x6a',
  'SELECT',
  ' ',
  '\n',
  '\0',
  '\xe9',
  '\xc5\xbfelect',
  '\xe2\x84\xaa',
  'the quick brown fox',
  'SESS_ABCDEF',
  '{{7*7}}',
  '%u0041',
  '+',
  '0x41',
  '(((((',
  '"',
  '/*!*/',
  ';ls -la',
  'a',
]

function randomText(random: Random): string {
  return Array.from({ length: 1 + random(6) }, () => pick(random, pieces)).join('')
}

const marks = [...'/*-<!>#.\\ \t\n\0aZ\xa0\xc2\xc3\xe2\x84\xaa\xff", ;(^']

function mixedMarks(random: Random): string {
  return Array.from({ length: random(12) }, () => pick(random, marks)).join('')
}

/** Values as they stand in requests, changed at random, and made up. */
function values(random: Random): string[] {
  const bodies = sample([...benign, ...attacks], 4).flatMap(({ request: { body, uri } }) => [body.slice(0, 400), uri])
  const mutated = bodies.map((body) => {
    const at = random(body.length + 1)
    return `${body.slice(0, at)}${randomText(random)}${body.slice(at)}`
  })
  return [...bodies, ...mutated, ...Array.from({ length: 300 }, () => randomText(random))]
}

function meets(requirement: Requirement | null, value: string): boolean {
  return requirement === null || new Prefilter([requirement]).scan(value) === 1
}

/** Some that a pattern matches, and some by chance; in either case. */
function valuesFor(random: Random, root: PatternNode): string[] {
  return Array.from({ length: 12 }, (_, n) => {
    const core = n % 3 === 0 ? '' : valueMatching(random, root)
    const value = `${randomValue(random)}${core}${randomValue(random)}`
    return random(3) === 0 ? value.replace(/[a-z]+/g, (run) => run.toUpperCase()) : value
  })
}

test('what a pattern requires stands in every value it matches', () => {
  const random = randomFrom(11)
  let required = 0
  let matched = 0
  for (const name of names)
    for (let round = 0; round < 3000; round++) {
      const text = (random(2) === 0 ? '(?i)' : '') + randomPattern(random, 3, () => null)
      const pattern = compilePattern(text, platforms[name])
      if (pattern.requires === null) continue
      required++
      const prefilter = new Prefilter([pattern.requires])
      const { root } = parsePattern(text, { caseless: false, multiLine: true })
      for (const value of valuesFor(random, root)) {
        if (!pattern.test(value)) continue
        matched++
        assert.is(prefilter.scan(value), 1, `${name}: ${text} on ${JSON.stringify(value)}`)
      }
    }
  assert.ok(required > 1000 && matched > 10_000, `${required} with a requirement, ${matched} matches`)
})

test('what a pattern of a rule requires stands in every value it matches', () => {
  const random = randomFrom(17)
  const patterns = new Map<string, string>()
  for (const name of names)
    for (const { links } of loadRuleset({ parts: crsParts(name), platform: name, engineMode: 'on' }).ruleset.rules)
      for (const { operatorName, operatorText } of links) if (operatorName === 'rx') patterns.set(operatorText, name)
  let matched = 0
  for (const [text, name] of patterns) {
    let root: PatternNode
    try {
      root = parsePattern(text, { caseless: false, multiLine: true }).root
    } catch {
      continue
    }
    const pattern = compilePattern(text, platforms[name as PlatformName])
    if (pattern.requires === null) continue
    const prefilter = new Prefilter([pattern.requires])
    for (let n = 0; n < 60; n++) {
      const value = `${pick(random, ['', ' ', ';', 'a', "'"])}${valueMatching(random, root)}${pick(random, ['', ' ', '\n', 'a'])}`
      if (!pattern.test(value)) continue
      matched++
      assert.is(prefilter.scan(value), 1, `${text} on ${JSON.stringify(value)}`)
    }
  }
  assert.ok(matched > 100, `${matched} matches`)
})

test('texts that fold to a letter beyond ASCII meet what Go requires', () => {
  const pattern = compilePattern('(?i)select', platforms.coraza)
  assert.ok(pattern.test('\xc5\xbfELECT'))
  assert.ok(meets(pattern.requires, '\xc5\xbfELECT'))
  assert.not.ok(meets(pattern.requires, 'elect'))
  const bordered = compilePattern('(?i)[a-z]12x', platforms.coraza)
  assert.ok(bordered.test('\xc5\xbf12x'))
  assert.ok(meets(bordered.requires, '\xc5\xbf12x'))
  assert.not.ok(meets(compilePattern('select', platforms.coraza).requires, '\xc5\xbfelect'), 'not without (?i)')
})

test('a pattern over bytes requires its own bytes above 0x7F of Coraza too', () => {
  const { requires } = compilePattern('\\xbc[^>]*>', platforms.coraza)
  assert.ok(meets(requires, 'a\xbcb>'))
  assert.not.ok(meets(requires, 'a>'))
})

test('a requirement sees borders of words and lines', () => {
  const { requires } = compilePattern('\\bor\\b', platforms.modsec3)
  assert.ok(meets(requires, 'this or that'))
  assert.ok(meets(requires, 'or'))
  assert.not.ok(meets(requires, 'for'))
  assert.not.ok(meets(requires, 'order'))
  assert.ok(meets(requires, 'for or'), 'a later place counts where an earlier one does not')
})

test('the prefilter finds what brute force finds', () => {
  const random = randomFrom(5)
  for (let round = 0; round < 200; round++) {
    const lists = Array.from({ length: 8 }, () =>
      Array.from({ length: 1 + random(4) }, () =>
        pick(random, ['a', 'ab', 'bab', 'abc', 'ca', 'A B', 'b0', '0', ' a']),
      ),
    )
    const prefilter = new Prefilter(lists.map(anyLiteral))
    for (let n = 0; n < 20; n++) {
      const value = Array.from({ length: random(9) }, () => pick(random, ['a', 'B', 'c', ' ', '7', '\t'])).join('')
      const folded = value.toLowerCase().replace(/\d/g, '0').replace(/\t/g, ' ')
      const expected = lists.flatMap((list, test) =>
        list.some((text) => folded.includes(text.toLowerCase())) ? [test] : [],
      )
      const count = prefilter.scan(value)
      assert.equal(
        [...prefilter.candidates.subarray(0, count)].sort((a, b) => a - b),
        expected,
        JSON.stringify(value),
      )
    }
  }
})

test('a value without the bytes that a transformation changes stays as it is', () => {
  const random = randomFrom(7)
  for (const platform of names)
    for (const name of Object.keys(transformations)) {
      const transformation = findTransformation(name, platforms[platform])
      const { changes } = transformation ?? {}
      if (transformation === null || changes === undefined) continue
      const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter(
        (char) => !changes.test(char),
      )
      for (let round = 0; round < 2000; round++) {
        const value = Array.from({ length: random(12) }, () => pick(random, bytes)).join('')
        assert.is(transformation.apply(value), value, `${name} on ${platform}: ${JSON.stringify(value)}`)
      }
    }
})

test('of a byte comes nothing but what a transformation says that may come of it', () => {
  const random = randomFrom(8)
  for (const platform of names)
    for (const name of Object.keys(transformations)) {
      const transformation = findTransformation(name, platforms[platform])
      const { yields } = transformation ?? {}
      if (transformation === null || yields === undefined) continue
      for (const value of [...values(random), ...Array.from({ length: 1000 }, () => mixedMarks(random))]) {
        const may = new Set(Array.from(value, yields).join(''))
        const result = transformation.apply(value)
        const stray = [...result].find((byte) => !may.has(byte))
        assert.is(stray, undefined, `${name} on ${platform}: ${JSON.stringify(value)}`)
        assert.ok(result.length <= mostGrowth * value.length, `${name} on ${platform}: ${JSON.stringify(value)}`)
      }
    }
})

test('a trie of pipelines gives each pipeline what it gives alone', () => {
  const random = randomFrom(9)
  const all = Object.keys(transformations)
  for (const platform of names) {
    const pipelines = Array.from({ length: 53 }, () =>
      Array.from({ length: random(5) }, () => findTransformation(pick(random, all), platforms[platform])).filter(
        (each) => each !== null,
      ),
    )
    const trie = new PipelineTrie(
      pipelines.map((transformations) => ({ transformations, needed: allKinds })),
      new BytePresence(pipelines.flat()),
      Number.POSITIVE_INFINITY,
    )
    for (const value of sample(values(random), 5)) {
      const { count, strings, ends } = trie.transform(value)
      pipelines.forEach((pipeline, position) => {
        const at = ends.slice(0, count).findIndex((bits) => Math.floor(bits / 2 ** position) % 2 === 1)
        assert.is(
          strings[at],
          pipeline.reduce((text, { apply }) => apply(text), value),
        )
      })
    }
  }
})

test('a trie of pipelines leaves out no string with a byte that is needed', () => {
  const random = randomFrom(10)
  const all = Object.keys(transformations)
  const signs = [...'(<\0%;x=`$|&/z']
  for (const platform of names) {
    const pipelines = Array.from({ length: 40 }, () => ({
      transformations: Array.from({ length: random(6) }, () =>
        findTransformation(pick(random, all), platforms[platform]),
      ).filter((each) => each !== null),
      needed: kindsNeeded(anyLiteral([pick(random, signs), pick(random, signs)])).first,
    }))
    const presence = new BytePresence(pipelines.flatMap((pipeline) => pipeline.transformations))
    const trie = new PipelineTrie(pipelines, presence, Number.POSITIVE_INFINITY)
    for (const value of [...sample(values(random), 5), ...Array.from({ length: 2000 }, () => mixedMarks(random))]) {
      const { count, strings, ends } = trie.transform(value)
      pipelines.forEach((pipeline, position) => {
        const result = pipeline.transformations.reduce((text, { apply }) => apply(text), value)
        presence.lookAt(result)
        if (!meet(presence, pipeline.needed)) return
        const at = ends.slice(0, count).findIndex((bits) => Math.floor(bits / 2 ** position) % 2 === 1)
        assert.is(strings[at], result)
      })
    }
  }
})

const variants: Readonly<Record<string, Shortcuts>> = {
  all: allShortcuts,
  'without memo': { ...allShortcuts, memo: false },
  'without shared transformations': { ...allShortcuts, sharedTransformations: false },
  'without both': { ...allShortcuts, memo: false, sharedTransformations: false },
  'without stretches': { ...allShortcuts, stretches: false },
  'stretches alone': { ...noShortcuts, stretches: true },
}

/** Verdicts with every choice of shortcuts are the same bytes as without any. */
function compareVerdicts({ ruleset }: LoadedRuleset, records: readonly TransactionRecord[]): void {
  for (const record of records) {
    const plain = JSON.stringify(evaluate(ruleset, record, { allRules: true, shortcuts: noShortcuts }))
    for (const [name, shortcuts] of Object.entries(variants))
      assert.is(
        JSON.stringify(evaluate(ruleset, record, { allRules: true, shortcuts })),
        plain,
        `${record.id}, ${name}`,
      )
  }
}

function hostile(random: Random): TransactionRecord[] {
  return values(random)
    .slice(-120)
    .map((text, n) => {
      const shape = n % 4
      const value = encodeURIComponent(text)
      if (shape === 0) return request({ id: `hostile-${n}`, body: `a=${value}&${value}=1&a=${text}` })
      if (shape === 1) return request({ id: `hostile-${n}`, uri: `/x?q=${value}`, headers: [['Cookie', `c=${value}`]] })
      if (shape === 2)
        return request({
          id: `hostile-${n}`,
          headers: [['Content-Type', 'application/json']],
          body: JSON.stringify({ a: [text, { [text]: 1 }] }),
        })
      return request({
        id: `hostile-${n}`,
        headers: [['User-Agent', text.replace(/[\r\n\0]/g, ' ')]],
        body: 'x='.repeat(200) + value,
      })
    })
}

test('shortcuts change no verdict of rules of every kind', () => {
  const text = `
SecRule ARGS "@rx (?i)select.+from" "id:1,phase:2,deny,status:403,log,capture,logdata:'%{TX.0}',setvar:tx.n=+1"
SecRule ARGS|!ARGS:a "@contains or" "id:2,phase:2,pass,log,t:lowercase,multiMatch"
SecRule ARGS_NAMES "!@rx ^[a-z]+$" "id:3,phase:2,pass,log"
SecRule REQUEST_HEADERS:User-Agent "@pm fox script" "id:4,phase:1,pass,log,chain"
  SecRule ARGS "@rx ." "t:none"
SecRule ARGS "@streq %{tx.n}" "id:5,phase:2,pass,log"
SecRule &ARGS "@gt 2" "id:6,phase:2,pass,log"
SecRule REQUEST_URI "@beginsWith /x" "id:7,phase:1,pass,log,ctl:ruleRemoveTargetById=1;ARGS:q"
SecRule MATCHED_VARS "@rx x" "id:8,phase:2,pass,log"
SecRule ARGS "@within a b c 1" "id:9,phase:2,pass,log,t:urlDecodeUni,t:htmlEntityDecode,t:removeWhitespace,multiMatch"
SecRule REQUEST_BODY "@validateByteRange 32-126" "id:10,phase:2,pass,log"
SecRule ARGS "@rx (a+)+$" "id:11,phase:2,pass,log"
SecRule ARGS "@detectSQLi" "id:12,phase:2,pass,log,capture,logdata:'%{TX.0}'"
SecRule ARGS "@rx sess_[,a-z0-9]{5,}$" "id:14,phase:2,pass,log,t:lowercase"
SecRule ARGS "@rx (?=.*or)x" "id:13,phase:2,pass,log"
`
  const random = randomFrom(3)
  const records = [...sample(benign, 10), ...sample(attacks, 10), ...hostile(random)]
  for (const name of names) {
    const usable = name === 'coraza' ? text.replace(/SecRule ARGS "@rx \(\?=.*\n/, '') : text
    compareVerdicts(rules(usable, name), records)
  }
})

test('long lists of phrases are found, however many they are', () => {
  const random = randomFrom(21)
  const letters = 'abcdefghijklmnopqrstuvwxyz-._'
  const word = (): string => Array.from({ length: 8 }, () => letters[random(letters.length)]).join('')
  const [first, second] = [Array.from({ length: 60_000 }, word), Array.from({ length: 9_000 }, word)]
  const text = `
SecRule ARGS "@pm ${first.join(' ')}" "id:1,phase:2,pass,log"
SecRule ARGS "@pm ${second.join(' ')}" "id:2,phase:2,pass,log"
SecRule ARGS "@rx (?i)select.+from" "id:3,phase:2,pass,log"
`
  const loaded = rules(text)
  const body = `a=x${first[59_999]}y&b=${second[8_999]}&c=SELECT+x+FROM`
  assert.equal(evaluate(loaded.ruleset, request({ body })).ruleIds, [1, 2, 3])
  compareVerdicts(loaded, [request({ body }), request({ body: 'a=nothing' })])
})

if (tree === null) announceSkipped('shortcuts on CRS', 'no CRS 4 tree: set WAFSIM_CRS_TESTS')
else
  for (const name of names)
    test(`shortcuts change no verdict of CRS on ${name}`, () => {
      const loaded = loadRuleset({ parts: crsParts(name), platform: name, engineMode: 'on' })
      compareVerdicts(loaded, [...sample(benign, 14), ...sample(attacks, 6), ...sample(hostile(randomFrom(13)), 3)])
    })

test('plans are bounded, and made anew they tell the same', () => {
  /** Each with a text that it alone changes. */
  const changing = [
    ['trimLeft', ' '],
    ['lowercase', 'B'],
    ['urlDecode', '%71'],
    ['htmlEntityDecode', '&lt;'],
    ['removeNulls', '\0'],
    ['replaceComments', '/*a*/'],
    ['jsDecode', '\\x41'],
    ['compressWhitespace', '  '],
    ['sqlHexDecode', '0x41'],
    ['normalisePath', 'a/./b'],
    ['utf8toUnicode', '\xc3\xa9'],
    ['trimRight', 'q '],
  ] as const
  const { ruleset } = rules(
    changing
      .flatMap(([name]) => ['q', '[%&;\\\\]', '<', 'b'].map((text) => [name, text]))
      .map(([name, text], n) => `SecRule ARGS "@rx ${text}" "id:${n + 1},phase:2,pass,log,t:${name}"`)
      .join('\n'),
  )
  const plan = new MatchPlan(ruleset)
  const { values } = plan.classOf(0, 1)
  let most = 0
  const seen = new Map<string, string>()
  for (let round = 0; round < 2; round++)
    for (let set = 0; set < 2 ** changing.length; set++) {
      const value = `${changing.map(([, text], n) => ((set >>> n) & 1 ? text : 'q')).join('-')}`
      const found = [...values.hits(value, true)].sort((a, b) => a - b)
      most = Math.max(most, values.plans)
      if (round === 0) seen.set(value, found.join())
      else assert.is(found.join(), seen.get(value), JSON.stringify(value))
      if (set % 37 !== 0) continue
      const expected = plan.tests.filter(({ link, matches }) =>
        matches(link.pipeline.transformations.reduce((text, { apply }) => apply(text), value)),
      )
      assert.equal(
        found,
        expected.map(({ number }) => number),
        JSON.stringify(value),
      )
    }
  assert.is(most, mostPlans)
})

test.run()
