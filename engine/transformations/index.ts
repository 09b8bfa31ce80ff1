/**
 * The table of transformations, alphabetical, keyed by the canonical name.
 *
 * To add one: write it in its family's file, list it here, give it vectors in test/vectors/transformations.
 */
import type { TransformationDefinition } from '../model/definitions.js'
import type { Platform, PlatformName } from '../model/platform.js'
import {
  base64Decode,
  base64DecodeExt,
  base64Encode,
  hexDecode,
  hexEncode,
  md5,
  parityEven7bit,
  parityOdd7bit,
  parityZero7bit,
  sha1,
  sqlHexDecode,
} from './codec.js'
import { removeComments, removeCommentsChar, replaceComments } from './comments.js'
import { corazaTransformations } from './coraza.js'
import { cssDecode, escapeSeqDecode, htmlEntityDecode, jsDecode } from './escape.js'
import { cmdLine, compressWhitespace, normalizePath, normalizePathWin, removeWhitespace } from './normalise.js'
import { stageRuleOf } from './stages.js'
import { length, lowercase, none, removeNulls, replaceNulls, trim, trimLeft, trimRight, uppercase } from './text.js'
import { urlDecode, urlDecodeUni, urlEncode, utf8toUnicode } from './url.js'

export {
  bundledCodePage,
  bundledMap,
  bundledMapName,
  bundledMapText,
  corazaMap,
  readUnicodeMap,
} from './unicode-map.js'

export const transformations: Readonly<Record<string, TransformationDefinition>> = {
  base64Decode,
  base64DecodeExt,
  base64Encode,
  cmdLine,
  compressWhitespace,
  cssDecode,
  escapeSeqDecode,
  hexDecode,
  hexEncode,
  htmlEntityDecode,
  jsDecode,
  length,
  lowercase,
  md5,
  none,
  normalizePath,
  normalizePathWin,
  parityEven7bit,
  parityOdd7bit,
  parityZero7bit,
  removeComments,
  removeCommentsChar,
  removeNulls,
  removeWhitespace,
  replaceComments,
  replaceNulls,
  sha1,
  sqlHexDecode,
  trim,
  trimLeft,
  trimRight,
  uppercase,
  urlDecode,
  urlDecodeUni,
  urlEncode,
  utf8toUnicode,
}

/** Second spellings of the reference manuals, and the canonical name each stands for. */
export const transformationAliases: Readonly<Record<string, string>> = {
  normalisePath: 'normalizePath',
  normalisePathWin: 'normalizePathWin',
}

const byLowerName = new Map<string, TransformationDefinition>()
for (const definition of Object.values(transformations)) byLowerName.set(definition.name.toLowerCase(), definition)
for (const [alias, name] of Object.entries(transformationAliases))
  byLowerName.set(alias.toLowerCase(), transformations[name] as TransformationDefinition)

/** What a platform has in its own way, by name. */
const platformsOwn: Readonly<Record<PlatformName, ReadonlyMap<string, TransformationDefinition>>> = {
  coraza: ownOf('coraza', corazaTransformations),
  modsec2: ownOf('modsec2', variantsOn('modsec2')),
  modsec3: ownOf('modsec3', variantsOn('modsec3')),
}

function variantsOn(platform: PlatformName): TransformationDefinition[] {
  return Object.values(transformations).flatMap((definition) => {
    const apply = definition.variants?.[platform]
    return apply === undefined ? [] : [{ ...definition, apply }]
  })
}

/** The platform's entries, and those that differ only in what is a stage of multiMatch. */
function ownOf(
  platform: PlatformName,
  entries: readonly TransformationDefinition[],
): ReadonlyMap<string, TransformationDefinition> {
  const own = new Map(entries.map((entry) => [entry.name, entry]))
  for (const entry of Object.values(transformations)) {
    const isStage = stageRuleOf(entry.name, platform)
    if (isStage !== null) own.set(entry.name, { ...(own.get(entry.name) ?? entry), isStage })
  }
  return own
}

/** The transformation of that name or alias, in any case, as the platform has it; null where there is none. */
export function findTransformation(name: string, platform: Pick<Platform, 'name'>): TransformationDefinition | null {
  const found = byLowerName.get(name.toLowerCase()) ?? null
  return found === null ? null : (platformsOwn[platform.name].get(found.name) ?? found)
}
