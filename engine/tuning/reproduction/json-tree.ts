/**
 * JSON text as a tree whose scalars and keys keep their spelling, so that members can be left out and nothing else
 * changes but white space.
 */
import type { ByteString } from '../../model/exchange.js'

export type JsonNode =
  | { readonly kind: 'scalar'; readonly text: ByteString }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'object'; readonly items: readonly JsonMember[] }

interface JsonMember {
  /** With its quotes. */
  readonly key: ByteString
  readonly value: JsonNode
}

/** LIMIT: containers in one another. */
const deepest = 100

const token = /[\s]*(?:("(?:[^"\\]|\\.)*")|([{}[\]:,])|(-?[0-9][0-9.eE+-]*|true|false|null))/gsy

/** Null where it is no JSON, or too deep. */
export function parseJsonTree(text: ByteString): JsonNode | null {
  const tokens: ByteString[] = []
  token.lastIndex = 0
  let end = 0
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    tokens.push(found[1] ?? found[2] ?? found[3] ?? '')
    end = token.lastIndex
  }
  if (text.slice(end).trim() !== '') return null
  let at = 0
  const value = (depth: number): JsonNode | null => {
    const start = tokens[at++]
    if (start === undefined || depth > deepest || /^[}\]:,]/.test(start)) return null
    if (start === '{') return container('}', depth)
    return start === '[' ? container(']', depth) : { kind: 'scalar', text: start }
  }
  const container = (close: string, depth: number): JsonNode | null => {
    const isObject = close === '}'
    const values: JsonNode[] = []
    const members: JsonMember[] = []
    for (let first = true; tokens[at] !== close; first = false) {
      if (!first && tokens[at++] !== ',') return null
      const key = isObject ? tokens[at++] : ''
      if (isObject && (!key?.startsWith('"') || tokens[at++] !== ':')) return null
      const node = value(depth + 1)
      if (node === null) return null
      if (isObject) members.push({ key: key as ByteString, value: node })
      else values.push(node)
    }
    at++
    return isObject ? { kind: 'object', items: members } : { kind: 'array', items: values }
  }
  const root = value(0)
  return at === tokens.length ? root : null
}

/** Without white space. */
export function printJsonTree(node: JsonNode): ByteString {
  switch (node.kind) {
    case 'scalar':
      return node.text
    case 'array':
      return `[${node.items.map(printJsonTree).join(',')}]`
    case 'object':
      return `{${node.items.map(({ key, value }) => `${key}:${printJsonTree(value)}`).join(',')}}`
  }
}

/** An object or array of the tree, and the tree with other items in its place. */
export interface JsonContainer {
  readonly count: number
  keeping(kept: readonly number[]): JsonNode
}

/** All containers, outer ones first. */
export function jsonContainers(root: JsonNode): readonly JsonContainer[] {
  const found: JsonContainer[] = []
  const visit = (node: JsonNode, put: (changed: JsonNode) => JsonNode): void => {
    if (node.kind === 'scalar') return
    const items: readonly (JsonNode | JsonMember)[] = node.items
    found.push({
      count: items.length,
      keeping: (kept) =>
        put({ ...node, items: kept.map((n) => items[n]).filter((item) => item !== undefined) } as JsonNode),
    })
    if (node.kind === 'array')
      for (const [n, item] of node.items.entries())
        visit(item, (changed) => put({ ...node, items: node.items.with(n, changed) }))
    else
      for (const [n, { key, value }] of node.items.entries())
        visit(value, (changed) => put({ ...node, items: node.items.with(n, { key, value: changed }) }))
  }
  visit(root, (changed) => changed)
  return found
}
