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

/** Behind white space, processing instructions and comments, and the byte order mark of a text that begins with one. */
function behindMisc(text: string, from: number): number {
  for (let at = from === 0 && text.startsWith('\ufeff') ? 1 : from; ; ) {
    while (isWhiteSpace.test(text[at] ?? '')) at++
    const comment = text.startsWith('<!--', at)
    if (!comment && !text.startsWith('<?', at)) return at
    const end = text.indexOf(comment ? '-->' : '?>', at + (comment ? 4 : 2))
    if (end < 0) return at
    at = end + (comment ? 3 : 2)
  }
}

const isWhiteSpace = /\s/
const headPiece = /[^"'[>]+|"[^"]*"|'[^']*'/y
const subsetPiece = /"[^"]*"|'[^']*'|<!--[\s\S]*?-->|<\?[\s\S]*?\?>|[^\]"'<]+|<(?!!--|\?)/y

/** Behind all pieces that follow one another from there on. */
function behindPieces(text: string, from: number, piece: RegExp): number {
  piece.lastIndex = from
  let end = from
  while (piece.test(text)) end = piece.lastIndex
  return end
}

function documentTypeOf(text: string): DocumentType | null {
  const declaration = behindMisc(text, 0)
  if (!/^<!DOCTYPE\s/.test(text.slice(declaration, declaration + 10))) return null
  const headEnd = behindPieces(text, declaration + 10, headPiece)
  const external = /\s(?:SYSTEM|PUBLIC)\s/.test(text.slice(0, headEnd))
  if (text[headEnd] !== '[') return { start: headEnd, end: headEnd, external }
  const start = headEnd + 1
  return { start, end: behindPieces(text, start, subsetPiece), external }
}

const generalEntity = /<!ENTITY\s+([^\s%"'>]+)\s+(?:"([^"]*)"|'([^']*)')\s*>/g
const parameterStart = /<!ENTITY\s+%\s+([^\s"'>]+)\s+/g
const parameterValue = /(?:"([^"]*)"|'([^']*)')\s*>/y
const reference = /&([^\s&;#<>"']+);/g

/** Parameter entities written out; those of elsewhere are empty. */
function withoutParameters(subset: string): string {
  const values = new Map<string, string>()
  const kept: string[] = []
  let from = 0
  parameterStart.lastIndex = 0
  for (let found = parameterStart.exec(subset); found !== null; found = parameterStart.exec(subset)) {
    const behind = parameterStart.lastIndex
    parameterValue.lastIndex = behind
    const value = parameterValue.exec(subset)
    const end = value === null ? subset.indexOf('>', behind) + 1 : parameterValue.lastIndex
    if (end === 0) break
    const name = found[1] ?? ''
    if (!values.has(name)) values.set(name, value?.[1] ?? value?.[2] ?? '')
    kept.push(subset.slice(from, found.index))
    from = end
    parameterStart.lastIndex = end
  }
  if (values.size === 0) return subset
  kept.push(subset.slice(from))
  return kept.join('').replace(/%([^\s%;"'<>]+);/g, (whole, name: string) => values.get(name) ?? whole)
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
  const plain = withoutAttributeLists(subset)
  const body = type.external ? withoutUnknown(rest, subset) : rest
  return text.slice(0, type.start) + plain + body
}

/** An entity that the missing part of the declaration may declare is no error, and empty. */
function withoutUnknown(text: string, subset: string): string {
  const declared = new Set([...subset.matchAll(/<!ENTITY\s+([^\s%"'>]+)\s/g)].map(([, name]) => name))
  return text.replace(reference, (whole, name: string) => (predefined.has(name) || declared.has(name) ? whole : ''))
}

function withoutAttributeLists(subset: string): string {
  const ends = new MarkupEnds(subset)
  const kept: string[] = []
  let from = 0
  for (let at = subset.indexOf('<!ATTLIST'); at >= 0; ) {
    const end = ends.behind(at + 9)
    if (end > 0) {
      kept.push(subset.slice(from, at))
      from = end
    }
    at = subset.indexOf('<!ATTLIST', Math.max(end, at + 9))
  }
  return kept.join('') + subset.slice(from)
}

/** Where markup ends: at the first `>` outside of quotes. Each place is looked at once, however often one asks. */
export class MarkupEnds {
  /** 1 where the markup has been followed; what comes there again has no end, or the caller would be behind it. */
  readonly #followed: Uint8Array

  constructor(private readonly text: string) {
    this.#followed = new Uint8Array(text.length)
  }

  /** The position behind the end of the markup that goes on at `from`, which is behind every end told before; or -1. */
  behind(from: number): number {
    const { text } = this
    for (let at = from; at < text.length && this.#followed[at] === 0; at++) {
      this.#followed[at] = 1
      const char = text[at]
      if (char === '>') return at + 1
      if (char !== '"' && char !== "'") continue
      at = text.indexOf(char, at + 1)
      if (at < 0) return -1
    }
    return -1
  }
}

/** Behind the name of the root's start tag, or -1. */
function rootNameEnd(text: string): number {
  let at = behindMisc(text, 0)
  if (/^<!DOCTYPE\s/.test(text.slice(at, at + 10))) {
    at = behindPieces(text, at + 10, headPiece)
    if (text[at] === '[') {
      at = behindPieces(text, at + 1, plainSubsetPiece)
      if (text[at] !== ']') return -1
      at = behindPieces(text, at + 1, whiteSpace)
    }
    if (text[at] !== '>') return -1
    at = behindMisc(text, at + 1)
  }
  if (text[at] !== '<') return -1
  const end = behindPieces(text, at + 1, rootName)
  return end > at + 1 ? end : -1
}

const plainSubsetPiece = /"[^"]*"|'[^']*'|[^\]"']+/y
const whiteSpace = /\s+/y
const rootName = /[^\s/>!?]+/y

/** Prefixes without a namespace are no error to libxml2: the root declares them. */
export function withDeclaredPrefixes(text: string): string {
  const rootEnd = rootNameEnd(text)
  if (rootEnd < 0) return text
  const used = new Set<string>()
  for (const [, element, attribute] of text.matchAll(/<\/?([^\s:/<>!?]+):|\s([^\s:=/>"']+):[^\s:=/>"']+\s*=\s*["']/g))
    used.add(element ?? attribute ?? '')
  const tagEnd = text.indexOf('>', rootEnd)
  const rootTag = text.slice(rootEnd, tagEnd < 0 ? text.length : tagEnd)
  const declared = new Set([...rootTag.matchAll(/xmlns:([^\s:=/>"']+)=/g)].map(([, prefix]) => prefix))
  const missing = [...used].filter((prefix) => prefix !== 'xml' && prefix !== 'xmlns' && !declared.has(prefix))
  const declarations = missing.map((prefix) => ` xmlns:${prefix}="${prefix}"`).join('')
  return text.slice(0, rootEnd) + declarations + text.slice(rootEnd)
}
