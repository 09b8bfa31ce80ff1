/**
 * The differences that are known and stay: whose bug each is, and the least that shows it.
 *
 * An entry explains a difference only where every rule id that differs is its own, and a difference of scores alone
 * only where it says so. What no entry explains fails the run.
 */
import type { PlatformName } from '../../engine/index.js'
import type { Difference } from './comparison.js'

export interface Cause {
  readonly id: string
  readonly platforms: readonly PlatformName[]
  /** Whose bug or limit it is. */
  readonly whose: 'wafsim' | 'engine' | 'peer driver'
  readonly doc: string
  /** A rule and a request that show it. */
  readonly example: string
  explains(difference: Difference): boolean
}

/** Every rule that differs is one the engine itself does not always log; a score that alone differs is not always so. */
function isVariation({ onlyWafsim, onlyPeer, outcome, varying, scoreVaries }: Difference): boolean {
  const ids = [...onlyWafsim, ...onlyPeer]
  return ids.length > 0 ? ids.every((id) => varying.includes(id)) : outcome === null && scoreVaries
}

/** Every rule that differs reads MATCHED_VAR in a chain, and the request holds a NUL, plain or encoded. */
function readsBehindNul({ onlyWafsim, onlyPeer, matchedVarReaders, record }: Difference): boolean {
  const ids = [...onlyWafsim, ...onlyPeer]
  const { uri, headers, body } = record.request
  const text = [uri, ...headers.map(([, value]) => value), body].join('\n')
  return (
    /\0|%(?:25)*00|\\(?:u0000|x00|0)|&#x?0+(?![0-9a-f])/i.test(text) &&
    ids.length > 0 &&
    ids.every((id) => matchedVarReaders.includes(id))
  )
}

/** A quoted value of a Content-Disposition that no quote closes, as its backslashes are read. */
const unclosedQuote =
  /^content-disposition:(?:[^"'\r\n\\]|"(?:[^"\r\n\\]|\\[^\r\n])*"|'(?:[^'\r\n\\]|\\[^\r\n])*')*["'][^\r\n]*$/im

function hasUnclosedQuote({ record }: Difference): boolean {
  const { body, headers } = record.request
  return headers.some(([, value]) => /^multipart\/form-data/i.test(value)) && unclosedQuote.test(body)
}

/** Apache answers a request of HTTP/0.9 that CRS blocks with nothing, and writes nothing of it to the audit log. */
function isUnloggedBlock({ onlyWafsim, onlyPeer, record }: Difference): boolean {
  return record.request.httpVersion === '' && onlyWafsim.length > 0 && onlyPeer.length === 0
}

export const causes: readonly Cause[] = [
  {
    id: 'apache-http-0.9-unlogged',
    platforms: ['modsec2'],
    whose: 'engine',
    doc: 'Apache closes the connection without an answer where a request without an HTTP version is blocked by CRS, and no audit entry tells which rules ran. wafsim reports the rules.',
    example: 'GET / with CRS 4 at the default threshold (920430-5)',
    explains: isUnloggedBlock,
  },
  {
    id: 'modsec2-matched-var-behind-nul',
    platforms: ['modsec2'],
    whose: 'engine',
    doc: 'ModSecurity 2 copies the value that matched up to its first NUL and keeps the length of the whole: behind the NUL MATCHED_VAR holds what the memory held before, parts of this request or of earlier ones. wafsim has NULs there.',
    example: 'SecRule ARGS "@rx a" "id:1,phase:2,pass,log,chain", then SecRule MATCHED_VAR "@rx b"; x=a%00------b',
    explains: readsBehindNul,
  },
  {
    id: 'coraza-random-order',
    platforms: ['coraza'],
    whose: 'engine',
    doc: 'Coraza visits a collection in the random order of a Go map, and keeps transformed values by name and position: where a name is repeated, a rule may see the value of its twin, and the last match, which captures, is a random one. Replays of the same request differ from each other.',
    example: 'SecRule ARGS "@rx x" "id:1,phase:2,pass,log,t:lowercase" twice; a=x&b=1&a=2',
    explains: isVariation,
  },
  {
    id: 'libmodsecurity-unclosed-quote',
    platforms: ['modsec3'],
    whose: 'engine',
    doc: 'libmodsecurity reads past the end of a Content-Disposition whose quote is not closed, and what it finds in memory decides whether the part is refused: in 600 such parts it was 468 times. wafsim refuses it.',
    example: 'Content-Disposition: form-data; name="a',
    explains: hasUnclosedQuote,
  },
]

export function causeOf(difference: Difference): Cause | null {
  return causes.find((cause) => cause.platforms.includes(difference.platform) && cause.explains(difference)) ?? null
}
