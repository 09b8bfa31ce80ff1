/**
 * From what `--rules` names to the parts of a ruleset in load order: presets, CRS trees, directories, patterns,
 * files, with the engine configuration, setups, settings and exclusions at their places.
 *
 * Reads files only to find out which settings the rules know. Nothing is parsed or compiled here.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { UsageError } from '../engine/errors.js'
import type { ByteString } from '../engine/model/exchange.js'
import type { PlatformName } from '../engine/model/platform.js'
import type { SourcePart } from '../engine/model/ruleset.js'
import { type CrsStoreOptions, findCrs } from './crs.js'
import { type CrsTree, detectCrsTree } from './crs-tree.js'
import { dataFolder } from './data-folder.js'
import { filesReached, splitAtInitialisation } from './includes.js'
import { globFiles } from './patterns.js'
import { type Setting, type SettingsRequest, settingsText, txKeysRead } from './settings.js'

export { type CrsInstallation, findCrs, type InstallRequest, installCrs, listCrs, verifyCrs } from './crs.js'
export { type CrsTree, detectCrsTree } from './crs-tree.js'
export type { Setting, SettingsRequest } from './settings.js'

export interface RulesetRequest extends SettingsRequest, CrsStoreOptions {
  /** Presets, files, directories, patterns; loaded in order. */
  readonly rules: readonly string[]
  readonly platform: PlatformName
  /** File in place of the platform's engine configuration. */
  readonly engineConf?: string
  readonly setup?: readonly string[]
  readonly before?: readonly string[]
  readonly after?: readonly string[]
  /** Texts loaded behind the files of the same place. */
  readonly texts?: readonly PlacedText[]
  /** File of blocklist listings for @rbl. */
  readonly rbl?: string
}

/** Configuration text and where it belongs: behind the setup, before the ruleset's rules, or after them. */
export interface PlacedText {
  readonly placement: 'setup' | 'before' | 'after'
  /** For diagnostics. */
  readonly name: string
  readonly text: ByteString
}

export interface RulesetPlan {
  /** What was loaded, for the first lines of a report. */
  readonly name: string
  readonly parts: readonly SourcePart[]
  /** The mode that presets and CRS trees run in unless the caller says otherwise; absent for plain files. */
  readonly engineMode?: 'on'
  readonly crs: CrsTree | null
  readonly settings: readonly Setting[]
  /** What the caller should be told. */
  readonly warnings: readonly string[]
}

/** What one word of `--rules` stands for. */
type Origin =
  | { readonly kind: 'crs'; readonly tree: CrsTree }
  | {
      readonly kind: 'preset'
      readonly name: string
      readonly setup: readonly string[]
      readonly files: readonly string[]
    }
  | { readonly kind: 'files'; readonly files: readonly string[] }

/** Names of the presets, beside `crs@VERSION`. */
const presetNames = ['crs', 'starter'] as const

/** A preset wins over a folder of the same name; `./crs` names the folder. */
const presetPattern = /^crs(?:@(.*))?$/

