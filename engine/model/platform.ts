/**
 * The engines whose behaviour can be followed, and one record per engine of what differs.
 *
 * Code never asks "is this modsec2?"; it asks the record for the one behaviour it needs, so that a new
 * platform is one more record. Sources: the engines' own sources and runs, see docs/platforms.md.
 */

import { type ExclusionDialect, exclusionDialects } from './exclusion-dialect.js'

export type PlatformName = 'modsec2' | 'modsec3' | 'coraza'

/** Web servers that are modelled in front of an engine; `none`: rules see every request as it was recorded. */
export const serverNames = ['apache', 'none'] as const
export type ServerName = (typeof serverNames)[number]

/** How an engine fills a variable of one value: never, always with nothing or 0, or so where others have none or 0. */
export type Filling = 'none' | 'empty' | 'zero' | 'empty-for-none' | 'empty-for-zero' | 'zero-for-none'

export interface Platform {
  readonly name: PlatformName
  readonly title: string
  /** Pattern flags for node-re2: `su` lets `$` match only at the end, `smu` also before newlines. */
  readonly regexFlags: 'su' | 'smu'
  /** What a character is to a pattern: a byte, or a character of UTF-8. */
  readonly regexSubject: 'bytes' | 'utf-8'
  /** Whether urlDecodeUni maps by a table of its own; otherwise SecUnicodeMapFile alone gives one. */
  readonly ownUnicodeMap: boolean
  /** Whether SecUnicodeMapFile is refused without a code page; otherwise it then maps nothing. */
  readonly unicodeMapNeedsPage: boolean
  /** Whether SecPcreMatchLimit is followed: a pattern that exceeds it does not match. */
  readonly pcreMatchLimit: boolean
  /** Whether `ctl` in a chain runs once the whole chain has matched; otherwise when its own link matches. */
  readonly ctlWaitsForChain: boolean
  /** How exclusions are read and what they reach, beside the fields below. */
  readonly exclusions: ExclusionDialect
  /** How `SecRuleRemoveByTag` and `ctl:ruleRemoveByTag` compare a tag. */
  readonly tagMatch: 'regex' | 'exact'
  /** Whether a `/regex/` key works in a `ctl:` target. */
  readonly ctlTargetRegex: boolean
  /** Whether an exclusion of a target reaches the links of a chain behind its head. */
  readonly targetExclusionReachesChain: boolean
  /** Whether `SecRuleRemoveBy*` also removes rules that are loaded after it. */
  readonly removalReachesLaterRules: boolean
  /** REQUEST_BODY is filled for every body processor, or only where none or URLENCODED runs. */
  readonly requestBodyAlwaysPresent: boolean
  /** Whether SecRequestBodyNoFilesLimit refuses a large body without files. */
  readonly honoursNoFilesLimit: boolean
  /** What detection-only makes of a body over the limit. */
  readonly detectionOnlyOverLimit: 'process-partial' | 'drop-body'
  /**
   * Whether REQUEST_FILENAME and REQUEST_URI are the web server's: as sent in phase 1, normalised and decoded from
   * phase 2 on.
   */
  readonly pathIsServers: boolean
  /** How @pm and @pmFromFile search; see `phrase-automaton.ts`. */
  readonly phraseSearch: 'complete' | 'acmp'
  /** Whether MATCHED_VAR and MATCHED_VARS hold nothing but NULs behind a NUL; their length stays. */
  readonly matchedVarBlankBehindNul: boolean
  /**
   * How the request target is split. `as-sent`: scheme and host taken off, the fragment kept. `go`: the fragment taken
   * off, the rest written anew as REQUEST_URI; a REQUEST_BASENAME behind a last slash is the whole path. `decoded`: the
   * fragment taken off and all decoded once before the path ends at `?`; only REQUEST_URI loses scheme and host.
   */
  readonly requestTarget: 'as-sent' | 'go' | 'decoded'
  /** Phases in which a rule logs where neither it nor a SecDefaultAction says so. */
  readonly logsByDefault: 'every-phase' | 'phase-2'
  /** Whether `auditlog` and `noauditlog` do for the error log what `log` and `nolog` do: the last of the four counts. */
  readonly auditLogSteersLog: boolean
  /** Whether a SecAction logs only where it has a message, or `block`. */
  readonly actionsLogOnlyMessages: boolean
  /** The libinjection behind @detectSQLi and @detectXSS: libmodsecurity's, ModSecurity 2's, or Coraza's in Go. */
  readonly libinjection: 'c' | 'c2' | 'go'
  /**
   * What `capture` does with the numbers that a match has no value for: `removed`, or `kept` as an earlier match left
   * them; then TX:0 to TX:10 exist from the start, empty.
   */
  readonly otherCaptures: 'removed' | 'kept'
  /** How many captures a pattern fills, the whole match among them. */
  readonly patternCaptures: 9 | 10
  /** Whether @pm and its kin capture the phrase found first, or the longest at each of up to ten places. */
  readonly phraseCaptures: 'first' | 'all'
  /** Whether @detectXSS captures the value. */
  readonly capturesXss: boolean
  /** Whether a match of a link with multiMatch logs at once: also with `nolog`, and where the chain fails. */
  readonly multiMatchLogsAtOnce: boolean
  /**
   * Content types of responses whose bodies are read. `media-type`: any case, text/plain and text/html where none is
   * named. `as-written`: as the header has it up to a semicolon, every type where none is named; without a body to
   * read phase 4 does not run. `of-last-directive`: as written, no type where none is named.
   */
  readonly responseTypes: 'media-type' | 'as-written' | 'of-last-directive'
  /** Whether `allow` ends phase 5 too, and `allow:request` does nothing behind the request. */
  readonly allowIsThorough: boolean
  /** Whether a rule of phase 5 that would interrupt ends the phase. */
  readonly disruptionEndsLogging: boolean
  /** Whether a link with multiMatch and no transformation never matches. */
  readonly multiMatchNeedsTransformation: boolean
  /**
   * The order in which rules visit the values of a collection: as they came, as `hashed-order.ts` says, or name by name
   * in the order in which the names came.
   */
  readonly collectionOrder: 'wire' | 'hashed' | 'grouped'
  /** MATCHED_VARS keep what the rules before matched, up to the last one that did not match. */
  readonly matchedVarsOutliveMatch: boolean
  /** The web server whose refusals come before the rules. */
  readonly server: ServerName
  /** Status of a request whose body turns out broken at its very end, which no rule sees then; null: rules go on. */
  readonly bodyEndErrorStatus: number | null
  /** Whether a body of exactly the limit is over it. */
  readonly bodyLimitInclusive: boolean
  /** Whether what a body over the limit leads to follows SecRuleEngine alone, whatever `ctl:ruleEngine` says. */
  readonly bodyLimitModeFixed: boolean
  /** Whether REQUEST_BODY_LENGTH is 0, and REQUEST_BODY empty even if forced, but where a form was read. */
  readonly bodyTextOfFormsOnly: boolean
  /** Whether RESPONSE_CONTENT_LENGTH has no value until the body is read. */
  readonly responseLengthOfReadBodies: boolean
  /** Whether REQBODY_ERROR_MSG is the processor's name and REQBODY_PROCESSOR_ERROR_MSG; otherwise both are the same. */
  readonly bodyErrorNamesProcessor: boolean
  /** Keys of FILES, FILES_NAMES and FILES_SIZES: the form field, or none and for the sizes the file's name. */
  readonly fileKeys: 'field' | 'file'
  /** Whether FILES_COMBINED_SIZE counts fields without a file too. */
  readonly filesSizeCountsFields: boolean
  /** What FILES_TMP_CONTENT holds of each file: its bytes, an empty value (libmodsecurity keeps no file unless told to), or none. */
  readonly filesTmpContent: 'bytes' | 'empty' | 'none'
  /** Collections of which no single value can be named: a rule that does so does not load. */
  readonly unselectable: readonly string[]
  /** Whether ARGS_NAMES and its kin look for a name as the rule spells it among names in lower case. */
  readonly argumentNamesLower: boolean
  /** Variables that the engine fills otherwise than its values say, by name. */
  readonly fillings: Readonly<Record<string, Filling>>
  /** Whether a SecAction matches a variable UNKNOWN without value. */
  readonly actionsMatch: boolean
  /** Status of a request refused because its body is over the limit. */
  readonly bodyLimitStatus: number
  /**
   * How IP, SESSION, USER, GLOBAL and RESOURCE live on. `stored`: a collection is read when it is opened, expires as
   * a whole, has built-in variables, and is written at the end where it was changed. `live`: single variables shared
   * by all transactions, without built-ins; a collection that was not opened has the empty key. `none`: not at all.
   */
  readonly persistence: 'stored' | 'live' | 'none'
  /**
   * How numbers are read. `wrap`: leading digits, cut to 32 bits. `zero`: leading digits; for @eq 0 where they do not
   * fit into 32 bits. `whole`: the whole text must be a number, else 0.
   */
  readonly numbers: 'wrap' | 'zero' | 'whole'
  /** Bytes that go on a word for @containsWord. */
  readonly wordBytes: 'letters' | 'letters-digits'
  /** Whether @ipMatch takes an IPv4 address mapped into IPv6 for its IPv4 address. */
  readonly mappedAddresses: boolean
  /** Whether @pm reads `|41 42|` as bytes. */
  readonly phraseHex: boolean
  /** Whether @validateUtf8Encoding takes sequences beyond U+10FFFF for valid. */
  readonly utf8BeyondUnicode: boolean
  /** What a macro gives whose variable exists but has no such key: nothing, or its own text without the braces. */
  readonly unsetMacro: 'empty' | 'text'
  /** Operators whose argument may hold macros; null: all. */
  readonly macroOperators: readonly string[] | null
  /** What a macro leaves that names no variable. */
  readonly unknownMacro: 'empty' | 'text'
  /** Whether `%{ARGS:a}` is `%{ARGS.a}`. */
  readonly macroColon: boolean
  /** Whether @geoLookup looks into a database, or matches whatever it is given and sets nothing. */
  readonly geoLookup: 'database' | 'always'
  /** Whether all `setvar` of a rule run before its other actions. */
  readonly setvarRunsFirst: boolean
  /** Whether `setvar` with `-` stops at zero. */
  readonly countersStopAtZero: boolean
  /** What a variable with one value gives before anything has set it: its default or nothing, or one empty value. */
  readonly unsetVariables: 'default' | 'empty'
  /** ARGS_COMBINED_SIZE: a whole number, or one with six decimals, without multipart fields and unset without arguments. */
  readonly combinedSize: 'whole' | 'decimal'
  /** Whether the name of a match of `&ARGS` begins with `&`. */
  readonly countsNamedWithSign: boolean
  /** Whether FULL_REQUEST begins with the request line, or is headers and body alone, two blank lines between them. */
  readonly fullRequestHasLine: boolean
  /**
   * What rules see of the response's line. `recorded`: protocol and status as recorded. `connector`: RESPONSE_PROTOCOL as
   * nginx's connector says it, from the request, `HTTP 1.1`; STATUS_LINE is the status.
   */
  readonly responseLine: 'recorded' | 'connector'
  /** Whether RESPONSE_CONTENT_TYPE ends at the first semicolon. */
  readonly responseTypeCut: boolean
  /** Whether the brackets of an IPv6 host are understood for SERVER_NAME; otherwise it ends at the first colon. */
  readonly serverNameReadsBrackets: boolean
}

