/**
 * Values that XPath expressions select in a parsed XML body.
 *
 * The library reads the document through a view that counts what it looks at, so that an expression that takes too long
 * ends like any other work.
 */
import { createRequire } from 'node:module'
import type { IDomFacade } from 'fontoxpath'
import type { Attr, Document, Element, Node } from 'slimdom'
import { DefinitionError } from '../errors.js'
import type { XmlDocument } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { RecordTimeout, spend } from '../time-budget.js'
import { encodeUtf8 } from '../utf8.js'
import { parseLocationPath, selectedBy } from './xml-paths.js'

const load = createRequire(import.meta.url)
/** Loaded with the first expression that needs it. */
const fontoxpath = (): typeof import('fontoxpath') => load('fontoxpath')

export class SelectableXml implements XmlDocument {
  constructor(private readonly document: Document) {}

  select(xpath: ByteString): readonly ByteString[] {
    const path = parseLocationPath(xpath)
    const nodes = path === null ? selectedByLibrary(xpath, this.document) : selectedBy(path, this.document)
    return nodes.map((node) => {
      const value = encodeUtf8(node.textContent ?? node.nodeValue ?? '')
      spend(value.length)
      return value
    })
  }
}

const elementNode = 1

/** Throws DefinitionError where the expression cannot be used. */
export function selectedByLibrary(xpath: ByteString, document: Document): readonly Node[] {
  const view = new CountingView()
  try {
    const found = fontoxpath().evaluateXPathToNodes(xpath, document as never, view as unknown as IDomFacade)
    return found as unknown as Node[]
  } catch (error) {
    if (view.timeout !== null) throw view.timeout
    throw new DefinitionError(`the XPath expression ${xpath} cannot be used: ${(error as Error).message}`)
  }
}

/** LIMIT: a step of the library costs about as much as so many bytes looked at. */
const stepCost = 64

/** The document as the library sees it. Hints about which nodes it wants are not taken: it looks at them itself. */
class CountingView {
  /** The library puts errors into errors of its own. */
  timeout: RecordTimeout | null = null

  getAllAttributes(node: Element): Attr[] {
    const all = node.nodeType === elementNode ? [...node.attributes] : []
    this.#count(all.length)
    return all
  }

  getAttribute(node: Element, name: string): string | null {
    this.#count(1)
    return node.nodeType === elementNode ? node.getAttribute(name) : null
  }

  getChildNodes(node: Node): Node[] {
    const all = [...node.childNodes]
    this.#count(all.length)
    return all
  }

  getData(node: Attr | Text): string {
    const data = node.nodeType === attributeNode ? (node as Attr).value : (node as Text).data
    this.#count(1)
    return data
  }

  getFirstChild(node: Node): Node | null {
    this.#count(1)
    return node.firstChild
  }

  getLastChild(node: Node): Node | null {
    this.#count(1)
    return node.lastChild
  }

  getNextSibling(node: Node): Node | null {
    this.#count(1)
    return node.nextSibling
  }

  getParentNode(node: Node): Node | null {
    this.#count(1)
    return node.nodeType === attributeNode ? (node as Attr).ownerElement : node.parentNode
  }

  getPreviousSibling(node: Node): Node | null {
    this.#count(1)
    return node.previousSibling
  }

  #count(nodes: number): void {
    try {
      spend(stepCost * Math.max(1, nodes))
    } catch (error) {
      if (error instanceof RecordTimeout) this.timeout = error
      throw error
    }
  }
}

const attributeNode = 2