/** Throws UsageError for what does not exist, cannot be used or has no such setting. */
export function resolveRuleset(request: RulesetRequest): RulesetPlan {
  if (request.rules.length === 0)
    throw new UsageError(
      `no ruleset: give --rules with a preset (${presetNames.join(', ')}, crs@VERSION), a file, a directory or a pattern`,
    )
  const origins = request.rules.map((spec) => originOf(spec, request))
  const trees = origins.flatMap((origin) => (origin.kind === 'crs' ? [origin.tree] : []))
  if (trees.length > 1)
    throw new UsageError(
      `--rules: ${trees.map((tree) => tree.root).join(' and ')} are both CRS trees with the same rule ids; load one, and compare two with wafsim diff`,
    )
  const [crs = null] = trees
  const name = request.rules.map((spec, index) => originName(spec, origins[index] as Origin)).join(' + ')
  const given = {
    setup: filesGiven('--setup', request.setup),
    before: filesGiven('--before', request.before),
    after: filesGiven('--after', request.after),
  }
  const keys = keysOf(origins, [...given.setup, ...given.before, ...given.after])
  const placed = {
    setup: [...filesAsParts(given.setup), ...textsAt('setup', request.texts)],
    before: [...filesAsParts(given.before), ...textsAt('before', request.texts)],
    after: [...filesAsParts(given.after), ...textsAt('after', request.texts)],
  }
  const { text, settings, warnings } = settingsText(request, keys)
  const settingsPart: SourcePart[] = text === null ? [] : [{ kind: 'text', name: 'settings of the command line', text }]
  const isPlain = origins.every((origin) => origin.kind === 'files')
  const engine = [...blocklistPart(request.rbl), ...engineConfiguration(request, isPlain)]
  if (isPlain) {
    const files = origins.flatMap((origin) => (origin.kind === 'files' ? origin.files : []))
    const body = placeSettings(files, settingsPart)
    const parts = [...engine, ...placed.setup, ...placed.before, ...body, ...placed.after]
    return { name, parts, crs, settings, warnings }
  }
  const parts = [...engine, ...layTrees(origins, placed, settingsPart), ...placed.after]
  return { name, parts, engineMode: 'on', crs, settings, warnings }
}

