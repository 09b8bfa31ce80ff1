/**
 * Variables that come from the transaction itself: TX and the persistent collections, matches, the rule at
 * hand, connection, clock.
 *
 * The clock is the record's; nothing here reads the machine's time or environment.
 */
import type {
  CollectionDefinition,
  PersistentName,
  ScalarDefinition,
  TransactionView,
  VariableDefinition,
} from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { FixedCollection } from './collection.js'
import { collection, flag, scalar, setWhere, unsimulatedScalar } from './derive.js'

function persistent(name: PersistentName, doc: string): CollectionDefinition {
  return {
    ...collection(name.toUpperCase(), doc, (view) => view.persistent(name) ?? FixedCollection.empty),
    persistent: true,
  }
}

function clock(name: string, doc: string, read: (time: Date) => string): ScalarDefinition {
  return scalar(name, doc, (view) => read(new Date(view.time)))
}

function performance(name: string): ScalarDefinition {
  return unsimulatedScalar(name, 'Time spent by the engine.', "the engine's own timing is not recorded")
}

function headerHost(view: TransactionView): string {
  const host = view.request.headers.named('host')[0]?.value ?? view.record.server?.ip ?? ''
  const bracket = view.platform.serverNameReadsBrackets ? host.indexOf(']') : -1
  if (host.startsWith('[') && bracket > 0) return host.slice(1, bracket)
  const colon = host.indexOf(':')
  return colon < 0 ? host : host.slice(0, colon)
}

/**
 * COMPAT(modsec2): it copies the value that matched as a C string and keeps its length; what it reads behind a NUL is
 * whatever stood there before, NULs in a fresh process.
 */
function matchedValue({ platform }: TransactionView, value: ByteString): ByteString {
  const nul = platform.matchedVarBlankBehindNul ? value.indexOf('\0') : -1
  return nul < 0 ? value : value.slice(0, nul).padEnd(value.length, '\0')
}

