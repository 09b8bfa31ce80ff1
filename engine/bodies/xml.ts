/**
 * XML bodies and the values XPath selects in them.
 *
 * Nothing outside the body is loaded, and entities that expand too far put it in error; see `xml-preparation.ts`.
 */
import { createRequire } from 'node:module'
import type { Attr, Document, Element, Node } from 'slimdom'
import { DefinitionError } from '../errors.js'
import type { BodyInput, BodyProcessorDefinition, BodyResult, XmlDocument } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { spend } from '../time-budget.js'
import { encodeUtf8 } from '../utf8.js'
import { dialectOf } from './dialect.js'
import { readGoXml } from './xml-go.js'
import { decodedXml, MarkupEnds, withDeclaredPrefixes, withPlainEntities } from './xml-preparation.js'

const load = createRequire(import.meta.url)
/** Loaded with the first XML body: they take longer than all of our own modules. */
const slimdom = (): typeof import('slimdom') => load('slimdom')
const fontoxpath = (): typeof import('fontoxpath') => load('fontoxpath')

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
  if (document === null) return { args: [], error: failed, errorAtEnd: input.body.length <= firstChunkBytes }
  return { args: [], error: null, xml: new SelectableXml(document, input.platform.xmlValues) }
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
    return slimdom().parseXmlDocument(text.replace(/^\ufeff/, ''))
  } catch {
    return null
  }
}

class SelectableXml implements XmlDocument {
  constructor(
    private readonly document: Document,
    private readonly values: 'node' | 'text-chunk',
  ) {}

  select(xpath: ByteString): readonly ByteString[] {
    const root = this.document.documentElement
    if (xpath === '/*' && root !== null) return this.#valuesOf([root as unknown as Node])
    if (xpath === '//@*' && root !== null) return this.#valuesOf(attributesBelow(root))
    let nodes: Node[]
    try {
      nodes = fontoxpath().evaluateXPathToNodes(xpath, this.document as never) as unknown as Node[]
    } catch (error) {
      throw new DefinitionError(`the XPath expression ${xpath} cannot be used: ${(error as Error).message}`)
    }
    return this.#valuesOf(nodes)
  }

  /** COMPAT(coraza): a value for each piece of text. */
  #valuesOf(nodes: readonly Node[]): ByteString[] {
    if (this.values === 'node') return nodes.map((node) => encodeUtf8(contentOf(node)))
    return nodes.flatMap((node) => (node.nodeType === 1 ? textChunks(node) : [encodeUtf8(contentOf(node))]))
  }
}

/**
 * What `//@*` selects, in the order of the XPath library: those of an element by local name. PERF(bodies): the library
 * compares each attribute's place with that of others, and takes minutes for some ten thousand.
 */
export function attributesBelow(root: Element): readonly Attr[] {
  const found: Attr[] = []
  let node: Node | null = root
  while (node !== null) {
    if (node.nodeType === 1) for (const each of sortedAttributes(node as Element)) found.push(each)
    let next: Node | null = node.firstChild
    while (next === null && node !== null && node !== root) {
      next = node.nextSibling
      if (next === null) node = node.parentNode
    }
    node = next
  }
  return found
}

/** Declarations of namespaces are no attributes to XPath. */
function sortedAttributes({ attributes }: Element): readonly Attr[] {
  const kept = attributes.filter(({ namespaceURI }) => namespaceURI !== declarations)
  return kept.length < 2
    ? kept
    : kept.sort((one, other) => Number(one.localName > other.localName) - Number(one.localName < other.localName))
}

const declarations = 'http://www.w3.org/2000/xmlns/'

function contentOf(node: Node): string {
  return node.textContent ?? node.nodeValue ?? ''
}

function textChunks(node: Node): ByteString[] {
  const chunks: ByteString[] = []
  const pending: Node[] = [node]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.nodeType === 3 || next.nodeType === 4) {
      const text = (next.nodeValue ?? '').trim()
      if (text !== '') chunks.push(encodeUtf8(text))
    }
    for (let child = next.lastChild; child !== null; child = child.previousSibling) pending.push(child as Node)
  }
  return chunks
}
