/**
 * JSON bodies: every leaf becomes an argument whose name is its path, spelled as the platform does.
 *
 * A walker of our own over the bytes, because a JSON library would lose duplicate keys, the spelling of numbers
 * and bytes that are not UTF-8. Not recursive: nesting is bounded by the depth limit, whatever it is set to.
 */
import type { BodyInput, BodyProcessorDefinition, BodyResult, Entry } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'

export const jsonProcessor: BodyProcessorDefinition = {
  name: 'JSON',
  doc: 'JSON: every leaf becomes an argument named by its path.',
  process: (input) => new JsonWalker(input).run(),
}

interface Level {
  readonly array: boolean
  /** Name of arguments below this level. */
  readonly name: ByteString
  /** Elements or members so far. */
  count: number
}

class JsonError extends Error {}

class JsonWalker {
  readonly #text: ByteString
  readonly #args: Entry[] = []
  readonly #levels: Level[] = []
  #at = 0

  constructor(private readonly input: BodyInput) {
    this.#text = input.body
  }

  run(): BodyResult {
    try {
      this.#walk()
      return { args: this.#args, error: null }
    } catch (error) {
      if (!(error instanceof JsonError)) throw error
      return { args: this.#args, error: `JSON parsing error: ${error.message}` }
    }
  }

  #walk(): void {
    this.#value(this.#rootName())
    while (this.#levels.length > 0) this.#member(this.#levels[this.#levels.length - 1] as Level)
    this.#blanks()
    if (this.#at < this.#text.length) throw new JsonError('parse error: trailing garbage')
  }

  #rootName(): ByteString {
    return this.input.platform.jsonNames === 'modsec2' ? '' : 'json'
  }

  /** Goes on with the object or array that is open. */
  #member(level: Level): void {
    this.#blanks()
    const char = this.#text[this.#at]
    if (char === (level.array ? ']' : '}')) {
      this.#at++
      this.#close(level)
      return
    }
    if (level.count > 0) {
      if (char !== ',')
        throw this.#unexpected(
          level.array
            ? "after array element, I expect a comma or ']'"
            : "after key and value, inside map, I expect ',' or '}'",
        )
      this.#at++
      this.#blanks()
    }
    if (level.array) {
      const name = this.#elementName(level)
      level.count++
      this.#value(name)
      return
    }
    if (this.#text[this.#at] !== '"') throw this.#unexpected('object key must be a string')
    const key = this.#string()
    this.#blanks()
    if (this.#text[this.#at] !== ':') throw this.#unexpected("object key and value must be separated by a colon (':')")
    this.#at++
    level.count++
    this.#value(level.name === '' ? key : `${level.name}.${key}`)
  }

  #elementName(level: Level): ByteString {
    switch (this.input.platform.jsonNames) {
      case 'modsec2':
        return level.name
      case 'modsec3':
        return `${level.name}.array_${level.count}`
      case 'coraza':
        return `${level.name}.${level.count}`
    }
  }

  /** COMPAT(coraza): an array is an argument too, with its length as value. */
  #close(level: Level): void {
    this.#levels.pop()
    if (level.array && this.input.platform.jsonNames === 'coraza' && level.count > 0)
      this.#add(level.name, String(level.count))
  }

  #value(name: ByteString): void {
    this.#blanks()
    const char = this.#text[this.#at]
    if (char === '{' || char === '[') {
      this.#at++
      if (this.#levels.length >= this.input.limits.depth) throw new JsonError('depth limit exceeded')
      this.#levels.push({ array: char === '[', name, count: 0 })
      return
    }
    if (char === '"') this.#add(name, this.#string())
    else this.#add(name, this.#word())
  }

  #add(name: ByteString, value: ByteString): void {
    if (this.#args.length >= this.input.limits.args) throw new JsonError('more arguments than allowed')
    this.#args.push({ key: name, value })
  }

  #word(): ByteString {
    const rest = this.#text.slice(this.#at, this.#at + 1024)
    const found = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/.exec(rest)
    if (found === null)
      throw this.#at >= this.#text.length
        ? new JsonError('premature EOF')
        : this.#unexpected('invalid char in json text.')
    this.#at += found[0].length
    return found[0] === 'null' ? '' : found[0]
  }

  #string(): ByteString {
    const start = ++this.#at
    let end = start
    for (;;) {
      const code = this.#text.charCodeAt(end)
      if (Number.isNaN(code)) throw new JsonError('premature EOF')
      if (code === 0x22) break
      if (code < 0x20) throw this.#unexpected('invalid character inside string.')
      end += code === 0x5c ? 2 : 1
    }
    const raw = this.#text.slice(start, end)
    this.#at = end + 1
    if (!isUtf8(raw)) throw new JsonError('lexical error: invalid bytes in UTF8 string.')
    return raw.includes('\\') ? unescapeJson(raw) : raw
  }

  #blanks(): void {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? 'x')) this.#at++
  }

  #unexpected(reason: string): JsonError {
    return new JsonError(this.#at >= this.#text.length ? 'premature EOF' : `parse error: ${reason}`)
  }
}

function isUtf8(raw: ByteString): boolean {
  if (!/[\x80-\xff]/.test(raw)) return true
  const bytes = Buffer.from(raw, 'latin1')
  return Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes)
}

const escapes: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
  '/': '/',
}

/** Escapes to bytes; `\uXXXX` to UTF-8, a lone surrogate to `?` as yajl does. */
function unescapeJson(raw: ByteString): ByteString {
  return raw.replace(
    /\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([^u])|u)/g,
    (
      _whole,
      high: string | undefined,
      low: string | undefined,
      single: string | undefined,
      char: string | undefined,
    ) => {
      if (high !== undefined && low !== undefined)
        return utf8(String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16)))
      if (single !== undefined) {
        const code = Number.parseInt(single, 16)
        return code >= 0xd800 && code <= 0xdfff ? '?' : utf8(String.fromCharCode(code))
      }
      const known = char === undefined ? undefined : escapes[char]
      if (known === undefined)
        throw new JsonError("lexical error: inside a string, '\\' occurs before a character which it may not.")
      return known
    },
  )
}

function utf8(text: string): ByteString {
  return Buffer.from(text, 'utf8').toString('latin1')
}
