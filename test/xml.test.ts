/**
 * XML bodies as libxml2 reads them for libmodsecurity 3.0.9; every expectation was seen on the engine.
 */

import { createRequire } from 'node:module'
import type { Document, Node } from 'slimdom'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../bench/peers/random.js'
import { parseLocationPath, selectedBy } from '../engine/bodies/xml-paths.js'
import { selectedByLibrary } from '../engine/bodies/xml-selection.js'
import { evaluate } from '../engine/index.js'
import { assertLinear } from './support/growth.js'
import { play, request, rules as rulesOf } from './support/scenario.js'

const xmlBodies =
  'SecRule REQUEST_HEADERS:Content-Type "@rx xml" "id:9,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"'
const rules = `${xmlBodies}
SecRule XML:/* "@unconditionalMatch" "id:1,phase:2,pass,log,logdata:'%{MATCHED_VAR}'"
SecRule XML://@* "@unconditionalMatch" "id:2,phase:2,pass,log,logdata:'%{MATCHED_VAR}'"`

/** Content of the root and of the last attribute; null where the body is in error. */
function read(body: string): readonly (string | undefined)[] | null {
  const headers = [['Content-Type', 'text/xml']] as const
  const verdict = play(`${rules}\nSecRule REQBODY_ERROR "@eq 1" "id:3,phase:2,pass,log"`, { body, headers })
  const of = (id: number): string | undefined => verdict.matches.find(({ ruleId }) => ruleId === id)?.logdata
  return verdict.ruleIds.includes(3) ? null : [of(1), ...(of(2) === undefined ? [] : [of(2)])]
}

test('entities of the document type declaration are written out', () => {
  assert.equal(read('<!DOCTYPE a [<!ENTITY e "x">]><a b="1&e;2">y&e;z</a>'), ['yxz', '1x2'])
  assert.equal(read('<!DOCTYPE a [<!ENTITY e "<b>q</b>">]><a>1&e;2</a>'), ['1q2'])
  assert.equal(read('<!DOCTYPE a [<!ENTITY e "x"><!ENTITY f "&e;&e;">]><a>&f;</a>'), ['xx'])
  assert.equal(read('<!DOCTYPE a [<!ENTITY e "x"><!ENTITY e "y">]><a>&e;</a>'), ['x'])
  assert.equal(read('<!DOCTYPE a [<!ENTITY % p "<!ENTITY e \'x\'>"> %p;]><a>&e;</a>'), ['x'])
})

test('nothing outside the body is read', () => {
  assert.equal(read('<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>1&e;2</a>'), ['12'])
  assert.equal(read('<!DOCTYPE a SYSTEM "http://x/y.dtd"><a>&nope;</a>'), [''])
  assert.is(read('<!DOCTYPE a [<!ENTITY e PUBLIC "p" "http://x">]><a b="&e;">z</a>'), null)
})

