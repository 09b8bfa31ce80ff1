/**
 * The table of layouts: where the exclusions of a proposal are written, for each web server and way of loading CRS.
 */
import { nearestName, type PlatformName, UsageError } from '../../engine/index.js'
import type { FilePart, LayoutDefinition } from './definition.js'
import { caddyfile, jsonStrings, nginxWord, ruleFile, yamlBlock } from './hosts.js'

export { type AppliedFile, applyLayout, renderLayout } from './apply.js'
export type { LayoutDefinition, LayoutOptions } from './definition.js'
export {
  idsAt,
  idsInFile,
  readWritten,
  secLangOf,
  updateFiles,
  type WrittenIds,
  type WrittenTexts,
  withoutOurs,
} from './files.js'
export { ladderText } from './ladder-text.js'

const setup: FilePart = { section: 'setup', title: ['Settings: behind crs-setup.conf, before the rules of CRS.'] }
const before: FilePart = {
  section: 'before',
  title: ['Run-time exclusions: behind crs-setup.conf, before the rules of CRS.'],
}
const after: FilePart = { section: 'after', title: ['Configure-time exclusions: behind the rules of CRS.'] }
const location: FilePart = {
  section: 'location',
  title: [
    'Apache containers: behind the rules of CRS, in the main server or the virtual host that serves the paths.',
    'They reach no rule of phase 1, and nothing here was run in Apache.',
  ],
}
const host = (text: string): FilePart => ({ host: text })
const line = (text: string): FilePart => ({ line: text })
const fixed = (name: string) => (): string => name

const everyPlatform: readonly PlatformName[] = ['modsec2', 'modsec3', 'coraza']

export const layouts: readonly LayoutDefinition[] = [
  {
    name: 'inline',
    doc: 'one text with a section for each place, to be copied from',
    platforms: everyPlatform,
    host: ruleFile,
    files: [{ fileName: fixed('exclusions.conf'), parts: [setup, before, after, location] }],
  },
  {
    name: 'location',
    doc: 'Apache configuration: <Location> and <LocationMatch> where an exclusion allows it',
    platforms: ['modsec2'],
    host: ruleFile,
    files: [{ fileName: fixed('exclusions.conf'), parts: [setup, before, after, location] }],
  },
  {
    name: 'crs',
    doc: 'the two files that CRS keeps for exclusions, among its rules; settings stand in the first of them',
    platforms: everyPlatform,
    host: ruleFile,
    files: [
      { fileName: fixed('REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf'), parts: [setup, before] },
      { fileName: fixed('RESPONSE-999-EXCLUSION-RULES-AFTER-CRS.conf'), parts: [after] },
    ],
  },
  {
    name: 'plugin',
    doc: 'a plugin of CRS 4: NAME-config.conf, NAME-before.conf and NAME-after.conf',
    platforms: everyPlatform,
    host: ruleFile,
    files: [
      { fileName: (name) => `${name}-config.conf`, parts: [setup] },
      { fileName: (name) => `${name}-before.conf`, parts: [before] },
      { fileName: (name) => `${name}-after.conf`, parts: [after] },
    ],
  },
  {
    name: 'nginx',
    doc: 'two rule files for nginx and the lines of nginx.conf that load them',
    platforms: ['modsec3'],
    host: ruleFile,
    files: [
      { fileName: fixed('exclusions-before.conf'), parts: [setup, before] },
      { fileName: fixed('exclusions-after.conf'), parts: [after] },
      {
        fileName: fixed('nginx-modsecurity.conf'),
        parts: [
          host('modsecurity on;'),
          host('modsecurity_rules_file /etc/nginx/modsec/modsecurity.conf;'),
          host('modsecurity_rules_file /etc/nginx/modsec/crs-setup.conf;'),
          host('modsecurity_rules_file /etc/nginx/modsec/exclusions-before.conf;'),
          host('# the rules of CRS: a file with the line  Include /etc/nginx/modsec/rules/*.conf'),
          host('modsecurity_rules_file /etc/nginx/modsec/crs-rules.conf;'),
          host('modsecurity_rules_file /etc/nginx/modsec/exclusions-after.conf;'),
        ],
      },
    ],
  },
  {
    name: 'nginx-inline',
    doc: 'nginx.conf with the exclusions in it, quoted as nginx reads them',
    platforms: ['modsec3'],
    host: nginxWord,
    files: [{ fileName: fixed('nginx-exclusions.conf'), parts: [setup, before, after] }],
  },
  {
    name: 'caddy',
    doc: 'Caddyfile of coraza-caddy',
    platforms: ['coraza'],
    host: caddyfile,
    files: [
      {
        fileName: fixed('Caddyfile'),
        parts: [
          host('coraza_waf {'),
          host('    load_owasp_crs'),
          host('    directives `'),
          line('Include @coraza.conf-recommended'),
          line('Include @crs-setup.conf.example'),
          setup,
          before,
          line('Include @owasp_crs/*.conf'),
          after,
          host('    `'),
          host('}'),
        ],
      },
    ],
  },
  {
    name: 'spoa',
    doc: 'config.yaml of coraza-spoa (HAProxy)',
    platforms: ['coraza'],
    host: yamlBlock,
    files: [
      {
        fileName: fixed('config.yaml'),
        parts: [
          host('applications:'),
          host('  - name: default'),
          host('    directives: |'),
          line('Include @coraza.conf-recommended'),
          line('Include @crs-setup.conf.example'),
          setup,
          before,
          line('Include @owasp_crs/*.conf'),
          after,
          line('# end of the directives'),
        ],
      },
    ],
  },
  {
    name: 'proxy-wasm',
    doc: 'configuration of coraza-proxy-wasm (Envoy, Istio)',
    platforms: ['coraza'],
    host: jsonStrings,
    files: [
      {
        fileName: fixed('coraza-proxy-wasm.json'),
        parts: [
          host('{'),
          host('  "directives_map": {'),
          host('    "default": ['),
          line('Include @recommended-conf'),
          line('Include @crs-setup-conf'),
          setup,
          before,
          line('Include @owasp_crs/*.conf'),
          after,
          host('      "# end of the directives"'),
          host('    ]'),
          host('  },'),
          host('  "default_directives": "default"'),
          host('}'),
        ],
      },
    ],
  },
]

/** Throws UsageError where there is no such layout, or the platform has no use for it. */
export function layoutFor(name: string, platform: PlatformName): LayoutDefinition {
  const suiting = layouts.filter((each) => each.platforms.includes(platform)).map((each) => each.name)
  const layout = layouts.find((each) => each.name === name)
  if (layout === undefined) {
    const names = layouts.map((each) => each.name)
    const near = nearestName(name, names)
    throw new UsageError(
      `--layout: unknown; the layouts are ${names.join(', ')}${near === undefined ? '' : `; ${near}`}`,
    )
  }
  if (!layout.platforms.includes(platform))
    throw new UsageError(
      `--layout ${name} is for ${layout.platforms.join(', ')}; with --platform ${platform} use ${suiting.join(', ')}`,
    )
  return layout
}
