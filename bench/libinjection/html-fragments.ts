/**
 * Random pieces of HTML, mostly broken, with what libinjection looks at more often than chance would have it.
 */
import type { ByteString } from '../../engine/index.js'
import type { Random } from '../peers/random.js'

const tags = [
  'a', 'b', 'p', 'div', 'img', 'svg', 'SVG', 'svgx', 'xsl', 'xsl:x', 'script', 'ScRiPt', 'iframe', 'style', 'xml', 'xss',
  'base', 'link', 'meta', 'object', 'embed', 'frame', 'frameset', 'form', 'input', 'noscript', 'isindex', 'vmlframe',
  'comment', 'import', 'handler', 'listener', 'applet', 'x', 'h1', 's\0cript', 'sc\0ript\0', '\0script', 'scriptx', 'sv',
] // biome-ignore format: a list of names
const attributes = [
  'onclick', 'onClick', 'onerror', 'onload', 'onxyz', 'on', 'onx', 'onend', 'ONTOUCHSTART', 'on\0click', '\0onclick',
  'href', 'HREF', 'src', 'style', 'filter', 'datasrc', 'dataformatas', 'attributename', 'action', 'formaction', 'by',
  'to', 'from', 'values', 'poster', 'background', 'dynsrc', 'lowsrc', 'folder', 'handler', 'xmlns', 'xmlns:x', 'xmlnsx',
  'xlink:href', 'xlink', 'xlinkx', 'xml\0ns', 'xli\0nk:href', 'class', 'id', 'x', 'a', 'data-x', '"', "'", '`', '<', 'hr\0ef',
] // biome-ignore format: a list of names
const values = [
  'x', '1', '', 'alert(1)', 'javascript:alert(1)', 'JaVaScRiPt:1', 'java', 'jav', 'java\nscript:', 'j\0ava', '\x01java:',
  '\x80data:', 'data:text/html,1', 'DATA', 'dat', 'vbscript:x', 'vbscrip', 'view-source:x', 'http://java', ' javascript:',
  '&#106;ava', '&#x6a;ava', '&#X6Aava', '&#0106ava', '&#x14a;ava', '&#74&#97&#118&#97', '&#;java', '&#x;java', '&javascript',
  'd&#97;ta', '&#10;data', 'd&#10;ata', 'd&#0;ata', '&#32;data', '&#1114111;data', '&#1048831;', '&#99999999;', 'onclick',
  'href', 'style', 'xmlns', 'xlink:href', 'onfoo', 'ONLOAD', 'filter', 'data&#58;', '\x7fdata', '\xa0java', 'd\x8aata',
] // biome-ignore format: a list of values
const blanks = [' ', ' ', ' ', '\t', '\n', '\r', '\f', '\v', '\0', '/', '', '  ', '\xff', '\xa0', ' / ']
const comments = [
  '',
  'x',
  '[if',
  '[IF IE]',
  'xml',
  'XML x',
  'import',
  'IMPORT x',
  'im\0port x',
  'entity',
  'ENTITY x',
  '`',
  'a`b',
  '-',
  '--',
  '%',
  '>',
  '->',
  'DOCTYPE',
  'doctype x',
  'DOC\0TYPE',
  '[CDATA[',
  '[cdata[',
  ']]',
  ']',
  ']>',
]
const commentEnds = [
  '-->',
  '-!>',
  '--\0>',
  '-\0->',
  '-\0\0!>',
  '->',
  '-',
  '--',
  '!>',
  '>',
  '',
  '--!>',
  '%>',
  ']]>',
  ']]',
  '%',
  '%%>',
  ' %>',
]

export function htmlFragment(random: Random): ByteString {
  return random.many(1, random.chance(0.1) ? 12 : 4, () => piece(random)).join('')
}

function piece(random: Random): ByteString {
  const how = random.below(12)
  if (how < 5) return tag(random)
  if (how < 7) return attribute(random)
  if (how === 7) return `</${random.pick(tags)}${random.pick(blanks)}${random.pick(['>', '', 'x=1>'])}`
  if (how === 8) return comment(random)
  if (how === 9)
    return random.pick(['"', "'", '`', '">', "'>", '>', '/>', '<', '</', '=', ' ', '\0', '\xff', '"/', "'\0"])
  if (how === 10) return random.pick(values)
  return random.pick(['text', 'a < b', '1 > 2', '&amp;', 'x = y', 'it is', '\xe9t\xe9'])
}

function tag(random: Random): ByteString {
  const inside = random.many(0, 3, () => random.pick(blanks) + attribute(random)).join('')
  return `<${random.pick(tags)}${inside}${random.pick(blanks)}${random.pick(['>', '>', '>', '/>', ''])}`
}

function attribute(random: Random): ByteString {
  const name = random.pick(attributes)
  if (random.chance(0.15)) return name
  const equals = random.pick(['=', '=', '=', ' = ', '= ', '\0=', '=\0', '\n=', '==', '=\xff'])
  const quote = random.pick(['"', "'", '`', '', ''])
  const value = random.chance(0.1) ? random.pick(values) + random.pick(values) : random.pick(values)
  return `${name}${equals}${quote}${value}${random.chance(0.9) ? quote : ''}`
}

function comment(random: Random): ByteString {
  const opening = random.pick(['<!--', '<!--', '<!', '<?', '<%', '<![CDATA[', '</ ', '<!-', '<!DOCTYPE'])
  const inside = random.many(0, 2, () => random.pick(comments)).join('')
  return `${opening}${inside}${random.pick(commentEnds)}`
}
