/**
 * What is measured: one transaction of each class, and compiling. No record repeats within a case.
 */
import { readFileSync } from 'node:fs'
import { bundledCorpora, recordOf } from '../corpora/index.js'
import { evaluate, type LoadedRuleset, loadRuleset, type SourcePart, type TransactionRecord } from '../engine/index.js'

export interface Case {
  readonly name: string
  /** Does the work once; called many times. */
  run(): void
}

/** The bundled benign records whose body is of a kind, each as its own record. */
function bundledRecords(file: string): TransactionRecord[] {
  const path = `${bundledCorpora().benign}/${file}`
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => recordOf(JSON.parse(line), { file, line: index + 1 }))
}

/** Evaluates the records in turn, so that no two calls in a row see the same one. */
function transactions(name: string, loaded: LoadedRuleset, records: readonly TransactionRecord[]): Case {
  let next = 0
  return {
    name,
    run: () => {
      evaluate(loaded.ruleset, records[next] as TransactionRecord)
      next = (next + 1) % records.length
    },
  }
}

export function casesFor(parts: readonly SourcePart[]): readonly Case[] {
  const loaded = loadRuleset({ parts, engineMode: 'on' })
  return [
    { name: 'compile the ruleset', run: () => void loadRuleset({ parts, engineMode: 'on' }) },
    transactions('transaction: shop', loaded, bundledRecords('shop.ndjson')),
    transactions('transaction: CMS', loaded, bundledRecords('cms.ndjson')),
    transactions('transaction: forum', loaded, bundledRecords('forum.ndjson')),
  ]
}
