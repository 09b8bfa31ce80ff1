/**
 * Random SQL as injections have it: values that end early, conditions, unions, stacked statements, odd literals.
 */
import type { ByteString } from '../../engine/index.js'
import type { Random } from '../peers/random.js'
import { sqlCandidates } from './sql-candidates.js'

const numbers = [
  '1', '0', '42', '1.5', '.5', '1.', '1e5', '1e', '1.e', '1.5e-3', '0x1F', '0x', '0xg', '0b01', '0b', '0b2', '1f', '1d',
  '1fUNION', '1.2D', '12e+', '\\N', '$1,000.00', '$.', '$1', '123a', '1_1', '.e', '.', '..1', '1..2', '1e1e1', '00x1',
] // biome-ignore format: a list of literals
const strings = [
  "'a'", '"a"', "''", '""', "'a''b'", "'a\\'b'", '"a""b"', "e'a'", "n'a'", "N'a", "b'01'", "b'2'", "x'1F'", "x'", "X'g'",
  "u&'a'", "U&'a", "q'(a)'", "q'[a]'", "nq'{a}'", "q'<a>'", "q'!a!'", "Q''a''", "q'(a", '$$a$$', '$$a', '$t$a$t$', '$t$a',
  '`a`', '``', '`', '`sleep`', '[a]', '[a', '@a', '@@version', '@', '@@', "@'a'", '@`a`', '@"a', "'\\\\'", "'\\\\\\''", "'a\0'",
] // biome-ignore format: a list of literals
const operators = [
  '=', '<', '>', '!=', '<>', '<=', '>=', '<=>', ':=', '::', '&&', '||', '!!', '<<', '>>', '-', '+', '*', '/', '%', '^',
  '|', '&', '~', '!', '==', '<@', '@>', '!<', '!>', '**', ' or ', ' and ', ' like ', ' not like ', ' in ', ' is ', ' is not ',
  ' xor ', ' div ', ' mod ', ' between ', ' rlike ', ' regexp ', ' sounds like ', ' similar to ', ' collate ', ' not in ',
] // biome-ignore format: a list of operators
const names = [
  'a', 'id', 'name', 'users', 'information_schema.tables', 'foo', 'current_user', 'user', 'database', 'version', 'sleep',
  'char', 'count', 'null', 'true', 'binary', 'int', 'password', 'x', 'sp_password', 'load_file', 'pg_sleep', 'n', 'e', 'b',
  'u', 'q', 'a.b', 'a_b', 'dbo.x', 'date', 'if', 'mid', 'admin', 'root', 'localtime', 'utc_date', 'in_', 'union_', '1a',
] // biome-ignore format: a list of names
const blanks = [
  ' ',
  ' ',
  ' ',
  ' ',
  ' ',
  '\t',
  '\n',
  '\r',
  '\v',
  '\f',
  '\0',
  '\xa0',
  '',
  '/**/',
  '/* x */',
  '/*!*/',
  '+',
  '  ',
  '--\n',
  '#\n',
  '\xff',
  ' \0 ',
]
const endings = [
  '',
  '',
  '--',
  '-- ',
  '--a',
  '--+',
  '#',
  '# x',
  '/*',
  '/**/',
  ';',
  ';--',
  '/*!',
  '*/',
  "'",
  '"',
  ')',
  '))',
  '}',
  ';\0',
  '\\',
]
const openings = [
  '',
  '',
  '1',
  '-1',
  'a',
  "'",
  '"',
  "1'",
  '1"',
  "a'",
  "')",
  '")',
  "'))",
  '1)',
  "\\'",
  "''",
  "'\\",
  '`',
  "admin'",
  '1;',
  '(',
  "\xff'",
  '{',
  '{``',
  "x'y'",
]
const starts = [
  'select',
  'insert into',
  'update',
  'delete from',
  'drop table',
  'exec',
  'execute immediate',
  'declare',
  'waitfor delay',
  'create',
  'alter',
  'shutdown',
  'if',
  'begin',
  'call',
  'set',
  'use',
  'truncate',
  'merge',
  'case when',
  'having',
  'order by',
  'group by',
  'limit',
  'into outfile',
  'procedure analyse',
  'union',
  'where',
  'from',
  'values',
  'handler',
  'goto',
  'replace',
  'do',
]

