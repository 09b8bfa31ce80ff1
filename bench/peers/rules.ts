/**
 * One ruleset for both sides: loaded here, and written as files for a peer.
 */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type LoadedRuleset, loadRuleset, type PlatformName, type SourcePart } from '../../engine/index.js'
import { findCrs, resolveRuleset } from '../../rulesets/index.js'
import { writePeerRules } from '../measure/peer-rules.js'

export interface RulesOfRun {
  /** Without its place: `OWASP CRS 4.25.0`. */
  readonly name: string
  readonly parts: readonly SourcePart[]
  /** For wafsim; throws RulesetError where the platform refuses the rules. */
  readonly load: () => LoadedRuleset
  /** For the peer. */
  readonly files: readonly string[]
}

/**
 * What `--rules` takes: the caller's choice; else the tree WAFSIM_CRS_TESTS or WAFSIM_CRS_DIR names, a CRS tree beside
 * the checkout, an installed release or the starter ruleset, and CRS 3 as Debian's package has it where it is there.
 */
export function chooseRules(given: readonly string[] | undefined, root: string): readonly string[] {
  if (given !== undefined) return given
  const first = mainRules(root)
  return existsSync(join(debianRules, 'rules')) && first !== debianRules ? [first, debianRules] : [first]
}

function mainRules(root: string): string {
  const named = [process.env.WAFSIM_CRS_TESTS, process.env.WAFSIM_CRS_DIR]
  const places = [...named, join(root, '..', 'shared', 'crs-4.25.0')].filter((place) => place !== undefined)
  for (const place of places)
    for (const folder of [place, dirname(place)]) if (existsSync(join(folder, 'rules'))) return resolve(folder)
  try {
    return findCrs().path
  } catch {
    return 'starter'
  }
}

/** The folder of rule tests of the first CRS tree that has them: requests for every ruleset. Null where none has. */
export function testsOf(rulesets: readonly string[]): string | null {
  const places = [...rulesets.map((rules) => join(rules, 'tests')), process.env.WAFSIM_CRS_TESTS ?? '']
  return places.find((folder) => folder !== '' && existsSync(folder)) ?? null
}

/** Where Debian's package modsecurity-crs puts its rules. */
const debianRules = '/usr/share/modsecurity-crs'

/** What is loaded for a ruleset, and its name without its place. Throws UsageError where there are no such rules. */
export function planOf(rules: string, platform: PlatformName, paranoia: number): Pick<RulesOfRun, 'name' | 'parts'> {
  const { name, parts } = resolveRuleset({ rules: [rules], platform, paranoia, set: [] })
  return { name: name.replace(/ \(.*\)$/, ''), parts }
}

/** Throws UsageError where there are no such rules. */
export function rulesOfRun(rules: string, platform: PlatformName, paranoia: number, scratch: string): RulesOfRun {
  const { name, parts } = planOf(rules, platform, paranoia)
  const main = writePeerRules(parts, ['SecRuleEngine On'], scratch)
  const load = (): LoadedRuleset => loadRuleset({ parts, platform, engineMode: 'on' })
  return { name, parts, load, files: [main] }
}
