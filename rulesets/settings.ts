/**
 * Settings of the command line as SecLang text: paranoia levels, thresholds, sampling, `--set`, and what the
 * CRS test suite asks for.
 *
 * The names are those the ruleset's own rules read, so CRS 3 and CRS 4 each get theirs; a setting that no rule
 * reads is an error, never without effect in silence. Rules of the text have ids 7000900-7000999.
 */
import { UsageError } from '../engine/errors.js'
import type { ByteString } from '../engine/model/exchange.js'
import { type PlatformName, platforms } from '../engine/model/platform.js'

export interface SettingsRequest {
  /** Blocking paranoia level 1-4; the detection level follows. */
  readonly paranoia?: number
  /** Raises the detection level above the blocking one. */
  readonly detectionParanoia?: number
  readonly threshold?: number
  readonly outboundThreshold?: number
  /** `tx.NAME=VALUE`, in order; they win over the others. */
  readonly set?: readonly string[]
  /** A seed: CRS sampling acts. Absent: it is held at 100 %. */
  readonly sampling?: string
  /** Adds what the regression tests of CRS expect. */
  readonly crsTestSettings?: boolean
  readonly platform: PlatformName
}

export interface Setting {
  /** TX key in lower case. */
  readonly name: string
  readonly value: ByteString
  /** The option it comes from. */
  readonly from: string
}

export interface SettingsText {
  /** Null where there is nothing to set. */
  readonly text: ByteString | null
  readonly settings: readonly Setting[]
  readonly warnings: readonly string[]
}

/** First id of the rules in the settings text, and how many there are at most. */
const firstId = 7000900
const mostSettings = 100

/** Names of each setting, newest release first. */
const names = {
  paranoia: ['blocking_paranoia_level', 'paranoia_level'],
  detection: ['detection_paranoia_level', 'executing_paranoia_level'],
  threshold: ['inbound_anomaly_score_threshold'],
  outbound: ['outbound_anomaly_score_threshold'],
  sampling: ['sampling_percentage'],
} as const

/** What the CRS regression tests expect besides the paranoia levels, as far as a release knows it. */
const testSettings: Readonly<Record<string, string>> = {
  crs_validate_utf8_encoding: '1',
  arg_name_length: '100',
  arg_length: '400',
  total_arg_length: '64000',
  max_num_args: '255',
  max_file_size: '64100',
  combined_file_sizes: '65535',
}

const testDirectives = [
  'SecRuleEngine DetectionOnly',
  'SecResponseBodyAccess On',
  'SecResponseBodyMimeType text/plain text/html text/xml application/json',
]

/** Where rules log in phase 2 only, the tests' log needs a SecDefaultAction for the other phases without one. */
function testDirectivesOf(platform: PlatformName): readonly string[] {
  if (platforms[platform].logsByDefault === 'every-phase') return testDirectives
  return [...testDirectives, ...[3, 4, 5].map((phase) => `SecDefaultAction "phase:${phase},log,auditlog,pass"`)]
}

/** The TX keys that rules read (not those they only write), in lower case. Comments do not count. */
export function txKeysRead(text: ByteString): Set<string> {
  const keys = new Set<string>()
  for (const line of text.split('\n')) {
    if (/^\s*#/.test(line)) continue
    for (const match of line.matchAll(/\bTX:([\w.-]+)|%\{tx\.([^}]+)\}/gi))
      keys.add((match[1] ?? match[2] ?? '').toLowerCase())
  }
  return keys
}

/** The text for a ruleset whose rules read `keys`. Throws UsageError for what the ruleset does not know. */
export function settingsText(request: SettingsRequest, keys: ReadonlySet<string>): SettingsText {
  const settings = [...testValues(request, keys), ...levels(request, keys), ...thresholds(request, keys)]
  const sampling = names.sampling.find((name) => keys.has(name))
  if (sampling !== undefined && request.sampling === undefined)
    settings.push({ name: sampling, value: '100', from: 'sampling held at 100 %' })
  const warnings: string[] = []
  for (const written of request.set ?? []) {
    const setting = parseSetting(written)
    if (!keys.has(setting.name)) warnings.push(`--set ${written}: no rule of the ruleset names tx.${setting.name}`)
    settings.push(setting)
  }
  if (settings.length > mostSettings) throw new UsageError(`--set: at most ${mostSettings} settings in all`)
  const directives = request.crsTestSettings === true ? testDirectivesOf(request.platform) : []
  if (settings.length === 0 && directives.length === 0) return { text: null, settings, warnings }
  const lines = settings.map(
    ({ name, value }, index) =>
      `SecAction "id:${firstId + index},phase:1,pass,nolog,t:none,setvar:'tx.${name}=${quoted(value)}'"`,
  )
  return { text: `${[...directives, ...lines].join('\n')}\n`, settings, warnings }
}