const neverFilledByCoraza = [
  'AUTH_TYPE',
  'FULL_REQUEST',
  'MULTIPART_BOUNDARY_QUOTED',
  'MULTIPART_BOUNDARY_WHITESPACE',
  'MULTIPART_CRLF_LF_LINES',
  'MULTIPART_DATA_BEFORE',
  'MULTIPART_FILE_LIMIT_EXCEEDED',
  'MULTIPART_HEADER_FOLDING',
  'MULTIPART_INVALID_HEADER_FOLDING',
  'MULTIPART_INVALID_PART',
  'MULTIPART_LF_LINE',
  'MULTIPART_MISSING_SEMICOLON',
  'MULTIPART_UNMATCHED_BOUNDARY',
  'PATH_INFO',
]
const emptyAtFirstInCoraza = [
  'MATCHED_VAR',
  'MATCHED_VAR_NAME',
  'REQUEST_BODY',
  'RESPONSE_BODY',
  'RESPONSE_CONTENT_LENGTH',
  'RESPONSE_CONTENT_TYPE',
  'RESPONSE_PROTOCOL',
  'RESPONSE_STATUS',
]
const fillingsOfCoraza: Readonly<Record<string, Filling>> = {
  ...Object.fromEntries(neverFilledByCoraza.map((name) => [name, 'none'])),
  ...Object.fromEntries(emptyAtFirstInCoraza.map((name) => [name, 'empty-for-none'])),
  FULL_REQUEST_LENGTH: 'zero',
  INBOUND_DATA_ERROR: 'empty-for-zero',
  MULTIPART_STRICT_ERROR: 'empty-for-zero',
  OUTBOUND_DATA_ERROR: 'zero-for-none',
  REMOTE_HOST: 'empty',
  STATUS_LINE: 'empty',
}

