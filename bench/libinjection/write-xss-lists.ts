/**
 * What was measured about XSS, as the text of `engine/operators/libinjection/xss-lists.ts`.
 */
export interface MeasuredXss {
  readonly tags: readonly string[]
  readonly tagPrefixes: readonly string[]
  readonly attributes: Readonly<Record<string, readonly string[]>>
  readonly scriptPrefixes: readonly string[]
  readonly schemes: readonly string[]
  readonly namedKinds: string
  readonly tagPrefixIn: string
  readonly nulIsBlank: boolean
  readonly ffIsEnd: boolean
  readonly percentCommentEnd: string
  readonly commentWordIn: string
}

const lineLength = 110

const header = (engine: string): string[] => [
  '/**',
  ' * What each libinjection takes for XSS. Written by `bench/libinjection/measure-xss.ts`; not edited by hand.',
  ' *',
  ' * All names are in upper case.',
  ' */',
  `import type { XssDialect } from '${engine}xss-judge.js'`,
  `import { listedWords as words } from '${engine}xss-words.js'`,
  '',
]

const titles: Readonly<Record<string, string>> = {
  libinjection3: 'libmodsecurity 3.0.9; ModSecurity 2.9.7 answers the same.',
  nativeAppsec: '@datadog/native-appsec 11.0.3, but for styles and back quotes in comments.',
  libinjectionGo: 'libinjection-go 0.3.3, which Coraza 3.8.1 uses.',
}

/**
 * A list that equals one of an earlier dialect is written as a reference to it. `engine` is the way from the file
 * that is written to the engine's detector.
 */
export function writeXssLists(measured: readonly (readonly [string, MeasuredXss])[], engine: string): string {
  const seen = new Map<string, string>()
  const lines: string[] = header(engine)
  for (const [name, dialect] of measured) {
    lines.push(`/** ${titles[name] ?? name} */`, `export const ${name}: XssDialect = {`)
    for (const [field, value] of Object.entries(dialect))
      if (field === 'attributes') {
        lines.push('  attributes: {')
        for (const [kind, list] of Object.entries(value as MeasuredXss['attributes']))
          lines.push(`    ${kind}: ${listText(list, `${name}.attributes.${kind}`, seen)},`)
        lines.push('  },')
      } else if (Array.isArray(value)) lines.push(`  ${field}: ${listText(value, `${name}.${field}`, seen)},`)
      else lines.push(`  ${field}: ${typeof value === 'string' ? `'${value}'` : String(value)},`)
    lines.push('}', '')
  }
  return lines.join('\n')
}

function listText(list: readonly string[], place: string, seen: Map<string, string>): string {
  const text = list.join(' ')
  if (text.length < lineLength) return `[${list.map((word) => `'${word}'`).join(', ')}]`
  const earlier = seen.get(text)
  if (earlier !== undefined) return earlier
  seen.set(text, place)
  return `words(\`\n${filled(list).join('\n')}\n  \`)`
}

function filled(list: readonly string[]): string[] {
  const lines: string[] = []
  let line = '   '
  for (const word of list) {
    if (line.length + word.length + 1 > lineLength) {
      lines.push(line)
      line = '   '
    }
    line += ` ${word}`
  }
  return [...lines, line]
}
