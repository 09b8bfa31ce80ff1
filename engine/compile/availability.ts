/**
 * Names that some engine does not know: where one is used, that engine would refuse the file (libmodsecurity takes
 * an unknown operator for a pattern).
 *
 * Measured: a rule or directive with each name of our tables was given to ModSecurity 2.9.7 in Apache, to
 * libmodsecurity 3.0.9 and to Coraza 3.8.1. Names that later releases have taken up are left out.
 */
import type { PlatformName } from '../model/platform.js'

export type NameFamily = 'action' | 'ctl' | 'directive' | 'operator' | 'transformation' | 'variable'

interface Refusal {
  readonly refusedBy: readonly PlatformName[]
  readonly names: readonly string[]
}

export const refusals: Readonly<Record<NameFamily, readonly Refusal[]>> = {
  action: [
    {
      refusedBy: ['coraza'],
      names: ['setrsc', 'setsid', 'setuid', 'xmlns'],
    },
    {
      refusedBy: ['coraza', 'modsec3'],
      names: [
        'append',
        'deprecatevar',
        'pause',
        'prepend',
        'proxy',
        'sanitiseArg',
        'sanitiseMatched',
        'sanitiseMatchedBytes',
        'sanitiseRequestHeader',
        'sanitiseResponseHeader',
        'sanitizeArg',
        'sanitizeMatched',
        'sanitizeMatchedBytes',
        'sanitizeRequestHeader',
        'sanitizeResponseHeader',
      ],
    },
  ],
  ctl: [
    {
      refusedBy: ['modsec3'],
      names: [
        'debugLogLevel',
        'hashEnforcement',
        'hashEngine',
        'requestBodyLimit',
        'responseBodyAccess',
        'responseBodyLimit',
        'ruleRemoveByMsg',
        'ruleRemoveTargetByMsg',
      ],
    },
    {
      refusedBy: ['modsec2', 'modsec3'],
      names: ['forceResponseBodyVariable', 'responseBodyProcessor'],
    },
  ],
  directive: [
    {
      refusedBy: ['coraza'],
      names: [
        'SecAuditLog2',
        'SecGeoLookupDb',
        'SecRemoteRules',
        'SecStatusEngine',
        'SecTmpSaveUploadedFiles',
        'SecUnicodeMapFile',
        'SecXmlExternalEntity',
      ],
    },
    {
      refusedBy: ['modsec3'],
      names: [
        'SecConnEngine',
        'SecConnReadStateLimit',
        'SecConnWriteStateLimit',
        'SecGsbLookupDb',
        'SecHashEngine',
        'SecHashKey',
        'SecHashMethodPm',
        'SecHashMethodRx',
        'SecHashParam',
        'SecRequestBodyInMemoryLimit',
        'SecRulePerfTime',
        'SecSensorId',
        'SecServerSignature',
      ],
    },
    {
      refusedBy: ['coraza', 'modsec3'],
      names: [
        'SecCacheTransformations',
        'SecChrootDir',
        'SecContentInjection',
        'SecCookieV0Separator',
        'SecDisableBackendCompression',
        'SecGuardianLog',
        'SecInterceptOnError',
        'SecReadStateLimit',
        'SecRequestEncoding',
        'SecRuleInheritance',
        'SecStreamInBodyInspection',
        'SecStreamOutBodyInspection',
        'SecUnicodeCodePage',
        'SecWriteStateLimit',
      ],
    },
    {
      refusedBy: ['modsec2', 'modsec3'],
      names: [
        'SecDataset',
        'SecIgnoreRuleCompilationErrors',
        'SecResponseBodyJsonDepthLimit',
        'SecRxPreFilter',
        'SecUnicodeMap',
      ],
    },
    {
      refusedBy: ['coraza', 'modsec2', 'modsec3'],
      names: ['SecAuditLogDir', 'SecAuditLogPrefix'],
    },
  ],
  operator: [
    {
      refusedBy: ['coraza'],
      names: ['containsWord', 'fuzzyHash', 'validateDTD', 'verifyCC', 'verifyCPF', 'verifySSN'],
    },
    {
      refusedBy: ['coraza', 'modsec2'],
      names: ['rxGlobal', 'verifySVNR'],
    },
    {
      refusedBy: ['coraza', 'modsec3'],
      names: ['gsbLookup', 'rsub', 'validateHash'],
    },
    {
      refusedBy: ['modsec2', 'modsec3'],
      names: ['ipMatchFromDataset', 'pmFromDataset', 'restpath', 'validateNid'],
    },
    {
      refusedBy: ['coraza', 'modsec2', 'modsec3'],
      names: ['ne'],
    },
  ],
  transformation: [
    {
      refusedBy: ['coraza'],
      names: ['parityEven7bit', 'parityOdd7bit', 'parityZero7bit', 'sqlHexDecode'],
    },
    {
      refusedBy: ['modsec2'],
      names: ['uppercase'],
    },
  ],
  variable: [
    {
      refusedBy: ['coraza'],
      names: ['GLOBAL', 'MODSEC_BUILD', 'REMOTE_USER', 'RESOURCE', 'SESSION', 'USER', 'WEBAPPID'],
    },
    {
      refusedBy: ['coraza', 'modsec3'],
      names: [
        'PERF_ALL',
        'PERF_COMBINED',
        'PERF_GC',
        'PERF_LOGGING',
        'PERF_PHASE1',
        'PERF_PHASE2',
        'PERF_PHASE3',
        'PERF_PHASE4',
        'PERF_PHASE5',
        'PERF_RULES',
        'PERF_SREAD',
        'PERF_SWRITE',
        'SCRIPT_BASENAME',
        'SCRIPT_FILENAME',
        'SCRIPT_GID',
        'SCRIPT_GROUPNAME',
        'SCRIPT_MODE',
        'SCRIPT_UID',
        'SCRIPT_USERNAME',
        'SDBM_DELETE_ERROR',
        'STREAM_INPUT_BODY',
        'STREAM_OUTPUT_BODY',
        'USERAGENT_IP',
        'WEBSERVER_ERROR_LOG',
      ],
    },
    {
      refusedBy: ['modsec2', 'modsec3'],
      names: [
        'ARGS_PATH',
        'ARGUMENTS_LIMIT_REACHED',
        'JSON',
        'MULTIPART_DUPLICATE_PART_HEADER',
        'MULTIPART_FILENAME_CHARSET',
        'MULTIPART_FILENAME_LANGUAGE',
        'RES_BODY_ERROR',
        'RES_BODY_ERROR_MSG',
        'RES_BODY_PROCESSOR',
        'RES_BODY_PROCESSOR_ERROR',
        'RES_BODY_PROCESSOR_ERROR_MSG',
        'RESPONSE_ARGS',
        'RESPONSE_XML',
        'URI_PARSE_ERROR',
      ],
    },
  ],
}

const NONE: readonly PlatformName[] = Object.freeze([])

type RefusedNames = ReadonlyMap<string, readonly PlatformName[]>

const byFamily = new Map<string, RefusedNames>(
  Object.entries(refusals).map(([family, list]) => [
    family,
    new Map(list.flatMap(({ refusedBy, names }) => names.map((name) => [name.toLowerCase(), refusedBy] as const))),
  ]),
)

/** Platforms whose engine does not know the name (in any case). */
export function refusingPlatforms(family: NameFamily, name: string): readonly PlatformName[] {
  return byFamily.get(family)?.get(name.toLowerCase()) ?? NONE
}
