/**
 * The shape of a table entry: variable, transformation, operator, body processor; and the narrow views
 * of a running transaction that an entry gets to see.
 *
 * Tables import this file and nothing of `transaction/`; the transaction implements the views. Every entry
 * carries a one-line `doc` that the documentation and `wafsim rules` print.
 */
import type { Span } from '../errors.js'
import type { ByteString, TransactionRecord } from './exchange.js'
import type { Platform, PlatformName } from './platform.js'
import type { Requirement } from './requirement.js'

/** One value of a variable. `key` is the name inside the collection, null for a scalar. */
export interface Entry {
  readonly key: ByteString | null
  readonly value: ByteString
}

/** The values of a collection. Keys compare without case (ASCII). */
export interface Collection {
  /** In the order in which rules visit them. */
  all(): readonly Entry[]
  /** In the order of the wire. */
  inserted(): readonly Entry[]
  /** Entries whose key equals `lowerKey`, which is given in lower case. */
  named(lowerKey: ByteString): readonly Entry[]
}

/** A collection that rules write to (TX, IP, SESSION …). */
export interface WritableCollection extends Collection {
  get(lowerKey: ByteString): ByteString | null
  set(key: ByteString, value: ByteString): void
  remove(lowerKey: ByteString): void
}

/** Collections that outlive a transaction. */
export type PersistentName = 'global' | 'ip' | 'resource' | 'session' | 'user'

/** One part of a multipart body. */
export interface MultipartPart {
  /** `name` of Content-Disposition. */
  readonly name: ByteString
  /** `filename` of Content-Disposition; null for a plain field. */
  readonly fileName: ByteString | null
  /** The other name of the file that the part's header may be read to give (Coraza). */
  readonly otherFileName?: ByteString
  /** Header lines of the part as written, `Name: value`. */
  readonly headerLines: readonly ByteString[]
  readonly value: ByteString
  /** Its data could not be read: it has a name, but is neither argument nor file (Coraza). */
  readonly unread?: true
}

/** The flags a multipart parser raises, one variable each (`MULTIPART_` + name). */
export interface MultipartFlags {
  readonly boundaryQuoted: boolean
  readonly boundaryWhitespace: boolean
  readonly dataBefore: boolean
  readonly dataAfter: boolean
  readonly headerFolding: boolean
  readonly invalidHeaderFolding: boolean
  readonly lfLine: boolean
  readonly crlfLf: boolean
  readonly missingSemicolon: boolean
  readonly invalidQuoting: boolean
  readonly invalidPart: boolean
  readonly fileLimitExceeded: boolean
  /** A part repeats a header or a parameter of one (Coraza). */
  readonly duplicatePartHeader: boolean
  /** The framing is wrong: the boundary of the Content-Type, a boundary line, a header that is too long. */
  readonly framingError: boolean
  /**
   * 0: none. 1: a boundary-like line matched no boundary. 2: what libmodsecurity gives from the second boundary on; a
   * stray one behind it makes it 1.
   */
  readonly unmatchedBoundary: 0 | 1 | 2
}

/** What a body processor made of a body. */
export interface BodyResult {
  /** Arguments in order. */
  readonly args: readonly Entry[]
  /** Why the body could not be read whole (REQBODY_ERROR_MSG); null when it could. */
  readonly error: ByteString | null
  /** Whether there are more arguments than SecArgumentsLimit. */
  readonly argumentsOverLimit?: boolean
  /** Whether only the end of the body showed the error; see `Platform.bodyEndErrorStatus`. */
  readonly errorAtEnd?: boolean
  readonly parts?: readonly MultipartPart[]
  readonly flags?: MultipartFlags
  /** MULTIPART_PART_HEADERS, where they are not those of `parts`. */
  readonly partHeaders?: readonly Entry[]
  /** MULTIPART_NAME and MULTIPART_FILENAME, where they are not those of `parts`. */
  readonly partNames?: readonly ByteString[]
  readonly partFileNames?: readonly ByteString[]
  /** Answers `XML:` selectors. */
  readonly xml?: XmlDocument
  /** Whether the urlencoded body held a broken %-sequence (URLENCODED_ERROR). */
  readonly urlencodedError?: boolean
}

/** A parsed XML body. */
export interface XmlDocument {
  /** Values the XPath selects, as UTF-8 byte strings; throws DefinitionError on a bad expression. */
  select(xpath: ByteString): readonly ByteString[]
}

export interface BodyLimits {
  /** Greatest nesting of JSON and XML before the body is in error. */
  readonly depth: number
  /** Greatest number of arguments; what is beyond is left out and the body is in error. */
  readonly args: number
  readonly files: number
}

