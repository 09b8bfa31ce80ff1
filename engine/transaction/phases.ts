/**
 * The five phases of a transaction in order, and what happens between them: bodies are read, limits act.
 *
 * Phases 3 and 4 need a recorded response and do not run after a block; phase 5 always runs, but for requests that the
 * server refuses before phase 1.
 */
import { dialectOf } from '../bodies/index.js'
import type { Shortcuts } from '../matching/index.js'
import type { ResponseView } from '../model/definitions.js'
import { type ByteString, lowerAscii, type RecordedResponse, type TransactionRecord } from '../model/exchange.js'
import type { Disruption, PhaseNumber, Ruleset } from '../model/ruleset.js'
import type { BlockKind } from '../model/verdict.js'
import { atWork, spend } from '../time-budget.js'
import { isOverLimit, readBody } from './body-view.js'
import type { Lift } from './lifting.js'
import { Matching } from './matching.js'
import type { PersistentStore } from './persistent.js'
import { headerCollection, mediaType } from './request-view.js'
import { evaluateRule } from './rule.js'
import { apacheAnswer, apacheBody, apacheRefusal } from './server.js'
import { Stretches } from './stretches.js'
import { type Interruption, Transaction } from './transaction.js'

export interface RunOptions {
  /** Keep matches of rules with `nolog` too. */
  readonly everything: boolean
  readonly shortcuts: Shortcuts
  readonly store?: PersistentStore | undefined
  /** Exclusions that are noted and not applied. */
  readonly lift?: Lift | undefined
}

/** Runs a record through the ruleset. Does not catch: `evaluate` turns a throw into an error verdict. */
export function runTransaction(ruleset: Ruleset, record: TransactionRecord, options: RunOptions): Transaction {
  const { everything, shortcuts, store, lift = null } = options
  const transaction = new Transaction(record, ruleset, store, lift)
  if (transaction.mode !== 'off') runPhases(transaction, everything, shortcuts)
  transaction.close()
  return transaction
}

/**
 * The transaction as phase 2 finds it: phase 1 has run, for what its rules say of the body, and the body is read. It is
 * run in detection only, so that no block of phase 1 hides the body. Null where the server refuses the request, or the
 * engine is off for it.
 */
export function runToBody(ruleset: Ruleset, record: TransactionRecord, shortcuts: Shortcuts): Transaction | null {
  const transaction = new Transaction(record, ruleset)
  if (transaction.mode === 'off') return null
  if (ruleset.platform.server === 'apache' && apacheRefusal(record.request) !== null) return null
  transaction.setEngineMode('detection-only')
  const matching = new Matching(transaction, shortcuts)
  const stretches = shortcuts.stretches ? new Stretches(transaction, matching, false) : null
  runPhase(transaction, matching, stretches, 1, false)
  if (!mayGoOn(transaction, 2)) return null
  const answer = serverAnswer(transaction)
  transaction.phase = 2
  return answer === null || transaction.body.errorAtEnd ? transaction : null
}

function runPhases(transaction: Transaction, everything: boolean, shortcuts: Shortcuts): void {
  const { record, ruleset } = transaction
  const matching = new Matching(transaction, shortcuts)
  const stretches = shortcuts.stretches ? new Stretches(transaction, matching, everything) : null
  const run = (phase: PhaseNumber): void => runPhase(transaction, matching, stretches, phase, everything)
  if (ruleset.platform.server === 'apache' && apacheRefusal(record.request) !== null) {
    endByServer(transaction, 'server', 1, 400)
    return
  }
  run(1)
  const answer = serverAnswer(transaction)
  if (answer === null) {
    if (mayGoOn(transaction, 2)) run(2)
    if (record.response !== undefined) runResponse(transaction, record.response, run)
  } else if (answer !== 'silent') {
    runResponse(transaction, errorResponse(answer), run)
    if (mayGoOn(transaction, 3)) endByServer(transaction, answer === 500 ? 'parser' : 'server', 2, answer)
  }
  run(5)
}

