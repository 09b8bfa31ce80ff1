/**
 * The smallest request that still fires the rules a recorded one fired: what a report of a false positive needs.
 *
 * First what is not part of the request goes, then lists (headers, parameters, members, parts) are thinned out, then texts
 * are shortened, and what is left is masked where the rules do not care. Every step is tried on the engine; the request
 * stays one that a client could send.
 */
import { createHash } from 'node:crypto'
import type { ByteString, Header, TransactionRecord } from '../../model/exchange.js'
import type { Verdict } from '../../model/verdict.js'
import { disruptedIn, hitsOf } from '../hits.js'
import { splitTarget } from '../place.js'
import { withRequest } from '../pricing/request-slots.js'
import { masked, maskOfUnit, needed } from './delta-debugging.js'
import { parseJsonTree, printJsonTree } from './json-tree.js'
import {
  bodyKindOf,
  boundaryOf,
  headerValue,
  listSites,
  type TextSite,
  textSites,
  withHeader,
  withHeaders,
} from './reduction-sites.js'

export interface ReproduceOptions {
  /** Rules that must still fire; by default all that scored or blocked by themselves in the record. */
  readonly ruleIds?: readonly number[]
  /** The target at which they must fire; by default any at which they did. */
  readonly target?: ByteString
  /** Records that may be evaluated; 5,000 by default. */
  readonly evaluations?: number
}

/** What one step of the reduction came to. */
export interface ReductionStep {
  /** `headers`, `values` … */
  readonly what: string
  /** Bytes of the request behind it: target, headers and body. */
  readonly bytes: number
}

export interface Reproducer {
  readonly record: TransactionRecord
  /** Rules that scored or blocked, ascending. */
  readonly ruleIds: readonly number[]
  readonly steps: readonly ReductionStep[]
  readonly evaluations: number
  /** Whether nothing more can be left out; otherwise the evaluations were used up before. */
  readonly minimal: boolean
}

const defaultEvaluations = 5000
/** Rounds over lists and texts: what one shortens may make another needless. */
const mostRounds = 3

/** Null where the rules asked for do not fire in the record, at that target. */
export function reproduce(
  record: TransactionRecord,
  evaluate: (record: TransactionRecord) => Verdict,
  options: ReproduceOptions = {},
): Reproducer | null {
  const fired = firedBy(evaluate(record))
  const wanted = new Set(options.ruleIds ?? fired.keys())
  const trial = new Trial(evaluate, fired, wanted, options)
  if (wanted.size === 0 || !trial.accepts(fired)) return null
  const reduction = new Reduction(record, trial)
  reduction.run()
  const ruleIds = [...firedBy(evaluate(reduction.record)).keys()].sort((a, b) => a - b)
  const { evaluations, isOver } = trial
  return { record: reduction.record, ruleIds, steps: reduction.steps, evaluations, minimal: !isOver }
}

/** Places at which a rule fired, by rule. */
type Fired = ReadonlyMap<number, ReadonlySet<ByteString>>

function firedBy(verdict: Verdict): Fired {
  const fired = new Map<number, Set<ByteString>>()
  if (verdict.verdict === 'error') return fired
  for (const { ruleId, sources } of hitsOf(verdict, disruptedIn(verdict))) {
    const places = fired.get(ruleId) ?? new Set()
    for (const { target } of sources) places.add(placeOf(target))
    fired.set(ruleId, places)
  }
  return fired
}

/** Elements of lists move up when those before them go, and names are what is shortened where names are what matched. */
function placeOf(target: ByteString): ByteString {
  const { variable, key } = splitTarget(target)
  return key === null || variable.endsWith('_NAMES')
    ? variable
    : target.replace(/(?<=\[|\.|array_)[0-9]+(?=\]|\.|$)/g, '0')
}

/** Says of a changed record whether it still does what the first one did; evaluates each once, and only so many. */
class Trial {
  evaluations = 0
  isOver = false
  readonly #answers = new Map<string, boolean>()
  readonly #most: number
  readonly #target: ByteString | null

  constructor(
    private readonly evaluate: (record: TransactionRecord) => Verdict,
    private readonly first: Fired,
    private readonly wanted: ReadonlySet<number>,
    { evaluations = defaultEvaluations, target }: ReproduceOptions,
  ) {
    this.#most = evaluations
    this.#target = target === undefined ? null : placeOf(target)
  }

  holds(record: TransactionRecord): boolean {
    const key = digestOf(record)
    let answer = this.#answers.get(key)
    if (answer !== undefined) return answer
    if (this.evaluations >= this.#most) {
      this.isOver = true
      return false
    }
    this.evaluations++
    answer = this.accepts(firedBy(this.evaluate(record)))
    this.#answers.set(key, answer)
    return answer
  }

  /** The rules wanted fire where they did, and no other rule or place is new. */
  accepts(fired: Fired): boolean {
    for (const id of this.wanted) {
      const places = fired.get(id)
      if (places === undefined || (this.#target !== null && !places.has(this.#target))) return false
    }
    for (const [id, places] of fired)
      for (const place of places) if (this.first.get(id)?.has(place) !== true) return false
    return true
  }
}

function digestOf({ request, response, client, server, time }: TransactionRecord): string {
  const text = JSON.stringify([request, response, client, server, time])
  return createHash('sha256').update(text, 'latin1').digest('base64')
}

class Reduction {
  readonly steps: ReductionStep[] = []

  constructor(
    public record: TransactionRecord,
    private readonly trial: Trial,
  ) {}

  run(): void {
    this.#step('all but the request', () => this.#dropSurroundings())
    this.#step('form', () => this.#simplify())
    for (let round = 0; round < mostRounds; round++) {
      const before = requestBytes(this.record)
      this.#step('lists', () => this.#thinLists())
      this.#step('texts', () => this.#shortenTexts())
      if (requestBytes(this.record) === before) break
    }
    this.#step('masks', () => this.#maskTexts())
    this.#step('order of headers', () => this.#sortHeaders())
  }

  #step(what: string, work: () => void): void {
    work()
    this.steps.push({ what, bytes: requestBytes(this.record) })
  }

  #try(record: TransactionRecord | null): boolean {
    if (record === null || !this.trial.holds(record)) return false
    this.record = record
    return true
  }

