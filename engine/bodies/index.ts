/**
 * The table of body processors.
 */
import type { BodyProcessorDefinition } from '../model/definitions.js'
import { formProcessor } from './form.js'
import { jsonProcessor } from './json.js'
import { multipartProcessor } from './multipart.js'
import { xmlProcessor } from './xml.js'

export { dialectOf } from './dialect.js'
export { type ParsedForm, parseCookies, parseUrlEncoded } from './form.js'

export const bodyProcessors: Readonly<Record<string, BodyProcessorDefinition>> = {
  JSON: jsonProcessor,
  MULTIPART: multipartProcessor,
  URLENCODED: formProcessor,
  XML: xmlProcessor,
}

export function findBodyProcessor(name: string): BodyProcessorDefinition | null {
  return bodyProcessors[name.toUpperCase()] ?? null
}
