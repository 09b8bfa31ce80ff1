/**
 * Patterns that RE2 cannot express: the backtracker against RE2 and against JavaScript on random patterns, its wider
 * pattern, exact rewriting of possessive quantifiers, the step budget.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import RE2 from 're2'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DefinitionError } from '../engine/errors.js'
import { platforms } from '../engine/model/platform.js'
import { Backtracker, PatternRunaway } from '../engine/patterns/backtracker.js'
import { compilePattern } from '../engine/patterns/index.js'
import { parsePattern } from '../engine/patterns/parser.js'
import { relaxPossessive } from '../engine/patterns/possessive.js'
import { beyondRe2, printExact, printSuperset } from '../engine/patterns/printer.js'
import { compileProgram } from '../engine/patterns/program.js'
import { re2Accepts } from '../engine/patterns/re2-limits.js'
import { rewritePattern } from '../engine/patterns/re2-syntax.js'

import { atoms, pick, randomFrom, randomPattern, randomValue } from './support/random-patterns.js'

import { play, rules } from './support/scenario.js'
import { repositoryRoot } from './support/test-data.js'

const options = { caseless: false, multiLine: false }
const plain = { regexFlags: 'su', regexSubject: 'bytes' } as const
const budget = 200_000

function groupsOf(borders: Int32Array | null, value: string): (string | undefined)[] | null {
  if (borders === null) return null
  const groups: (string | undefined)[] = []
  for (let n = 0; n < borders.length; n += 2)
    groups.push((borders[n + 1] ?? -1) < 0 ? undefined : value.slice(borders[n], borders[n + 1]))
  return groups
}

test('the backtracker and RE2 find the same in what both can run', () => {
  const random = randomFrom(1)
  let found = 0
  for (let round = 0; round < 2000; round++) {
    const pattern = randomPattern(random, 3, () => null)
    const tree = parsePattern(pattern, options)
    if (beyondRe2(tree).length > 0) continue
    const re2 = new RE2(printExact(tree), 'su')
    const backtracker = new Backtracker(compileProgram(tree), budget)
    for (let n = 0; n < 6; n++) {
      const value = randomValue(random)
      const expected = re2.exec(value)
      const actual = groupsOf(backtracker.exec(value), value)
      assert.equal(actual, expected === null ? null : [...expected], `${pattern} on ${JSON.stringify(value)}`)
      if (expected !== null) found++
    }
  }
  assert.ok(found > 2000, `${found} matches`)
})

test('the backtracker and JavaScript find the same with look-around; the wider pattern lets all of it through', () => {
  const random = randomFrom(2)
  let found = 0
  for (let round = 0; round < 2000; round++) {
    const pattern = randomPattern(random, 3, (body) => {
      const fixed = pick(random, ['a', '[ab]c', '\\s', 'a|bc'])
      return pick(random, [`(?=${body()})`, `(?!${body()})`, `(?<=${fixed})`, `(?<!${fixed})`])
    })
    const tree = parsePattern(pattern, options)
    const script = new RegExp(pattern, 's')
    const wider = new RE2(printSuperset(tree), 'su')
    const backtracker = new Backtracker(compileProgram(tree), budget)
    for (let n = 0; n < 6; n++) {
      const value = randomValue(random)
      const expected = script.exec(value)
      const borders = backtracker.exec(value)
      const said = `${pattern} on ${JSON.stringify(value)}`
      // JavaScript forgets groups at each iteration, PCRE does not: the match alone is compared.
      assert.equal(groupsOf(borders, value)?.[0], expected?.[0], said)
      assert.is(borders?.[0], expected?.index, said)
      if (expected === null) continue
      found++
      assert.ok(wider.test(value), `wider pattern of ${said}`)
    }
  }
  assert.ok(found > 1000, `${found} matches`)
})

test('atomic groups and possessive quantifiers: as JavaScript says them, rewritten or not', () => {
  const random = randomFrom(3)
  let rewritten = 0
  let found = 0
  for (let round = 0; round < 3000; round++) {
    let groups = 0
    const bodies = ['a', '[ab]', 'a|ab', 'ab?', '[bc]+', 'a*', 'b|c', '\\w+', 'ab|b', 'a*b']
    const build = (): { pcre: string; script: string } => {
      const parts = Array.from({ length: 1 + random(4) }, () => {
        const body = pick(random, bodies)
        const kind = random(4)
        if (kind === 0) return { pcre: pick(random, atoms), script: '' }
        const quantifier = kind === 1 ? '' : pick(random, ['*', '+', '?', '{1,2}'])
        groups++
        return {
          pcre: kind === 1 ? `(?>${body})` : `(?:${body})${quantifier}+`,
          script: `(?=((?:${body})${quantifier}))\\${groups}`,
        }
      })
      return {
        pcre: parts.map((part) => part.pcre).join(''),
        script: parts.map((part) => part.script || part.pcre).join(''),
      }
    }
    const { pcre, script } = build()
    const tree = parsePattern(pcre, options)
    const relaxed = relaxPossessive(tree)
    const exact = beyondRe2(relaxed).length === 0
    if (exact && groups > 0) rewritten++
    const re2 = exact ? new RE2(printExact(relaxed), 'su') : null
    const wider = new RE2(printSuperset(tree), 'su')
    const expectation = new RegExp(script, 's')
    const backtracker = new Backtracker(compileProgram(tree), budget)
    const relaxedBacktracker = new Backtracker(compileProgram(relaxed), budget)
    for (let n = 0; n < 6; n++) {
      const value = randomValue(random)
      const expected = expectation.exec(value)
      const said = `${pcre} on ${JSON.stringify(value)}`
      assert.is(groupsOf(backtracker.exec(value), value)?.[0], expected?.[0], said)
      assert.is(groupsOf(relaxedBacktracker.exec(value), value)?.[0], expected?.[0], `relaxed ${said}`)
      if (re2 !== null) assert.is(re2.exec(value)?.[0], expected?.[0], `rewritten ${said}`)
      if (expected !== null) {
        found++
        assert.ok(wider.test(value), `wider pattern of ${said}`)
      }
    }
  }
  assert.ok(rewritten > 300 && found > 1000, `${rewritten} rewritten, ${found} matches`)
})

test('a reference finds what its group took, and the wider pattern lets it through', () => {
  const random = randomFrom(4)
  for (let round = 0; round < 2000; round++) {
    const pattern = `${pick(random, ['', '(?:a|b)*', 'x?'])}(${randomPattern(random, 1, () => null)})${pick(random, ['', 'a', '.*', '(b)?'])}\\1`
    const tree = parsePattern(pattern, options)
    const script = new RegExp(pattern, 's')
    const wider = new RE2(printSuperset(tree), 'su')
    const backtracker = new Backtracker(compileProgram(tree), budget)
    for (let n = 0; n < 6; n++) {
      const value = randomValue(random)
      const expected = script.exec(value)
      const said = `${pattern} on ${JSON.stringify(value)}`
      assert.is(groupsOf(backtracker.exec(value), value)?.[0], expected?.[0], said)
      if (expected !== null) assert.ok(wider.test(value), `wider pattern of ${said}`)
    }
  }
})

test('vectors of PCRE', () => {
  const vectors: readonly [pattern: string, value: string, groups: readonly (string | undefined)[] | null][] = [
    ['(?<n>.)\\k<n>', 'abccd', ['cc', 'c']],
    ["(?'n'.)\\g{n}", 'abccd', ['cc', 'c']],
    ['(?P<n>.)(?P=n)', 'abccd', ['cc', 'c']],
    ['(a)(b)\\g{-1}', 'abb', ['abb', 'a', 'b']],
    ['^(?:(a)|b)(?(1)x|y)$', 'by', ['by', undefined]],
    ['^(?:(a)|b)(?(1)x|y)$', 'ay', null],
    ['(?(?=a)ab|c)', 'xc', ['c']],
    ['(?(?!a)c|ab)', 'xab', ['ab']],
    ['foo\\Kbar', 'foobar', ['bar']],
    ['(?|(a)|(b))\\1', 'bb', ['bb', 'b']],
    [
      '(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\\10',
      'abcdefghijj',
      [...'?abcdefghij'].map((c) => (c === '?' ? 'abcdefghijj' : c)),
    ],
    ['(?=a)\\101', 'A', null],
    ['(?!b)\\101', 'A', ['A']],
    ['(?:(a)|b)*(?=c)', 'abc', ['ab', 'a']],
    ['(a\\1?){3}', 'aaaa', ['aaaa', 'a']],
    ['(?i)(a)\\1', 'aA', ['aA', 'a']],
    ['(?i)(\xe9)\\1', '\xe9\xc9', null],
    ['(?i)a(?-i)b(?=C)|(?i:d)(?!e)', 'AbC', ['Ab']],
    ['(?x) a  b # comment\n c', 'abc', ['abc']],
    ['a\\Z', 'a\n', ['a']],
    ['\\Qa+\\E(?=b)', 'a+b', ['a+']],
    ['\\R\\n', '\r\n', null],
    ['\\B', 'b\xe9y', null],
    ['\\B', 'bay', ['']],
    ['[[:alpha:]]+(?=[[:^alpha:]])', 'abc1', ['abc']],
    ['\\x00(?=\\xff)', 'a\x00\xff', ['\x00']],
    ['(?<!ab|c)d', 'abd cd d', ['d']],
    ['a{,3}(?=b)', 'a{,3}b', ['a{,3}']],
    ['x{2000}', 'x'.repeat(2001), ['x'.repeat(2000)]],
  ]
  for (const [pattern, value, groups] of vectors) {
    const found = compilePattern(pattern, plain).exec(value)
    assert.equal(found === null ? null : found.groups, groups, `${pattern} on ${JSON.stringify(value)}`)
  }
})

test('how a pattern is run', () => {
  const run = (pattern: string): string => compilePattern(pattern, plain).run
  assert.is(run('a+b'), 're2')
  for (const pattern of ['a++b', 'a++', '[^"]*+"', '(?>a+)b', '(?>ab|cd)e', '(?:ab|c)++d', '(?x) a b'])
    assert.is(run(pattern), 'rewritten', pattern)
  for (const pattern of ['a++ab', '(?>a|ab)c', 'a*+\\b', 'a(?=b)', '(?<!a)b', '(a)\\1', '(?:a*+b)*+a'])
    assert.is(run(pattern), 'backtracker', pattern)
  assert.is(run('(?=a)(?:(?:x{900}){900}){900}'), 'backtracker-alone')
})

test('what is no pattern or not supported says so', () => {
  for (const [pattern, message] of [
    ['(?=a', /not closed/],
    ['(?<=a+)b', /no fixed length/],
    ['(a)\\2', /group 2/],
    ['\\k<n>', /group "n"/],
    ['(?R)', /recursion/],
    ['(*FAIL)', /verbs/],
    ['(?=[b-a])', /ends before it begins/],
    ['(?=a)\\p{L}', /\\p/],
    ['a**', /nothing to repeat/],
    ['(?J)a', /option/],
  ] as const)
    assert.throws(
      () => compilePattern(pattern, plain),
      (error: unknown) => error instanceof DefinitionError && message.test(error.message),
      pattern,
    )
})

test('a runaway is an error, not a hang', () => {
  const pattern = compilePattern('(?:a|aa)+(?!a)(?<!b)c?(?:d|$)(?<=x)', plain)
  assert.throws(
    () => pattern.test('a'.repeat(60)),
    (error: unknown) => error instanceof PatternRunaway,
  )
  assert.is(pattern.test('ax'), false)
  const long = compilePattern('(?:a|b)*(?!c)$', plain)
  assert.is(long.test('ab'.repeat(20_000)), true)
})

test('a runaway is the verdict error, naming the rule', () => {
  const verdict = play(`SecRule ARGS "@rx ^(?:a|aa)+(?!a)(?<!b)c?(?:d|$)(?<=x)" "id:77,phase:2,deny"`, {
    body: `a=${'a'.repeat(60)}`,
  })
  assert.is(verdict.verdict, 'error')
  assert.match(verdict.error ?? '', /rule 77: the pattern took more than 1000000 steps/)
})

test('a ruleset lists the patterns that RE2 does not run as they are', () => {
  const { ruleset } = rules(`SecRule ARGS "@rx a++b" "id:1,phase:2,pass"
    SecRule ARGS "@rx plain" "id:2,phase:2,pass"
    SecRule ARGS "@rx a(?=b)" "id:3,phase:2,pass"`)
  assert.equal(ruleset.patterns, [
    { ruleId: 1, pattern: 'a++b', run: 'rewritten', needs: ['possessive quantifier'] },
    { ruleId: 3, pattern: 'a(?=b)', run: 'backtracker', needs: ['look-around'] },
  ])
  assert.throws(() => rules(`SecRule ARGS "@rx a(?=b)" "id:1,phase:2,pass"`, 'coraza'), /Go's regexp/)
})

test('ModSecurity 2: a pattern beyond the match limit does not match, and says so', () => {
  const text = (limit: string): string => `${limit}
    SecRule ARGS "@rx ^[a-z]*[a-y]*[a-x]*!" "id:1,phase:2,pass"
    SecRule ARGS "!@rx ^[a-z]*[a-y]*[a-x]*!" "id:2,phase:2,pass"
    SecRule TX:MSC_PCRE_LIMITS_EXCEEDED "@eq 1" "id:3,phase:2,pass"`
  const body = { body: `a=${'a'.repeat(200)}?!` }
  const exceeded = play(text(''), body, 'modsec2')
  assert.equal(exceeded.ruleIds, [2, 3])
  assert.equal(exceeded.limitsExceeded, [1, 2])
  const below = play(text('SecPcreMatchLimit 10000000'), body, 'modsec2')
  assert.equal([below.ruleIds, below.limitsExceeded], [[2], undefined])
  assert.equal(play(text(''), body, 'modsec3').ruleIds, [2])
})

interface PlatformVector {
  readonly pattern: string
  readonly value: string
  /** Platforms on which the engine itself matched. */
  readonly matches: readonly string[]
  /** Platforms whose engine does not load the pattern. */
  readonly refused?: readonly string[]
}

