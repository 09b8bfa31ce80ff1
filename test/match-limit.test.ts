/**
 * The match limit of PCRE: remembering what fails changes no count, and hostile values take few steps.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../bench/peers/random.js'
import { hostileValues } from '../bench/worst-cases/values.js'
import { Backtracker, PatternRunaway } from '../engine/patterns/backtracker.js'
import { compileMatchLimit } from '../engine/patterns/match-limit.js'
import { parsePattern } from '../engine/patterns/parser.js'
import { compileProgram } from '../engine/patterns/program.js'
import { assertLinear } from './support/growth.js'

const leaves = ['a', 'b', '[ab]', '.', '[^a]', '\\b', '^', '$', '(?=a)', '(?!b)', '(?<=a)', 'c']
const repeats = ['*', '+', '?', '*?', '+?', '??', '*+', '++', '{2}', '{1,3}', '{2,}', '{0,2}?', '{2,}?', '']

function randomPattern(random: Random, depth: number): string {
  const parts = Array.from({ length: 1 + Math.floor(random.next() * 3) }, () => {
    const leaf = depth === 0 || random.next() < 0.5
    if (leaf) {
      const piece = random.pick(leaves)
      return /^(?:\\b|[$^]|\(\?)/.test(piece) ? piece : piece + random.pick(repeats)
    }
    const body = [randomPattern(random, depth - 1), randomPattern(random, depth - 1)]
    const open = random.pick(['(?:', '(', '(?>', '(?=', '(?!'])
    return `${open}${body.slice(0, 1 + Math.floor(random.next() * 2)).join('|')})${/[=!]$/.test(open) ? '' : random.pick(repeats)}`
  })
  return parts.join('')
}

function outcome(matcher: Backtracker, value: string): string {
  try {
    return String(matcher.exec(value))
  } catch (error) {
    if (!(error instanceof PatternRunaway)) throw error
    return error.message
  }
}

test('what fails is remembered without a change to any count', () => {
  const random = new Random(11)
  let exceeded = 0
  for (let n = 0; n < 3000; n++) {
    const pattern = randomPattern(random, 2)
    const program = compileProgram(parsePattern(pattern, { caseless: false, multiLine: false }), true)
    for (let v = 0; v < 6; v++) {
      const value = Array.from({ length: 30 }, () => random.pick(v < 3 ? ['a', 'b'] : ['a', 'a', 'a', 'b', '\n'])).join(
        '',
      )
      // Each limit is exceeded by some: so the count is the same at every start.
      for (const limit of [3, 20, 100, 1000]) {
        const plain = outcome(new Backtracker(program, 300_000, limit, Number.POSITIVE_INFINITY), value)
        if (plain.includes('steps')) continue
        if (plain.includes('passes')) exceeded++
        assert.is(outcome(new Backtracker(program, 300_000, limit, 0), value), plain, `${pattern} on ${value}`)
      }
    }
  }
  assert.ok(exceeded > 500, `${exceeded}`)
})

test('whether a hostile value exceeds the limit is found out in time linear in its length', () => {
  const patterns = [
    `["']*(?:["'()*-9A-Z]+/)?["']*x`,
    '<style.*?>.*?(?:@i|[:=]|&#x?0*(?:58|3a))',
    `[\\s"'-)]*?\\b(\\w+)\\b[\\s"'-)]*?=[\\s"'-)]*?\\b(\\w+)\\b`,
    '[\\s"(]*[\\n\\r]+(?:\\s|[^:]*:)\\s*[a-z]*;?!',
    `(?:a|aa|['"|]+)*(?:[|'"]*b)?`,
  ].map((pattern) => compileMatchLimit(parsePattern(pattern, { caseless: true, multiLine: false }), 100_000))
  assertLinear('match limit', 1500, (size) => {
    const values = hostileValues.map(({ make }) => make(size))
    return () => {
      for (const exceeds of patterns) for (const value of values) exceeds?.(value)
    }
  })
})

test.run()
