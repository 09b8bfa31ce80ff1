/**
 * XML bodies as libxml2 reads them for libmodsecurity 3.0.9; every expectation was seen on the engine.
 */

import { createRequire } from 'node:module'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../bench/peers/random.js'
import { attributesBelow } from '../engine/bodies/xml.js'
import { play } from './support/scenario.js'

const rules = `SecRule REQUEST_HEADERS:Content-Type "@rx xml" "id:9,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"
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

test('all attributes are those, and in the order, that the XPath library selects', () => {
  const load = createRequire(import.meta.url)
  const { parseXmlDocument } = load('slimdom') as typeof import('slimdom')
  const { evaluateXPathToNodes } = load('fontoxpath') as typeof import('fontoxpath')
  const random = new Random(12)
  let count = 0
  for (let n = 0; n < 500; n++) {
    const document = parseXmlDocument(`<!DOCTYPE a [<!ENTITY e "x">]><!--c-->${randomElement(random, 4)}<?p i?>`)
    const root = document.documentElement
    const expected = evaluateXPathToNodes('//@*', document as never) as unknown as { name: string; value: string }[]
    const of = (all: readonly { name: string; value: string }[]): string[] =>
      all.map(({ name, value }) => `${name} ${value}`)
    assert.equal(root === null ? [] : of(attributesBelow(root)), of(expected))
    count += expected.length
  }
  assert.ok(count > 1500, `${count}`)
})

test.run()
