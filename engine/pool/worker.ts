/**
 * The worker that pools start.
 */
import { evaluateItem } from './batch.js'
import { serve } from './serve.js'

export default serve((ruleset, items, options) => items.map((item) => evaluateItem(ruleset, item, options)))
