/**
 * What counts as a stage of `multiMatch`: the engines test a value again behind each transformation that says it has
 * changed it, and some say so where they have not, or the other way round. What is not listed says it where the value
 * differs. Read off the engines, every transformation with changed, unchanged, empty and broken values.
 */
import type { TransformationDefinition } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { PlatformName } from '../model/platform.js'
import { decodeUtf8 } from '../utf8.js'

type StageRule = NonNullable<TransformationDefinition['isStage']>

const always: StageRule = () => true
const unlessEmptied: StageRule = (_before, after) => after !== ''
const alsoEmpty: StageRule = (before, after) => before === '' || before !== after

/** A single white space that is no blank becomes one unsaid. */
function isCompressed(before: ByteString): boolean {
  return /[\t-\r \xa0]{2}/.test(before)
}

/** Broken UTF-8 and NULs are rewritten unsaid. */
function hasUnicode(before: ByteString): boolean {
  return /[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3}/.test(before)
}

/** Broken UTF-8 becomes U+FFFD unsaid. */
function isShorter(before: ByteString, after: ByteString): boolean {
  return [...decodeUtf8(after)].length < [...decodeUtf8(before)].length
}

const stageRules: Readonly<Record<PlatformName, Readonly<Record<string, StageRule>>>> = {
  modsec2: {
    base64Decode: unlessEmptied,
    base64DecodeExt: unlessEmptied,
    cmdLine: always,
    compressWhitespace: isCompressed,
    hexDecode: always,
    hexEncode: always,
    sqlHexDecode: always,
    utf8toUnicode: hasUnicode,
  },
  modsec3: {},
  coraza: {
    base64Decode: alsoEmpty,
    base64DecodeExt: alsoEmpty,
    base64Encode: alsoEmpty,
    hexDecode: alsoEmpty,
    hexEncode: alsoEmpty,
    removeWhitespace: isShorter,
    urlDecode: (before) => /[%+]/.test(before),
  },
}

/** Null: where the value differs. */
export function stageRuleOf(name: string, platform: PlatformName): StageRule | null {
  return stageRules[platform][name] ?? null
}
