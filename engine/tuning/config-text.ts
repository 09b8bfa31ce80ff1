/**
 * Pieces of SecLang text that proposals are made of, safe against whatever a capture holds.
 *
 * Nothing captured is written as it is unless it is made of harmless characters; all else becomes an escaped
 * pattern, or is refused so that the caller takes a broader form.
 */
import type { ByteString } from '../model/exchange.js'

/** Characters that mean themselves in a quoted operator argument on every engine. */
const harmlessPath = /^[A-Za-z0-9/._~$&+;:@,=()*-]+$/

/** Characters that mean themselves in a target behind `ctl:ruleRemoveTargetById=…;`. */
const harmlessKey = /^[A-Za-z0-9_.[\]:-]+$/

/** The operator that holds for exactly this path. */
function pathOperator(path: ByteString): string {
  if (harmlessPath.test(path)) return `@streq ${path}`
  const escaped = path.replace(/[^A-Za-z0-9/_]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return `@rx \\A${escaped}\\z`
}

/** Whether `VARIABLE:key` can be written in a ctl target on every engine. */
export function isWritableTarget(target: ByteString): boolean {
  const colon = target.indexOf(':')
  const variable = colon < 0 ? target : target.slice(0, colon)
  if (!/^[A-Z_]+$/.test(variable)) return false
  return colon < 0 || harmlessKey.test(target.slice(colon + 1))
}

/** A rule of phase 1 that runs the ctl actions for one path. */
export function scopedRule(id: number, path: ByteString, ctl: readonly string[]): string {
  const actions = [`id:${id}`, 'phase:1', 'pass', 't:none', 'nolog', ...ctl.map((action) => `ctl:${action}`)]
  return `SecRule REQUEST_FILENAME "${pathOperator(path)}" \\\n    "${actions.join(',')}"`
}

/** A SecAction of phase 1 that states the full new value of a TX setting; null where it cannot be quoted. */
export function settingAction(id: number, name: string, value: string): string | null {
  if (/['"\\%\r\n]/.test(value) || /[^\x20-\x7e]/.test(value)) return null
  return `SecAction \\
    "id:${id},phase:1,pass,t:none,nolog,\\
    setvar:'tx.${name}=${value}'"`
}