export const internalVariables: readonly VariableDefinition[] = [
  collection('ARGS_PATH', 'Parts of the path that @restpath named (Coraza).', (v) => v.pathArguments),
  scalar('DURATION', 'Milliseconds since the transaction began; 0 in a replay.', () => '0'),
  collection('ENV', 'Environment variables that `setenv` wrote.', (v) => v.env),
  collection('GEO', 'Result of @geoLookup.', (v) => v.geo),
  persistent('global', 'Persistent collection shared by all clients.'),
  scalar('HIGHEST_SEVERITY', 'Gravest severity of the rules that matched; 255 where none.', (v) =>
    String(v.highestSeverity),
  ),
  setWhere(
    (v) => v.phase > 1,
    scalar('INBOUND_DATA_ERROR', '1 where the request body was over the limit.', (v) => flag(v.body.overLimit)),
  ),
  persistent('ip', 'Persistent collection of a client address.'),
  scalar('MATCHED_VAR', 'Value that matched last.', (v) =>
    v.matched.last === null ? null : matchedValue(v, v.matched.last.value),
  ),
  scalar('MATCHED_VAR_NAME', 'Name of the variable that matched last.', (v) => v.matched.last?.name ?? null),
  collection(
    'MATCHED_VARS',
    'All values that matched in the current chain.',
    (v) => new FixedCollection(v.matched.all.map((m) => ({ key: m.name, value: matchedValue(v, m.value) }))),
  ),
  collection(
    'MATCHED_VARS_NAMES',
    'Names of all variables that matched in the current chain.',
    (v) => new FixedCollection(v.matched.all.map((m) => ({ key: m.name, value: m.name }))),
  ),
  scalar('MODSEC_BUILD', 'Build number of the engine.', () => '030000090'),
  scalar('MSC_PCRE_LIMITS_EXCEEDED', '1 where a pattern met the PCRE limits.', () => null),
  performance('PERF_ALL'),
  performance('PERF_COMBINED'),
  performance('PERF_GC'),
  performance('PERF_LOGGING'),
  performance('PERF_PHASE1'),
  performance('PERF_PHASE2'),
  performance('PERF_PHASE3'),
  performance('PERF_PHASE4'),
  performance('PERF_PHASE5'),
  performance('PERF_RULES'),
  performance('PERF_SREAD'),
  performance('PERF_SWRITE'),
  scalar('REMOTE_ADDR', "The client's address.", (v) => v.record.client?.ip ?? '127.0.0.1'),
  scalar('REMOTE_HOST', "The client's address; names are not looked up.", (v) => v.record.client?.ip ?? '127.0.0.1'),
  scalar('REMOTE_PORT', "The client's port.", (v) => String(v.record.client?.port ?? 0)),
  unsimulatedScalar('REMOTE_USER', 'Name of the authenticated user.', 'authentication is not recorded'),
  scalar('REQBODY_PROCESSOR', 'Name of the body processor that ran.', (v) => v.body.processor),
  persistent('resource', 'Persistent collection that `setrsc` names.'),
  collection('RULE', 'Facts of the rule at hand: id, rev, severity, msg, logdata.', ({ rule }) =>
    rule === null
      ? FixedCollection.empty
      : new FixedCollection(Object.entries(rule).map(([key, value]) => ({ key, value: String(value) }))),
  ),
  unsimulatedScalar('SCRIPT_BASENAME', 'Base name of the script.', 'the server maps no file in a replay'),
  unsimulatedScalar('SCRIPT_FILENAME', 'Path of the script.', 'the server maps no file in a replay'),
  unsimulatedScalar('SCRIPT_GID', 'Group of the script.', 'the server maps no file in a replay'),
  unsimulatedScalar('SCRIPT_GROUPNAME', 'Group of the script.', 'the server maps no file in a replay'),
  unsimulatedScalar('SCRIPT_MODE', 'Mode of the script.', 'the server maps no file in a replay'),
  unsimulatedScalar('SCRIPT_UID', 'Owner of the script.', 'the server maps no file in a replay'),
  unsimulatedScalar('SCRIPT_USERNAME', 'Owner of the script.', 'the server maps no file in a replay'),
  unsimulatedScalar('SDBM_DELETE_ERROR', 'Persistent storage failed.', 'storage never fails in a replay'),
  scalar('SERVER_ADDR', "The server's address.", (v) => v.record.server?.ip ?? '127.0.0.1'),
  scalar('SERVER_NAME', 'Host the client asked for.', headerHost),
  scalar('SERVER_PORT', "The server's port.", (v) => String(v.record.server?.port ?? 80)),
  persistent('session', 'Persistent collection that `setsid` names.'),
  scalar('SESSIONID', 'Value of `setsid`.', (v) => v.persistentKey('session')),
  unsimulatedScalar('STREAM_INPUT_BODY', 'Request body as a stream.', 'streams are not rewritten in a replay'),
  unsimulatedScalar('STREAM_OUTPUT_BODY', 'Response body as a stream.', 'streams are not rewritten in a replay'),
  clock('TIME', 'Hour, minute and second of the record (UTC).', (t) => t.toISOString().slice(11, 19)),
  clock('TIME_DAY', 'Day of the month.', (t) => String(t.getUTCDate())),
  clock('TIME_EPOCH', 'Seconds since 1970.', (t) => String(Math.floor(t.getTime() / 1000))),
  clock('TIME_HOUR', 'Hour of the day.', (t) => String(t.getUTCHours())),
  clock('TIME_MIN', 'Minute.', (t) => String(t.getUTCMinutes())),
  clock('TIME_MON', 'Month, 0 is January.', (t) => String(t.getUTCMonth())),
  clock('TIME_SEC', 'Second.', (t) => String(t.getUTCSeconds())),
  clock('TIME_WDAY', 'Day of the week, 0 is Sunday.', (t) => String(t.getUTCDay())),
  clock('TIME_YEAR', 'Year.', (t) => String(t.getUTCFullYear())),
  { ...collection('TX', 'Variables of the transaction; TX:0-9 hold captures.', (v) => v.tx), ofTx: true },
  scalar('UNIQUE_ID', "Id of the transaction, made from the record's id.", (v) => v.uniqueId),
  persistent('user', 'Persistent collection that `setuid` names.'),
  scalar('USERID', 'Value of `setuid`.', (v) => v.persistentKey('user')),
  unsimulatedScalar(
    'USERAGENT_IP',
    'Client address behind a proxy module.',
    'the module is not simulated; use REMOTE_ADDR',
  ),
  setWhere(
    (v) => v.applicationId !== 'default',
    scalar('WEBAPPID', 'Value of SecWebAppId.', (v) => v.applicationId),
  ),
  unsimulatedScalar('WEBSERVER_ERROR_LOG', "The server's error log.", 'the log is not recorded'),
]
