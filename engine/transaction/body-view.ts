/**
 * The request body as its variables see it: which processor ran, what it found, what of it is inspected.
 *
 * Before phase 2 the body is empty; `readBody` makes the view once its processor is known.
 */
import { dialectOf, findBodyProcessor } from '../bodies/index.js'
import type {
  BodyResult,
  Collection,
  Entry,
  MultipartFlags,
  MultipartPart,
  RequestBodyView,
  XmlDocument,
} from '../model/definitions.js'
import { type ByteString, lowerAscii } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import type { EngineSettings } from '../model/ruleset.js'
import { collectionOf, FixedCollection } from '../variables/index.js'

interface BodyFacts {
  readonly processor: string
  readonly raw: ByteString
  readonly length: number
  readonly rawPresent: boolean
  readonly result: BodyResult | null
  readonly overLimit: boolean
  readonly error?: ByteString
}

const NONE: readonly Entry[] = Object.freeze([])

function partHeadersOf(parts: readonly MultipartPart[]): readonly Entry[] {
  return parts.flatMap((part) => part.headerLines.map((value) => ({ key: part.name, value })))
}

function selfNamed(names: readonly ByteString[]): readonly Entry[] {
  return names.map((name) => ({ key: name, value: name }))
}

function fileNamesOf(parts: readonly MultipartPart[]): readonly Entry[] {
  return parts.flatMap(({ name, fileName, otherFileName }) =>
    [fileName, otherFileName].flatMap((value) => (value === null || value === undefined ? [] : [{ key: name, value }])),
  )
}

type PartNames = Pick<RequestBodyView, 'partHeaders' | 'partNames' | 'partFileNames'>

const noParts: PartNames = { partHeaders: NONE, partNames: NONE, partFileNames: NONE }

function partNamesOf(result: BodyResult | null, parts: readonly MultipartPart[]): PartNames {
  if (result === null) return noParts
  if ((result.parts ?? result.partHeaders ?? result.partNames ?? result.partFileNames) === undefined) return noParts
  return {
    partHeaders: result.partHeaders ?? partHeadersOf(parts),
    partNames: selfNamed(result.partNames ?? parts.map((part) => part.name)),
    partFileNames: result.partFileNames === undefined ? fileNamesOf(parts) : selfNamed(result.partFileNames),
  }
}

function bodyView(facts: BodyFacts, platform: Platform | null): RequestBodyView {
  const { result } = facts
  const args: Collection =
    result === null || platform === null ? FixedCollection.empty : collectionOf(result.args, platform)
  const isPost = platform === null || facts.processor !== 'JSON' || dialectOf(platform).jsonIsPost
  const parts: readonly MultipartPart[] = result?.parts ?? []
  const names = partNamesOf(result, parts)
  const flags: MultipartFlags | null = result?.flags ?? null
  const xml: XmlDocument | null = result?.xml ?? null
  return {
    processor: facts.processor,
    args,
    argsPost: isPost ? args : FixedCollection.empty,
    raw: facts.raw,
    length: facts.length,
    rawPresent: facts.rawPresent,
    error: facts.error ?? result?.error ?? null,
    argumentsOverLimit: result?.argumentsOverLimit ?? false,
    errorAtEnd: result?.errorAtEnd ?? false,
    parts,
    partHeaders: names.partHeaders,
    partNames: names.partNames,
    partFileNames: names.partFileNames,
    flags,
    xml,
    urlencodedError: result?.urlencodedError ?? false,
    overLimit: facts.overLimit,
  }
}

/** The body before phase 2: nothing of it is known but who will read it. */
export function unreadBody(processor: string): RequestBodyView {
  return bodyView({ processor, raw: '', length: 0, rawPresent: false, result: null, overLimit: false }, null)
}

export interface BodyRequest {
  readonly body: ByteString
  readonly headers: Collection
  /** What `ctl:requestBodyProcessor` or else the content type asks for; empty: none. */
  readonly processor: string
  readonly forceVariable: boolean
  /** Whether a header announces a body, be it an empty one. */
  readonly announced: boolean
  readonly limit: number
  readonly settings: EngineSettings
  readonly platform: Platform
}

const contentType = 'content-type'

/** The processor that the headers alone ask for. */
export function processorOf(headers: Collection, platform: Platform): string {
  if (!dialectOf(platform).lastKnownContentType)
    return processorOfType(headers.named('content-type')[0]?.value ?? '', platform)
  const entries = headers.inserted()
  for (let n = entries.length - 1; n >= 0; n--) {
    const { key, value } = entries[n] as Entry
    if (key?.length !== contentType.length || lowerAscii(key) !== contentType) continue
    const processor = processorOfType(value, platform)
    if (processor !== '') return processor
  }
  return ''
}

/** By what the header begins with. */
function processorOfType(value: ByteString, platform: Platform): string {
  const lower = lowerAscii(value)
  const type = dialectOf(platform).trimsContentType ? lower.replace(/^[\t-\r ]+/, '') : lower
  if (type.startsWith('application/x-www-form-urlencoded')) return 'URLENCODED'
  return type.startsWith('multipart/form-data') ? 'MULTIPART' : ''
}

/** COMPAT(coraza): a body of exactly the limit is over it. */
export function isOverLimit(body: ByteString, limit: number, platform: Platform): boolean {
  return platform.bodyLimitInclusive ? body.length >= limit : body.length > limit
}

function unknownProcessor(name: string, { bodyErrorNamesProcessor }: Platform): ByteString {
  return bodyErrorNamesProcessor ? `${name}: invalid body processor` : `Unknown request body processor: ${name}`
}

/** Reads the body; what is beyond `limit` bytes is cut off and said in `overLimit`. */
export function readBody(request: BodyRequest): RequestBodyView {
  const overLimit = isOverLimit(request.body, request.limit, request.platform)
  const raw = overLimit ? request.body.slice(0, request.limit) : request.body
  const named = request.processor
  const processor =
    named === '' && raw !== '' && request.forceVariable ? dialectOf(request.platform).forcedProcessor : named
  const { requestBodyAlwaysPresent, bodyTextOfFormsOnly } = request.platform
  const isRaw = processor === 'RAW' && dialectOf(request.platform).readsRaw
  const isText = processor === 'URLENCODED' || isRaw
  const length = bodyTextOfFormsOnly && !isText ? 0 : raw.length
  const definition = processor === '' || isRaw ? null : findBodyProcessor(processor)
  const rawPresent = requestBodyAlwaysPresent || isText || (request.forceVariable && !bodyTextOfFormsOnly)
  const facts = { processor, raw, length, rawPresent, overLimit }
  if (processor !== '' && definition === null && !isRaw)
    return bodyView({ ...facts, result: null, error: unknownProcessor(processor, request.platform) }, null)
  const { readsEmptyBody, multipartReader } = dialectOf(request.platform)
  const readsEmpty = readsEmptyBody.includes(processor)
  const readsAnnounced = processor === 'MULTIPART' && multipartReader !== 'go' && request.announced
  const nothing = raw === '' && !readsEmpty && !readsAnnounced
  if (definition === null || nothing) return bodyView({ ...facts, result: null }, null)
  const result = definition.process({
    body: raw,
    contentType: request.headers.named('content-type')[0]?.value ?? '',
    argumentSeparator: request.settings.argumentSeparator,
    limits: request.settings.bodyLimits,
    platform: request.platform,
  })
  return bodyView({ ...facts, result }, request.platform)
}
