/**
 * Variables of the request: line, headers, arguments, cookies, body, files, multipart flags, XML.
 *
 * No rule changes them. Each reads the transaction's views; parsing is done there and in `bodies/`. Names and meanings follow the
 * reference manual's chapter "Variables" (v2 and v3).
 */
import type {
  Collection,
  Entry,
  MultipartFlags,
  MultipartPart,
  TransactionView,
  VariableDefinition,
} from '../model/definitions.js'
import { type ByteString, lowerAscii } from '../model/exchange.js'
import { collectionOf, FixedCollection } from './collection.js'
import {
  collection,
  derivedCollection,
  flag,
  namesOf,
  scalar,
  setWhere,
  unsimulatedCollection,
  unsimulatedScalar,
} from './derive.js'

function allArgs(view: TransactionView): Collection {
  const args = sentArgs(view)
  // COMPAT(coraza): what @restpath has found is an argument too, and no other engine has it.
  const ofPath = view.pathArguments.all()
  return ofPath.length === 0 ? args : new FixedCollection([...args.all(), ...ofPath])
}

function sentArgs(view: TransactionView): Collection {
  return view.derived('ARGS', () => {
    const get = view.request.argsGet
    const post = view.body.args
    if (view.platform.collectionOrder === 'grouped') return new FixedCollection([...get.all(), ...post.all()])
    if (post.all().length === 0) return get
    if (get.all().length === 0) return post
    return collectionOf([...get.inserted(), ...post.inserted()], view.platform)
  })
}

interface FileOfPart {
  readonly name: ByteString
  readonly fileName: ByteString
  readonly value: ByteString
}

function files(view: TransactionView): readonly FileOfPart[] {
  return view.derived('files', () => filesOf(view.body.parts.filter(({ unread }) => unread !== true)))
}

function filesOf(parts: readonly MultipartPart[]): readonly FileOfPart[] {
  return parts.flatMap(({ name, fileName, otherFileName, value }) => {
    if (fileName === null) return []
    const file = { name, fileName, value }
    return otherFileName === undefined ? [file] : [file, { name, fileName: otherFileName, value }]
  })
}

/** COMPAT(coraza): FILES and FILES_NAMES have no keys. */
function fileKey({ platform }: TransactionView, field: ByteString): ByteString {
  return platform.fileKeys === 'field' ? field : ''
}

/** COMPAT(coraza): keyed by the file's name; of files of one name in any case the last. */
function sizesOfFiles(view: TransactionView): readonly Entry[] {
  if (view.platform.fileKeys === 'field')
    return files(view).map((f) => ({ key: f.name, value: String(f.value.length) }))
  const sizes = new Map<ByteString, Entry>()
  for (const { fileName, value } of files(view))
    sizes.set(lowerAscii(fileName), { key: fileName, value: String(value.length) })
  return [...sizes.values()]
}

function contentsOfFiles(view: TransactionView): readonly Entry[] {
  const { filesTmpContent } = view.platform
  if (filesTmpContent === 'none') return []
  return files(view).map(({ name, value }) => ({ key: name, value: filesTmpContent === 'bytes' ? value : '' }))
}

/** COMPAT(coraza): fields count as files do. */
function sizeOfParts({ body, platform }: TransactionView): number {
  return body.parts.reduce(
    (sum, { fileName, value }) => (fileName !== null || platform.filesSizeCountsFields ? sum + value.length : sum),
    0,
  )
}

/** COMPAT(coraza): without the processor's name, with which REQBODY_ERROR_MSG begins. */
function processorError({ body, platform }: TransactionView): ByteString {
  const error = body.error ?? ''
  const name = `${body.processor}: `
  return platform.bodyErrorNamesProcessor && error.startsWith(name) ? error.slice(name.length) : error
}

function sumOfArgs(view: TransactionView): ByteString | null {
  const decimal = view.platform.combinedSize === 'decimal'
  return view.derived('args-size', () => {
    const args = decimal && view.body.processor === 'MULTIPART' ? view.request.argsGet : allArgs(view)
    if (decimal && args.all().length === 0) return null
    let sum = 0
    for (const { key, value } of args.all()) sum += (key?.length ?? 0) + value.length
    return decimal ? sum.toFixed(6) : String(sum)
  })
}

const afterMultipart = ({ body }: TransactionView): boolean => body.flags !== null
const afterRead = ({ phase }: TransactionView): boolean => phase > 1
/** libmodsecurity says of every body but a form whether it was read. */
const afterJudged = ({ phase, body }: TransactionView): boolean =>
  phase > 1 && (body.processor !== 'URLENCODED' || body.error !== null)

function multipartFlag(name: string, doc: string, read: (flags: MultipartFlags) => boolean): VariableDefinition {
  return setWhere(
    afterMultipart,
    scalar(name, doc, (view) => flag(view.body.flags !== null && read(view.body.flags))),
  )
}

