/**
 * Random pieces of SQL, mostly broken, with what libinjection looks at more often than chance would have it.
 */
import type { ByteString } from '../../engine/index.js'
import type { Random } from '../peers/random.js'
import { sqlCandidates } from './sql-candidates.js'

const commonWords = (
  'select union all distinct from where and or not in like is null by group order having limit insert into update ' +
  'delete drop table database user password if case when then else end exec execute declare waitfor delay sleep ' +
  'benchmark char int binary collate between as join left outer natural current_user mode boolean lock share for of ' +
  'outfile dumpfile create replace sp_password true false try begin goto set values procedure analyse next value ' +
  'similar to sounds at time zone xor div mod using latin1_bin utf8_ci id name admin foo a x n e b q u'
).split(' ')
const punctuation = [...'()(),;.{}[]:?\\@#$%^&*-+=|~!<>/`\'"_']
const operators =
  '!= <> <= >= <=> := :: && || !! << >> -- - + * / % ^ | & ! ~ = == <@ @> !< !> ~* |/ += -= ** ++ +- -+'.split(' ')
const numbers =
  '1 0 42 1.5 .5 1. 1e5 1e 1.e 1.5e-3 0x1F 0x 0xg 0b01 0b 0b2 1f 1d 1d; 1fUNION 1.2D 12e+ \\N $1,000.00 $. $1 123a'.split(
    ' ',
  )
const strings = [
  ...["'a'", '"a"', "''", '""', "'a''b'", "'a\\'b'", "e'a'", "n'a'", "N'a", "b'01'", "b'2'", "x'1F'", "x'", "u&'a'"],
  ...[
    "U&'a",
    "q'(a)'",
    "q'[a]'",
    "nq'{a}'",
    "q'<a>'",
    "q'!a!'",
    "Q''a''",
    "q'(a",
    '$$a$$',
    '$$a',
    '$t$a$t$',
    '$t$a',
    '$t',
  ],
  ...[
    '`a`',
    '``',
    '`',
    '`sleep`',
    '`a',
    '[a]',
    '[a',
    '@a',
    '@@version',
    '@',
    '@@',
    "@'a'",
    '@`a`',
    '@user',
    "'\\\\'",
    "\\'",
  ],
]
const comments = [
  '/**/',
  '/* a */',
  '/*',
  '/*!1*/',
  '/*!',
  '/*/**/',
  '/*a/*b*/',
  '-- ',
  '--',
  '--a',
  '#',
  '# a\n',
  '--\n',
  '-- a\n',
  '--+',
]
const blanks = ['', '', ' ', ' ', ' ', ' ', '\t', '\n', '\0', '\xa0', '\v', '  ', '/**/', '+']
const oddLetters = [
  '\xc5\xbf',
  '\xc4\xb1',
  "q'\xe9a\xc3\xa9'",
  "q'\xe9a\xe9'",
  "b'0\0'",
  "x'\0'",
  '0x\0',
  '$1\0',
  '$a\0$',
  '@a\0b',
]
const mostPieces = 14

export function sqlFragment(random: Random): ByteString {
  return random.many(1, mostPieces, () => piece(random) + random.pick(blanks)).join('')
}

function piece(random: Random): ByteString {
  const how = random.below(24)
  if (how < 6) return cased(random.pick(commonWords), random)
  if (how < 8) return cased(random.pick(sqlCandidates), random)
  if (how < 12) return random.pick(numbers)
  if (how < 14) return random.pick(strings)
  if (how < 16) return random.pick(operators)
  if (how < 18) return random.pick(comments)
  if (how < 19) return String.fromCharCode(random.below(256))
  if (how < 20) return random.pick(oddLetters)
  return random.pick(punctuation)
}

function cased(word: string, random: Random): string {
  const how = random.below(4)
  if (how === 0) return word.toUpperCase()
  if (how === 1) return word.toLowerCase()
  if (how === 2) return [...word].map((char) => (random.chance(0.5) ? char.toUpperCase() : char.toLowerCase())).join('')
  return random.chance(0.1) ? odd(word, random) : word
}

/** A word in which some letters are those that only Unicode folds to S and I. */
function odd(word: string, random: Random): string {
  return [...word]
    .map((char) => {
      if (random.chance(0.5)) return char
      if (char === 's' || char === 'S') return '\xc5\xbf'
      return char === 'i' || char === 'I' ? '\xc4\xb1' : char
    })
    .join('')
}
