/**
 * libinjection as `@datadog/native-appsec` carries it, asked in this process.
 *
 * LIMIT: it looks at the first 4,096 bytes of a value, and takes UTF-8 only.
 * LIMIT: it judges what a style says and does not mind back quotes in comments, as no engine's libinjection does;
 * it is not asked about values that may hold them.
 */
import { isUtf8 } from 'node:buffer'
import type { ByteString } from '../../engine/index.js'
import type { Oracle } from './oracle.js'

/** Longer values are cut by the library. */
const appsecMaxBytes = 4096

interface RunResult {
  readonly status?: string
  readonly events?: readonly {
    readonly rule_matches?: readonly { readonly parameters?: readonly { readonly highlight?: readonly string[] }[] }[]
  }[]
}

/** A context keeps what it has seen; a new one after so many values bounds its memory. */
const valuesPerContext = 1000
/** Microseconds; far above what 4,096 bytes take. */
const timeLimit = 5_000_000
const detections: Readonly<Record<string, string>> = { s: 'sqli', x: 'xss' }

/** Throws where the package, a development dependency, is not installed. */
export async function nativeAppsec(): Promise<Oracle> {
  const { DDWAF } = (await import('@datadog/native-appsec')).default
  const rules = Object.values(detections).map(ruleOf)
  const engine = new DDWAF({ version: '2.2', metadata: { rules_version: '1.0.0' }, rules }, 'libinjection')
  let session = engine.createContext()
  let seen = 0
  const answer = (question: string, value: ByteString): ByteString => {
    if (++seen > valuesPerContext) {
      session.dispose()
      session = engine.createContext()
      seen = 1
    }
    const detection = detections[question]
    if (detection === undefined) throw new Error(`native-appsec cannot answer ${question}`)
    const result = session.run({ ephemeral: { [detection]: textOf(value) } }, timeLimit) as RunResult
    const hit = result.status === 'match'
    if (question === 'x') return hit ? '\x01' : '\x00'
    return hit ? (result.events?.[0]?.rule_matches?.[0]?.parameters?.[0]?.highlight?.[0] ?? '') : ''
  }
  return {
    name: 'native-appsec',
    ask: (question, values) => Promise.resolve(values.map((value) => answer(question, value))),
    takes: (question, value) =>
      value.length <= appsecMaxBytes && isText(value) && (question !== 'x' || !isItsOwn(value)),
    close: () => session.dispose(),
  }
}

function ruleOf(detection: string): object {
  return {
    id: detection,
    name: detection,
    tags: { type: detection, category: 'attack_attempt' },
    conditions: [{ operator: `is_${detection}`, parameters: { inputs: [{ address: detection }] } }],
    transformers: [],
  }
}

function isItsOwn(html: ByteString): boolean {
  return /style|filter/i.test(html.replaceAll('\0', '')) || (html.includes('`') && /<[!?%/]/.test(html))
}

function isText(value: ByteString): boolean {
  return !/[\x80-\xff]/.test(value) || isUtf8(Buffer.from(value, 'latin1'))
}

/** The text whose UTF-8 is the value, so that the library sees its bytes. */
function textOf(value: ByteString): string {
  return Buffer.from(value, 'latin1').toString('utf8')
}