export interface BodyInput {
  readonly body: ByteString
  /** The Content-Type header's value, empty where none. */
  readonly contentType: ByteString
  readonly argumentSeparator: ByteString
  readonly limits: BodyLimits
  readonly platform: Platform
}

/** URLENCODED, MULTIPART, JSON, XML: one entry each in `bodies/index.ts`. Never throws on traffic. */
export interface BodyProcessorDefinition {
  readonly name: string
  readonly doc: string
  process(input: BodyInput): BodyResult
}

/** The request as its variables see it; everything is computed once and kept. */
export interface RequestView {
  readonly line: ByteString
  readonly method: ByteString
  /** As sent. */
  readonly uriRaw: ByteString
  /** Path and query, without scheme and host. */
  readonly uri: ByteString
  /** Path alone (REQUEST_FILENAME). */
  readonly filename: ByteString
  readonly basename: ByteString
  readonly queryString: ByteString
  /** Whether the request target cannot be parsed. */
  readonly uriError: boolean
  /** `HTTP/1.1`. */
  readonly protocol: ByteString
  readonly headers: Collection
  readonly cookies: Collection
  readonly argsGet: Collection
  /** Whether the query string holds more arguments than SecArgumentsLimit. */
  readonly argumentsOverLimit: boolean
  /** Whether the query string held a broken %-sequence. */
  readonly queryError: boolean
}

/** The request body as its variables see it; empty until phase 2. */
export interface RequestBodyView {
  /** Name of the processor that ran, or empty. */
  readonly processor: ByteString
  /** What the body adds to ARGS. */
  readonly args: Collection
  readonly argsPost: Collection
  readonly raw: ByteString
  /** Length in bytes. */
  readonly length: number
  readonly rawPresent: boolean
  readonly error: ByteString | null
  /** Whether there are more arguments than SecArgumentsLimit. */
  readonly argumentsOverLimit: boolean
  /** Whether only the end of the body showed the error; see `Platform.bodyEndErrorStatus`. */
  readonly errorAtEnd: boolean
  readonly parts: readonly MultipartPart[]
  /** MULTIPART_PART_HEADERS, keyed by the part's name. */
  readonly partHeaders: readonly Entry[]
  /** MULTIPART_NAME and MULTIPART_FILENAME. */
  readonly partNames: readonly Entry[]
  readonly partFileNames: readonly Entry[]
  readonly flags: MultipartFlags | null
  readonly xml: XmlDocument | null
  readonly urlencodedError: boolean
  /** The body was over the limit and only its head is inspected. */
  readonly overLimit: boolean
}

export interface ResponseView {
  readonly status: number
  readonly protocol: ByteString
  readonly headers: Collection
  readonly body: ByteString
  /** Whether the body is there for rules: not before phase 4, nor where it is not inspected. */
  readonly bodyRead: boolean
  /** The body was over the limit. */
  readonly overLimit: boolean
  readonly contentType: ByteString
}

/** What matched last: MATCHED_VAR and its kin. */
export interface MatchedView {
  readonly last: { readonly name: ByteString; readonly value: ByteString } | null
  readonly all: readonly { readonly name: ByteString; readonly value: ByteString }[]
}

/** Facts of the rule being evaluated, for RULE:id and macros such as `%{rule.msg}`. */
export interface RuleFacts {
  readonly id: number
  readonly rev: ByteString
  readonly ver: ByteString
  readonly severity: ByteString
  readonly msg: ByteString
  readonly logdata: ByteString
}

/** The whole of what variables, operators and templates see of a transaction. */
export interface TransactionView {
  readonly record: TransactionRecord
  readonly platform: Platform
  readonly phase: number
  /** Milliseconds since the epoch, from the record's clock. */
  readonly time: number
  readonly uniqueId: ByteString
  readonly request: RequestView
  readonly body: RequestBodyView
  readonly response: ResponseView | null
  readonly matched: MatchedView
  readonly rule: RuleFacts | null
  readonly highestSeverity: number
  /** A pattern of the rule at hand exceeded SecPcreMatchLimit. */
  patternGaveUp(): void
  readonly env: WritableCollection
  readonly tx: WritableCollection
  /** Result of the last @geoLookup that found something. */
  readonly geo: WritableCollection
  /** Parts of the path that @restpath named (ARGS_PATH). */
  readonly pathArguments: WritableCollection
  /** Value of SecWebAppId. */
  readonly applicationId: ByteString
  /** A persistent collection as the rules see it now; null where none is open. */
  persistent(name: PersistentName): WritableCollection | null
  /** What `setsid`, `setuid` and `setrsc` gave as key; null where they did not run. */
  persistentKey(name: PersistentName): ByteString | null
  /**
   * Keeps what a reader derived (ARGS_NAMES, FILES …) for as long as the request's data stays the same;
   * forgotten when the body or the response arrives.
   */
  derived<T>(key: string, make: () => T): T
}

