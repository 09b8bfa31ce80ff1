/**
 * The Go templates that rule tests use in `data` to write long bodies: `{{ "1" | repeat 64200 }}`.
 *
 * String literals and the function `repeat` (piped or not) are known; of anything else, trim marks (`{{-`) included,
 * the caller hears that it cannot be expanded. go-ftw sends no body at all where a template does not parse.
 */

/** LIMIT: a longer expansion is refused. */
const longestExpansion = 64 * 1024 * 1024

/** One action; quoted text in it may hold braces. */
const action = /\{\{((?:"(?:[^"\\\n]|\\.)*"|`[^`]*`|[^"`}]|\}(?!\}))*)\}\}/g

/** The text with its templates expanded; null where one is not understood. */
export function expandTemplate(text: string): string | null {
  if (!text.includes('{{')) return text
  const pieces: string[] = []
  let from = 0
  for (const found of text.matchAll(action)) {
    const value = evaluateAction((found[1] ?? '').trim())
    if (value === null) return null
    pieces.push(text.slice(from, found.index), value)
    from = found.index + found[0].length
    if (pieces[pieces.length - 2]?.includes('{{')) return null
  }
  const rest = text.slice(from)
  return rest.includes('{{') ? null : pieces.join('') + rest
}

const literal = /^(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`)$/

function evaluateAction(content: string): string | null {
  const plain = stringOf(content)
  if (plain !== null) return plain
  const piped = /^(.+?)\s*\|\s*repeat\s+(\d+)$/s.exec(content)
  const called = /^repeat\s+(\d+)\s+(.+)$/s.exec(content)
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
