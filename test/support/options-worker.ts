/**
 * A worker whose verdicts say what it was told: the options of evaluation, as JSON, in place of an error.
 */
import { resultOf } from '../../engine/pool/batch.js'
import { serve } from '../../engine/pool/serve.js'
import { errorVerdict } from '../../engine/transaction/verdict.js'

export default serve((_ruleset, items, options) =>
  items.map((item) => resultOf(item, errorVerdict(item.id, 'unknown', 'complete', JSON.stringify(options)), options)),
)