/** Engine modes of SecRuleEngine and `ctl:ruleEngine`. */
export type EngineMode = 'on' | 'detection-only' | 'off'

/** What actions do to a transaction besides reading it. Implemented by the transaction. */
export interface TransactionState extends TransactionView {
  /** Adds to the score account of the match at hand (see `Match.scoreAdded`). */
  countScore(points: number): void
  removeRules(selector: RuleSelector): void
  removeTargets(selector: RuleSelector, exclusion: TargetExclusion): void
  setEngineMode(mode: EngineMode): void
  setBodyProcessor(name: string): void
  forceRequestBodyVariable(): void
  setRequestBodyAccess(on: boolean): void
  setResponseBodyAccess(on: boolean): void
  setRequestBodyLimit(bytes: number): void
  setResponseBodyLimit(bytes: number): void
  /** `byApplication`: the key is looked up under SecWebAppId (`setsid` and its kin). */
  openPersistent(name: PersistentName, key: ByteString, byApplication: boolean): void
  /** Lets a variable of an open collection expire in `seconds`. */
  expire(collection: PersistentName, lowerKey: ByteString, seconds: number): void
  /** Lowers a counter of an open collection by `amount` for each `period` seconds since its last update. */
  deprecate(collection: PersistentName, lowerKey: ByteString, amount: number, period: number): void
}

/** What a state action (`setvar`, `ctl` …) does at every match of its link. */
export interface Effect {
  (state: TransactionState): void
  /** Whether it reads and changes variables of TX, which it names, and nothing else. */
  readonly ofTx?: true
  /** Whether it is one of `ctl`. */
  readonly byCtl?: true
  /** What it takes from rules, where it is an exclusion. */
  readonly exclusion?: ExclusionByCtl
}

/** A ctl action that removes rules or targets of rules. */
export interface ExclusionByCtl {
  readonly selector: RuleSelector
  /** Null: it removes the rules. */
  readonly target: TargetExclusion | null
  /** As written, with `ctl:`. */
  readonly text: ByteString
  readonly span: Span
}

/** Names rules by id, tag or message. Built by `exclusions.ts`. */
export interface RuleSelector {
  readonly kind: 'id' | 'tag' | 'msg'
  /** As written, e.g. `942100-942199` or `attack-sqli`. */
  readonly text: string
  matches(rule: SelectableRule): boolean
}

/** What a selector sees of a rule. */
export interface SelectableRule {
  readonly id: number
  readonly tags: readonly ByteString[]
  readonly msg: ByteString
}

/** Takes values out of a rule's targets: `!ARGS:password`, `;ARGS:/^x/`. */
export interface TargetExclusion {
  /** Canonical variable name. */
  readonly variable: string
  /** As written behind the variable; null: the whole variable. */
  readonly key: ByteString | null
  /** What it takes from the count of a collection: each value that it takes, the count itself, or nothing. */
  readonly ofCounts: 'each-value' | 'whole' | 'none'
  /** Whether it takes the value of that name away from a rule with that target. */
  takes(target: ExcludableTarget, key: ByteString | null): boolean
}

/** What exclusions see of a rule's target. */
export interface ExcludableTarget {
  readonly variable: { readonly name: string; readonly kind: VariableDefinition['kind'] }
  readonly selector: { readonly text: ByteString } | null
}

interface NamedDefinition {
  readonly name: string
  readonly doc: string
  /** Present where the name is known but cannot be simulated: the reason. */
  readonly unsimulated?: string
  /** Where the engines differ, for the documentation. */
  readonly platforms?: string
}

interface NamedVariable extends NamedDefinition {
  /** Whether its values change only where the body or the response arrives, and never by a rule. */
  readonly fixed?: true
}

/** A variable with one value, e.g. REQUEST_METHOD. */
export interface ScalarDefinition extends NamedVariable {
  readonly kind: 'scalar'
  /** Null: the variable does not exist now (it has no value to inspect and its count is 0). */
  read(view: TransactionView): ByteString | null
}

/** A variable with named values, e.g. ARGS. */
export interface CollectionDefinition extends NamedVariable {
  readonly kind: 'collection'
  /** Whether its values outlive the transaction. */
  readonly persistent?: true
  /** Whether it is TX. */
  readonly ofTx?: true
  read(view: TransactionView): Collection
}

