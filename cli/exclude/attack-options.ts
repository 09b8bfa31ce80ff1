/**
 * Options that say which attacks exclusions are priced with, for the commands that price.
 */
import type { Command } from 'commander'
import { bundledCorpora, type CorpusRequest } from '../../corpora/index.js'
import { crsTestsOf } from '../../rulesets/index.js'
import { collect, type RulesetOptions } from '../options.js'

export interface AttackOptions {
  readonly attacks: readonly string[]
  /** False where `--no-standard-attacks` was given. */
  readonly standardAttacks: boolean
}

export function addAttackOptions(command: Command): Command {
  return command
    .option('--attacks <file|dir|glob>', 'attacks to price exclusions with, beside those of the corpus', collect, [])
    .option('--no-standard-attacks', "without wafsim's own attacks and the tests of the CRS tree")
}

/** Attacks beside those of the corpus; null: none. */
export function attackRequest({
  attacks,
  standardAttacks,
  rules,
}: AttackOptions & Pick<RulesetOptions, 'rules'>): CorpusRequest | null {
  const specs = standardAttacks ? [...attacks, bundledCorpora().attacks, ...crsTestsOf(rules)] : attacks
  return specs.length === 0 ? null : { specs, assumeBenign: false, labels: [], filters: [] }
}