function testValues(request: SettingsRequest, keys: ReadonlySet<string>): Setting[] {
  if (request.crsTestSettings !== true) return []
  const levels = [...names.paranoia, ...names.detection].map((name) => [name, '4'] as const)
  return [...levels, ...Object.entries(testSettings)]
    .filter(([name]) => keys.has(name))
    .map(([name, value]) => ({ name, value, from: 'CRS test settings' }))
}

function levels(request: SettingsRequest, keys: ReadonlySet<string>): Setting[] {
  const { paranoia, detectionParanoia } = request
  checkLevel('--paranoia', paranoia)
  checkLevel('--detection-paranoia', detectionParanoia)
  if (paranoia !== undefined && detectionParanoia !== undefined && detectionParanoia < paranoia)
    throw new UsageError(
      `--detection-paranoia ${detectionParanoia} is below --paranoia ${paranoia}: rules of the blocking level always run; give ${paranoia} or more`,
    )
  const settings: Setting[] = []
  if (paranoia !== undefined) {
    settings.push({ name: known('--paranoia', names.paranoia, keys), value: String(paranoia), from: '--paranoia' })
    const detection = names.detection.find((name) => keys.has(name))
    if (detection !== undefined && detectionParanoia === undefined)
      settings.push({ name: detection, value: String(paranoia), from: '--paranoia' })
  }
  if (detectionParanoia !== undefined) {
    const name = known('--detection-paranoia', names.detection, keys)
    settings.push({ name, value: String(detectionParanoia), from: '--detection-paranoia' })
  }
  return settings
}

function checkLevel(option: string, level: number | undefined): void {
  if (level !== undefined && ![1, 2, 3, 4].includes(level))
    throw new UsageError(`${option} takes a level from 1 to 4, not ${level}`)
}

function thresholds(request: SettingsRequest, keys: ReadonlySet<string>): Setting[] {
  const wanted = [
    ['--threshold', request.threshold, names.threshold],
    ['--outbound-threshold', request.outboundThreshold, names.outbound],
  ] as const
  return wanted.flatMap(([option, value, candidates]) => {
    if (value === undefined) return []
    if (!Number.isInteger(value) || value < 1)
      throw new UsageError(`${option} takes a whole number of at least 1, not ${value}`)
    return [{ name: known(option, candidates, keys), value: String(value), from: option }]
  })
}

function known(option: string, candidates: readonly string[], keys: ReadonlySet<string>): string {
  const found = candidates.find((name) => keys.has(name))
  if (found !== undefined) return found
  throw new UsageError(
    `${option}: this ruleset has no such setting (no rule reads ${candidates.map((name) => `tx.${name}`).join(' or ')}); leave the option out, or load CRS with --rules crs`,
  )
}

function parseSetting(written: string): Setting {
  const match = /^tx\.([\w.-]+)=([\s\S]*)$/i.exec(written)
  if (match === null)
    throw new UsageError(`--set ${written}: write it as tx.NAME=VALUE, e.g. tx.allowed_methods=GET POST`)
  const value = Buffer.from(match[2] ?? '', 'utf8').toString('latin1')
  if (/[\x00-\x1f\x7f]/.test(value))
    throw new UsageError(`--set tx.${match[1]}: the value holds a control character; leave it out`)
  if (/\\(?:[\\'"]|$)/.test(value))
    throw new UsageError(
      `--set tx.${match[1]}: engines read a backslash before a quote, a backslash or the end differently; put this into a file for --setup`,
    )
  return { name: (match[1] ?? '').toLowerCase(), value, from: '--set' }
}

function quoted(value: ByteString): ByteString {
  return value.replace(/["']/g, '\\$&')
}