/** A variable whose selector is an expression of its own, e.g. XML:/*. */
export interface SelectedDefinition extends NamedVariable {
  readonly kind: 'selected'
  read(view: TransactionView, selector: ByteString): readonly Entry[]
}

export type VariableDefinition = ScalarDefinition | CollectionDefinition | SelectedDefinition

/** Never fails, never throws; returns the same string where nothing changes. */
export interface TransformationDefinition extends NamedDefinition {
  readonly apply: (value: ByteString) => ByteString
  /** Bytes of which one must stand in a value for it to change, with every variant; absent: any value may. */
  readonly changes?: RegExp
  /** The bytes that may come of a byte, wherever it stands, with every variant; absent: any may, and of nothing too. */
  readonly yields?: (byte: ByteString) => ByteString
  /** Whether it changes nothing but the case of ASCII letters; a set: in values without these of the bytes of `changes`. */
  readonly caseOnly?: true | RegExp
  /** In place of `apply` on the ModSecurity engine that differs; Coraza's are in `transformations/coraza.ts`. */
  readonly variants?: Readonly<Partial<Record<PlatformName, (value: ByteString) => ByteString>>>
  /** Whether multiMatch tests what came out; absent: where it differs. Set where a rule is compiled. */
  readonly isStage?: (before: ByteString, after: ByteString) => boolean
  /** Makes what runs in place of `apply` under a table of SecUnicodeMapFile, an empty one where there is none. */
  readonly withUnicodeMap?: (map: ReadonlyMap<number, number>) => (value: ByteString) => ByteString
}

/** A text whose macros are resolved against the running transaction. */
export interface Template {
  /** The text where it holds no macro, else null. */
  readonly constant: ByteString | null
  /** Whether it reads variables of TX, which it names, and nothing else. */
  readonly ofTx?: true
  expand(view: TransactionView): ByteString
}

/** What an operator found. Entries may share one frozen object where nothing is to be told. */
export interface OperatorMatch {
  /** The bytes that matched, for reports; null: the whole value. */
  readonly matched: ByteString | null
  /** What `capture` puts into TX:0-9; null: nothing. */
  readonly captures: readonly ByteString[] | null
}

/** What is known of an operator's answers beforehand, so that values can be left out. */
export interface OperatorTraits {
  /**
   * Values up to this length in bytes are answered the same whenever asked, and asking changes nothing. Longer ones
   * may depend on the transaction or change it.
   */
  readonly pureUpTo: number
  /** What every value holds that matches; null: nothing is known. */
  readonly requires: Requirement | null
  /** The answer for values up to `pureUpTo`, without what is captured. */
  matches(value: ByteString): boolean
}

/** Tests one transformed value. Null: no match. Never throws on traffic, but for PatternRunaway. */
export interface OperatorTest {
  (value: ByteString, view: TransactionView): OperatorMatch | null
  /** Absent where an answer may depend on the transaction, or asking changes it. */
  readonly traits?: OperatorTraits
  /** Whether an answer depends on the value and on variables of TX that the argument names, and asking changes nothing. */
  readonly ofTx?: true
}

/** Where an address is: keys of GEO and their values; null: not in the database. */
export interface GeoLookup {
  find(address: ByteString): ReadonlyMap<ByteString, ByteString> | null
}

/** What a DNS blocklist says of an address or a host name; null: it is not listed. */
export interface BlocklistLookup {
  find(zone: ByteString, value: ByteString): ByteString | null
}

/** Data that the user gives, wherever in the ruleset: read when an operator runs, not when it is compiled. */
export interface Lookups {
  readonly geo: GeoLookup | null
  readonly blocklists: BlocklistLookup | null
  /** Coraza's SecDataset, by name. */
  readonly datasets: ReadonlyMap<string, readonly ByteString[]>
}

export interface OperatorInput {
  readonly argument: Template
  readonly platform: Platform
  /** Text of a data file named in the argument, found beside the rule's file; throws DefinitionError. */
  readDataFile(name: ByteString): ByteString
  readonly lookups: Lookups
  /** Told of a pattern that RE2 does not run as it is, and of how it is run. */
  notePattern?(pattern: ByteString, run: string, needs: readonly string[]): void
  /** Engine settings that operators use. */
  readonly settings: { readonly pcreMatchLimit: number }
}

export interface OperatorDefinition extends NamedDefinition {
  readonly argument: 'required' | 'optional' | 'none'
  /** The data it cannot do without; `unsimulated` then holds only where the user gives none. */
  readonly needs?: 'geo' | 'blocklists'
  /** Throws DefinitionError where the argument cannot be used. */
  compile(input: OperatorInput): OperatorTest
}
