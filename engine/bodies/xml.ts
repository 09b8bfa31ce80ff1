/**
 * XML bodies and the values XPath selects in them.
 *
 * Entities are never declared or loaded: a document type declaration that declares any puts the body in error, so
 * neither external entities nor expansion bombs exist here.
 */
import fontoxpath from 'fontoxpath'
import { type Document, type Node, parseXmlDocument } from 'slimdom'
import { DefinitionError } from '../errors.js'
import type { BodyInput, BodyProcessorDefinition, BodyResult, XmlDocument } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { encodeUtf8 } from '../utf8.js'
import { dialectOf } from './dialect.js'
import { readGoXml } from './xml-go.js'

export const xmlProcessor: BodyProcessorDefinition = {
  name: 'XML',
  doc: 'XML: what XPath expressions select becomes values of XML:…',
  process: (input) => (dialectOf(input.platform).xmlReader === 'go' ? readGoXml(input.body) : processXml(input)),
}

/** COMPAT(modsec2): Apache hands on bodies in chunks, and ModSecurity 2 looks for errors from the second one on. */
const firstChunkBytes = 8000

const failed = 'XML parsing error: XML: Failed parsing document.'

function processXml(input: BodyInput): BodyResult {
  if (/<!ENTITY/i.test(input.body)) return { args: [], error: 'XML parsing error: entity declarations are not read.' }
  if (deeperThan(input.body, input.limits.depth)) return { args: [], error: 'XML parsing error: too deep.' }
  let document: Document
  try {
    document = parseXmlDocument(textOf(input.body))
  } catch {
    return { args: [], error: failed, errorAtEnd: input.body.length <= firstChunkBytes }
  }
  return { args: [], error: null, xml: new SelectableXml(document, input.platform.xmlValues) }
}

/** Whether elements nest deeper than the limit, as far as tags tell; keeps the parser's recursion bounded. */
function deeperThan(body: ByteString, limit: number): boolean {
  let depth = 0
  for (const [tag] of body.matchAll(/<(?:\/[^>]*|[A-Za-z_:\x80-\xff](?:[^>"']|"[^"]*"|'[^']*')*)>/g)) {
    if (tag.startsWith('</')) depth--
    else if (!tag.endsWith('/>') && ++depth > Math.min(limit, greatestDepth)) return true
  }
  return false
}

/** LIMIT: libxml2 refuses deeper documents too, unless told otherwise. */
const greatestDepth = 256

/** UTF-8 unless the declaration names a single-byte encoding. */
function textOf(body: ByteString): string {
  const declared = /^\s*<\?xml[^>]*encoding\s*=\s*["']([^"']+)["']/i.exec(body)?.[1]?.toLowerCase()
  if (declared !== undefined && /^(?:iso-8859-1|latin1|windows-1252)$/.test(declared)) return body
  const bytes = Buffer.from(body, 'latin1')
  const text = bytes.toString('utf8')
  if (!Buffer.from(text, 'utf8').equals(bytes)) throw new Error('not UTF-8')
  return text.replace(/^\ufeff/, '')
}

class SelectableXml implements XmlDocument {
  constructor(
    private readonly document: Document,
    private readonly values: 'node' | 'text-chunk',
  ) {}

  select(xpath: ByteString): readonly ByteString[] {
    const root = this.document.documentElement
    if (xpath === '/*' && root !== null) return this.#valuesOf([root as unknown as Node])
    let nodes: Node[]
    try {
      nodes = fontoxpath.evaluateXPathToNodes(xpath, this.document as never) as unknown as Node[]
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
