/**
 * The Content-Disposition header of a multipart part, read as strictly as ModSecurity does: anything odd is an
 * error with ModSecurity's number, or raises the flag for odd quotes.
 */
import type { ByteString } from '../model/exchange.js'

export interface Disposition {
  readonly name: ByteString | null
  readonly fileName: ByteString | null
  readonly oddQuotes: boolean
}

const space = /^[ \t]*/

/** The disposition, or the number of ModSecurity's error. */
export function parseDisposition(header: ByteString): Disposition | number {
  if (!/^form-data/i.test(header)) return -1
  let rest = header.slice('form-data'.length).replace(space, '')
  let name: ByteString | null = null
  let fileName: ByteString | null = null
  let oddQuotes = false
  while (rest !== '') {
    if (rest[0] !== ';') return -2
    rest = rest.slice(1).replace(space, '')
    if (rest === '') return -3
    const field = /^([^= \t]+)[ \t]*/.exec(rest)
    if (field === null) return -4
    rest = rest.slice(field[0].length)
    if (rest[0] !== '=') return -5
    rest = rest.slice(1).replace(space, '')
    if (rest === '') return -6
    const value = readValue(rest)
    if (typeof value === 'number') return value
    rest = value.rest.replace(space, '')
    oddQuotes ||= value.oddQuotes
    const lower = (field[1] ?? '').toLowerCase()
    if (lower === 'name') {
      if (name !== null) return -14
      name = value.text
    } else if (lower === 'filename') {
      if (fileName !== null) return -15
      fileName = value.text
    }
  }
  return { name, fileName, oddQuotes }
}

function readValue(text: ByteString): { text: ByteString; rest: ByteString; oddQuotes: boolean } | number {
  const quote = text[0]
  if (quote !== '"' && quote !== "'") {
    const token = /^[^; \t]*/.exec(text)?.[0] ?? ''
    return { text: token, rest: text.slice(token.length), oddQuotes: /["']/.test(token) }
  }
  let value = ''
  for (let i = 1; i < text.length; i++) {
    const char = text[i] as string
    if (char === quote) return { text: value, rest: text.slice(i + 1), oddQuotes: quote === "'" }
    if (char === '\\') {
      const next = text[i + 1]
      if (next === undefined) return -7
      if (next === quote || next === '\\') {
        value += next
        i++
        continue
      }
    }
    value += char
  }
  return -10
}
