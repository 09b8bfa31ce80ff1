/**
 * A ruleset as something that can be sent to a worker: its parts and the text of every file they need.
 *
 * The main thread reads the files once; workers compile from this and never touch the disk.
 */
import { createHash } from 'node:crypto'
import type { EngineMode } from '../model/definitions.js'
import { type PlatformName, platformWith, type ServerName } from '../model/platform.js'
import type { Ruleset, SourcePart } from '../model/ruleset.js'
import { packFacts } from '../patterns/index.js'
import { createBundleReader, createDiskReader, type SourceBundle } from '../seclang/source.js'
import { compileParts } from './compile.js'

export interface RulesetSource {
  readonly parts: readonly SourcePart[]
  readonly bundle: SourceBundle
  readonly platform: PlatformName
  readonly engineMode: EngineMode | null
  /** Null: the platform's own. */
  readonly server: ServerName | null
  /** Whether what exclusions by directive take away is kept; see `CompileOptions.keepExclusions`. */
  readonly keepExclusions: boolean
}

export interface RulesetInput {
  /** In load order. */
  readonly parts: readonly SourcePart[]
  readonly platform?: PlatformName
  /** Wins over SecRuleEngine of the files. */
  readonly engineMode?: EngineMode
  /** Web server in front of the engine, in place of the platform's own. */
  readonly server?: ServerName
  /** For replays that lift exclusions; see `CompileOptions.keepExclusions`. */
  readonly keepExclusions?: boolean
}

export interface LoadedRuleset {
  readonly ruleset: Ruleset
  readonly source: RulesetSource
  /** sha256 over everything the ruleset is made from: texts, platform, engine mode. */
  readonly digest: string
}

/**
 * Reads and compiles a ruleset. Throws RulesetError with every diagnostic where it cannot be used, UsageError
 * where a file of `parts` cannot be read.
 */
export function loadRuleset(input: RulesetInput): LoadedRuleset {
  const platform = input.platform ?? 'modsec3'
  const reader = createDiskReader()
  const ruleset = compileParts(input.parts, reader, {
    platform: platformWith(platform, input.server ?? null),
    ...(input.engineMode === undefined ? {} : { engineMode: input.engineMode }),
    keepExclusions: input.keepExclusions ?? false,
  })
  const source: RulesetSource = {
    parts: input.parts,
    bundle: reader.bundle(),
    platform,
    engineMode: input.engineMode ?? null,
    server: input.server ?? null,
    keepExclusions: input.keepExclusions ?? false,
  }
  return { ruleset, source, digest: digestOf(source) }
}

/**
 * What matching asks of the ruleset's patterns, for threads that compile the same ruleset and for later runs: see
 * `learnFacts`.
 */
export function patternFacts({ ruleset }: LoadedRuleset): string {
  askPatterns(ruleset)
  return packFacts()
}

/** Has everything found out that matching will ask. */
export function askPatterns({ rules }: Ruleset): void {
  for (const { links } of rules) void links[0]?.operator?.traits?.requires
}

/** Compiles what `loadRuleset` has read; used by workers. */
export function compileSource(source: RulesetSource): Ruleset {
  return compileParts(source.parts, createBundleReader(source.bundle), {
    platform: platformWith(source.platform, source.server),
    ...(source.engineMode === null ? {} : { engineMode: source.engineMode }),
    keepExclusions: source.keepExclusions,
  })
}

function digestOf(source: RulesetSource): string {
  const hash = createHash('sha256')
  const add = (text: string): void => {
    hash.update(`${text.length}:`)
    hash.update(text, 'latin1')
  }
  add(source.platform)
  add(source.engineMode ?? '')
  add(source.server ?? '')
  for (const part of source.parts)
    if (part.kind === 'text') add(part.text)
    else add(source.bundle.files[part.path] ?? '')
  const partPaths = new Set(source.parts.flatMap((part) => (part.kind === 'file' ? [part.path] : [])))
  for (const path of Object.keys(source.bundle.files).sort())
    if (!partPaths.has(path)) add(source.bundle.files[path] ?? '')
  return hash.digest('hex')
}