export const platforms: Readonly<Record<PlatformName, Platform>> = {
  coraza: {
    name: 'coraza',
    ctlWaitsForChain: false,
    exclusions: exclusionDialects.coraza,
    title: 'Coraza 3',
    regexFlags: 'smu',
    regexSubject: 'utf-8',
    ownUnicodeMap: true,
    unicodeMapNeedsPage: true,
    pcreMatchLimit: false,
    tagMatch: 'exact',
    ctlTargetRegex: true,
    targetExclusionReachesChain: true,
    removalReachesLaterRules: false,
    requestBodyAlwaysPresent: false,
    honoursNoFilesLimit: false,
    detectionOnlyOverLimit: 'process-partial',
    pathIsServers: false,
    phraseSearch: 'complete',
    matchedVarBlankBehindNul: false,
    requestTarget: 'go',
    logsByDefault: 'phase-2',
    auditLogSteersLog: false,
    actionsLogOnlyMessages: false,
    libinjection: 'go',
    capturesXss: false,
    multiMatchLogsAtOnce: false,
    responseTypes: 'of-last-directive',
    allowIsThorough: true,
    disruptionEndsLogging: false,
    multiMatchNeedsTransformation: false,
    collectionOrder: 'grouped',
    matchedVarsOutliveMatch: false,
    server: 'none',
    bodyEndErrorStatus: null,
    bodyLimitStatus: 413,
    numbers: 'whole',
    wordBytes: 'letters-digits',
    mappedAddresses: true,
    phraseHex: false,
    utf8BeyondUnicode: false,
    macroOperators: ['beginsWith', 'contains', 'endsWith', 'eq', 'ge', 'gt', 'le', 'lt', 'streq', 'strmatch', 'within'],
    unknownMacro: 'text',
    macroColon: false,
    unsetMacro: 'text',
    geoLookup: 'always',
    persistence: 'none',
    setvarRunsFirst: false,
    countersStopAtZero: false,
    otherCaptures: 'kept',
    patternCaptures: 9,
    phraseCaptures: 'all',
    bodyLimitInclusive: true,
    bodyLimitModeFixed: true,
    bodyTextOfFormsOnly: true,
    responseLengthOfReadBodies: true,
    bodyErrorNamesProcessor: true,
    fileKeys: 'file',
    filesSizeCountsFields: true,
    filesTmpContent: 'none',
    unselectable: ['IP'],
    argumentNamesLower: true,
    fillings: fillingsOfCoraza,
    actionsMatch: true,
    unsetVariables: 'default',
    combinedSize: 'whole',
    countsNamedWithSign: true,
    fullRequestHasLine: true,
    responseLine: 'recorded',
    responseTypeCut: true,
    serverNameReadsBrackets: true,
  },
  modsec2: {
    name: 'modsec2',
    ctlWaitsForChain: false,
    exclusions: exclusionDialects.modsec2,
    title: 'ModSecurity 2 (Apache)',
    regexFlags: 'su',
    regexSubject: 'bytes',
    ownUnicodeMap: false,
    unicodeMapNeedsPage: false,
    pcreMatchLimit: true,
    tagMatch: 'regex',
    ctlTargetRegex: false,
    targetExclusionReachesChain: false,
    removalReachesLaterRules: false,
    requestBodyAlwaysPresent: false,
    honoursNoFilesLimit: true,
    detectionOnlyOverLimit: 'process-partial',
    pathIsServers: true,
    phraseSearch: 'acmp',
    matchedVarBlankBehindNul: true,
    requestTarget: 'as-sent',
    logsByDefault: 'every-phase',
    auditLogSteersLog: false,
    actionsLogOnlyMessages: false,
    libinjection: 'c2',
    capturesXss: true,
    multiMatchLogsAtOnce: false,
    responseTypes: 'media-type',
    allowIsThorough: false,
    disruptionEndsLogging: true,
    multiMatchNeedsTransformation: true,
    collectionOrder: 'wire',
    matchedVarsOutliveMatch: false,
    server: 'apache',
    bodyEndErrorStatus: 500,
    bodyLimitStatus: 413,
    numbers: 'wrap',
    wordBytes: 'letters-digits',
    mappedAddresses: false,
    phraseHex: true,
    utf8BeyondUnicode: true,
    macroOperators: null,
    unknownMacro: 'empty',
    macroColon: false,
    unsetMacro: 'empty',
    geoLookup: 'database',
    persistence: 'stored',
    setvarRunsFirst: false,
    countersStopAtZero: true,
    otherCaptures: 'removed',
    patternCaptures: 10,
    phraseCaptures: 'first',
    bodyLimitInclusive: false,
    bodyLimitModeFixed: false,
    bodyTextOfFormsOnly: false,
    responseLengthOfReadBodies: false,
    bodyErrorNamesProcessor: false,
    fileKeys: 'field',
    filesSizeCountsFields: false,
    filesTmpContent: 'bytes',
    unselectable: [],
    argumentNamesLower: false,
    fillings: {},
    actionsMatch: false,
    unsetVariables: 'default',
    combinedSize: 'whole',
    countsNamedWithSign: true,
    fullRequestHasLine: true,
    responseLine: 'recorded',
    responseTypeCut: false,
    serverNameReadsBrackets: true,
  },
  modsec3: {
    name: 'modsec3',
    ctlWaitsForChain: true,
    exclusions: exclusionDialects.modsec3,
    title: 'libmodsecurity 3 (nginx)',
    regexFlags: 'smu',
    regexSubject: 'bytes',
    ownUnicodeMap: false,
    unicodeMapNeedsPage: true,
    pcreMatchLimit: false,
    tagMatch: 'exact',
    ctlTargetRegex: false,
    targetExclusionReachesChain: false,
    removalReachesLaterRules: true,
    requestBodyAlwaysPresent: true,
    honoursNoFilesLimit: false,
    detectionOnlyOverLimit: 'drop-body',
    pathIsServers: false,
    requestTarget: 'decoded',
    phraseSearch: 'acmp',
    matchedVarBlankBehindNul: false,
    logsByDefault: 'every-phase',
    auditLogSteersLog: true,
    actionsLogOnlyMessages: true,
    libinjection: 'c',
    capturesXss: true,
    multiMatchLogsAtOnce: true,
    responseTypes: 'as-written',
    allowIsThorough: false,
    disruptionEndsLogging: true,
    multiMatchNeedsTransformation: false,
    collectionOrder: 'hashed',
    matchedVarsOutliveMatch: true,
    server: 'none',
    bodyEndErrorStatus: null,
    bodyLimitStatus: 403,
    numbers: 'zero',
    wordBytes: 'letters',
    mappedAddresses: false,
    phraseHex: false,
    utf8BeyondUnicode: true,
    macroOperators: null,
    unknownMacro: 'text',
    macroColon: true,
    unsetMacro: 'empty',
    geoLookup: 'database',
    persistence: 'live',
    setvarRunsFirst: true,
    countersStopAtZero: false,
    otherCaptures: 'removed',
    patternCaptures: 10,
    phraseCaptures: 'first',
    bodyLimitInclusive: false,
    bodyLimitModeFixed: false,
    bodyTextOfFormsOnly: false,
    responseLengthOfReadBodies: false,
    bodyErrorNamesProcessor: false,
    fileKeys: 'field',
    filesSizeCountsFields: false,
    filesTmpContent: 'empty',
    unselectable: [],
    argumentNamesLower: false,
    fillings: {},
    actionsMatch: false,
    unsetVariables: 'empty',
    combinedSize: 'decimal',
    countsNamedWithSign: false,
    fullRequestHasLine: false,
    responseLine: 'connector',
    responseTypeCut: true,
    serverNameReadsBrackets: false,
  },
}

/** The platform, with another web server in front of it where one is named. */
export function platformWith(name: PlatformName, server: ServerName | null): Platform {
  return server === null ? platforms[name] : { ...platforms[name], server }
}