function runResponse(transaction: Transaction, response: RecordedResponse, run: (phase: PhaseNumber) => void): void {
  if (!mayGoOn(transaction, 3)) return
  transaction.response = responseView(transaction, response, false)
  transaction.forgetDerived()
  run(3)
  const isRead = mayGoOn(transaction, 4) && readsResponseBody(transaction, response)
  if (isRead) takeResponseBody(transaction, response)
  if (mayGoOn(transaction, 4) && (isRead || transaction.platform.responseTypes !== 'as-written')) run(4)
}

/**
 * What the server answers in place of phase 2: a status; `silent` for an answer that no phase sees; null where
 * phase 2 runs, for which the body is taken here.
 */
function serverAnswer(transaction: Transaction): number | 'silent' | null {
  const { platform, record, request } = transaction
  if (!mayGoOn(transaction, 2)) return null
  const answer = platform.server === 'apache' ? apacheAnswer(record.request) : null
  if (answer !== null) return answer
  const refusal = request.translate()
  transaction.forgetDerived()
  if (refusal !== null) return refusal
  takeRequestBody(transaction)
  return transaction.body.errorAtEnd ? platform.bodyEndErrorStatus : null
}

/** The page of a server's error, as far as rules look at it. */
function errorResponse(status: number): RecordedResponse {
  return { status, headers: [['Content-Type', 'text/html; charset=iso-8859-1']], body: '' }
}

function endByServer(transaction: Transaction, kind: BlockKind, phase: number, status: number): void {
  transaction.interruption = interruptionOf(kind, phase, status)
  transaction.wouldInterrupt ??= transaction.interruption
}

function mayGoOn(transaction: Transaction, phase: PhaseNumber): boolean {
  if (transaction.interruption !== null || transaction.mode === 'off') return false
  if (transaction.allowed === 'all') return false
  return !(transaction.allowed === 'request' && phase <= 2)
}

function runPhase(
  transaction: Transaction,
  matching: Matching,
  stretches: Stretches | null,
  phase: PhaseNumber,
  everything: boolean,
): void {
  const { platform } = transaction
  const steps = transaction.ruleset.phases[phase] ?? []
  const ended = transaction.interruption
  transaction.phase = phase
  transaction.phasesRun.push(phase)
  if (transaction.allowed === 'all' && platform.allowIsThorough) return
  // The phases that an earlier `allow` reaches do not get here.
  transaction.allowed = 'none'
  let position = 0
  while (position < steps.length) {
    position = passed(matching, stretches, phase, position)
    const step = steps[position]
    if (step === undefined) break
    position++
    if (transaction.isRemoved(step.rule)) continue
    if (!matching.mayMatch(step.rule)) {
      transaction.passOver()
      continue
    }
    if (!evaluateRule(transaction, matching, step.rule, everything)) continue
    if (transaction.mode === 'off' || transaction.allowed !== 'none') break
    if (transaction.interruption !== ended && (phase !== 5 || platform.disruptionEndsLogging)) break
    if (step.jumpTo >= 0) position = step.jumpTo
  }
  if (phase === 5) transaction.interruption = ended
}

/** Where the first step from there on stands that must be looked at. */
function passed(matching: Matching, stretches: Stretches | null, phase: PhaseNumber, position: number): number {
  let at = position
  for (;;) {
    const from = at
    if (stretches !== null) at = stretches.pass(phase, at)
    at = matching.pass(phase, at)
    if (at === from || stretches === null) return at
  }
}

/** An end without a rule. */
function interruptionOf(kind: BlockKind, phase: number, status: number): Interruption {
  const disruption: Disruption = { kind: 'deny', status }
  return { blockedBy: { kind, ruleId: null, phase, action: 'deny' }, disruption }
}

function refuse(transaction: Transaction, kind: BlockKind, phase: number, status: number): void {
  const interruption = interruptionOf(kind, phase, status)
  transaction.wouldInterrupt ??= interruption
  // COMPAT(coraza): `ctl:ruleEngine` has no say in limits.
  const mode = transaction.platform.bodyLimitModeFixed ? transaction.ruleset.settings.mode : transaction.mode
  if (mode === 'on') transaction.interruption = interruption
}

