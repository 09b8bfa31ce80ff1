/**
 * The exclusions of a loaded ruleset, as the compiler has them and as their text reads; and which of them are the
 * ruleset's own.
 */
import type { LoadedRuleset } from '../../compile/source.js'
import type { ByteString } from '../../model/exchange.js'
import { type ReadExclusion, readExclusions } from '../read-exclusions.js'
import type { AuditItem } from './audit-finding.js'

/** Containers that hold for some requests only; a replay leaves out what stands in them. */
const located = /^<(?:Location|Directory|Files|If\b|ElseIf|Else|Proxy|Limit)/i

/** In load order of the compiler, then what only the text has: switches, and what stands in `<Location>`. */
export function auditItems({ ruleset, source }: LoadedRuleset): readonly AuditItem[] {
  const reads = textsOf(source).flatMap(
    ({ name, text }) => readExclusions(text, name, ruleset.platform.name).exclusions,
  )
  const byPlace = new Map(reads.map((read) => [placeOf(read.span), read]))
  const compiled = ruleset.standing.map((standing): AuditItem => {
    const { text, span, host } = standing
    const read = byPlace.get(placeOf(span)) ?? null
    byPlace.delete(placeOf(span))
    return { standing, read, text, file: span.file, line: span.line, own: isOwn(span.file, host?.ruleId ?? null) }
  })
  const others = [...byPlace.values()].filter(isSwitchOrLocated).map((read): AuditItem => {
    const { file, line } = read.span
    return { standing: null, read, text: textOf(read), file, line, own: isOwn(file, read.holder?.id ?? null) }
  })
  return [...compiled, ...others]
}

function textsOf({ parts, bundle }: LoadedRuleset['source']): { readonly name: string; readonly text: ByteString }[] {
  const texts = parts.flatMap((part) => (part.kind === 'text' ? [{ name: part.name, text: part.text }] : []))
  const files = Object.entries(bundle.files)
    .filter(([path, text]) => !/\.(?:data|mapping)$/i.test(path) && /SecRule|SecAction|SecRuleEngine/i.test(text))
    .map(([name, text]) => ({ name, text }))
  return [...texts, ...files]
}

export function placeOf({ file, line, column }: ReadExclusion['span']): string {
  return `${file}\0${line}\0${column}`
}

function isSwitchOrLocated({ kind, containers, selector }: ReadExclusion): boolean {
  if (containers.some((each) => located.test(each))) return true
  if (kind === 'allow' || kind === 'engine-switch') return true
  return kind === 'ctl-switch' && /^(?:ruleEngine|requestBodyAccess)\s*=\s*(?:Off|DetectionOnly)\s*$/i.test(selector)
}

/** The exclusion as it is commonly written. */
export function textOf({ kind, selector, targets }: ReadExclusion): ByteString {
  if (kind === 'allow' || kind === 'engine-switch') return selector.replace('=', kind === 'allow' ? ':' : ' ')
  if (kind === 'ctl-switch') return `ctl:${selector}`
  const name = kind.startsWith('location-') ? 'remove-by-id' : kind
  if (name.startsWith('ctl-')) return `ctl:rule${camelCase(name.slice(3))}=${[selector, ...targets].join(';')}`
  const by = name.replace(/^(?:remove|update-target)-by-/, '')
  const directive = `SecRule${name.startsWith('remove') ? 'Remove' : 'UpdateTarget'}By${by[0]?.toUpperCase() ?? ''}${by.slice(1)}`
  return [directive, selector, ...targets.map((target) => `"!${target}"`)].join(' ')
}

/** `-remove-target-by-id` to `RemoveTargetById`. */
function camelCase(text: string): string {
  return text.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/**
 * CRS's rule files but those that are there for the user's exclusions, and rules of CRS's plugins, whose ids are of the
 * plugins' range: a plugin of the user's has ids of the user's own.
 */
function isOwn(file: string, ruleId: number | null): boolean {
  const name = file.split(/[/\\]/).at(-1) ?? ''
  const isCrsFile = /^(?:REQUEST|RESPONSE)-9\d\d-/i.test(name) && !/^(?:REQUEST-900|RESPONSE-999)-/i.test(name)
  return isCrsFile || (ruleId !== null && ruleId >= 9_500_000 && ruleId <= 9_999_999)
}
