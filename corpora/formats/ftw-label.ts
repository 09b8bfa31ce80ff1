/**
 * How a rule test counts in a labelled corpus: by the rules it expects.
 */
import type { Label, TransactionRecord } from '../../engine/model/exchange.js'
import type { RuleTags } from '../format.js'

/** Tags of the rule families that find attacks, by the first three digits of the id. */
const attackTags: Readonly<Record<number, string>> = {
  921: 'attack-protocol',
  922: 'attack-multipart-header',
  930: 'attack-lfi',
  931: 'attack-rfi',
  932: 'attack-rce',
  933: 'attack-injection-php',
  934: 'attack-injection-generic',
  941: 'attack-xss',
  942: 'attack-sqli',
  943: 'attack-fixation',
  944: 'attack-injection-java',
}

/**
 * A test that expects a rule against attacks carries an attack. One that expects a leak, a protocol rule or nothing
 * proves neither attack nor innocence.
 */
export function labelOf(expectedIds: readonly number[]): { readonly label: Label; readonly tags: readonly string[] } {
  const found = new Set<string>()
  for (const id of expectedIds) {
    const tag = attackTags[Math.floor(id / 1000)]
    if (tag !== undefined) found.add(tag)
  }
  if (found.size > 0) return { label: 'attack', tags: [...found] }
  const leak = expectedIds.some((id) => Math.floor(id / 10_000) === 95)
  return { label: 'unknown', tags: [leak ? 'leak' : 'protocol'] }
}

/**
 * The record of an attack with the class and paranoia level of the rules it expects, as these rules are tagged
 * (`attack-*`, `paranoia-level/N`); as it is where the ruleset does not have them.
 */
export function taggedByRules(
  record: TransactionRecord,
  expectedIds: readonly number[],
  ruleTags: RuleTags,
): TransactionRecord {
  if (record.label !== 'attack') return record
  const attackRules = expectedIds.filter((id) => attackTags[Math.floor(id / 1000)] !== undefined)
  const tags = attackRules.flatMap(ruleTags).filter((tag) => /^(?:attack-|paranoia-level\/)/.test(tag))
  return tags.length === 0 ? record : { ...record, tags: [...new Set([...tags, ...record.tags])] }
}