function strictError(flags: MultipartFlags): boolean {
  return (
    flags.boundaryQuoted ||
    flags.boundaryWhitespace ||
    flags.dataBefore ||
    flags.dataAfter ||
    flags.headerFolding ||
    flags.lfLine ||
    flags.missingSemicolon ||
    flags.invalidQuoting ||
    flags.invalidPart ||
    flags.invalidHeaderFolding ||
    flags.fileLimitExceeded ||
    flags.framingError
  )
}

function rawRequest(view: TransactionView): ByteString {
  return view.derived('full-request', () => {
    const { request } = view
    const { fullRequestHasLine } = view.platform
    const lines = (fullRequestHasLine ? request.headers.inserted() : request.headers.all()).map(
      ({ key, value }) => `${key}: ${value}\n`,
    )
    return `${fullRequestHasLine ? `${request.line}\n` : ''}${lines.join('')}${fullRequestHasLine ? '\n' : '\n\n'}${view.body.raw}`
  })
}

export const requestVariables: readonly VariableDefinition[] = [
  collection('ARGS', 'Arguments of the query string and of the body.', allArgs),
  scalar('ARGS_COMBINED_SIZE', 'Bytes of all argument names and values together.', sumOfArgs),
  collection('ARGS_GET', 'Arguments of the query string.', (v) => v.request.argsGet),
  namesOf('ARGS_GET_NAMES', 'Names of the arguments of the query string.', (v) => v.request.argsGet),
  namesOf('ARGS_NAMES', 'Names of all arguments.', allArgs),
  collection('ARGS_POST', 'Arguments of the body.', (v) => v.body.argsPost),
  namesOf('ARGS_POST_NAMES', 'Names of the arguments of the body.', (v) => v.body.argsPost),
  scalar('ARGUMENTS_LIMIT_REACHED', '1 where there are more arguments than SecArgumentsLimit allows (Coraza).', (v) =>
    flag(v.request.argumentsOverLimit || v.body.argumentsOverLimit),
  ),
  scalar('AUTH_TYPE', 'Scheme of the Authorization header.', (v) => {
    const value = v.request.headers.named('authorization')[0]?.value
    return value === undefined ? null : (value.trim().split(' ')[0] ?? '')
  }),
  derivedCollection('FILES', "Clients' names of the uploaded files, keyed by form field.", (v) =>
    files(v).map((f) => ({ key: fileKey(v, f.name), value: f.fileName })),
  ),
  setWhere(
    (v) => files(v).length > 0,
    scalar('FILES_COMBINED_SIZE', 'Bytes of all uploaded files together.', (v) => String(sizeOfParts(v))),
  ),
  derivedCollection('FILES_NAMES', 'Form fields that carried a file.', (v) =>
    v.body.parts.flatMap(({ name, fileName, unread }) =>
      fileName === null || unread === true ? [] : [{ key: fileKey(v, name), value: name }],
    ),
  ),
  derivedCollection('FILES_SIZES', 'Bytes of each uploaded file, keyed by form field.', sizesOfFiles),
  unsimulatedScalar('FILES_TMPNAMES', 'Names of temporary files.', 'no file is written to disk in a replay'),
  derivedCollection('FILES_TMP_CONTENT', 'Contents of the uploaded files, keyed by form field.', (v) =>
    contentsOfFiles(v),
  ),
  setWhere(afterRead, scalar('FULL_REQUEST', 'Request line, headers and body as one text.', rawRequest)),
  setWhere(
    afterRead,
    scalar('FULL_REQUEST_LENGTH', 'Bytes of FULL_REQUEST.', (v) => String(rawRequest(v).length)),
  ),
  unsimulatedCollection('JSON', 'Body as JSON (Coraza).', 'Coraza knows the name and never fills it'),
  multipartFlag('MULTIPART_BOUNDARY_QUOTED', 'The multipart boundary was quoted.', (f) => f.boundaryQuoted),
  multipartFlag('MULTIPART_BOUNDARY_WHITESPACE', 'The boundary held white space.', (f) => f.boundaryWhitespace),
  multipartFlag('MULTIPART_CRLF_LF_LINES', 'Both CRLF and LF line ends were used.', (f) => f.crlfLf),
  multipartFlag('MULTIPART_DATA_AFTER', 'Data stood behind the last boundary.', (f) => f.dataAfter),
  multipartFlag('MULTIPART_DATA_BEFORE', 'Data stood before the first boundary.', (f) => f.dataBefore),
  setWhere(
    (v) => v.body.flags?.fileLimitExceeded === true,
    scalar('MULTIPART_FILE_LIMIT_EXCEEDED', 'More files than allowed.', (v) =>
      flag(v.body.flags?.fileLimitExceeded === true),
    ),
  ),
  multipartFlag(
    'MULTIPART_DUPLICATE_PART_HEADER',
    'A part repeats one of its headers (Coraza).',
    (f) => f.duplicatePartHeader,
  ),
  {
    ...derivedCollection(
      'MULTIPART_FILENAME',
      'File names of the parts, keyed by form field.',
      (v) => v.body.partFileNames,
    ),
    platforms: 'libmodsecurity 3: keyed by themselves, those of refused parts too.',
  },
  unsimulatedCollection(
    'MULTIPART_FILENAME_CHARSET',
    'Character set of `filename*`, keyed by form field (Coraza).',
    'the parameters of filename* are not kept',
  ),
  unsimulatedCollection(
    'MULTIPART_FILENAME_LANGUAGE',
    'Language of `filename*`, keyed by form field (Coraza).',
    'the parameters of filename* are not kept',
  ),
  multipartFlag('MULTIPART_HEADER_FOLDING', "A part's header was folded.", (f) => f.headerFolding),
  multipartFlag('MULTIPART_INVALID_HEADER_FOLDING', 'A fold with odd white space.', (f) => f.invalidHeaderFolding),
  multipartFlag('MULTIPART_INVALID_PART', 'A part could not be read.', (f) => f.invalidPart),
  multipartFlag('MULTIPART_INVALID_QUOTING', 'Odd quotes in Content-Disposition.', (f) => f.invalidQuoting),
  multipartFlag('MULTIPART_LF_LINE', 'A line ended in LF alone.', (f) => f.lfLine),
  multipartFlag('MULTIPART_MISSING_SEMICOLON', 'A semicolon was missing in Content-Type.', (f) => f.missingSemicolon),
  {
    ...derivedCollection('MULTIPART_NAME', 'Names of the parts.', (v) => v.body.partNames),
    platforms: 'libmodsecurity 3: those of refused parts too.',
  },
  derivedCollection(
    'MULTIPART_PART_HEADERS',
    "Header lines of each part, keyed by the part's name.",
    (v) => v.body.partHeaders,
  ),
  multipartFlag('MULTIPART_STRICT_ERROR', 'Any of the strict multipart checks failed.', strictError),
  setWhere(
    afterMultipart,
    scalar('MULTIPART_UNMATCHED_BOUNDARY', 'A boundary-like line matched no boundary.', (v) =>
      String(v.body.flags?.unmatchedBoundary ?? 0),
    ),
  ),
  scalar('PATH_INFO', 'Path behind the script name; the whole path in a replay.', (v) => v.request.filename),
  scalar('QUERY_STRING', 'Query string as sent.', (v) => v.request.queryString),
  setWhere(
    afterJudged,
    scalar('REQBODY_ERROR', '1 where the body could not be read.', (v) => flag(v.body.error !== null)),
  ),
  scalar('REQBODY_ERROR_MSG', 'Why the body could not be read.', (v) => v.body.error ?? ''),
  setWhere(
    afterJudged,
    scalar('REQBODY_PROCESSOR_ERROR', '1 where the body processor failed.', (v) => flag(v.body.error !== null)),
  ),
  scalar('REQBODY_PROCESSOR_ERROR_MSG', 'Why the body processor failed.', processorError),
  scalar('REQUEST_BASENAME', 'Last part of the path.', (v) => v.request.basename),
  scalar('REQUEST_BODY', 'The raw body, where the platform keeps it.', (v) => (v.body.rawPresent ? v.body.raw : null)),
  setWhere(
    (v) => v.body.length > 0,
    scalar('REQUEST_BODY_LENGTH', 'Bytes of the body.', (v) => String(v.body.length)),
  ),
  collection('REQUEST_COOKIES', 'Cookies, keyed by name.', (v) => v.request.cookies),
  namesOf('REQUEST_COOKIES_NAMES', 'Names of the cookies.', (v) => v.request.cookies),
  scalar('REQUEST_FILENAME', 'Path without the query string.', (v) => v.request.filename),
  collection('REQUEST_HEADERS', 'Request headers, keyed by name.', (v) => v.request.headers),
  namesOf('REQUEST_HEADERS_NAMES', 'Names of the request headers.', (v) => v.request.headers),
  scalar('REQUEST_LINE', 'The request line as sent.', (v) => v.request.line),
  scalar('REQUEST_METHOD', 'The method.', (v) => v.request.method),
  scalar('REQUEST_PROTOCOL', 'Protocol and version, e.g. HTTP/1.1.', (v) => v.request.protocol),
  scalar('REQUEST_URI', 'Path and query string, without scheme and host.', (v) => v.request.uri),
  scalar('REQUEST_URI_RAW', 'The request target as sent.', (v) => v.request.uriRaw),
  scalar('URI_PARSE_ERROR', '1 where the request target cannot be parsed (Coraza).', (v) => flag(v.request.uriError)),
  scalar('URLENCODED_ERROR', '1 where a %-sequence of the query or of the form was broken.', (v) =>
    flag(v.request.queryError || v.body.urlencodedError),
  ),
  {
    kind: 'selected',
    name: 'XML',
    doc: 'Values that an XPath expression selects in an XML body.',
    read: (view, selector) => {
      const xml = view.body.xml
      if (xml === null) return []
      return view.derived(`XML:${selector}`, () => xml.select(selector).map((value) => ({ key: selector, value })))
    },
  },
]
