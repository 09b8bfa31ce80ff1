/**
 * Pieces of SecLang text that proposals are made of, safe against whatever a capture holds.
 *
 * Nothing captured is written as it is unless it is made of harmless characters; all else becomes an escaped
 * pattern, or is refused so that the caller takes a broader form.
 */
import type { ByteString } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import { decodeUtf8, isUtf8 } from '../utf8.js'
import type { Scope } from './place.js'

/** Characters that mean themselves in a quoted operator argument on every engine. */
const harmlessPath = /^[A-Za-z0-9/._~$&+;:@,=()*-]+$/

/** Characters that mean themselves in a target behind `ctl:ruleRemoveTargetById=…;`. */
const harmlessKey = /^[A-Za-z0-9_.[\]:-]+$/

/** Characters that mean themselves in a pattern, in quotes and between the slashes of a key. */
const harmlessInPattern = /[A-Za-z0-9_-]/

/**
 * The text as a pattern that matches nothing but it, in which every character is harmless in quotes, in a list of
 * targets and behind `/`. A backslash is never doubled: Apache would make one of two.
 */
export function escapedPattern(text: ByteString): ByteString {
  let pattern = ''
  for (const char of text) pattern += escapedChar(char, char.charCodeAt(0))
  return pattern
}

function escapedChar(char: string, code: number): ByteString {
  if (harmlessInPattern.test(char)) return char
  if (char === '.' || char === '[' || char === ']') return `\\${char}`
  return `\\x${code.toString(16).padStart(2, '0')}`
}

/**
 * How a path's bytes are written in a pattern for `@rx`. Coraza reads bytes that are UTF-8 as characters, and takes
 * the pattern for one of bytes only where what it spells is no UTF-8.
 */
export function pathEscaper(
  literals: readonly ByteString[],
  platform: Pick<Platform, 'regexSubject'>,
): (text: ByteString) => ByteString {
  const asCharacters = platform.regexSubject === 'utf-8' && literals.every(isUtf8)
  return (text) => {
    let pattern = ''
    // Iterates over characters, so that one beyond U+FFFF is one.
    for (const char of asCharacters ? decodeUtf8(text) : text) {
      const code = char.codePointAt(0) ?? 0
      if (char === '/') pattern += char
      // COMPAT(coraza): it takes the first two digits between the braces for a byte.
      else
        pattern += asCharacters && code > 0x7f ? `\\x{${code.toString(16).padStart(6, '0')}}` : escapedChar(char, code)
    }
    return pattern
  }
}

/** The operator that holds for exactly this path, or other value. */
export function pathOperator(path: ByteString, platform: Pick<Platform, 'regexSubject'>): ByteString {
  if (harmlessPath.test(path)) return `@streq ${path}`
  return `@rx \\A${pathEscaper([path], platform)(path)}\\z`
}

/** Whether the key can be written behind `VARIABLE:` in a ctl target on every engine. */
export function isWritableKey(key: ByteString): boolean {
  return harmlessKey.test(key)
}

/** A rule of phase 1 that runs the ctl actions where all conditions of the scope hold. */
export function scopedRule(
  id: number,
  scope: Scope,
  ctl: readonly string[],
  platform: Pick<Platform, 'regexSubject'>,
): string {
  const conditions: string[] = []
  if (scope.host !== null) conditions.push(`REQUEST_HEADERS:Host "${pathOperator(scope.host, platform)}"`)
  if (scope.method !== null) conditions.push(`REQUEST_METHOD "${pathOperator(scope.method, platform)}"`)
  if (scope.template !== null) conditions.push(`REQUEST_FILENAME "${scope.template.operator}"`)
  const head = `id:${id},phase:1,pass,t:none,nolog`
  const actions = ctl.map((action) => `ctl:${action}`)
  const last = conditions.length - 1
  if (last < 0) return `SecAction \\\n    "${[head, ...actions].join(',\\\n    ')}"`
  return conditions
    .map((condition, n) => {
      const own = n === 0 ? [head] : ['t:none']
      const all = n === last ? [...own, ...actions] : [...own, 'chain']
      const indent = '    '.repeat(n)
      return `${indent}SecRule ${condition} \\\n${indent}    "${all.join(`,\\\n${indent}    `)}"`
    })
    .join('\n')
}

/** A SecAction of phase 1 that states the full new value of a TX setting; null where it cannot be quoted. */
export function settingAction(id: number, name: string, value: string): string | null {
  if (/['"\\%\r\n]/.test(value) || /[^\x20-\x7e]/.test(value)) return null
  return `SecAction \\
    "id:${id},phase:1,pass,t:none,nolog,\\
    setvar:'tx.${name}=${value}'"`
}