test('entities that are unknown, loops or an attack are an error', () => {
  const bomb = (levels: number): string => {
    const more = Array.from({ length: levels }, (_u, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`)
    return `<!DOCTYPE a [<!ENTITY e0 "dos">${more.join('')}]><a>&e${levels};</a>`
  }
  assert.is(read('<a>&nope;</a>'), null)
  assert.is(read('<!DOCTYPE a [<!ENTITY e "&f;"><!ENTITY f "&e;">]><a>&e;</a>'), null)
  assert.is(read(bomb(3)), null)
  assert.is(read(bomb(9)), null)
  const chain = Array.from({ length: 20_000 }, (_u, i) => `<!ENTITY e${i + 1} "&e${i};">`).join('')
  assert.is(read(`<!DOCTYPE a [<!ENTITY e0 "x">${chain}]><a>&e20000;</a>`), null)
})

test('defaults of attributes are not filled in', () => {
  assert.equal(read('<!DOCTYPE a [<!ELEMENT a ANY><!ATTLIST a b CDATA "d">]><a>z</a>'), ['z'])
})

test('a prefix without a namespace is no error', () => {
  assert.equal(read('<a><b:c d:e="1">x</b:c></a>'), ['x', '1'])
})

test('encodings', () => {
  const named = (encoding: string, text: string): ReturnType<typeof read> =>
    read(`<?xml version="1.0" encoding="${encoding}"?><a>${text}</a>`)
  assert.equal(named('iso-8859-15', '\xa4'), ['\xe2\x82\xac'])
  assert.equal(named('ISO-8859-1', '\xe9'), ['\xc3\xa9'])
  assert.is(named('US-ASCII', '\xe9'), null)
  assert.is(named('UTF-8', '\xe9'), null)
  assert.is(named('utf-16', 'x'), null)
  assert.is(named('foo', 'x'), null)
  assert.equal(read('\xef\xbb\xbf<?xml version="1.0" encoding="ISO-8859-1"?><a>\xc3\xa9</a>'), ['\xc3\xa9'])
})

/** An element with attributes in any order, some of one local name. */
function randomElement(random: Random, depth: number): string {
  const names = ['a', 'b', 'B', 'c', 'd', 'p:a', 'p:b', 'q:a', 'xml:lang', 'lang', 'xmlns', 'xmlns:r', '\u00e9']
  const taken = new Set(random.many(0, 6, () => random.pick(names)))
  const attributes = [...taken].map(
    (name) => ` ${name}="${random.pick(['', 'x', '&lt;&#65;', ' y\n', '&e;'])}${random.below(99)}"`,
  )
  const children = random.many(0, depth > 0 ? 4 : 0, () =>
    random.pick([
      () => randomElement(random, depth - 1),
      () => 'text',
      () => '<!--c-->',
      () => '<?p i?>',
      () => '<![CDATA[x]]>',
    ])(),
  )
  return `<p:e xmlns:p="u" xmlns:q="v"${attributes.join('')}>${children.join('')}</p:e>`
}

const load = createRequire(import.meta.url)
const { parseXmlDocument } = load('slimdom') as typeof import('slimdom')
const { evaluateXPathToNodes } = load('fontoxpath') as typeof import('fontoxpath')

function randomDocument(random: Random): Document {
  const space = random.pick(['', ' xmlns="w"', ' xmlns="u"'])
  const content = randomElement(random, 4)
  const root = random.pick([content, `<a${space} b="1">${content}text${content}</a>`])
  return parseXmlDocument(`<!DOCTYPE a [<!ENTITY e "x">]><!--c-->${root}<?p i?>`)
}

const told = (nodes: readonly Node[]): string[] =>
  nodes.map((node) => `${node.nodeType} ${node.nodeName} ${node.nodeValue ?? node.textContent}`)

const selectedByDefault = (xpath: string, document: Document): Node[] =>
  evaluateXPathToNodes(xpath, document as never) as unknown as Node[]

test('paths select what the XPath library selects, in its order', () => {
  const random = new Random(12)
  const steps = [
    '/*',
    '//*',
    '/a',
    '//a',
    '/e',
    '//e',
    '/b',
    '//text()',
    '/text()',
    '//node()',
    '/node()',
    '//comment()',
  ]
  const ends = [...steps, '/@*', '//@*', '/@a', '//@a', '//@b', '//@lang']
  let count = 0
  for (let n = 0; n < 3000; n++) {
    const document = randomDocument(random)
    const xpath = random.many(0, 3, () => random.pick(steps)).join('') + random.pick(ends)
    const path = parseLocationPath(xpath)
    assert.ok(path, xpath)
    const found = selectedBy(path, document)
    assert.equal(told(found), told(selectedByDefault(xpath, document)), xpath)
    count += found.length
  }
  assert.ok(count > 1500, `${count}`)
})

test('what is more than a path is left to the library, which counts what it does', () => {
  const random = new Random(13)
  const more = [
    'a',
    '/',
    '//b[1]',
    '//e[last()]',
    '//*[@a]',
    '//p:e',
    '/*/@p:a',
    '//e/..',
    '//*[local-name()="e"]/text()',
    '//a | //e',
    '//e/following-sibling::*',
    '//*[text()="text"]',
    '//@*[. != ""]',
    '//processing-instruction()',
    ' //e',
    '/descendant::e',
  ]
  for (const xpath of more) {
    assert.is(parseLocationPath(xpath), null, xpath)
    for (let n = 0; n < 50; n++) {
      const document = parseXmlDocument(`<!DOCTYPE r [<!ENTITY e "x">]><r xmlns:p="u">${randomElement(random, 3)}</r>`)
      assert.equal(told(selectedByLibrary(xpath, document)), told(selectedByDefault(xpath, document)), xpath)
    }
  }
})

test('an expression that takes too long is in error, with its rule', () => {
  const body = `<a>${'<b c="1">x</b>'.repeat(20_000)}</a>`
  const { ruleset } = rulesOf(`${xmlBodies}\nSecRule XML://b[@c]/@c "@rx y" "id:77,phase:2,pass"`)
  const record = request({ body, headers: [['Content-Type', 'text/xml']] })
  assert.is(evaluate(ruleset, record, { recordTimeout: 1 }).verdict, 'error')
  const slow = evaluate(ruleset, record, { recordTimeout: 400 })
  assert.match(slow.error ?? '', /at work: (rule 77|reading the request body)/)
})

test('the parser takes as long for attributes as for anything else, and finds those that are twice there', () => {
  const element = (count: number, more: string): string =>
    `<a ${Array.from({ length: count }, (_, n) => `b${n}="1"`).join(' ')} ${more}/>`
  for (const count of [3, 31, 32, 33, 200]) {
    assert.equal(read(element(count, 'a="2"')), ['', '2'])
    assert.is(read(element(count, 'b1="2"')), null)
    assert.equal(read(element(count, 'xmlns:p="u" p:b1="3"'))?.length, 2)
    assert.is(read(element(count, 'xmlns:p="u" xmlns:q="u" p:x="1" q:x="1"')), null)
  }
  assertLinear('attributes', 2000, (count) => {
    const body = element(count, '')
    return () => read(body)
  })
})

test.run()