  #dropSurroundings(): void {
    const { id, label, request, evidence } = this.record
    if (this.#try({ id, label, tags: [], request, evidence })) return
    for (const name of ['response', 'client', 'server', 'time'] as const) {
      const { [name]: _, ...rest } = this.record
      this.#try(rest)
    }
    const { source: _, ...rest } = this.record
    this.record = { ...rest, tags: [] }
  }

  /** What can be had in a simpler form at once: no body, the version everyone speaks, names that tell nothing. */
  #simplify(): void {
    const { line: _, ...request } = this.record.request
    this.#try({ ...this.record, request })
    this.#try(withRequest(this.record, { httpVersion: '1.1' }))
    this.#try(withoutBody(this.record))
    this.#try(withoutChunks(this.record))
    this.#try(framed(this.record))
    this.#try(withRequest(this.record, { uri: /^[^?]*/.exec(this.record.request.uri)?.[0] ?? '/' }))
    this.#try(withRequest(this.record, { uri: this.record.request.uri.replace(/^[^?#]*/, '/') }))
    for (const [n, [name]] of this.record.request.headers.entries())
      if (name.toLowerCase() === 'host') this.#try(withHeader(this.record, n, 'localhost'))
    this.#try(withPlainBoundary(this.record))
    const tree = bodyKindOf(this.record) === 'JSON' ? parseJsonTree(this.record.request.body) : null
    if (tree !== null) this.#try(withRequest(this.record, { body: printJsonTree(tree) }))
  }

  #thinLists(): void {
    for (let n = 0; n < listSites(this.record).length && !this.trial.isOver; n++) {
      const site = listSites(this.record)[n]
      if (site === undefined) return
      const all = Array.from({ length: site.count }, (_, at) => at)
      const kept = needed(all, (some) => this.trial.holds(site.keeping(some)))
      if (kept.length < all.length) this.#try(site.keeping(kept))
    }
  }

  #shortenTexts(): void {
    this.#eachText((site) =>
      site.isWhole ? site.units : needed(site.units, (units) => this.trial.holds(site.writing(units))),
    )
  }

  #maskTexts(): void {
    this.#eachText((site) => masked(site.units, maskOfUnit, (units) => this.trial.holds(site.writing(units))))
  }

  /** Texts in order; one that has become empty may be no site any more. */
  #eachText(change: (site: TextSite) => readonly string[]): void {
    for (let n = 0; n < textSites(this.record).length && !this.trial.isOver; ) {
      const sites = textSites(this.record)
      const site = sites[n]
      if (site === undefined) return
      const units = change(site)
      if (units.join('') !== site.units.join('')) this.#try(site.writing(units))
      n += textSites(this.record).length < sites.length ? 0 : 1
    }
  }

  /** Readers of rule tests send headers by name. */
  #sortHeaders(): void {
    const headers = [...this.record.request.headers].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    this.#try(withHeaders(this.record, headers))
  }
}

/** Bytes of target, headers and body. */
export function requestBytes({ request: { uri, headers, body } }: TransactionRecord): number {
  return headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, uri.length + body.length)
}

/** A GET without what describes a body; null where there is none already. */
function withoutBody(record: TransactionRecord): TransactionRecord | null {
  const { body, headers, method } = record.request
  const left = headers.filter(([name]) => !/^(?:content-.*|transfer-encoding|expect)$/i.test(name))
  if (body === '' && method === 'GET' && left.length === headers.length) return null
  return withRequest(record, { method: 'GET', headers: left, body: '' })
}

/** Captures hold bodies without their chunks: the length says as much. */
function withoutChunks(record: TransactionRecord): TransactionRecord | null {
  if (headerValue(record, 'transfer-encoding') === null) return null
  const { headers, body } = record.request
  const left = headers.filter(([name]) => !/^(?:transfer-encoding|content-length|trailer|te)$/i.test(name))
  const length: Header = ['Content-Length', String(body.length)]
  return withHeaders(record, [...left, length])
}

/** Some captures leave out what nobody can send a body without. */
function framed(record: TransactionRecord): TransactionRecord | null {
  const { headers, body } = record.request
  if (body === '' || headerValue(record, 'content-length') !== null) return null
  if (headerValue(record, 'transfer-encoding') !== null) return null
  return withHeaders(record, [...headers, ['Content-Length', String(body.length)]])
}

function withPlainBoundary(record: TransactionRecord): TransactionRecord | null {
  const boundary = boundaryOf(record)
  const { headers, body } = record.request
  if (boundary === null) return null
  const pieces = body.split(`--${boundary}`)
  if (pieces.some((piece) => piece.includes('--boundary'))) return null
  const renamed = headers.map(
    ([name, value]): Header =>
      name.toLowerCase() === 'content-type'
        ? [name, value.replace(/(boundary=)(?:"[^"]*"|[^\s;,]+)/i, '$1boundary')]
        : [name, value],
  )
  return withRequest(record, { headers: renamed, body: pieces.join('--boundary') })
}
