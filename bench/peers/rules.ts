/**
 * One ruleset for both sides: loaded here, and written as files for a peer.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type LoadedRuleset, loadRuleset, type PlatformName } from '../../engine/index.js'
import { findCrs, resolveRuleset } from '../../rulesets/index.js'

export interface RulesOfRun {
  readonly name: string
  readonly loaded: LoadedRuleset
  readonly files: readonly string[]
}

/**
 * What `--rules` takes: the caller's choice, the tree WAFSIM_CRS_TESTS or WAFSIM_CRS_DIR names, a CRS tree beside
 * the checkout, an installed release, the starter ruleset.
 */
export function chooseRules(given: string | undefined, root: string): string {
  if (given !== undefined) return given
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

/** The folder of rule tests of a CRS tree; null where it has none. */
export function testsOf(rules: string): string | null {
  const named = process.env.WAFSIM_CRS_TESTS
  for (const folder of [join(rules, 'tests'), named ?? '']) if (folder !== '' && existsSync(folder)) return folder
  return null
}

/** Where Debian's packages put the file that the recommended configurations name; wafsim always maps as it says. */
const unicodeMap = '/etc/modsecurity/unicode.mapping'

/** Throws UsageError or RulesetError where the rules cannot be used. */
export function rulesOfRun(
  rules: string,
  platform: PlatformName,
  paranoia: number,
  scratch: string,
  mapsUnicode: boolean,
): RulesOfRun {
  const plan = resolveRuleset({ rules: [rules], platform, paranoia, set: [] })
  const loaded = loadRuleset({ parts: plan.parts, platform, engineMode: 'on' })
  const files = plan.parts.map((part, index) => {
    if (part.kind === 'file') return part.path
    const path = join(scratch, `settings-${index}.conf`)
    writeFileSync(path, part.text, 'latin1')
    return path
  })
  const map = mapsUnicode && existsSync(unicodeMap) ? [`SecUnicodeMapFile ${unicodeMap} 20127`] : []
  // One file: libmodsecurity keeps the first of a setting's values where files are loaded one by one.
  const main = join(scratch, 'main.conf')
  writeFileSync(main, [...map, ...files.map((file) => `Include ${file}`), 'SecRuleEngine On', ''].join('\n'))
  return { name: plan.name, loaded, files: [main] }
}