/** The listings of `--rbl` as a directive, so that they take the way of all other data files. */
function blocklistPart(path: string | undefined): SourcePart[] {
  if (path === undefined) return []
  const [file = path] = filesGiven('--rbl', [path])
  const quoted = file.replace(/["\\]/g, '\\$&')
  return [{ kind: 'text', name: '--rbl', text: `WafsimRblFile "${Buffer.from(quoted).toString('latin1')}"\n` }]
}

/** Whether one of the words stands for a CRS tree. Throws as `resolveRuleset` does. */
export function isCrsTree(rules: readonly string[], options: CrsStoreOptions = {}): boolean {
  return rules.some((spec) => originOf(spec, options).kind === 'crs')
}

/** Folders of the regression tests that lie in the CRS trees among the words; none where a tree is without. */
export function crsTestsOf(rules: readonly string[], options: CrsStoreOptions = {}): string[] {
  return rules.flatMap((spec) => {
    const origin = originOf(spec, options)
    if (origin.kind !== 'crs') return []
    const folders = ['tests/regression/tests', 'tests'].map((folder) => join(origin.tree.root, folder))
    return folders.filter((folder) => existsSync(folder)).slice(0, 1)
  })
}

function originOf(spec: string, options: CrsStoreOptions): Origin {
  if (spec === 'starter') return starterPreset()
  const preset = presetPattern.exec(spec)
  if (preset !== null) return { kind: 'crs', tree: installedTree(preset[1], options) }
  if (!existsSync(spec)) return { kind: 'files', files: matchPattern(spec) }
  if (!statSync(spec).isDirectory()) return { kind: 'files', files: [resolve(spec)] }
  const tree = detectCrsTree(spec)
  if (tree !== null) return { kind: 'crs', tree }
  const files = configurationFiles(spec)
  if (files.length === 0)
    throw new UsageError(
      `--rules ${spec}: no *.conf file in this directory, and it is no CRS tree (crs-setup.conf[.example] beside rules/)`,
    )
  return { kind: 'files', files }
}

function installedTree(version: string | undefined, options: CrsStoreOptions): CrsTree {
  const { path } = findCrs(version, options)
  const tree = detectCrsTree(path)
  if (tree === null) throw new UsageError(`${path}: is no CRS tree; install the release again with wafsim crs install`)
  return tree
}

/** Files whose names speak of a setup come first, so that settings of the command line follow them. */
function starterPreset(): Origin {
  const folder = dataFolder('starter')
  const all = configurationFiles(folder)
  if (all.length === 0)
    throw new UsageError('the starter ruleset is missing in this installation of wafsim; install it again')
  const setup = all.filter((path) => /setup/i.test(basename(path)))
  return { kind: 'preset', name: 'starter', setup, files: all.filter((path) => !setup.includes(path)) }
}

function matchPattern(spec: string): string[] {
  const files = globFiles(spec)
  if (files.length > 0) return files
  const near = /^(?:starter|crs)/i.test(spec) ? `; presets are ${presetNames.join(', ')} and crs@VERSION` : ''
  throw new UsageError(`--rules ${spec}: no such file, directory or preset, and as a pattern it matches nothing${near}`)
}

function configurationFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.conf'))
    .sort()
    .map((name) => resolve(folder, name))
}

function filesGiven(option: string, paths: readonly string[] | undefined): string[] {
  return (paths ?? []).map((path) => {
    if (!existsSync(path)) throw new UsageError(`${option} ${path}: no such file; check the path`)
    if (statSync(path).isDirectory()) throw new UsageError(`${option} ${path}: is a directory; name a file`)
    return resolve(path)
  })
}

function engineConfiguration(request: RulesetRequest, isPlain: boolean): SourcePart[] {
  if (request.engineConf !== undefined) return filesAsParts(filesGiven('--engine-conf', [request.engineConf]))
  if (isPlain) return []
  return [{ kind: 'file', path: join(dataFolder('engine'), `${request.platform}.conf`) }]
}

interface GivenParts {
  readonly setup: readonly SourcePart[]
  readonly before: readonly SourcePart[]
}

/** Setups of all origins first, then the settings, then what runs before the rules, then the rules in order. */
function layTrees(origins: readonly Origin[], given: GivenParts, settings: readonly SourcePart[]): SourcePart[] {
  const paths = (pick: (origin: Origin) => readonly string[]) => filesAsParts(origins.flatMap(pick))
  const ofTree = (pick: (tree: CrsTree) => readonly string[]) => paths((o) => (o.kind === 'crs' ? pick(o.tree) : []))
  return [
    ...paths((origin) => (origin.kind === 'preset' ? origin.setup : [])),
    ...ofTree((tree) => [tree.setup]),
    ...given.setup,
    ...ofTree((tree) => tree.pluginConfigs),
    ...settings,
    ...given.before,
    ...ofTree((tree) => tree.pluginsBefore),
    ...paths((origin) => (origin.kind === 'crs' ? origin.tree.rules : origin.files)),
    ...ofTree((tree) => tree.pluginsAfter),
  ]
}

/** Plain files may include CRS: the settings belong between its setup and its rules. */
function placeSettings(files: readonly string[], settings: readonly SourcePart[]): SourcePart[] {
  if (settings.length === 0) return filesAsParts(files)
  for (const [index, file] of files.entries()) {
    const split = splitAtInitialisation(file, settings)
    if (split !== null)
      return [...filesAsParts(files.slice(0, index)), ...split, ...filesAsParts(files.slice(index + 1))]
  }
  return [...settings, ...filesAsParts(files)]
}

function keysOf(origins: readonly Origin[], given: readonly string[]): Set<string> {
  const keys = new Set<string>()
  const files = origins.flatMap((origin) => {
    if (origin.kind === 'crs') return [...origin.tree.rules, ...origin.tree.pluginConfigs, ...origin.tree.pluginsBefore]
    if (origin.kind === 'preset') return [...origin.setup, ...origin.files]
    return origin.files
  })
  for (const path of filesReached([...files, ...given]))
    for (const key of txKeysRead(readFileSync(path, 'latin1'))) keys.add(key)
  return keys
}

function originName(spec: string, origin: Origin): string {
  if (origin.kind === 'preset') return origin.name
  if (origin.kind === 'files') return spec
  const name = `OWASP CRS ${origin.tree.version}`
  return presetPattern.test(spec) ? name : `${name} (${spec})`
}

function filesAsParts(paths: readonly string[]): SourcePart[] {
  return paths.map((path) => ({ kind: 'file', path }))
}

function textsAt(placement: PlacedText['placement'], texts: readonly PlacedText[] | undefined): SourcePart[] {
  return (texts ?? [])
    .filter((each) => each.placement === placement)
    .map(({ name, text }) => ({ kind: 'text', name, text }))
}
