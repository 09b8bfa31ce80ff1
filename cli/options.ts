/**
 * Options that several commands share, and how their texts are read.
 *
 * A value that cannot be used is a UsageError that says what would be right.
 */
import { availableParallelism } from 'node:os'
import { type Command, Option } from 'commander'
import type { CorpusRequest } from '../corpora/index.js'
import {
  type EngineMode,
  nearestName,
  type PlatformName,
  platforms,
  type ServerName,
  type Shortcuts,
  serverNames,
  UsageError,
} from '../engine/index.js'
import type { RulesetRequest } from '../rulesets/index.js'

export interface RulesetOptions {
  readonly rules: readonly string[]
  readonly engineConf?: string
  readonly setup: readonly string[]
  readonly before: readonly string[]
  readonly after: readonly string[]
  readonly paranoia?: number
  readonly detectionParanoia?: number
  readonly threshold?: number
  readonly outboundThreshold?: number
  readonly set: readonly string[]
  readonly sampling?: string
  readonly rbl?: string
  readonly engineMode?: EngineMode
  readonly platform: PlatformName
  readonly server?: ServerName
  /** Texts in place of files, by their real paths. */
  readonly replaced?: ReadonlyMap<string, string>
}

export interface CorpusOptions {
  readonly corpus: readonly string[]
  readonly corpusFormat?: string
  readonly assumeBenign?: boolean
  readonly label: readonly string[]
  readonly filter: readonly string[]
}

/** Each is false where its `--no-…` was given. */
export interface ShortcutOptions {
  readonly prefilter?: boolean
  readonly memo?: boolean
  readonly sharedTransformations?: boolean
  readonly stretches?: boolean
}

export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value]
}

export function wholeNumber(name: string, least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new UsageError(
        `${name} takes a whole number ${most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`}, not "${text}"`,
      )
    return value
  }
}

export function oneOf<T extends string>(name: string, known: readonly T[]): (text: string) => T {
  return (text) => {
    const found = known.find((each) => each === text)
    if (found === undefined) {
      const hint = nearestName(text, known)
      throw new UsageError(
        `${name} is one of ${known.join(', ')}, not "${text}"${hint === undefined ? '' : `; ${hint}`}`,
      )
    }
    return found
  }
}

/** Workers where none are asked for: one a core, at most 8. */
export function defaultWorkers(): number {
  return Math.min(8, Math.max(1, availableParallelism()))
}

export function addRulesetOptions(command: Command): Command {
  return command
    .option(
      '--rules <preset|file|dir|glob>',
      'ruleset; repeatable, loaded in order (presets: starter, crs, crs@VERSION)',
      collect,
      [],
    )
    .option('--engine-conf <file>', 'engine configuration in place of the recommended one of the platform')
    .option('--setup <file>', 'file loaded after crs-setup (repeatable)', collect, [])
    .option('--before <file>', "file loaded before the ruleset's rules (repeatable)", collect, [])
    .option('--after <file>', "file loaded after the ruleset's rules (repeatable)", collect, [])
    .option('--paranoia <1-4>', 'paranoia level, blocking and detection', wholeNumber('--paranoia', 1, 4))
    .option('--detection-paranoia <1-4>', 'detection paranoia level', wholeNumber('--detection-paranoia', 1, 4))
    .option('--threshold <n>', 'inbound anomaly score threshold', wholeNumber('--threshold', 1))
    .option('--outbound-threshold <n>', 'outbound anomaly score threshold', wholeNumber('--outbound-threshold', 1))
    .option('--set <tx.NAME=VALUE>', 'sets a TX variable before the rules (repeatable)', collect, [])
    .option('--rbl <file>', 'listings for @rbl, one a line: zone address [answer]')
    .option('--sampling <seed>', 'lets CRS sampling act; the seed draws')
    .option(
      '--engine-mode <on|detection-only>',
      'engine mode',
      oneOf('--engine-mode', ['on', 'detection-only'] as const),
    )
    .option(
      '--platform <name>',
      'engine whose behaviour to follow: modsec2, modsec3 or coraza',
      oneOf('--platform', Object.keys(platforms) as PlatformName[]),
      'modsec3' as PlatformName,
    )
    .option(
      '--server <name>',
      `web server in front, whose refusals come before the rules: ${serverNames.join(' or ')} (the platform's own)`,
      oneOf('--server', serverNames),
    )
}

