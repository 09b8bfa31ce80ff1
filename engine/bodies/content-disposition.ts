/**
 * The Content-Disposition header of a multipart part, read as strictly as ModSecurity 2 does: anything odd is an
 * error with ModSecurity's number, or raises the flag for odd quotes. Names are `name` and `filename`, in lower
 * case, and no others; a value without quotes is a token. Seen on ModSecurity 2.9.7.
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
  if (!header.startsWith('form-data')) return -1
  const parameters = header.slice('form-data'.length).replace(space, '')
  if (parameters !== '' && parameters[0] !== ';') return -2
  return /^;[ \t]*$/.test(parameters) ? -3 : readParameters(parameters)
}

function readParameters(parameters: ByteString): Disposition | number {
  let rest = parameters
  let name: ByteString | null = null
  let fileName: ByteString | null = null
  let oddQuotes = false
  while (rest !== '') {
    if (rest[0] !== ';') return -12
    rest = rest.slice(1).replace(space, '')
    if (rest === '') break
    const field = /^([^= \t]*)[ \t]*/.exec(rest)?.[0] ?? ''
    rest = rest.slice(field.length)
    if (rest === '') return -4
    if (rest[0] !== '=') return -5
    rest = rest.slice(1).replace(space, '')
    if (rest === '') return -6
    const value = readValue(rest)
    if (typeof value === 'number') return value
    rest = value.rest.replace(space, '')
    oddQuotes ||= value.oddQuotes
    switch (field.trimEnd()) {
      case 'name':
        if (name !== null) return -14
        name = value.text
        break
      case 'filename':
        if (fileName !== null) return -15
        fileName = value.text
        break
      default:
        return -11
    }
  }
  return { name, fileName, oddQuotes }
}

const token = /^[!#$%&'*+\-.^_`{|}~0-9A-Za-z]*/

function readValue(text: ByteString): { text: ByteString; rest: ByteString; oddQuotes: boolean } | number {
  const quote = text[0]
  if (quote !== '"' && quote !== "'") {
    const value = token.exec(text)?.[0] ?? ''
    return { text: value, rest: text.slice(value.length), oddQuotes: value.includes("'") }
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
