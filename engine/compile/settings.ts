/**
 * Engine settings as they stand before any directive is read.
 *
 * The values are the engines' built-in ones (reference manual, "Configuration Directives"); body limits are
 * those of ModSecurity 2 and 3.
 */
import type { Platform } from '../model/platform.js'
import { corazaMap } from '../transformations/index.js'
import type { MutableSettings } from './draft.js'

export function initialSettings(platform: Pick<Platform, 'ownUnicodeMap'>): MutableSettings {
  return {
    mode: 'off',
    requestBodyAccess: false,
    requestBodyLimit: 134_217_728,
    requestBodyNoFilesLimit: 1_048_576,
    requestBodyLimitAction: 'reject',
    responseBodyAccess: false,
    responseBodyLimit: 524_288,
    responseBodyLimitAction: 'reject',
    responseBodyMimeTypes: null,
    argumentSeparator: '&',
    bodyLimits: { depth: 10_000, args: 100_000, files: 10_000 },
    pcreMatchLimit: 1_500,
    unicodeMap: platform.ownUnicodeMap ? corazaMap : new Map(),
    webAppId: 'default',
    collectionTimeout: 3_600,
  }
}