export function addCorpusOptions(command: Command): Command {
  return command
    .option('--corpus <file|dir|glob|->', 'recorded requests (repeatable; - is standard input)', collect, [])
    .option('--corpus-format <name>', 'format of the corpus where its name and content do not tell')
    .option('--assume-benign', 'take unlabelled records for benign')
    .option('--label <rule>', "label records, e.g. 'path=/api/* status=2xx benign' (repeatable)", collect, [])
    .option(
      '--filter <conditions>',
      "only records that meet them, e.g. 'path=/api/* label=benign' (repeatable)",
      collect,
      [],
    )
}

/**
 * Options that switch off what makes verdicts fast and never changes them. `--help` leaves them out, `--help-all` has
 * them.
 */
export function addShortcutOptions(command: Command): Command {
  const hidden = (flags: string, description: string): Option => new Option(flags, description).hideHelp()
  return command
    .addOption(hidden('--no-prefilter', 'evaluate every rule, also those that cannot match'))
    .addOption(hidden('--no-memo', 'keep no answers from one record to the next'))
    .addOption(hidden('--no-shared-transformations', 'compute each list of transformations by itself'))
    .addOption(hidden('--no-stretches', 'evaluate rules that look at TX alone anew for each record'))
    .option('--help-all', 'this help, with the options that switch off shortcuts and change no verdict')
    .on('option:help-all', () => {
      command.configureHelp({
        ...command.configureHelp(),
        visibleOptions: ({ options }) => [...options],
      })
      command.help()
    })
}

export function shortcutsFrom({ prefilter, memo, sharedTransformations, stretches }: ShortcutOptions): Shortcuts {
  return {
    prefilter: prefilter !== false,
    memo: memo !== false,
    sharedTransformations: sharedTransformations !== false,
    stretches: stretches !== false,
  }
}

export function addProfileOption(command: Command): Command {
  return command.option(
    '--profile <file>',
    'writes where the time and the memory of all threads go, in the format of pprof',
  )
}

/** Options of commands that replay: threads, the time of a record, how much is said. */
export interface ReplayOptions {
  /** Absent: as many as are worth while. */
  readonly workers?: number
  /** Milliseconds; 0: any time. */
  readonly recordTimeout: number
  readonly quiet?: boolean
  readonly color: boolean
}

/** `workers`: what the default is, in words. */
export function addReplayOptions(command: Command, workers: string): Command {
  return command
    .option(
      '--workers <n>',
      `threads that evaluate; 0: the main thread alone (default: ${workers})`,
      wholeNumber('--workers', 0, 256),
    )
    .option(
      '--record-timeout <ms>',
      'a record that takes longer is in error; 0: none is',
      wholeNumber('--record-timeout', 0, 86_400_000),
      30_000,
    )
    .option('--quiet', 'no progress and no messages')
    .option('--no-color', 'no colours')
}

/** The corpus that the options name. */
export function corpusRequest(options: CorpusOptions): CorpusRequest {
  return {
    specs: options.corpus,
    ...(options.corpusFormat === undefined ? {} : { format: options.corpusFormat }),
    assumeBenign: options.assumeBenign ?? false,
    labels: options.label,
    filters: options.filter,
  }
}

/** The options as the rulesets want them. */
export function rulesetRequest(options: RulesetOptions): RulesetRequest {
  if (options.rules.length === 0)
    throw new UsageError(
      'no ruleset: give --rules with a preset (starter, crs, crs@VERSION), a file, a directory or a pattern',
    )
  return {
    rules: options.rules,
    platform: options.platform,
    setup: options.setup,
    before: options.before,
    after: options.after,
    set: options.set,
    ...(options.engineConf === undefined ? {} : { engineConf: options.engineConf }),
    ...(options.paranoia === undefined ? {} : { paranoia: options.paranoia }),
    ...(options.detectionParanoia === undefined ? {} : { detectionParanoia: options.detectionParanoia }),
    ...(options.threshold === undefined ? {} : { threshold: options.threshold }),
    ...(options.outboundThreshold === undefined ? {} : { outboundThreshold: options.outboundThreshold }),
    ...(options.sampling === undefined ? {} : { sampling: options.sampling }),
    ...(options.rbl === undefined ? {} : { rbl: options.rbl }),
  }
}
