/**
 * The table of directives, SecRule, SecAction and Include apart (those are the compiler's own).
 *
 * A directive that steers only logs, files on disk or the server is an entry without an effect: a replay
 * does not do these things, and the directive is no mistake.
 */
import { parseEngineMode, parseSwitch } from '../actions/index.js'
import { DefinitionError } from '../errors.js'
import type { ByteString } from '../model/exchange.js'
import type { LimitAction } from '../model/ruleset.js'
import { readBlocklists } from '../operators/blocklist.js'
import { readGeoDatabase } from '../operators/geo.js'
import { parseActions } from '../seclang/rule-parser.js'
import { bundledCodePage, bundledMap, bundledMapName, readUnicodeMap } from '../transformations/index.js'
import type { DirectiveDefinition, DirectiveInput } from './directive.js'
import type { Assembly } from './draft.js'
import { draftActions, readDataFile } from './rule.js'
import { removeRules, updateActions, updateTargets } from './rule-changes.js'

function setting(
  name: string,
  doc: string,
  write: (assembly: Assembly, argument: ByteString, input: DirectiveInput) => void,
): DirectiveDefinition {
  return { name, doc, least: 1, apply: (assembly, input) => write(assembly, input.argument, input) }
}

function noted(name: string, doc: string): DirectiveDefinition {
  return { name, doc, least: 0, inert: true, apply: () => {} }
}

function unsimulated(name: string, doc: string, reason: string): DirectiveDefinition {
  return {
    name,
    doc,
    least: 0,
    unsimulated: reason,
    apply: (assembly, input) =>
      assembly.report.warning('unsimulated-directive', `${name} is read but not simulated: ${reason}`, input.span),
  }
}

function wholeNumber(text: ByteString, unit: string): number {
  if (!/^\d+$/.test(text.trim())) throw new DefinitionError(`"${text}" is not a number of ${unit}`)
  return Number(text)
}

function limitAction(text: ByteString): LimitAction {
  const lower = text.toLowerCase()
  if (lower === 'reject') return 'reject'
  if (lower === 'processpartial') return 'process-partial'
  throw new DefinitionError(`"${text}" is neither Reject nor ProcessPartial`)
}

function setDefaultAction(assembly: Assembly, argument: ByteString, input: DirectiveInput): void {
  const { actions, diagnostics } = parseActions(argument, input.node.arguments[0] ?? input.span)
  assembly.report.take(diagnostics)
  const draft = draftActions(assembly, actions)
  assembly.defaults.set(draft.phase ?? 2, draft)
}

/** A database that is not here (it stands in many configurations) is no error: rules that need it are listed. */
function loadGeoDatabase(assembly: Assembly, path: ByteString, input: DirectiveInput): void {
  let bytes: ByteString
  try {
    bytes = readDataFile(assembly, path, input.span)
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error
    assembly.report.warning('missing-geo-database', error.message, input.span, '@geoLookup never matches without it')
    return
  }
  assembly.lookups.geo = readGeoDatabase(bytes)
}

/**
 * Both engines refuse a file that is not there; `unicode.mapping`, which comes with them, is here for its code page
 * 20127. COMPAT(modsec2): without a code page nothing is mapped.
 */
function loadUnicodeMap(assembly: Assembly, file: ByteString, input: DirectiveInput): void {
  const page = input.arguments[1]
  if (page === undefined) {
    if (assembly.platform.unicodeMapNeedsPage) throw new DefinitionError('the code page is missing, such as 20127')
    return
  }
  const codePage = wholeNumber(page, 'a code page')
  let text: ByteString
  try {
    text = readDataFile(assembly, file, input.span)
  } catch (error) {
    if (!(error instanceof DefinitionError) || file !== bundledMapName || codePage !== bundledCodePage) throw error
    assembly.settings.unicodeMap = bundledMap
    return
  }
  const map = readUnicodeMap(text, codePage)
  if (map === null) throw new DefinitionError(`${file} holds no code page ${codePage}`)
  assembly.settings.unicodeMap = map
}

