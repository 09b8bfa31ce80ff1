/**
 * Hostile values: what makes matchers, decoders and parsers do the most work a byte. Any size, seeded, none captured.
 *
 * Values are byte strings of exactly the size asked for.
 */
import type { ByteString } from '../../engine/index.js'
import { Random } from '../peers/random.js'

export interface HostileValue {
  readonly name: string
  /** The value of so many bytes. */
  make(bytes: number): ByteString
}

function repeated(name: string, piece: ByteString): HostileValue {
  return { name, make: (bytes) => piece.repeat(Math.ceil(bytes / piece.length)).slice(0, bytes) }
}

/** Begins as one thing over and over and ends as none: what was taken must be given back. */
function spoilt(name: string, piece: ByteString, end: ByteString): HostileValue {
  const { make } = repeated(name, piece)
  return { name, make: (bytes) => make(Math.max(0, bytes - end.length)) + end.slice(0, bytes) }
}

/** Pieces in random order: patterns meet a new set of states at almost every byte. */
function mixed(name: string, pieces: readonly ByteString[], seed: number): HostileValue {
  return {
    name,
    make: (bytes) => randomPieces(pieces, seed, bytes),
  }
}

/** The pieces in random order, over and over, as many as come to so many bytes. */
export function randomPieces(pieces: readonly ByteString[], seed: number, bytes: number): ByteString {
  const random = new Random(seed)
  const taken: ByteString[] = []
  for (let length = 0; length < bytes; ) {
    const piece = random.pick(pieces)
    taken.push(piece)
    length += piece.length
  }
  return taken.join('').slice(0, bytes)
}

const allBytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
const printable = allBytes.slice(0x20, 0x7f)

const sqlPieces = [
  'select ',
  'union ',
  "' or ",
  '1',
  '/*',
  '*/',
  '--',
  '"',
  '`',
  '(',
  ')',
  '@@',
  '0x',
  ',',
  ';',
  '\\',
  '#',
]
const markupPieces = [
  '<',
  '<a ',
  '<!--',
  '&#',
  '&lt;',
  'on',
  '=',
  '"',
  "'",
  '/',
  '>',
  'style',
  'javascript:',
  ' ',
  '\t',
  '&',
]
const shellPieces = [
  '$(',
  '`',
  '|',
  ';',
  '&&',
  ' ',
  '/',
  'ls',
  '?',
  '*',
  '[',
  ']',
  '{',
  ',',
  '}',
  '\\',
  "'",
  '"',
  '$IFS',
  '<(',
  '=',
  '..',
]
const scriptPieces = [
  '$_',
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  '.',
  '::',
  'eval',
  '%{',
  '${',
  '#',
  '_',
  'a',
  '0',
  ' ',
  '\n',
  ',',
  'new ',
  'import',
]

/** Values by name. */
export const hostileValues: readonly HostileValue[] = [
  repeated('(', '('),
  repeated(')', ')'),
  repeated('[', '['),
  repeated('{', '{'),
  repeated('{{', '{{}}'),
  repeated('${', '${'),
  repeated('<', '<'),
  repeated('<a ', '<a '),
  repeated('<!--', '<!--'),
  repeated('<?', '<?'),
  repeated('</', '</'),
  repeated('<a/', '<a/b='),
  repeated('&#', '&#'),
  repeated('&#x', '&#x3c;'),
  repeated('&lt', '&lt'),
  repeated('&', '&'),
  repeated('%', '%'),
  repeated('%25', '%25'),
  repeated('%2525', '%2525'),
  repeated('%u', '%u0041'),
  repeated('..%2f', '..%2f'),
  repeated('../', '../'),
  repeated('a/../', 'a/../'),
  repeated('..\\', '..\\'),
  repeated('/./', '/./'),
  repeated('/', '/'),
  repeated('\\', '\\'),
  repeated('\\x', '\\x5c'),
  repeated('\\u', '\\u005c'),
  repeated("'", "'"),
  repeated('"', '"'),
  repeated('`', '`'),
  repeated('\' "', '\' " ` '),
  repeated("'a'", "'a'"),
  repeated(' ', ' '),
  repeated('tab', '\t'),
  repeated('LF', '\n'),
  repeated('CR LF', '\r\n'),
  repeated('mixed white space', ' \t\n\v\f\r'),
  repeated('a=&', 'a=&'),
  repeated('=', '='),
  repeated(';', ';'),
  repeated(',', ','),
  repeated('.', '.'),
  repeated('-', '-'),
  repeated('--', '-- '),
  repeated('#', '#'),
  repeated('@', '@'),
  repeated(':', ':'),
  repeated('|', '|'),
  repeated('$', '$'),
  repeated('+', '+'),
  repeated('*', '*'),
  repeated('/*', '/*'),
  repeated('/**/', '/**/'),
  repeated('*/', '*/'),
  repeated('/*!', '/*!50000'),
  repeated('0x', '0x41'),
  repeated('digits', '1234567890'),
  repeated('0', '0'),
  repeated('4111…', '4111 1111 1111 1112 '),
  repeated('a', 'a'),
  repeated('A', 'A'),
  repeated('a ', 'a '),
  repeated('words', 'the quick brown fox '),
  repeated('or', 'or 1=1 '),
  repeated('union', 'union select '),
  repeated('1,', '1,'),
  repeated('e-mail', 'a@a.'),
  repeated('http', 'http://'),
  repeated('http a@', 'http://a@'),
  repeated('javascript', 'javascript:'),
  repeated('jAvA', 'j\na\nv\na\ns\nc\nr\ni\np\nt\n:'),
  repeated('on', ' onx=1'),
  repeated('style', 'style='),
  repeated('$a', '$a.$b'),
  repeated('{"a":', '{"a":'),
  repeated('[[', '[[],'),
  repeated('<a>', '<a>'),
  repeated('<a></a>', '<a></a>'),
  repeated('<![CDATA[', '<![CDATA['),
  repeated('&e;', '&e;'),
  repeated('NUL', '\0'),
  repeated('0x80', '\x80'),
  repeated('é', '\xc3\xa9'),
  repeated('no-break space', '\xc2\xa0'),
  repeated('full width', '\xef\xbc\x9c'),
  repeated('U+0130', '\xc4\xb0'),
  repeated('0xFF', '\xff'),
  spoilt('LF then !', '\n', '!'),
  spoilt('blanks then !', ' ', '!'),
  spoilt('AAAA then !', 'AAAA', '!'),
  spoilt('AAA CR LF then !', 'AAAA\r\n', '!'),
  spoilt('dots then !', '. ', '!'),
  spoilt('/. then !', '/.', '!'),
  spoilt("' then x", "''", 'x'),
  spoilt("\\' then x", "\\'''", 'x'),
  spoilt('entity without end', '&aaaaaaaaaaaaaaaa', ';'),
  spoilt('hex then g', '41', 'g'),
  mixed('SQL', sqlPieces, 1),
  mixed('markup', markupPieces, 2),
  mixed('shell', shellPieces, 3),
  mixed('script', scriptPieces, 4),
  mixed('printable bytes', printable, 5),
  mixed('all bytes', allBytes, 6),
  mixed('a and b', ['a', 'b'], 7),
  mixed('letters and blanks', ['a', 'b', 'e', 'o', 'r', 's', 't', ' ', '\n'], 8),
  mixed('everything', [...sqlPieces, ...markupPieces, ...shellPieces, ...scriptPieces], 9),
]
