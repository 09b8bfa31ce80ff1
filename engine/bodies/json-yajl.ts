/**
 * JSON as yajl 2.1 parses it for ModSecurity: one argument for each leaf up to the first error.
 *
 * Not recursive: what is open is a list of booleans, bounded by the depth limit, and every token is read once.
 * Error texts are yajl's, with its line end.
 */
import type { BodyInput, BodyResult, Entry } from '../model/definitions.js'
import { spend } from '../time-budget.js'
import { dialectOf } from './dialect.js'
import { JsonLexer, type JsonToken } from './json-lexer.js'
import { type JsonNamer, PathNamer, PrefixNamer } from './json-names.js'

/** What the parser waits for. */
type State = 'value' | 'first-element' | 'first-key' | 'key' | 'colon' | 'member-end' | 'element-end' | 'done'

export function readJsonStrictly(input: BodyInput): BodyResult {
  const parser = new JsonParser(input)
  const error = parser.run()
  if (error === null) return { args: parser.args, error }
  return { args: parser.args, error: `JSON parsing error: ${error}`, errorAtEnd: parser.endedEarly }
}

/** What yajl says where its caller stops it. */
const cancelled = 'parse error: client cancelled parse via callback return value\n'

class JsonParser {
  readonly args: Entry[] = []
  /** Whether only the end of the text showed that it is broken. */
  endedEarly = false
  readonly #lexer: JsonLexer
  readonly #namer: JsonNamer
  /** Whether each open level is an array. */
  readonly #open: boolean[] = []
  #state: State = 'value'

  constructor(private readonly input: BodyInput) {
    this.#lexer = new JsonLexer(input.body)
    this.#namer = dialectOf(input.platform).jsonNames === 'prefix' ? new PrefixNamer() : new PathNamer()
  }

  /** Why the text could not be read whole; null when it could. */
  run(): string | null {
    for (;;) {
      const token = this.#lexer.next()
      if (token === 'end' && this.#state === 'done') return null
      this.endedEarly = token === 'end' || (token === 'error' && this.#lexer.errorAtEnd)
      if (token === 'end') return 'parse error: premature EOF\n'
      const error = this.#state === 'done' ? 'parse error: trailing garbage\n' : this.#take(token)
      if (error !== null) return error
    }
  }

  #take(token: JsonToken): string | null {
    if (token === 'error') return `lexical error: ${this.#lexer.error}\n`
    switch (this.#state) {
      case 'value':
      case 'first-element':
        return this.#value(token)
      case 'first-key':
      case 'key':
        return this.#keyOrEnd(token)
      case 'colon':
        if (token !== ':') return "parse error: object key and value must be separated by a colon (':')\n"
        this.#state = 'value'
        return null
      case 'member-end':
        if (token === '}') return this.#close()
        if (token !== ',') return "parse error: after key and value, inside map, I expect ',' or '}'\n"
        this.#state = 'key'
        return null
      case 'element-end':
        if (token === ']') return this.#close()
        if (token !== ',') return "parse error: after array element, I expect ',' or ']'\n"
        this.#state = 'value'
        return null
      case 'done':
        return null
    }
  }

  #value(token: JsonToken): string | null {
    switch (token) {
      case 'string':
      case 'number':
        return this.#leaf(this.#lexer.value)
      case 'true':
      case 'false':
        return this.#leaf(token)
      case 'null':
        return this.#leaf('')
      case '{':
      case '[':
        return this.#openLevel(token === '[')
      case ']':
        if (this.#state === 'first-element') return this.#close()
        break
    }
    return 'parse error: unallowed token at this point in JSON text\n'
  }

  #keyOrEnd(token: JsonToken): string | null {
    if (token === 'string') {
      this.#namer.key(this.#lexer.value)
      this.#state = 'colon'
      return null
    }
    if (token === '}' && this.#state === 'first-key') return this.#close()
    return 'parse error: invalid object key (must be a string)\n'
  }

  /** LIMIT: at SecArgumentsLimit the parser stops, and the body is in error. */
  #leaf(value: string): string | null {
    if (this.args.length >= this.input.limits.args) return cancelled
    const key = this.#namer.leaf()
    spend(key.length + value.length)
    this.args.push({ key, value })
    this.#behindValue()
    return null
  }

  /** LIMIT: SecRequestBodyJsonDepthLimit, as the platform counts depth. */
  #openLevel(array: boolean): string | null {
    this.#namer.open(array)
    if (this.#namer.depth > this.input.limits.depth) return dialectOf(this.input.platform).jsonDepthError
    this.#open.push(array)
    this.#state = array ? 'first-element' : 'first-key'
    return null
  }

  #close(): null {
    this.#namer.close(this.#open.pop() === true)
    this.#behindValue()
    return null
  }

  #behindValue(): void {
    const array = this.#open[this.#open.length - 1]
    this.#state = array === undefined ? 'done' : array ? 'element-end' : 'member-end'
  }
}