export const directives: readonly DirectiveDefinition[] = [
  setting('SecArgumentSeparator', 'Character between arguments of a form.', (a, text) => {
    a.settings.argumentSeparator = text
  }),
  setting('SecArgumentsLimit', 'Greatest number of arguments.', (a, text) => {
    a.settings.bodyLimits = { ...a.settings.bodyLimits, args: wholeNumber(text, 'arguments') }
  }),
  noted('SecAuditEngine', 'Whether the audit log is written.'),
  noted('SecAuditLog', 'File of the audit log.'),
  noted('SecAuditLog2', 'Second file of the audit log.'),
  noted('SecAuditLogDir', 'Folder of the audit log.'),
  noted('SecAuditLogDirMode', 'Mode of audit log folders.'),
  noted('SecAuditLogFileMode', 'Mode of audit log files.'),
  noted('SecAuditLogFormat', 'Format of the audit log.'),
  noted('SecAuditLogParts', 'Parts of the audit log.'),
  noted('SecAuditLogPrefix', 'Prefix of the audit log.'),
  noted('SecAuditLogRelevantStatus', 'Statuses that are written to the audit log.'),
  noted('SecAuditLogStorageDir', 'Folder of concurrent audit logs.'),
  noted('SecAuditLogType', 'Kind of the audit log.'),
  noted('SecCacheTransformations', 'Cache of transformations.'),
  noted('SecChrootDir', 'Folder the server is confined to.'),
  setting('SecCollectionTimeout', 'Life of a persistent collection without an update, in seconds.', (a, text) => {
    a.settings.collectionTimeout = wholeNumber(text, 'seconds')
  }),
  setting('SecComponentSignature', 'Names a component of the ruleset.', (a, text) => {
    a.components.push(text)
  }),
  noted('SecConnEngine', 'Limits on connections.'),
  noted('SecConnReadStateLimit', 'Limit on connections being read.'),
  noted('SecConnWriteStateLimit', 'Limit on connections being written.'),
  noted('SecContentInjection', 'Whether text may be put into responses.'),
  noted('SecCookieFormat', 'Version of the cookie format; 0 is followed.'),
  noted('SecCookieV0Separator', 'Separator of version 0 cookies.'),
  noted('SecDataDir', 'Folder of persistent data.'),
  {
    name: 'SecDataset',
    doc: 'Names a list of phrases or addresses, between backticks, one a line.',
    least: 2,
    apply: ({ lookups }, { arguments: [name = '', data = ''] }) => {
      const lines = data.split('\n').map((line) => line.trim())
      lookups.datasets.set(
        name,
        lines.filter((line) => line !== '' && !line.startsWith('#')),
      )
    },
  },
  noted('SecDebugLog', 'File of the debug log.'),
  noted('SecDebugLogLevel', 'Level of the debug log.'),
  setting('SecDefaultAction', 'Actions that rules of a phase inherit.', setDefaultAction),
  noted('SecDisableBackendCompression', 'Compression between proxy and backend.'),
  setting('SecGeoLookupDb', 'Database of @geoLookup: a CSV or .mmdb file.', loadGeoDatabase),
  noted('SecGsbLookupDb', 'Database of @gsbLookup.'),
  noted('SecGuardianLog', 'Pipe to an external program.'),
  noted('SecHashEngine', 'Hashes in links.'),
  noted('SecHashKey', 'Key of the hash engine.'),
  noted('SecHashMethodPm', 'What the hash engine signs.'),
  noted('SecHashMethodRx', 'What the hash engine signs.'),
  noted('SecHashParam', 'Parameter of the hash engine.'),
  noted('SecHttpBlKey', 'Key of a DNS blocklist.'),
  noted('SecIgnoreRuleCompilationErrors', 'Whether rules with errors are left out (Coraza).'),
  noted('SecInterceptOnError', 'Whether a failing rule intercepts.'),
  {
    name: 'SecMarker',
    doc: 'A place that skipAfter jumps to.',
    least: 1,
    apply: (assembly, { argument }) => {
      assembly.sequence.push({ marker: argument })
    },
  },
  {
    ...unsimulated('SecParseXmlIntoArgs', 'Whether XML nodes become arguments.', 'XML nodes are not put into ARGS'),
    apply: (assembly, { argument, span }) => {
      if (argument.toLowerCase() === 'off') return
      assembly.report.warning('unsimulated-directive', 'SecParseXmlIntoArgs is read but not simulated', span)
    },
    platforms: 'Releases later than ModSecurity 2.9.7 and libmodsecurity 3.0.9.',
  },
  {
    ...setting('SecPcreMatchLimit', 'Match limit of PCRE: a pattern that exceeds it does not match.', (a, text) => {
      a.settings.pcreMatchLimit = wholeNumber(text, 'steps')
    }),
    platforms: 'Followed on ModSecurity 2; the others match all the same.',
  },
  noted('SecPcreMatchLimitRecursion', 'Recursion limit of PCRE; RE2 needs none.'),
  noted('SecReadStateLimit', 'Limit on connections being read.'),
  unsimulated('SecRemoteRules', 'Rules from a server.', 'nothing is fetched; save the rules to a file'),
  noted('SecRemoteRulesFailAction', 'What a failing fetch of rules does.'),
  setting('SecRequestBodyAccess', 'Whether request bodies are read.', (a, text) => {
    a.settings.requestBodyAccess = parseSwitch(text)
  }),
  noted('SecRequestBodyInMemoryLimit', 'Bytes of a body kept in memory.'),
  setting('SecRequestBodyJsonDepthLimit', 'Greatest nesting of a JSON body.', (a, text) => {
    a.settings.bodyLimits = { ...a.settings.bodyLimits, depth: wholeNumber(text, 'levels') }
  }),
  setting('SecRequestBodyLimit', 'Greatest size of a request body, in bytes.', (a, text) => {
    a.settings.requestBodyLimit = wholeNumber(text, 'bytes')
  }),
  setting('SecRequestBodyLimitAction', 'What happens to a request body over the limit.', (a, text) => {
    a.settings.requestBodyLimitAction = limitAction(text)
  }),
  setting('SecRequestBodyNoFilesLimit', 'Greatest size of a request body without files, in bytes.', (a, text) => {
    a.settings.requestBodyNoFilesLimit = wholeNumber(text, 'bytes')
  }),
  noted('SecRequestEncoding', 'Encoding of requests; bytes are never decoded.'),
  setting('SecResponseBodyAccess', 'Whether response bodies are read.', (a, text) => {
    a.settings.responseBodyAccess = parseSwitch(text)
  }),
  noted('SecResponseBodyJsonDepthLimit', 'Greatest nesting of a JSON response; responses are read as text.'),
  setting('SecResponseBodyLimit', 'Greatest size of a response body, in bytes.', (a, text) => {
    a.settings.responseBodyLimit = wholeNumber(text, 'bytes')
  }),
  setting('SecResponseBodyLimitAction', 'What happens to a response body over the limit.', (a, text) => {
    a.settings.responseBodyLimitAction = limitAction(text)
  }),
  {
    name: 'SecResponseBodyMimeType',
    doc: 'Content types of responses that are read.',
    least: 1,
    platforms: 'Adds to the list; replaces it on Coraza.',
    apply: ({ settings, platform }, input) => {
      const types = input.arguments.flatMap((text) => text.split(/[\s,]+/)).filter((type) => type !== '')
      const before = platform.responseTypes === 'of-last-directive' ? [] : (settings.responseBodyMimeTypes ?? [])
      settings.responseBodyMimeTypes = [...before, ...types]
    },
  },
  {
    name: 'SecResponseBodyMimeTypesClear',
    doc: 'Empties the list of response content types.',
    least: 0,
    apply: (assembly) => {
      assembly.settings.responseBodyMimeTypes = []
    },
  },
  setting('SecRuleEngine', 'Engine mode: On, Off or DetectionOnly.', (a, text) => {
    a.settings.mode = parseEngineMode(text)
  }),
  noted('SecRuleInheritance', 'Whether rules of the outer context are inherited.'),
  noted('SecRulePerfTime', 'Logs rules that take long.'),
  {
    name: 'SecRuleRemoveById',
    doc: 'Removes rules by id or range.',
    least: 1,
    apply: (assembly, input) => removeRules(assembly, 'id', input.arguments.join(' '), input),
  },
  setting('SecRuleRemoveByMsg', 'Removes rules by message.', (a, text, input) => removeRules(a, 'msg', text, input)),
  setting('SecRuleRemoveByTag', 'Removes rules by tag.', (a, text, input) => removeRules(a, 'tag', text, input)),
  unsimulated('SecRuleScript', 'A rule in Lua.', 'scripts are never run in a replay'),
  {
    name: 'SecRuleUpdateActionById',
    doc: 'Changes actions of a rule.',
    least: 2,
    apply: updateActions,
  },
  {
    name: 'SecRuleUpdateTargetById',
    doc: 'Adds or excludes targets of rules, by id.',
    least: 2,
    apply: (assembly, input) => updateTargets(assembly, 'id', input),
  },
  {
    name: 'SecRuleUpdateTargetByMsg',
    doc: 'Adds or excludes targets of rules, by message.',
    least: 2,
    apply: (assembly, input) => updateTargets(assembly, 'msg', input),
  },
  {
    name: 'SecRuleUpdateTargetByTag',
    doc: 'Adds or excludes targets of rules, by tag.',
    least: 2,
    apply: (assembly, input) => updateTargets(assembly, 'tag', input),
  },
  noted('SecRxPreFilter', "Coraza's prefilter of patterns."),
  noted('SecSensorId', 'Name of the sensor in logs.'),
  noted('SecServerSignature', 'Name the server gives itself.'),
  noted('SecStatusEngine', 'Report to the project of the engine.'),
  noted('SecStreamInBodyInspection', 'Request bodies as streams.'),
  noted('SecStreamOutBodyInspection', 'Response bodies as streams.'),
  noted('SecTmpDir', 'Folder of temporary files.'),
  noted('SecTmpSaveUploadedFiles', 'Whether uploads are kept.'),
  unsimulated('SecUnicodeCodePage', 'Code page of Unicode mappings.', 'SecUnicodeMapFile names the code page too'),
  unsimulated('SecUnicodeMap', 'Unicode mapping.', 'SecUnicodeMapFile is what the engines know today'),
  setting(
    'SecUnicodeMapFile',
    'File and code page by which urlDecodeUni maps %uHHHH; without it only full-width forms become ASCII.',
    loadUnicodeMap,
  ),
  noted('SecUploadDir', 'Folder of uploads.'),
  setting('SecUploadFileLimit', 'Greatest number of uploaded files.', (a, text) => {
    a.settings.bodyLimits = { ...a.settings.bodyLimits, files: wholeNumber(text, 'files') }
  }),
  noted('SecUploadFileMode', 'Mode of uploaded files.'),
  noted('SecUploadKeepFiles', 'Whether uploads are kept.'),
  setting('SecWebAppId', 'Name of the application.', (a, text) => {
    a.settings.webAppId = text
  }),
  noted('SecWriteStateLimit', 'Limit on connections being written.'),
  noted('SecXmlExternalEntity', 'External entities of XML; never loaded in a replay.'),
  setting(
    'WafsimRblFile',
    'Listings of @rbl, `zone address [answer]` a line; wafsim only, --rbl writes it.',
    (a, text, input) => {
      a.lookups.blocklists = readBlocklists(readDataFile(a, text, input.span))
    },
  ),
]

const byName = new Map(directives.map((directive) => [directive.name.toLowerCase(), directive]))

export function findDirective(name: string): DirectiveDefinition | null {
  return byName.get(name.toLowerCase()) ?? null
}
