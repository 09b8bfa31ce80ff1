/**
 * What each client of a corpus did on the whole: how much of it tripped rules, how many rules and pages, whether the
 * ruleset took it for a scanner. A hit of a client that scans elsewhere is no false positive.
 *
 * Fed with every record, hit or not, while it is replayed. Memory is bounded: so many clients, of each so many rules and
 * pages.
 */
import type { EvaluatedRecord } from '../../model/exchange.js'
import type { Match, Verdict } from '../../model/verdict.js'

/** LIMIT: clients that are kept; what those beyond did is not known. */
const mostClients = 50_000
/** LIMIT: rules and pages of a client that are told apart. */
const mostKept = 16

/** Requests of a client below which variety says nothing. */
const fewestRequests = 5
/** Share of requests that are labelled attacks, or hit scanner rules: below it is an office or a proxy with a scanner behind. */
const scannerShare = 0.05
/** Pages and families of rules (941, 942 …) tripped, and the share of requests that tripped any. */
const scanPages = 5
const scanFamilies = 4
const scanHitShare = 0.5
/** One client with so many of all requests is a proxy, where it does not scan. */
const proxyRequests = 50
const proxyShare = 0.8

export interface Conduct {
  readonly requests: number
  /** Requests in which a rule added score. */
  readonly hitRequests: number
  readonly scannerRequests: number
  /** Requests of it that the corpus labels as attacks. */
  readonly attacks: number
  /** Distinct, up to 16. */
  readonly rules: number
  readonly families: number
  readonly pages: number
  readonly scans: boolean
  /** So much of the corpus comes from here that it must be a proxy: the address tells no client from another. */
  readonly isProxy: boolean
}

interface Kept {
  requests: number
  hitRequests: number
  scannerRequests: number
  attacks: number
  readonly rules: number[]
  /** Hashes of paths. */
  readonly pages: number[]
}

export class ClientConduct {
  readonly #clients = new Map<string, Kept>()
  #requests = 0
  /** Requests of clients for which there was no room. */
  leftOut = 0

  /** Adds one record of the corpus; one whose client is not recorded says nothing. */
  add(record: EvaluatedRecord, verdict: Verdict): void {
    const ip = record.origin?.client
    if (ip === undefined || ip === '') return
    this.#requests++
    let client = this.#clients.get(ip)
    if (client === undefined) {
      if (this.#clients.size >= mostClients) {
        this.leftOut++
        return
      }
      client = { requests: 0, hitRequests: 0, scannerRequests: 0, attacks: 0, rules: [], pages: [] }
      this.#clients.set(Buffer.from(ip, 'utf8').toString('utf8'), client)
    }
    client.requests++
    if (record.label === 'attack') client.attacks++
    const hits = verdict.matches.filter(isHit)
    if (hits.length === 0) return
    client.hitRequests++
    if (hits.some(({ ruleId }) => isScannerRule(ruleId))) client.scannerRequests++
    for (const { ruleId } of hits) keep(client.rules, ruleId)
    keep(client.pages, hashOf(record.request.uri.split('?', 1)[0] ?? ''))
  }

  /** Null where nothing is known of the client. */
  of(ip: string): Conduct | null {
    const client = this.#clients.get(ip)
    if (client === undefined) return null
    const { requests, hitRequests, scannerRequests, attacks } = client
    const families = new Set(client.rules.map((id) => Math.floor(id / 1000))).size
    const pages = client.pages.length
    const varied = pages >= scanPages && families >= scanFamilies && hitRequests >= scanHitShare * requests
    const told = Math.max(attacks, scannerRequests)
    const scans = (told > 0 && told >= scannerShare * requests) || (varied && requests >= fewestRequests)
    const isProxy = !scans && requests >= proxyRequests && requests >= proxyShare * this.#requests
    return {
      requests,
      hitRequests,
      scannerRequests,
      attacks,
      rules: client.rules.length,
      families,
      pages,
      scans,
      isProxy,
    }
  }
}

function isHit({ ruleId, scoreAdded }: Match): boolean {
  return scoreAdded > 0 || isScannerRule(ruleId)
}

function isScannerRule(id: number): boolean {
  return id >= 913_000 && id <= 913_999
}

function keep(list: number[], value: number): void {
  if (list.length < mostKept && !list.includes(value)) list.push(value)
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}
