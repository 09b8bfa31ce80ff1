/**
 * XML text as a tree whose tags, texts and attributes keep their spelling, so that elements and attributes can be left
 * out and what is left is as well-formed as before.
 */
import type { ByteString } from '../../model/exchange.js'
import { markupEnd } from '../pricing/body-slots.js'

interface XmlElement {
  /** `<name`, attributes each with the white space before it, `>` or `/>`. */
  readonly start: ByteString
  readonly attributes: readonly ByteString[]
  readonly startEnd: ByteString
  readonly children: readonly XmlNode[]
  /** `</name>`; empty where the element has no content. */
  readonly close: ByteString
}

type XmlNode = ByteString | XmlElement

/** LIMIT: elements in one another. */
const deepest = 200

const startTag = /^<([^\s/>]+)((?:\s+[^\s=<>"'/]+\s*=\s*(?:"[^"]*"|'[^']*'))*)(\s*\/?>)$/

/** An element whose end has not come yet. */
interface OpenElement {
  readonly name: ByteString
  readonly start: RegExpExecArray
  readonly children: XmlNode[]
}

/** Null where it cannot be read, or is too deep. */
export function parseXmlTree(text: ByteString): readonly XmlNode[] | null {
  const root: XmlNode[] = []
  const open: OpenElement[] = []
  for (let at = 0; at < text.length; ) {
    const next = text.indexOf('<', at)
    const end = next === at ? markupEnd(text, at) : next < 0 ? text.length : next
    if (end < 0) return null
    const piece = text.slice(at, end)
    const node = next === at ? afterMarkup(piece, open) : piece
    if (node === false) return null
    if (node !== null) (open[open.length - 1]?.children ?? root).push(node)
    at = end
  }
  return open.length === 0 ? root : null
}

/** The node that the markup ends; null where it opens an element, false where it does not belong here. */
function afterMarkup(markup: ByteString, open: OpenElement[]): XmlNode | null | false {
  if (markup.startsWith('<!') || markup.startsWith('<?')) return markup
  if (markup.startsWith('</')) {
    const element = open.pop()
    if (element === undefined || markup.slice(2, -1).trimEnd() !== element.name) return false
    return elementOf(element.start, element.children, markup)
  }
  const start = startTag.exec(markup)
  if (start === null || open.length >= deepest) return false
  if (start[3]?.includes('/')) return elementOf(start, [], '')
  open.push({ name: start[1] ?? '', start, children: [] })
  return null
}

function elementOf(
  [, name = '', attributes = '', end = '']: RegExpExecArray,
  children: XmlNode[],
  close: ByteString,
): XmlElement {
  return {
    start: `<${name}`,
    attributes: attributes.match(/\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*')/g) ?? [],
    startEnd: end,
    children,
    close,
  }
}

/** The text; with `changed` in the place of the element it was made from. */
function printXmlTree(nodes: readonly XmlNode[], element: XmlElement | null = null, changed = element): ByteString {
  return nodes
    .map((node) => {
      if (typeof node === 'string') return node
      const { start, attributes, startEnd, children, close } = node === element && changed !== null ? changed : node
      return `${start}${attributes.join('')}${startEnd}${printXmlTree(children, element, changed)}${close}`
    })
    .join('')
}

/** A list in the tree of which parts can be left out, and the text that is left. */
export interface XmlList {
  readonly count: number
  keeping(kept: readonly number[]): ByteString
}

/** What stands around the root element, then children and attributes of each element, outer ones first. */
export function xmlLists(root: readonly XmlNode[]): readonly XmlList[] {
  const around = root.filter((node) => typeof node === 'string')
  const lists: XmlList[] = [
    {
      count: around.length,
      keeping: (kept) => {
        const left = new Set(kept)
        let n = 0
        return printXmlTree(root.filter((node) => typeof node !== 'string' || left.has(n++)))
      },
    },
  ]
  const visit = (element: XmlElement): void => {
    const { children, attributes } = element
    const printed = (change: Partial<XmlElement>): ByteString => printXmlTree(root, element, { ...element, ...change })
    const among = <T>(items: readonly T[], kept: readonly number[]): readonly T[] => {
      const left = new Set(kept)
      return items.filter((_, n) => left.has(n))
    }
    lists.push(
      { count: children.length, keeping: (kept) => printed({ children: among(children, kept) }) },
      { count: attributes.length, keeping: (kept) => printed({ attributes: among(attributes, kept) }) },
    )
    for (const child of children) if (typeof child !== 'string') visit(child)
  }
  for (const node of root) if (typeof node !== 'string') visit(node)
  return lists
}
