/**
 * XML bodies as ModSecurity reads them; what XPath selects in them is in `xml-selection.ts`.
 *
 * Nothing outside the body is loaded, and entities that expand too far put it in error; see `xml-preparation.ts`.
 */
import { createRequire } from 'node:module'
import type { Document, Element } from 'slimdom'
import type { BodyInput, BodyProcessorDefinition, BodyResult } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { RecordTimeout, spend } from '../time-budget.js'
import { dialectOf } from './dialect.js'
import { readGoXml } from './xml-go.js'
import { decodedXml, MarkupEnds, withDeclaredPrefixes, withPlainEntities } from './xml-preparation.js'
import { SelectableXml } from './xml-selection.js'

const load = createRequire(import.meta.url)
/** Loaded with the first XML body: it takes longer than all of our own modules. */
const slimdom = (): typeof import('slimdom') => load('slimdom')

export const xmlProcessor: BodyProcessorDefinition = {
  name: 'XML',
  doc: 'XML: what XPath expressions select becomes values of XML:…',
  process: (input) => (dialectOf(input.platform).xmlReader === 'go' ? readGoXml(input.body) : processXml(input)),
}

/** COMPAT(modsec2): Apache hands on bodies in chunks, and ModSecurity 2 looks for errors from the second one on. */
const firstChunkBytes = 8000

const failed = 'XML parsing error: XML: Failed parsing document.'

function processXml(input: BodyInput): BodyResult {
  spend(input.body.length)
  if (deeperThan(input.body, input.limits.depth)) return { args: [], error: 'XML parsing error: too deep.' }
  const document = parsed(input.body)
  // The parser runs through once it has begun.
  spend(input.body.length)
  if (document === null) return { args: [], error: failed, errorAtEnd: input.body.length <= firstChunkBytes }
  return { args: [], error: null, xml: new SelectableXml(document) }
}

/** Whether elements nest deeper than the limit, as far as tags tell; keeps the parser's recursion bounded. */
function deeperThan(body: ByteString, limit: number): boolean {
  const ends = new MarkupEnds(body)
  const most = Math.min(limit, greatestDepth)
  let depth = 0
  for (let at = body.indexOf('<'); at >= 0; ) {
    const closes = body[at + 1] === '/'
    const end = closes ? body.indexOf('>', at + 2) + 1 : startsName.test(body[at + 1] ?? '') ? ends.behind(at + 2) : 0
    // No `>` follows: there is no tag any more.
    if (closes && end === 0) return false
    if (end > 0) {
      if (closes) depth--
      else if (body[end - 2] !== '/' && ++depth > most) return true
    }
    at = body.indexOf('<', Math.max(end, at + 1))
  }
  return false
}

const startsName = /[A-Za-z_:\x80-\xff]/

/** LIMIT: libxml2 refuses deeper documents too, unless told otherwise. */
const greatestDepth = 256

function parsed(body: ByteString): Document | null {
  const decoded = decodedXml(body)
  const text = decoded === null ? null : withPlainEntities(decoded)
  return text === null ? null : (parsedText(text) ?? parsedText(withDeclaredPrefixes(text)))
}

function parsedText(text: string): Document | null {
  try {
    return withIndexedAttributes(() => slimdom().parseXmlDocument(text.replace(/^\ufeff/, '')))
  } catch (error) {
    if (error instanceof RecordTimeout) throw error
    return null
  }
}

/** Elements with fewer attributes are asked as ever. */
const fewAttributes = 32

/**
 * The parser asks an element for each of its attributes whether it has one of that name, which the library finds out by
 * looking at all of them: 12 s for 80,000. While it parses, the question is answered by a set of the names. What is
 * asked for and not there is added next, or the document is in error.
 */
function withIndexedAttributes<T>(parse: () => T): T {
  const { prototype } = slimdom().Element
  const { hasAttributeNS } = prototype
  let element: Element | null = null
  let names = new Set<string>()
  prototype.hasAttributeNS = function (this: Element, namespace, name) {
    spend(attributeCost)
    if (this.attributes.length < fewAttributes) return hasAttributeNS.call(this, namespace, name)
    if (element !== this) {
      element = this
      names = new Set(this.attributes.map((each) => nameOf(each.namespaceURI, each.localName)))
    }
    const key = nameOf(namespace, name)
    if (names.has(key)) return true
    names.add(key)
    return false
  }
  try {
    return parse()
  } finally {
    prototype.hasAttributeNS = hasAttributeNS
  }
}

/** An attribute costs about as much as so many bytes looked at. */
const attributeCost = 64

/** Names hold no blanks. */
function nameOf(namespace: string | null, local: string): string {
  return `${local} ${namespace ?? ''}`
}
