/**
 * What the platforms do differently when they read a body, one record a platform.
 *
 * Readers ask the record for the one behaviour they need and never for the platform's name. Every difference was
 * seen on the engines themselves: ModSecurity 2.9.7 in Apache, libmodsecurity 3.0.9, Coraza 3.8.1.
 */
import type { Platform, PlatformName } from '../model/platform.js'

export interface BodyDialect {
  /** Whether blanks before the media type of a Content-Type are passed over. */
  readonly trimsContentType: boolean
  /** Whether there is a processor RAW, which keeps the body as REQUEST_BODY. */
  readonly readsRaw: boolean
  /** Whether JSON without error is kept as TX:json_request_body. */
  readonly keepsJson: boolean
  /** Whether the last Content-Type that names a form or multipart body counts, whatever else there is; else the one seen. */
  readonly lastKnownContentType: boolean
  /** Whether the arguments of JSON are among ARGS_POST, and not in ARGS alone. */
  readonly jsonIsPost: boolean
  /** Processors that judge an empty body too. */
  readonly readsEmptyBody: readonly string[]
  /** Processor of a body of no known type where `ctl:forceRequestBodyVariable` is on; empty: none. */
  readonly forcedProcessor: 'URLENCODED' | ''
  /** Whether SecArgumentSeparator is honoured; otherwise `&` separates. */
  readonly argumentSeparator: boolean
  /** Whether SecArgumentsLimit cuts the query string too. */
  readonly limitsQuery: boolean
  /** Whether a name of a form that is spelled in several cases keeps only the values of its last spelling. */
  readonly lastSpellingWins: boolean
  /** Whether `a&&b` holds an argument without name and value between the separators. */
  readonly keepsEmptyPairs: boolean
  /** Whether a broken %-sequence raises URLENCODED_ERROR. */
  readonly flagsBrokenEscapes: boolean
  /** Error of a form or multipart body with more arguments than SecArgumentsLimit; null: none, the rest is left out. */
  readonly argumentLimitError: string | null
  /** Whether `,` separates the cookies of a header without `;` whose first comma stands before a blank. */
  readonly commaSeparatesCookies: boolean
  /** `leading`: blanks before a name are dropped; `controls`: blanks and controls around names and values. */
  readonly cookieTrim: 'leading' | 'leading-and-end' | 'controls'
  /** Whether a cookie without a name is kept where it has a value. */
  readonly keepsNamelessCookies: boolean
  /** Who reads JSON: yajl stops at the first error, gjson takes what it can and judges afterwards. */
  readonly jsonReader: 'yajl' | 'gjson'
  /** Names that yajl's caller makes: `path` is libmodsecurity's, `prefix` ModSecurity 2's; see `json-names.ts`. */
  readonly jsonNames: 'path' | 'prefix'
  /** Error of JSON deeper than SecRequestBodyJsonDepthLimit, where yajl reads. */
  readonly jsonDepthError: string
  /** Who reads XML: libxml2 strictly, Go's encoding/xml with HTML's liberties. */
  readonly xmlReader: 'libxml2' | 'go'
  /** Who reads multipart: either ModSecurity's own parser, or Go's mime/multipart. */
  readonly multipartReader: 'modsecurity2' | 'libmodsecurity' | 'go'
}

const dialects: Readonly<Record<PlatformName, BodyDialect>> = {
  coraza: {
    trimsContentType: true,
    lastKnownContentType: false,
    jsonIsPost: true,
    readsEmptyBody: [],
    readsRaw: true,
    keepsJson: true,
    forcedProcessor: 'URLENCODED',
    keepsEmptyPairs: false,
    argumentSeparator: false,
    limitsQuery: true,
    lastSpellingWins: true,
    flagsBrokenEscapes: false,
    argumentLimitError: null,
    commaSeparatesCookies: false,
    cookieTrim: 'controls',
    keepsNamelessCookies: true,
    jsonReader: 'gjson',
    jsonNames: 'path',
    jsonDepthError: '',
    xmlReader: 'go',
    multipartReader: 'go',
  },
  modsec2: {
    trimsContentType: false,
    lastKnownContentType: false,
    jsonIsPost: true,
    readsEmptyBody: [],
    readsRaw: false,
    keepsJson: false,
    forcedProcessor: '',
    keepsEmptyPairs: true,
    argumentSeparator: true,
    limitsQuery: false,
    lastSpellingWins: false,
    flagsBrokenEscapes: true,
    argumentLimitError: 'SecArgumentsLimit exceeded',
    commaSeparatesCookies: true,
    cookieTrim: 'leading',
    keepsNamelessCookies: false,
    jsonReader: 'yajl',
    jsonNames: 'prefix',
    jsonDepthError: 'JSON depth limit exceeded',
    xmlReader: 'libxml2',
    multipartReader: 'modsecurity2',
  },
  modsec3: {
    trimsContentType: false,
    lastKnownContentType: true,
    jsonIsPost: false,
    readsEmptyBody: ['MULTIPART', 'XML'],
    readsRaw: false,
    keepsJson: false,
    forcedProcessor: '',
    keepsEmptyPairs: true,
    argumentSeparator: true,
    limitsQuery: false,
    lastSpellingWins: false,
    flagsBrokenEscapes: true,
    argumentLimitError: null,
    commaSeparatesCookies: false,
    cookieTrim: 'leading-and-end',
    keepsNamelessCookies: false,
    jsonReader: 'yajl',
    jsonNames: 'path',
    jsonDepthError: 'parse error: client cancelled parse via callback return value\n. Parsing depth limit exceeded',
    xmlReader: 'libxml2',
    multipartReader: 'libmodsecurity',
  },
}

export function dialectOf(platform: Platform): BodyDialect {
  return dialects[platform.name]
}