export function sqlInjection(random: Random): ByteString {
  const how = random.below(10)
  if (how === 0) return expression(random, 4)
  if (how === 1) return random.many(1, 10, () => token(random)).join(random.chance(0.5) ? '' : ' ')
  const opening = random.pick(openings)
  const middle = random.many(1, random.chance(0.1) ? 6 : 2, () => clause(random)).join(blank(random))
  return `${opening}${blank(random)}${middle}${blank(random)}${random.pick(endings)}`
}

function clause(random: Random): ByteString {
  const how = random.below(8)
  if (how < 3)
    return `${cased(random.pick(['or', 'and', '||', '&&', 'xor', 'or not', 'and not', '|', '^']), random)}${blank(random)}${expression(random, 2)}`
  if (how === 3)
    return `${cased(`union${blank(random)}${random.pick(['', 'all ', 'distinct ', '(', 'all('])}select`, random)}${blank(random)}${list(random)}`
  if (how === 4) return `;${blank(random)}${cased(random.pick(starts), random)}${blank(random)}${expression(random, 1)}`
  if (how === 5)
    return `${cased(random.pick(starts), random)}${blank(random)}${list(random)}${blank(random)}${cased(random.pick(starts), random)}`
  if (how === 6) return token(random)
  return expression(random, 2)
}

function list(random: Random): ByteString {
  return random.many(1, 4, () => expression(random, 1)).join(`${blank(random)},`)
}

function expression(random: Random, depth: number): ByteString {
  const how = random.below(10)
  if (depth === 0 || how < 3) return operand(random)
  if (how === 3) return `(${expression(random, depth - 1)}${random.chance(0.9) ? ')' : ''}`
  if (how === 4)
    return `${cased(random.pick(names), random)}${blank(random)}(${random.chance(0.8) ? list(random) : ''}${random.chance(0.9) ? ')' : ''}`
  if (how === 5)
    return `${random.pick(['-', '+', '!', '~', 'not ', '- - ', '@', 'binary '])}${expression(random, depth - 1)}`
  return `${expression(random, depth - 1)}${blank(random)}${cased(random.pick(operators), random)}${blank(random)}${expression(random, depth - 1)}`
}

function operand(random: Random): ByteString {
  const how = random.below(10)
  if (how < 4) return random.pick(numbers)
  if (how < 7) return random.pick(strings)
  if (how < 9) return cased(random.pick(names), random)
  return cased(random.pick(sqlCandidates), random)
}

function token(random: Random): ByteString {
  const how = random.below(8)
  if (how < 3) return operand(random)
  if (how === 3) return random.pick(operators)
  if (how === 4)
    return random.pick([
      '(',
      ')',
      ',',
      ';',
      '{',
      '}',
      '[',
      ']',
      '.',
      ':',
      '?',
      '\\',
      '@',
      '#',
      '$',
      '%',
      '^',
      '&',
      '*',
      '-',
      '+',
      '=',
      '|',
      '~',
      '!',
      '<',
      '>',
      '/',
      "'",
      '"',
      '`',
      '_',
    ])
  if (how === 5) return cased(random.pick(starts), random)
  if (how === 6) return cased(random.pick(sqlCandidates), random)
  return random.pick(endings)
}

function blank(random: Random): ByteString {
  return random.pick(blanks)
}

/** Letters of ASCII only: every char stays a byte. */
function cased(text: ByteString, random: Random): ByteString {
  const how = random.below(4)
  if (how > 1) return text
  return text.replace(/[a-z]/gi, (letter) =>
    how === 0 || random.chance(0.5) ? letter.toUpperCase() : letter.toLowerCase(),
  )
}
