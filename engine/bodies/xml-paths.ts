/**
 * Location paths as rules write them (`/*`, `//@*`, `/order/item/text()`, `//name/@key`), found by one walk through the
 * document. Everything else is the XPath library's.
 *
 * PERF(bodies): the library puts what it has found in order by looking through all children of what two nodes have in
 * common, which takes minutes for some ten thousand nodes.
 */
import type { Attr, Document, Element, Node } from 'slimdom'
import type { ByteString } from '../model/exchange.js'
import { spend } from '../time-budget.js'

/** What a step takes: nodes of a kind, or elements and attributes of a name (null: any). */
type StepTest = { readonly kind: 'text' | 'node' | 'comment' } | { readonly kind: 'name'; readonly name: string | null }

interface Step {
  /** Behind `//`: at any depth. */
  readonly deep: boolean
  readonly attribute: boolean
  readonly test: StepTest
}

export type LocationPath = readonly Step[]

const stepPattern = /(\/\/?)(@?)(?:(text|node|comment)\(\)|(\*)|([A-Za-z_][\w.-]*)(?![\w.:(-]))/y
/** LIMIT: steps, so that those a node has come to are the bits of a number. */
const mostSteps = 30

/** Null where the expression is more than such a path. */
export function parseLocationPath(xpath: ByteString): LocationPath | null {
  const steps: Step[] = []
  stepPattern.lastIndex = 0
  for (let at = 0; at < xpath.length; at = stepPattern.lastIndex) {
    const found = stepPattern.exec(xpath)
    // Attributes have neither children nor, here, kinds.
    if (found === null || steps.at(-1)?.attribute || (found[2] === '@' && found[3] !== undefined)) return null
    const test: StepTest =
      found[3] === undefined
        ? { kind: 'name', name: found[5] ?? null }
        : { kind: found[3] as 'text' | 'node' | 'comment' }
    steps.push({ deep: found[1] === '//', attribute: found[2] === '@', test })
  }
  return steps.length === 0 || steps.length > mostSteps ? null : steps
}

/** Nodes that the path selects, in the library's order: that of the document, attributes of an element by local name. */
export function selectedBy(path: LocationPath, document: Document): readonly Node[] {
  const last = path.at(-1) as Step
  const whole = 1 << path.length
  const found: Node[] = []
  // A name without a prefix is one of the namespace that the root has by default.
  const space = document.lookupNamespaceURI('')
  // By depth: bit n of a node is set where step n may be taken from it.
  const open: number[] = [1]
  let depth = 0
  let node: Node = document
  for (;;) {
    let next = node.firstChild
    while (next === null && node !== document) {
      next = node.nextSibling
      if (next === null) {
        node = node.parentNode as Node
        depth--
      }
    }
    if (next === null) return found
    if (next.parentNode === node) depth++
    node = next
    spend(nodeCost)
    const bits = stepsFrom(path, open[depth - 1] as number, node, space)
    open[depth] = bits
    if (node.nodeType === documentTypeNode) continue
    if (last.attribute) {
      if (node.nodeType === elementNode && (bits & (whole >>> 1)) !== 0)
        addAttributes(node as Element, last.test, found)
    } else if ((bits & whole) !== 0) found.push(node)
  }
}

/** LIMIT: a node costs about as much as so many bytes looked at. */
const nodeCost = 16
const elementNode = 1
const textNode = 3
const sectionNode = 4
const commentNode = 8
const documentTypeNode = 10

/** Steps that may be taken from a child of a node with the `above` ones; bit `path.length`: the child is selected. */
function stepsFrom(path: LocationPath, above: number, child: Node, space: string | null): number {
  let bits = 0
  for (let s = 0; s < path.length; s++) {
    if (((above >>> s) & 1) === 0) continue
    const { deep, attribute, test } = path[s] as Step
    if (deep) bits |= 1 << s
    if (!attribute && isTaken(test, child, space)) bits |= 1 << (s + 1)
  }
  return bits
}

function isTaken(test: StepTest, node: Node, space: string | null): boolean {
  switch (test.kind) {
    case 'node':
      return node.nodeType !== documentTypeNode
    case 'text':
      return node.nodeType === textNode || node.nodeType === sectionNode
    case 'comment':
      return node.nodeType === commentNode
    case 'name': {
      if (node.nodeType !== elementNode) return false
      const { localName, namespaceURI } = node as Element
      return test.name === null || (localName === test.name && namespaceURI === space)
    }
  }
}

function addAttributes({ attributes }: Element, test: StepTest, found: Node[]): void {
  if (attributes.length === 0) return
  spend(nodeCost * attributes.length)
  const name = test.kind === 'name' ? test.name : null
  const kept = attributes.filter(
    ({ namespaceURI, localName }) =>
      // Declarations of namespaces are no attributes to XPath.
      namespaceURI !== declarations && (name === null || (localName === name && namespaceURI === null)),
  )
  for (const each of kept.length < 2 ? kept : kept.sort(byLocalName)) found.push(each)
}

function byLocalName(one: Attr, other: Attr): number {
  return Number(one.localName > other.localName) - Number(one.localName < other.localName)
}

const declarations = 'http://www.w3.org/2000/xmlns/'
