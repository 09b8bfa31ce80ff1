/**
 * The Go templates that rule tests use in `data` to write long bodies: `{{ "1" | repeat 64200 }}`.
 *
 * String literals and the function `repeat` (piped or not) are known; anything else cannot be expanded, as in
 * go-ftw a template that does not parse yields no body.
 */

/** LIMIT: a longer expansion is refused. */
const longestExpansion = 64 * 1024 * 1024

/** The text with its templates expanded; null where one is not understood. */
export function expandTemplate(text: string): string | null {
  if (!text.includes('{{')) return text
  let understood = true
  const expanded = text.replace(/\{\{(-?)([\s\S]*?)(-?)\}\}/g, (_whole, _left, action: string) => {
    const value = evaluateAction(action.trim())
    if (value === null) understood = false
    return value ?? ''
  })
  return understood && !expanded.includes('{{') ? expanded : null
}

const literal = /^(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`)$/

function evaluateAction(action: string): string | null {
  const plain = stringOf(action)
  if (plain !== null) return plain
  const piped = /^(.+?)\s*\|\s*repeat\s+(\d+)$/s.exec(action)
  const called = /^repeat\s+(\d+)\s+(.+)$/s.exec(action)
  const text = stringOf((piped?.[1] ?? called?.[2] ?? '').trim())
  const times = Number(piped?.[2] ?? called?.[1])
  if (text === null || Number.isNaN(times) || text.length * times > longestExpansion) return null
  return text.repeat(times)
}

function stringOf(text: string): string | null {
  const found = literal.exec(text)
  if (found === null) return null
  if (found[2] !== undefined) return found[2]
  try {
    return JSON.parse(`"${found[1]}"`) as string
  } catch {
    return null
  }
}
