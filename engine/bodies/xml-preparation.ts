/**
 * What libxml2 reads of an XML body, rewritten for a parser that is stricter: encodings, entities of the document type
 * declaration, prefixes without a namespace.
 *
 * Nothing outside the body is ever read: what an entity or a declaration refers to is empty, as on the engines. Seen
 * on libmodsecurity 3.0.9 with libxml2, body by body (test/xml.test.ts).
 */
import type { ByteString } from '../model/exchange.js'

/** libxml2 takes entities for an attack where their texts come to more than so many bytes, … */
const bigExpansionBytes = 1000
/** … and to so many times what was read. */
const greatestAmplification = 10
/** LIMIT: entities within entities. */
const greatestDepth = 40

/** The text; null where it is not in the encoding that it names, or in one that libxml2 does not know. */
export function decodedXml(body: ByteString): string | null {
  // A byte order mark says more than the declaration.
  const marked = body.startsWith('\xef\xbb\xbf')
  const declared = marked ? 'utf-8' : /^<\?xml[^>]*encoding\s*=\s*["']([^"']+)["']/i.exec(body)?.[1]?.toLowerCase()
  if (declared === 'iso-8859-1' || declared === 'latin1') return body
  if (/^(?:us-)?ascii$/.test(declared ?? '')) return /[\x80-\xff]/.test(body) ? null : body
  if (/^utf-?16/.test(declared ?? '')) return null
  try {
    return new TextDecoder(declared ?? 'utf-8', { fatal: true }).decode(Buffer.from(body, 'latin1'))
  } catch {
    return null
  }
}

interface DocumentType {
  /** Where the internal subset begins and ends in the text. */
  readonly start: number
  readonly end: number
  /** Whether there is more of the declaration elsewhere, which might declare any entity. */
  readonly external: boolean
}

/** White space, processing instructions and comments. */
const misc = String.raw`(?:\s|<\?[^]*?\?>|<!--[^]*?-->)*`
const docTypeHead = new RegExp(String.raw`^\ufeff?${misc}<!DOCTYPE\s(?:[^"'[>]|"[^"]*"|'[^']*')*`)
const subsetPiece = /"[^"]*"|'[^']*'|<!--[\s\S]*?-->|<\?[\s\S]*?\?>|[^\]"'<]|<(?!!--|\?)/y

function documentTypeOf(text: string): DocumentType | null {
  const head = docTypeHead.exec(text)?.[0]
  if (head === undefined) return null
  const external = /\s(?:SYSTEM|PUBLIC)\s/.test(head)
  if (text[head.length] !== '[') return { start: head.length, end: head.length, external }
  const start = head.length + 1
  subsetPiece.lastIndex = start
  let end = start
  while (subsetPiece.test(text)) end = subsetPiece.lastIndex
  return { start, end, external }
}

const generalEntity = /<!ENTITY\s+([^\s%"'>]+)\s+(?:"([^"]*)"|'([^']*)')\s*>/g
const parameterEntity = /<!ENTITY\s+%\s+([^\s"'>]+)\s+(?:"([^"]*)"|'([^']*)'|[^>]*)\s*>/g
const reference = /&([^\s&;#<>"']+);/g

/** Parameter entities written out; those of elsewhere are empty. */
function withoutParameters(subset: string): string {
  const values = new Map<string, string>()
  const rest = subset.replace(parameterEntity, (_whole, name: string, double?: string, single?: string) => {
    if (!values.has(name)) values.set(name, double ?? single ?? '')
    return ''
  })
  return values.size === 0
    ? subset
    : rest.replace(/%([^\s%;"'<>]+);/g, (whole, name: string) => values.get(name) ?? whole)
}

/** Bytes that all references of the text come to; infinite where entities hold themselves, or others too deeply. */
function expansionOf(text: string, values: ReadonlyMap<string, string>): number {
  const sizes = new Map<string, number>()
  const sizeOf = (name: string, depth: number): number => {
    const known = sizes.get(name)
    if (known !== undefined) return known
    const value = values.get(name)
    if (value === undefined) return 0
    if (depth > greatestDepth) return Number.POSITIVE_INFINITY
    sizes.set(name, Number.POSITIVE_INFINITY)
    const size = value.length + sumOf(value, depth + 1)
    sizes.set(name, size)
    return size
  }
  const sumOf = (piece: string, depth: number): number => {
    let sum = 0
    for (const [, name] of piece.matchAll(reference)) sum += sizeOf(name ?? '', depth)
    return sum
  }
  return sumOf(text, 0)
}

const predefined = new Set(['amp', 'apos', 'gt', 'lt', 'quot'])

/** The text with its document type declaration made plain; null where its entities are an attack or a loop. */
export function withPlainEntities(text: string): string | null {
  const type = documentTypeOf(text)
  if (type === null) return text
  const subset = withoutParameters(text.slice(type.start, type.end))
  const values = new Map<string, string>()
  for (const [, name, double, single] of subset.matchAll(generalEntity))
    if (name !== undefined && !values.has(name)) values.set(name, double ?? single ?? '')
  const rest = text.slice(type.end)
  const size = expansionOf(rest, values)
  if (size > bigExpansionBytes && size >= greatestAmplification * text.length) return null
  // Defaults of attributes are not filled in: the engines do not ask libxml2 for them.
  const plain = subset.replace(/<!ATTLIST(?:[^"'>]|"[^"]*"|'[^']*')*>/g, '')
  const body = type.external ? withoutUnknown(rest, subset) : rest
  return text.slice(0, type.start) + plain + body
}

/** An entity that the missing part of the declaration may declare is no error, and empty. */
function withoutUnknown(text: string, subset: string): string {
  const declared = new Set([...subset.matchAll(/<!ENTITY\s+([^\s%"'>]+)\s/g)].map(([, name]) => name))
  return text.replace(reference, (whole, name: string) => (predefined.has(name) || declared.has(name) ? whole : ''))
}

const rootStart = new RegExp(
  String.raw`^(\ufeff?${misc}(?:<!DOCTYPE\s(?:[^"'[>]|"[^"]*"|'[^']*')*(?:\[(?:"[^"]*"|'[^']*'|[^\]"'])*\]\s*)?>)?${misc}<[^\s/>!?]+)`,
)

/** Prefixes without a namespace are no error to libxml2: the root declares them. */
export function withDeclaredPrefixes(text: string): string {
  const used = new Set<string>()
  for (const [, element, attribute] of text.matchAll(/<\/?([^\s:/>!?]+):|\s([^\s:=/>"']+):[^\s:=/>"']+\s*=\s*["']/g))
    used.add(element ?? attribute ?? '')
  const root = rootStart.exec(text)?.[0]
  if (root === undefined) return text
  const rootTag = /^[^>]*/.exec(text.slice(root.length))?.[0] ?? ''
  const missing = [...used].filter((p) => p !== 'xml' && p !== 'xmlns' && !rootTag.includes(`xmlns:${p}=`))
  const declarations = missing.map((prefix) => ` xmlns:${prefix}="${prefix}"`).join('')
  return root + declarations + text.slice(root.length)
}
