/**
 * Reads alerts out of logs that hold no requests to replay: error logs of Apache and nginx, audit logs without bodies
 * (native and JSON), log lines of Coraza. A file may mix them; each line is recognised by itself.
 */
import type { ByteString } from '../../engine/model/exchange.js'
import { chunksOf, expandFiles } from '../files.js'
import { type Alert, alertOf, type RequestOfAlert } from './alert.js'
import { readAlertJson } from './json.js'
import { readAlertText, type TextReading } from './text.js'

export type { Alert } from './alert.js'

export interface AlertCounts {
  /** Lines read. */
  lines: number
  alerts: number
  /** Lines that hold no alert. */
  others: number
  /** Rules that could not be run (a pattern's match limit): no match, no alert. */
  unmatched: number
  /** Alerts without a rule id, lines cut before it, JSON that does not end. */
  unreadable: number
  /** Of these the first places, at most 20. */
  readonly unreadableAt: { readonly file: string; readonly line: number }[]
  /** Alerts that do not say what matched: an exclusion of a target cannot be written for them. */
  withoutTarget: number
  truncated: number
}

/** LIMIT: a longer line is unreadable; audit logs in JSON hold a whole transaction a line. */
const longestLineBytes = 16 * 1024 * 1024
const keptPlaces = 20

const nothing: RequestOfAlert = { method: null, path: null, host: null, uniqueId: null }

/** Endings of logs in a directory. */
const extensions = ['.log', '.json', '.ndjson', '.txt']

/** Reads the logs in order. Throws UsageError for what does not exist, CaptureError for what cannot be read. */
export async function readAlerts(specs: readonly string[], onAlert: (alert: Alert) => void): Promise<AlertCounts> {
  const counts = emptyCounts()
  for (const { path } of expandFiles(specs, '--alerts', extensions)) {
    const reader = new AlertReader(path === '-' ? 'standard input' : path, counts, onAlert)
    for await (const chunk of chunksOf(path, () => {})) reader.add(chunk.toString('latin1'))
    reader.finish()
  }
  return counts
}

export function emptyCounts(): AlertCounts {
  return {
    lines: 0,
    alerts: 0,
    others: 0,
    unmatched: 0,
    unreadable: 0,
    unreadableAt: [],
    withoutTarget: 0,
    truncated: 0,
  }
}

/** Reads one file, given in pieces of any size. */
export class AlertReader {
  readonly #file: string
  readonly #counts: AlertCounts
  readonly #onAlert: (alert: Alert) => void
  #rest = ''
  #line = 0
  #tooLong = false
  /** Of a native audit log: the entry's boundary, its part and what is known of its request. */
  #boundary = ''
  #part = ''
  #request: RequestOfAlert = nothing

  constructor(file: string, counts: AlertCounts, onAlert: (alert: Alert) => void) {
    this.#file = file
    this.#counts = counts
    this.#onAlert = onAlert
  }

  add(bytes: ByteString): void {
    const lines = bytes.split('\n')
    const last = lines.pop() ?? ''
    for (const line of lines) {
      this.#take(this.#rest + line)
      this.#rest = ''
    }
    this.#rest += last
    if (this.#rest.length > longestLineBytes) {
      this.#tooLong = true
      this.#rest = ''
    }
  }

  finish(): void {
    if (this.#rest !== '' || this.#tooLong) this.#take(this.#rest)
    this.#rest = ''
  }

  #take(text: ByteString): void {
    this.#line++
    this.#counts.lines++
    if (this.#tooLong) {
      this.#tooLong = false
      this.#unreadable()
      return
    }
    const line = text.endsWith('\r') ? text.slice(0, -1) : text
    const mark = /^--(\S{1,40})-([A-Z])--$/.exec(line)
    if (mark !== null && (mark[2] === 'A' || mark[1] === this.#boundary)) this.#beginPart(mark[1] ?? '', mark[2] ?? '')
    else if (this.#part !== '' && this.#part !== 'Z') this.#takeAudited(line)
    else if (line.startsWith('{')) this.#takeJson(line)
    else this.#takeLogged(line)
  }

  #beginPart(boundary: string, part: string): void {
    if (part === 'A') this.#request = nothing
    this.#boundary = part === 'Z' ? '' : boundary
    this.#part = part
    this.#counts.others++
  }

  /** A line inside of an entry of a native audit log. */
  #takeAudited(line: ByteString): void {
    if (this.#part === 'H') {
      const said = /^(Message: |ModSecurity: |(?:\[client "[^"]*"\] )?Coraza: )(.*)$/s.exec(line)
      if (said !== null) {
        // Coraza escapes the escapes of its error log once more here.
        this.#report(
          readAlertText(said[2] ?? '', said[1] !== 'ModSecurity: ' && said[1] !== 'Message: ', true),
          this.#request,
        )
        return
      }
    }
    this.#counts.others++
    if (this.#part === 'A') {
      const id = /^\[[^\]]*\] (\S+) /.exec(line)?.[1]
      if (id !== undefined) this.#request = { ...this.#request, uniqueId: id }
    } else if (this.#part === 'B') this.#takeHead(line)
  }

  #takeHead(line: ByteString): void {
    const host = /^host:[ \t]*(.*?)[ \t]*$/i.exec(line)?.[1]
    if (host !== undefined) this.#request = { ...this.#request, host: this.#request.host ?? host }
    if (this.#request.method !== null) return
    const start = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+)/.exec(line)
    if (start === null) return
    const [, method = '', target = ''] = start
    this.#request = { ...this.#request, method, path: pathIn(target) }
  }

  #takeJson(line: ByteString): void {
    try {
      const read = readAlertJson(line)
      if (read === null) this.#counts.others++
      else for (const reading of read.readings) this.#report(reading, read.request)
    } catch {
      this.#unreadable()
    }
  }

  #takeLogged(line: ByteString): void {
    const nginx = / \d+#\d+: /.test(line.slice(0, 80))
    // nginx says behind the alert which request it was; a client cannot write there, but in the request line.
    const request = /, request: "(\S+) (\S+)(?: [^"]*)?"(?:, upstream: "[^"]*")?(?:, host: "([^"]*)")?/s.exec(line)
    const known =
      nginx && request !== null
        ? { ...nothing, method: request[1] ?? null, path: pathIn(request[2] ?? ''), host: request[3] ?? null }
        : nothing
    const isApache = !nginx && /^\[[^\]]*\] \[\S*:?(?:error|warn|notice)\]/.test(line)
    const reading = readAlertText(line, isApache)
    this.#report(reading, known, nginx && request === null)
  }

  #report(reading: TextReading, request: RequestOfAlert, isCut = false): void {
    const counts = this.#counts
    if (reading.kind !== 'alert') {
      if (reading.kind === 'none') counts.others++
      else if (reading.kind === 'unmatched') counts.unmatched++
      else this.#unreadable()
      return
    }
    const text = isCut ? { ...reading.alert, truncated: true } : reading.alert
    const alert = alertOf(text, request, { file: this.#file, line: this.#line })
    counts.alerts++
    if (alert.target === null) counts.withoutTarget++
    if (alert.truncated) counts.truncated++
    this.#onAlert(alert)
  }

  #unreadable(): void {
    this.#counts.unreadable++
    if (this.#counts.unreadableAt.length < keptPlaces)
      this.#counts.unreadableAt.push({ file: this.#file, line: this.#line })
  }
}

function pathIn(target: ByteString): ByteString {
  const path = target.replace(/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*/, '')
  return path.split(/[?#]/, 1)[0] || '/'
}
