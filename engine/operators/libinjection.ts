/**
 * libinjection as `@datadog/native-appsec` carries it; its only importer.
 *
 * Loaded on first use, once a thread.
 * LIMIT: it looks at the first 4,096 bytes of a value.
 * LIMIT: it takes text; a value that is not UTF-8 is handed over with its high bytes as U+0080-U+00FF.
 */
import appsec from '@datadog/native-appsec'
import type { ByteString } from '../model/exchange.js'

type Detection = 'sqli'

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

const { DDWAF } = appsec
type Engine = InstanceType<typeof DDWAF>

let engine: Engine | null = null
let session: ReturnType<Engine['createContext']> | null = null
let valuesSeen = 0

function rule(detection: Detection): object {
  return {
    id: detection,
    name: detection,
    tags: { type: detection, category: 'attack_attempt' },
    conditions: [{ operator: `is_${detection}`, parameters: { inputs: [{ address: detection }] } }],
    transformers: [],
  }
}

function detect(detection: Detection, value: ByteString): string | null {
  if (session === null || valuesSeen >= valuesPerContext) {
    engine ??= new DDWAF(
      { version: '2.2', metadata: { rules_version: '1.0.0' }, rules: [rule('sqli')] },
      'libinjection',
    )
    session?.dispose()
    session = engine.createContext()
    valuesSeen = 0
  }
  valuesSeen++
  const result = session.run({ ephemeral: { [detection]: textOf(value) } }, timeLimit) as RunResult
  if (result.status !== 'match') return null
  return result.events?.[0]?.rule_matches?.[0]?.parameters?.[0]?.highlight?.[0] ?? ''
}

/** The text whose UTF-8 is the value, so that the library sees its bytes. */
function textOf(value: ByteString): string {
  if (!/[\x80-\xff]/.test(value)) return value
  const text = Buffer.from(value, 'latin1').toString('utf8')
  return text.includes('\ufffd') ? value : text
}

/** The fingerprint, or null where the value is no SQL injection. */
export function findSqli(value: ByteString): string | null {
  return detect('sqli', value)
}
