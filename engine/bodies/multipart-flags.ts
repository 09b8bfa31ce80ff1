/**
 * The flags of a multipart body: none raised, to begin with.
 */
import type { MultipartFlags } from '../model/definitions.js'

export type MutableFlags = { -readonly [K in keyof MultipartFlags]: MultipartFlags[K] }

export const noFlags: MultipartFlags = {
  boundaryQuoted: false,
  boundaryWhitespace: false,
  dataBefore: false,
  dataAfter: false,
  headerFolding: false,
  invalidHeaderFolding: false,
  lfLine: false,
  crlfLf: false,
  missingSemicolon: false,
  invalidQuoting: false,
  invalidPart: false,
  fileLimitExceeded: false,
  duplicatePartHeader: false,
  framingError: false,
  unmatchedBoundary: 0,
}