test('line ends, white space, bytes above 0x7F and NUL, as each engine itself matches them', () => {
  const path = join(repositoryRoot(), 'test', 'vectors', 'patterns', 'platforms.json')
  for (const { pattern, value, matches, refused = [] } of JSON.parse(readFileSync(path, 'utf8')) as PlatformVector[])
    for (const platform of Object.values(platforms)) {
      const said = `${platform.name}: ${JSON.stringify(pattern)} on ${JSON.stringify(value)}`
      if (refused.includes(platform.name)) assert.throws(() => compilePattern(pattern, platform), undefined, said)
      else assert.is(compilePattern(pattern, platform).test(value), matches.includes(platform.name), said)
    }
})

test('RE2 compiles every pattern of which that is said beforehand, and it is said of ordinary ones', () => {
  const pieces = [
    'a',
    '^',
    '$',
    '\\b',
    '[^\\x80-\\xff]',
    '(?i)',
    '(?i:k)',
    '(?s-i:.)',
    '(?)',
    '(?:)',
    '()',
    '(b|)',
    '|',
    '\\s',
  ]
  pieces.push(
    '[[:^alpha:]\\]-]',
    '\\x{e9}',
    '\\d',
    '\xe9',
    '{',
    '{,2}',
    '}',
    '{2}',
    '*',
    '+?',
    '?',
    '{3,}',
    '{0}',
    '{40}',
    '{2,1000}',
  )
  pieces.push(
    '(?P<n>a)',
    '(?<n>b)',
    '(?U)',
    '(?-:c)',
    '\\Q+\\E',
    '\\N',
    '[\\w-z]',
    '\\A',
    '\\z',
    '\\v',
    '[^]a]',
    '(',
    ')',
    '(?x)',
  )
  const random = randomFrom(11)
  let said = 0
  for (let round = 0; round < 20_000; round++) {
    const pattern = Array.from({ length: 1 + random(7) }, () => pick(random, pieces)).join('')
    let source = ''
    try {
      const rewritten = rewritePattern(pattern, false)
      if (rewritten.needs.length > 0) continue
      source = rewritten.source
      if (!re2Accepts(source, parsePattern(pattern, options))) continue
    } catch {
      continue
    }
    said++
    assert.not.throws(() => new RE2(source, 'su'), `${pattern} as ${source}`)
  }
  assert.ok(said > 2000, `said of ${said}`)
})

test.run()
