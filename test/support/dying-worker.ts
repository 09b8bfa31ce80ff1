/**
 * A worker that dies on records named `killer`, for the test of what the pool does then.
 */
import { evaluateItem } from '../../engine/pool/batch.js'
import { serve } from '../../engine/pool/serve.js'

export default serve((ruleset, items, options) => {
  if (items.some((item) => item.id.startsWith('killer'))) process.exit(1)
  return items.map((item) => evaluateItem(ruleset, item, options))
})
