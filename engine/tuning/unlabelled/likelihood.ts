/**
 * How likely the hits of a group (rule × target × method × path) are false positives, where the capture has no labels.
 *
 * Each piece of evidence adds to or takes from a sum that begins at 0 (even chances) and becomes a share by the
 * logistic function. The weights, each said with its figures in the reasons:
 *
 * | evidence                                                                    | weight                  |
 * | --------------------------------------------------------------------------- | ----------------------- |
 * | half of the requests or more from clients that scan elsewhere               | attack-like, at most 5 % |
 * | a tenth or more from such clients; none, where clients are known            | −1.5; +0.3              |
 * | 10 clients or more; 3 to 9; one that sent nine of ten of at least 5         | +1.5; +0.8; −0.6        |
 * | seen on 3 days or more; 5 requests or more within one hour                  | +0.6; −0.6              |
 * | of 10 requests or more to the path, half trip the rule; a tenth; under 1 %  | +1.2; +0.6; −0.6        |
 * | answered with 2xx or 3xx; with 4xx or 5xx (four of five, 403 and 406 apart)  | +1; −1                  |
 * | most values look like prose; HTML, JSON, numbers, tokens, words; injections | +0.8; +0.4; −1          |
 *
 * 403 and 406 count for neither side: they may be the answer of the firewall itself. From 70 % on a group is a likely
 * false positive, up to 30 % it is attack-like.
 */
import type { ByteString, Origin } from '../../model/exchange.js'
import type { ClientConduct, Conduct } from './client-conduct.js'
import { shapeOf, shapeTitles, type ValueShape } from './value-shape.js'

export interface Likelihood {
  /** That the hits are false positives, from 0 to 1. */
  readonly likelihood: number
  readonly verdict: 'likely-false-positive' | 'unsure' | 'attack-like'
  /** Plain sentences with the figures; nothing captured stands in them. */
  readonly reasons: readonly string[]
}

/** LIMIT: clients, days and hours of a group that are told apart. */
const mostClients = 1000
const mostDays = 366
const mostHours = 500
/** LIMIT: requests of a group whose values are looked at. */
const mostValues = 200

/** What was seen of the requests of one group. */
export class GroupEvidence {
  requests = 0
  /** Requests with an answer of 2xx or 3xx, and of 4xx or 5xx but 403 and 406. */
  accepted = 0
  refused = 0
  undecided = 0
  /** Requests by client; those of clients without room in `unknownClient`. */
  readonly clients = new Map<string, number>()
  unknownClient = 0
  readonly days = new Set<string>()
  readonly hours = new Set<string>()
  readonly shapes = new Map<ValueShape, number>()
  #values = 0

  /** Adds one request of the group, with a value that the rule matched in it. */
  add(origin: Origin, value: ByteString): void {
    this.requests++
    this.#addClient(origin.client)
    this.#addTime(origin.time)
    this.#addStatus(origin.status)
    if (this.#values >= mostValues) return
    this.#values++
    const shape = shapeOf(value)
    this.shapes.set(shape, (this.shapes.get(shape) ?? 0) + 1)
  }

  #addClient(client: string | undefined): void {
    if (client === undefined || client === '') return
    const known = this.clients.get(client)
    if (known === undefined && this.clients.size >= mostClients) this.unknownClient++
    else this.clients.set(client, (known ?? 0) + 1)
  }

  #addTime(time: string | undefined): void {
    if (time === undefined) return
    const milliseconds = Date.parse(time)
    if (Number.isNaN(milliseconds)) return
    const text = new Date(milliseconds).toISOString()
    if (this.days.size < mostDays) this.days.add(text.slice(0, 10))
    if (this.hours.size < mostHours) this.hours.add(text.slice(0, 13))
  }

  #addStatus(status: number | undefined): void {
    if (status === undefined) return
    if (status === 403 || status === 406) this.undecided++
    else if (status >= 200 && status < 400) this.accepted++
    else if (status >= 400) this.refused++
  }
}

/** A piece of evidence: what it adds to the sum, and what it says. */
interface Finding {
  readonly weight: number
  readonly reason: string
}

const scanningShare = 0.5
/** What is left of the chances of a group that scanning clients dominate. */
const greatestOfScanners = 0.05
const likely = 0.7
const unlikely = 0.3

/** `of`: requests of the whole corpus with the group's method and path, hit or not. */
export function likelihoodOf(evidence: GroupEvidence, clients: ClientConduct, of: number): Likelihood {
  const conduct = conductOf(evidence, clients)
  const findings = [
    ...conductFindings(conduct),
    ...clientFindings(evidence, conduct),
    ...timeFindings(evidence),
    ...shareFindings(evidence, of),
    ...statusFindings(evidence),
    ...shapeFindings(evidence),
  ]
  const sum = findings.reduce((all, { weight }) => all + weight, 0)
  const chance = 1 / (1 + Math.exp(-sum))
  const isScanned = conduct.known > 0 && conduct.scanning >= scanningShare * conduct.known
  const likelihood = Math.round(100 * (isScanned ? Math.min(greatestOfScanners, chance) : chance)) / 100
  const verdict = likelihood >= likely ? 'likely-false-positive' : likelihood <= unlikely ? 'attack-like' : 'unsure'
  const reasons = findings.map(({ reason }) => reason)
  if (evidence.clients.size === 0 && evidence.days.size === 0 && evidence.accepted + evidence.refused === 0)
    reasons.push('The capture has neither clients nor times nor answers, so that little can be said.')
  return { likelihood, verdict, reasons: isScanned ? ['Attack-like, do not exclude.', ...reasons] : reasons }
}

