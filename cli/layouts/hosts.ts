/**
 * The languages that SecLang is embedded in: rule files, Caddyfile, YAML, JSON, nginx.conf.
 *
 * Each writes a line of SecLang as a line of its own, so that a file can be updated line by line and a change of one
 * exclusion is a change of its lines alone.
 */
import { UsageError } from '../../engine/index.js'
import type { HostLanguage } from './definition.js'

export const ruleFile: HostLanguage = {
  name: 'rule file',
  sniff: () => true,
  encode: (line) => line,
  decode: (fileLines) => fileLines,
}

const caddyIndent = '        '

/** Between backticks nothing is escaped; `{$NAME}` is replaced by the environment everywhere in the file. */
export const caddyfile: HostLanguage = {
  name: 'Caddyfile',
  sniff: (text) => /^[ \t]*directives[ \t]+`[ \t\r]*$/m.test(text),
  encode: (line) => {
    if (line.includes('`') || line.includes('{$'))
      throw new UsageError(
        'a Caddyfile cannot hold the backtick or "{$" of an exclusion; use --layout crs and include the files',
      )
    return line === '' ? '' : caddyIndent + line
  },
  decode: (fileLines) => {
    let inside = false
    return fileLines.map((fileLine) => {
      if (!inside) {
        inside = /^[ \t]*directives[ \t]+`[ \t\r]*$/.test(fileLine)
        return null
      }
      if (/^[ \t]*`/.test(fileLine)) inside = false
      return inside ? withoutIndent(fileLine, caddyIndent.length) : null
    })
  },
}

const yamlIndent = '      '

/** A literal block: its lines are taken as they are, without the indentation of the first. */
export const yamlBlock: HostLanguage = {
  name: 'YAML',
  sniff: (text) => /^[ \t]*directives:[ \t]*\|[-+0-9]*[ \t\r]*$/m.test(text),
  encode: (line) => (line === '' ? '' : yamlIndent + line),
  decode: (fileLines) => {
    /** Indentation of `directives:`; -1 outside of a block. */
    let outer = -1
    /** Of the block's first line; -1 before it. */
    let inner = -1
    return fileLines.map((fileLine) => {
      const indent = indentOf(fileLine)
      const isBlank = fileLine.trim() === ''
      if (outer >= 0 && !isBlank && indent <= outer) outer = -1
      if (outer < 0) {
        if (/^[ \t]*directives:[ \t]*\|[-+0-9]*[ \t\r]*$/.test(fileLine)) {
          outer = indent
          inner = -1
        }
        return null
      }
      if (isBlank) return ''
      if (inner < 0) inner = indent
      return withoutIndent(fileLine, inner)
    })
  },
}

const jsonIndent = '      '

/** Directives are strings of a list, joined by line ends: one line is one string. */
export const jsonStrings: HostLanguage = {
  name: 'JSON',
  sniff: (text) => /^\s*\{/.test(text) && /"directives_map"\s*:/.test(text),
  encode: (line) => `${jsonIndent}${JSON.stringify(line)},`,
  decode: (fileLines) =>
    fileLines.map((fileLine) => {
      const match = /^\s*("(?:[^"\\]|\\.)*")\s*,?\s*$/.exec(fileLine)
      if (match === null) return null
      try {
        return String(JSON.parse(match[1] ?? ''))
      } catch {
        return null
      }
    }),
}

const nginxOpening = "modsecurity_rules '"

/**
 * Each exclusion is a `modsecurity_rules '…';` of its own. nginx takes the first of two backslashes and those before
 * quotes away, and makes a line end of `\n`: so all are doubled. Comments stand outside of the quotes.
 * LIMIT: nginx reads a word in quotes through a buffer of 4,096 bytes.
 */
export const nginxWord: HostLanguage = {
  name: 'nginx.conf',
  sniff: (text) => /^[ \t]*modsecurity_rules[ \t]+'[ \t\r]*$/m.test(text),
  around: { before: nginxOpening, after: "';" },
  mostBytes: 4000,
  encode: (line) => (line.startsWith('#') ? line : line.replace(/[\\']/g, '\\$&')),
  decode: (fileLines) => {
    let inside = false
    return fileLines.map((fileLine) => {
      if (inside) {
        if (/^[ \t]*';/.test(fileLine)) inside = false
        return inside ? fileLine.replace(/\\(['"\\])/g, '$1') : null
      }
      if (/^[ \t]*#/.test(fileLine)) return fileLine.trimStart()
      inside = /^[ \t]*modsecurity_rules[ \t]+'[ \t\r]*$/.test(fileLine)
      return null
    })
  },
}

/** In the order in which a file is sniffed. */
export const hostLanguages: readonly HostLanguage[] = [jsonStrings, yamlBlock, caddyfile, nginxWord, ruleFile]

function indentOf(fileLine: string): number {
  return fileLine.length - fileLine.trimStart().length
}

function withoutIndent(fileLine: string, indent: number): string {
  return fileLine.slice(Math.min(indent, indentOf(fileLine)))
}
