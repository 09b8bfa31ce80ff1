/**
 * A batch of corpus items to verdicts: the same in the main thread and in a worker.
 */
import { type CorpusItem, isUnreadable } from '../model/exchange.js'
import type { Ruleset } from '../model/ruleset.js'
import type { Verdict } from '../model/verdict.js'
import { type EvaluateOptions, errorVerdict, evaluate } from '../transaction/verdict.js'

export function evaluateItem(ruleset: Ruleset, item: CorpusItem, options: EvaluateOptions): Verdict {
  if (isUnreadable(item)) return errorVerdict(item.id, 'unknown', 'complete', item.unreadable)
  return evaluate(ruleset, item, options)
}
