/**
 * Loads the ruleset that the options ask for and says on standard error what is worth knowing about it.
 */
import { realpathSync } from 'node:fs'
import {
  type EngineMode,
  formatDiagnostic,
  type LoadedRuleset,
  loadRuleset,
  type SourcePart,
  UsageError,
} from '../engine/index.js'
import { type PlacedText, resolveRuleset } from '../rulesets/index.js'
import { type RulesetOptions, rulesetRequest } from './options.js'
import { learnPatterns } from './pattern-cache.js'

export interface Loaded {
  readonly loaded: LoadedRuleset
  /** How the caller named the ruleset. */
  readonly name: string
}

export interface LoadOptions {
  /** No messages. */
  readonly quiet: boolean
  /** Apply the settings that the CRS regression tests ask for. */
  readonly crsTestSettings?: boolean
  /** Keep what exclusions take away, for replays that lift them. */
  readonly keepExclusions?: boolean
  /** Texts loaded with the ruleset, each at its place. */
  readonly texts?: readonly PlacedText[]
}

/** Warnings shown before "and n more". */
const shownWarnings = 5

/** Throws RulesetError or UsageError where the ruleset cannot be used or holds no rule. */
export function loadFromOptions(options: RulesetOptions, how: LoadOptions): Loaded {
  const { crsTestSettings = false, texts = [] } = how
  const plan = resolveRuleset({ ...rulesetRequest(options), crsTestSettings, texts })
  const engineMode: EngineMode | undefined =
    options.engineMode ?? (crsTestSettings ? 'detection-only' : plan.engineMode)
  learnPatterns()
  const loaded = loadRuleset({
    parts: withReplaced(plan.parts, options.replaced),
    platform: options.platform,
    ...(engineMode === undefined ? {} : { engineMode }),
    ...(options.server === undefined ? {} : { server: options.server }),
    ...(how.keepExclusions === undefined ? {} : { keepExclusions: how.keepExclusions }),
  })
  refuseIncluded(loaded, options.replaced)
  const { ruleset } = loaded
  if (ruleset.rules.length === 0) throw new UsageError(`${options.rules.join(', ')}: no rule at all in this ruleset`)
  if (!how.quiet) {
    for (const warning of plan.warnings) process.stderr.write(`wafsim: ${warning}\n`)
    const { warnings } = ruleset
    for (const warning of warnings.slice(0, shownWarnings)) process.stderr.write(`${formatDiagnostic(warning)}\n`)
    if (warnings.length > shownWarnings)
      process.stderr.write(`… and ${warnings.length - shownWarnings} more warnings; \`wafsim rules check\` lists all\n`)
  }
  return { loaded, name: plan.name }
}

function withReplaced(
  parts: readonly SourcePart[],
  replaced: ReadonlyMap<string, string> | undefined,
): readonly SourcePart[] {
  if (replaced === undefined || replaced.size === 0) return parts
  return parts.map((part) => {
    const text = part.kind === 'file' ? replaced.get(realPath(part.path)) : undefined
    return part.kind === 'file' && text !== undefined ? { kind: 'text', name: part.path, text } : part
  })
}

/** What a rule file includes cannot be replaced. */
function refuseIncluded({ source }: LoadedRuleset, replaced: ReadonlyMap<string, string> | undefined): void {
  if (replaced === undefined || replaced.size === 0) return
  const included = Object.keys(source.bundle.files).find((path) => replaced.has(realPath(path)))
  if (included !== undefined)
    throw new UsageError(
      `${included}: the exclusions in this file are to be written anew, but a rule file includes it; leave that Include out for this run`,
    )
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