interface GroupConduct {
  /** Requests of clients of whom is known what else they did. */
  readonly known: number
  /** Of these, requests of clients that scan. */
  readonly scanning: number
  readonly scanners: number
  /** The scanner with the most requests in the group. */
  readonly worst: Conduct | null
  /** Requests behind a proxy, which says nothing of clients. */
  readonly proxied: number
}

function conductOf({ clients }: GroupEvidence, all: ClientConduct): GroupConduct {
  let [known, scanning, scanners, proxied, most] = [0, 0, 0, 0, 0]
  let worst: Conduct | null = null
  for (const [client, requests] of clients) {
    const conduct = all.of(client)
    if (conduct === null) continue
    if (conduct.isProxy) proxied += requests
    else known += requests
    if (!conduct.scans) continue
    scanners++
    scanning += requests
    if (requests <= most) continue
    most = requests
    worst = conduct
  }
  return { known, scanning, scanners, worst, proxied }
}

function conductFindings({ known, scanning, scanners, worst }: GroupConduct): Finding[] {
  if (known === 0) return []
  if (worst === null) return [{ weight: 0.3, reason: 'None of the clients scans elsewhere.' }]
  const told = worst.attacks > 0 ? `, ${count(worst.attacks, 'labelled attack')}` : ''
  const scanner = worst.scannerRequests > 0 ? `, ${count(worst.scannerRequests, 'request')} of a known scanner` : ''
  const conduct = `${upTo(worst.rules)} rules on ${upTo(worst.pages)} pages in ${count(worst.requests, 'request')}${scanner}${told}`
  const reason = `${scanning} of ${count(known, 'request')} came from ${count(scanners, 'client')} scanning elsewhere; the busiest of them tripped ${conduct}.`
  return [{ weight: scanning >= 0.1 * known ? -1.5 : 0, reason }]
}

function clientFindings({ clients, requests, unknownClient }: GroupEvidence, { proxied }: GroupConduct): Finding[] {
  if (clients.size === 0) return []
  if (proxied > 0.5 * requests)
    return [{ weight: 0, reason: 'Most of the corpus comes from one address, a proxy: clients cannot be told apart.' }]
  const most = Math.max(...clients.values())
  const number = `${unknownClient > 0 ? 'more than ' : ''}${count(clients.size, 'client')}`
  if (requests >= 5 && most >= 0.9 * requests)
    return [{ weight: -0.6, reason: `One client sent ${most} of ${requests} requests.` }]
  const weight = clients.size >= 10 ? 1.5 : clients.size >= 3 ? 0.8 : 0
  return [{ weight, reason: `The ${count(requests, 'request')} came from ${number}.` }]
}

function timeFindings({ days, hours, requests }: GroupEvidence): Finding[] {
  if (days.size === 0) return []
  if (days.size >= 3) {
    const number = days.size >= mostDays ? `${mostDays} days or more` : `${days.size} days`
    return [
      {
        weight: 0.6,
        reason: `They were seen on ${number}, in ${hours.size >= mostHours ? 'more than ' : ''}${count(hours.size, 'hour')}.`,
      },
    ]
  }
  if (hours.size === 1 && requests >= 5) return [{ weight: -0.6, reason: `All ${requests} were seen within one hour.` }]
  return [{ weight: 0, reason: `They were seen on ${count(days.size, 'day')}, in ${count(hours.size, 'hour')}.` }]
}

function shareFindings({ requests }: GroupEvidence, of: number): Finding[] {
  if (of < 10) return []
  const share = requests / of
  const weight = share >= 0.5 ? 1.2 : share >= 0.1 ? 0.6 : share < 0.01 ? -0.6 : 0
  const percent = share >= 0.01 ? `${Math.round(100 * share)} %` : 'under 1 %'
  return [{ weight, reason: `${requests} of ${of} requests to the path trip the rule there (${percent}).` }]
}

function statusFindings({ accepted, refused, undecided }: GroupEvidence): Finding[] {
  const answered = accepted + refused
  if (answered === 0)
    return undecided === 0
      ? []
      : [{ weight: 0, reason: `All answers are 403 or 406 (${undecided}), which may be a firewall's.` }]
  const reason = `${accepted} of ${count(answered, 'answer')} ${answered === 1 ? 'was' : 'were'} 2xx or 3xx, ${refused} 4xx or 5xx.`
  return [{ weight: accepted >= 0.8 * answered ? 1 : refused >= 0.8 * answered ? -1 : 0, reason }]
}

const shapeWeights: Readonly<Record<ValueShape, number>> = {
  empty: 0,
  number: 0.4,
  token: 0.4,
  word: 0.4,
  url: 0,
  json: 0.4,
  html: 0.4,
  code: 0,
  prose: 0.8,
  sql: -1,
  script: -1,
  command: -1,
  other: 0,
}

function shapeFindings({ shapes }: GroupEvidence): Finding[] {
  const sum = [...shapes.values()].reduce((all, one) => all + one, 0)
  const [first] = [...shapes].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  if (first === undefined) return []
  const [shape, number] = first
  const reason = `${number} of ${count(sum, 'value')} ${number === 1 ? 'looks' : 'look'} like ${shapeTitles[shape]}.`
  return [{ weight: number > 0.5 * sum ? shapeWeights[shape] : 0, reason }]
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

/** What is counted up to 16. */
function upTo(number: number): string {
  return number >= 16 ? '16 or more' : String(number)
}
