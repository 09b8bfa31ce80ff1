/**
 * Names of the arguments a JSON body makes, as the two branches of ModSecurity spell them.
 *
 * A namer follows the parser: it hears of keys, of what opens and what closes, and says the name of each leaf.
 * Neither branch escapes dots in keys, so different paths may share a name.
 */
import type { ByteString } from '../model/exchange.js'

/** Hears the parser's events in document order. */
export interface JsonNamer {
  key(key: ByteString): void
  /** Name of the leaf at hand; called once for each. */
  leaf(): ByteString
  open(array: boolean): void
  close(array: boolean): void
  /** Objects and arrays open, as the platform counts them against its depth limit. */
  readonly depth: number
}

/** One open object or array. */
interface Level {
  readonly array: boolean
  /** What names below begin with. */
  readonly prefix: ByteString
  /** Elements before the one at hand. */
  count: number
}

/** libmodsecurity: `json.a.array_0.b`; a key without a char is `empty-key`. */
export class PathNamer implements JsonNamer {
  readonly #levels: Level[] = []
  #key: ByteString = ''

  get depth(): number {
    return this.#levels.length
  }

  key(key: ByteString): void {
    this.#key = key
  }

  leaf(): ByteString {
    const name = this.#name()
    this.#passed()
    return name
  }

  open(array: boolean): void {
    const name = this.#name()
    this.#levels.push({ array, prefix: array ? `${name}.array_` : `${name}.`, count: 0 })
  }

  close(): void {
    this.#levels.pop()
    this.#passed()
  }

  #name(): ByteString {
    const level = this.#levels[this.#levels.length - 1]
    if (level === undefined) return 'json'
    if (level.array) return `${level.prefix}${level.count}`
    return `${level.prefix}${this.#key === '' ? 'empty-key' : this.#key}`
  }

  #passed(): void {
    const level = this.#levels[this.#levels.length - 1]
    if (level?.array) level.count++
  }
}

/**
 * ModSecurity 2: keys with dots between, `a.a.b` for `{"a":[{"b":1}]}`, no index and no root name; an array at
 * the top is called `array`. It keeps a prefix and the last key and cuts the prefix at its last dot when something
 * closes, so a key that holds a dot leaves its first part in the names behind it.
 */
export class PrefixNamer implements JsonNamer {
  #prefix: ByteString | null = null
  #key: ByteString | null = null
  #depth = 0

  get depth(): number {
    return this.#depth
  }

  /** Names end at a NUL. */
  key(key: ByteString): void {
    const end = key.indexOf('\0')
    this.#key = end < 0 ? key : key.slice(0, end)
  }

  leaf(): ByteString {
    this.#key ??= ''
    return this.#prefix === null ? this.#key : `${this.#prefix}.${this.#key}`
  }

  open(array: boolean): void {
    if (this.#key === null) {
      if (!array) return
      if (this.#prefix === null) this.#key = 'array'
    }
    this.#prefix = this.#prefix === null ? this.#key : `${this.#prefix}.${this.#key}`
    this.#depth++
  }

  close(array: boolean): void {
    if (this.#prefix === null) return
    const dot = this.#prefix.lastIndexOf('.')
    if (!array) this.#key = this.#prefix.slice(dot + 1)
    this.#prefix = dot < 0 ? null : this.#prefix.slice(0, dot)
    this.#depth--
  }
}