/** COMPAT: what a body over the limit leads to differs per platform, see docs/platforms.md. */
function takeRequestBody(transaction: Transaction): void {
  const { record, platform, ruleset } = transaction
  const { settings } = ruleset
  if (!transaction.requestBodyAccess) return
  const { headers } = transaction.request
  const noFiles = transaction.announcedProcessor !== 'MULTIPART' && platform.honoursNoFilesLimit
  const limit = noFiles
    ? Math.min(transaction.requestBodyLimit, settings.requestBodyNoFilesLimit)
    : transaction.requestBodyLimit
  const body = platform.server === 'apache' ? apacheBody(record.request) : record.request.body
  let inspected = body
  if (isOverLimit(body, limit, platform) && settings.requestBodyLimitAction === 'reject') {
    refuse(transaction, 'body-limit', 2, platform.bodyLimitStatus)
    if (transaction.interruption !== null) {
      transaction.body = { ...transaction.body, overLimit: true }
      transaction.forgetDerived()
      return
    }
    if (platform.detectionOnlyOverLimit === 'drop-body') inspected = ''
  }
  atWork('reading the request body')
  transaction.body = readBody({
    body: inspected,
    headers,
    processor: transaction.bodyProcessor.toUpperCase() || transaction.announcedProcessor,
    forceVariable: transaction.bodyVariableForced,
    announced: transaction.headerValue(headers, 'content-length') !== '',
    limit,
    settings,
    platform,
  })
  spend(inspected.length)
  keepJson(transaction, inspected)
  transaction.forgetDerived()
}

/** COMPAT(coraza): for @validateSchema, but any rule sees it. */
function keepJson({ body, platform, tx }: Transaction, text: ByteString): void {
  if (dialectOf(platform).keepsJson && body.processor === 'JSON' && body.error === null && text !== '')
    tx.set('json_request_body', text)
}

function responseView(transaction: Transaction, response: RecordedResponse, withBody: boolean): ResponseView {
  const headers = headerCollection(response.headers, transaction.platform)
  const type = transaction.headerValue(headers, 'content-type')
  const { responseLine, responseTypeCut } = transaction.platform
  const asConnector = responseLine === 'connector'
  return {
    status: response.status,
    protocol: asConnector ? transaction.request.protocol.replace('/', ' ') : `HTTP/${response.httpVersion ?? '1.1'}`,
    headers,
    contentType: responseTypeCut ? (type.split(';')[0] ?? '') : type,
    body: withBody ? response.body : '',
    bodyRead: withBody,
    overLimit: false,
  }
}

/** COMPAT: see `Platform.responseTypes`. */
function readsResponseBody(transaction: Transaction, response: RecordedResponse): boolean {
  if (!transaction.responseBodyAccess) return false
  const { platform, ruleset } = transaction
  const named = ruleset.settings.responseBodyMimeTypes
  if (platform.responseTypes === 'media-type') {
    const type = mediaType(transaction.response?.contentType ?? '')
    return (named ?? ['text/plain', 'text/html']).some((each) => each.toLowerCase() === type)
  }
  if (named === null) return platform.responseTypes === 'as-written'
  return named.includes(lastType(response))
}

/** The last content type as it is written, up to a semicolon. */
function lastType({ headers }: RecordedResponse): ByteString {
  const types = headers.filter(([name]) => lowerAscii(name) === 'content-type')
  return types.at(-1)?.[1].split(';')[0] ?? ''
}

function takeResponseBody(transaction: Transaction, response: RecordedResponse): void {
  const { settings } = transaction.ruleset
  const view = responseView(transaction, response, true)
  if (isOverLimit(response.body, transaction.responseBodyLimit, transaction.platform)) {
    if (settings.responseBodyLimitAction === 'reject') {
      refuse(transaction, 'body-limit', 4, 500)
      if (transaction.interruption !== null) {
        transaction.response = { ...responseView(transaction, response, false), overLimit: true }
        transaction.forgetDerived()
        return
      }
    }
    const body = view.body.slice(0, transaction.responseBodyLimit)
    transaction.response = { ...view, body, overLimit: true }
  } else transaction.response = view
  transaction.forgetDerived()
}
