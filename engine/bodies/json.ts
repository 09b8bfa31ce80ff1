/**
 * JSON bodies: every leaf becomes an argument whose name is its path, spelled as the platform does.
 *
 * The readers are our own, over the bytes: a JSON library would lose duplicate keys, the spelling of numbers and
 * bytes that are not UTF-8. Here only which reader is asked.
 */
import type { BodyProcessorDefinition } from '../model/definitions.js'
import { dialectOf } from './dialect.js'
import { readJsonLeniently } from './json-gjson.js'
import { readJsonStrictly } from './json-yajl.js'

export const jsonProcessor: BodyProcessorDefinition = {
  name: 'JSON',
  doc: 'JSON: every leaf becomes an argument named by its path.',
  process: (input) =>
    dialectOf(input.platform).jsonReader === 'gjson' ? readJsonLeniently(input) : readJsonStrictly(input),
}
