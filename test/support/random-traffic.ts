/**
 * Random benign traffic and random rulesets in CRS style, from a seed, for property tests of exclusions.
 */
import type { PlatformName, TransactionRecord } from '../../engine/index.js'
import { random } from './exclusions.js'
import { crsStyle, type RulesetText } from './laboratory.js'

export interface Dice {
  below(n: number): number
  chance(share: number): boolean
  pick<T>(values: readonly T[]): T
  some<T>(values: readonly T[], share: number): readonly T[]
  shuffle<T>(values: readonly T[]): readonly T[]
}

export function dice(seed: number): Dice {
  const next = random(seed * 7919 + 17)
  for (let n = 0; n < 5; n++) next()
  const below = (n: number): number => Math.floor(next() * n)
  return {
    below,
    chance: (share) => next() < share,
    pick: (values) => values[below(values.length)] as (typeof values)[number],
    some: (values, share) => values.filter(() => next() < share),
    shuffle: (values) => {
      const all = [...values]
      for (let n = all.length - 1; n > 0; n--) {
        const other = below(n + 1)
        ;[all[n], all[other]] = [all[other] as (typeof all)[number], all[n] as (typeof all)[number]]
      }
      return all
    },
  }
}

const add = (points: number, level = 1): string =>
  `tag:'paranoia-level/${level}',severity:CRITICAL,setvar:'tx.inbound_anomaly_score_pl${level}=+${points}'`

/** Words that rules look for, one a rule, so that a value says which rules it hits. */
const scored: readonly string[] = [
  `SecRule ARGS "@contains union" "id:942100,phase:2,pass,log,msg:'union',tag:'attack-sqli',${add(5)}"`,
  `SecRule ARGS|ARGS_NAMES|REQUEST_COOKIES "@contains script" "id:941100,phase:2,pass,log,msg:'script',tag:'attack-xss',${add(4)}"`,
  `SecRule REQUEST_COOKIES|REQUEST_COOKIES_NAMES|ARGS "@contains passwd" "id:930100,phase:2,pass,log,msg:'passwd',tag:'attack-lfi',${add(3)}"`,
  `SecRule REQUEST_HEADERS:User-Agent|REQUEST_HEADERS:Referer "@contains select" "id:942200,phase:1,pass,log,msg:'header',tag:'attack-sqli',${add(3)}"`,
  `SecRule REQUEST_BODY "@contains shell" "id:932200,phase:2,pass,log,msg:'body',tag:'attack-rce',${add(2)}"`,
  `SecRule ARGS_NAMES "@contains odd" "id:921200,phase:2,pass,log,msg:'name',tag:'attack-protocol',${add(3)}"`,
  `SecRule ARGS "@rx alpha([0-9]+)" "id:933200,phase:2,pass,log,capture,msg:'chain on TX',tag:'attack-php',chain,${add(3).replace(/,setvar.*/, '')}"\n  SecRule TX:1 "@rx 7" "t:none,${add(3).replace(/^.*(?=setvar)/, '')}"`,
  `SecRule ARGS|REQUEST_COOKIES "@contains beta" "id:934200,phase:2,pass,log,msg:'chain on MATCHED_VAR',tag:'attack-generic',chain,${add(5).replace(/,setvar.*/, '')}"\n  SecRule MATCHED_VAR "@contains gamma" "t:none,${add(5).replace(/^.*(?=setvar)/, '')}"`,
  `SecRule REQUEST_METHOD "@rx ^(?:POST|PUT)$" "id:944200,phase:2,pass,log,msg:'chain on ARGS',tag:'attack-java',chain,${add(4).replace(/,setvar.*/, '')}"\n  SecRule ARGS|!ARGS:skipped "@contains drop" "t:none,${add(4).replace(/^.*(?=setvar)/, '')}"`,
  `SecRule ARGS "@contains delta" "id:942300,phase:2,pass,log,msg:'level 2',tag:'attack-sqli',${add(5, 2)}"`,
  `SecRule ARGS|ARGS_NAMES "@contains phpinfo" "id:933100,phase:2,deny,status:403,log,msg:'denies',tag:'attack-php'"`,
  `SecRule REQUEST_HEADERS:X-Odd "@contains sleep" "id:920900,phase:1,deny,status:400,log,msg:'denies early',tag:'attack-protocol'"`,
  `SecRule REQUEST_FILENAME "@contains backup" "id:920500,phase:1,pass,log,msg:'path',tag:'attack-protocol',${add(5)}"`,
  `SecRule ARGS:message|ARGS:/^item/ "@contains union" "id:942110,phase:2,pass,log,msg:'union again',tag:'attack-sqli',${add(3)}"`,
  `SecRule REQUEST_METHOD "!@within %{tx.allowed_methods}" "id:911100,phase:1,pass,log,msg:'method',tag:'attack-generic',${add(5)}"`,
  `SecRule &ARGS "@gt 6" "id:921300,phase:2,pass,log,msg:'many',tag:'attack-protocol',${add(2)}"`,
]

export function randomRules(d: Dice): RulesetText {
  const chosen = d.shuffle(d.some(scored, 0.7))
  const tail = d.chance(0.3) ? `SecAction "id:7000,phase:2,pass,nolog,setvar:tx.seen=1"\n` : ''
  return crsStyle(`${(chosen.length === 0 ? scored : chosen).join('\n')}\n${tail}`)
}

const words = [
  'union',
  'script',
  'passwd',
  'select',
  'shell',
  'odd',
  'alpha17',
  'alpha22',
  'beta gamma',
  'beta',
  'drop',
  'delta',
  'phpinfo',
]
const plainWords = ['hello', 'world', 'a b', '42', '', 'caf\xc3\xa9', '\xff']
const plainNames = [
  'message',
  'q',
  'item[0]',
  'item[1]',
  'item[12]',
  'items[0][name]',
  'items[3][name]',
  'user.name',
  'skipped',
  'tag1',
  'tag2',
  'Message',
]
export const oddNames = [
  "o'dd",
  'a"b',
  'x,y',
  'a b',
  'caf\xc3\xa9',
  '\xff\xfe',
  'line\nbreak',
  'a;b',
  'a|b',
  'odd name',
  'p/q',
  'a\\b',
  '`',
  'tab\t',
  '$x',
  '(',
  'odd%',
  'phpinfo',
  '',
]
const paths = [
  '/contact',
  '/user/1',
  '/user/23',
  '/user/456',
  '/a b',
  '/backup/x',
  "/it's",
  '/caf\xc3\xa9',
  '/x"y',
  '/search',
  '/deep/er/path',
  '/\xff',
  '/index.php',
]

const encode = (text: string): string =>
  text.replace(/[^A-Za-z0-9._[\]-]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`)

export function randomRecord(d: Dice, id: string): TransactionRecord {
  const value = (): string =>
    d.chance(0.45)
      ? `${d.pick(plainWords)} ${d.pick(words)}${d.chance(0.2) ? ` ${d.pick(words)}` : ''}`
      : d.pick(plainWords)
  const name = (): string => (d.chance(0.3) ? d.pick(oddNames) : d.pick(plainNames))
  const pairs = (most: number): [string, string][] => Array.from({ length: d.below(most + 1) }, () => [name(), value()])
  const form = (list: readonly (readonly [string, string])[]): string =>
    list.map(([key, text]) => `${encode(key)}=${encode(text)}`).join('&')
  const query = d.chance(0.4) ? form(pairs(2)) : ''
  const kind = d.pick(['none', 'form', 'form', 'json'])
  const method = kind === 'none' ? d.pick(['GET', 'GET', 'HEAD', 'PATCH']) : d.pick(['POST', 'POST', 'PUT'])
  const headers: [string, string][] = [['Host', 'www.example.com']]
  if (d.chance(0.5)) headers.push(['User-Agent', d.chance(0.3) ? 'Mozilla select' : 'Mozilla'])
  if (d.chance(0.2)) headers.push(['Referer', d.chance(0.5) ? 'http://x/select' : 'http://x/'])
  if (d.chance(0.05)) headers.push(['X-Odd', 'sleep'])
  if (d.chance(0.4))
    headers.push([
      'Cookie',
      `sid=${d.pick(['1', 'script', 'passwd', 'beta gamma'])}${d.chance(0.3) ? '; uid_7=script' : ''}${d.chance(0.3) ? '; a=passwd' : ''}`,
    ])
  let body = ''
  if (kind === 'form') {
    body = form(pairs(4))
    headers.push(['Content-Type', 'application/x-www-form-urlencoded'])
  }
  if (kind === 'json') {
    body = d.chance(0.05)
      ? '{"broken": '
      : JSON.stringify({
          [d.pick(['message', 'title', 'a b', "o'dd"])]: value().replace(/[^ -~]/g, '?'),
          list: Array.from({ length: d.below(4) }, () => value().replace(/[^ -~]/g, '?')),
          items: [{ name: value().replace(/[^ -~]/g, '?') }],
        })
    headers.push(['Content-Type', 'application/json'])
  }
  if (body !== '' || kind !== 'none') headers.push(['Content-Length', String(body.length)])
  const path = d.pick(paths)
  return {
    id,
    label: 'benign',
    tags: [],
    request: {
      method,
      uri: `${encodePath(path)}${query === '' ? '' : `?${query}`}`,
      httpVersion: '1.1',
      headers,
      body,
    },
    evidence: 'complete',
  }
}

/** As clients write a path: nothing in it ends the request line. */
function encodePath(path: string): string {
  return path.replace(/[^A-Za-z0-9/._~'-]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

export interface RandomCase {
  readonly seed: number
  readonly text: RulesetText
  readonly platform: PlatformName
  readonly records: readonly TransactionRecord[]
  readonly targetScore: number | null
}

export function randomCase(seed: number, platform: PlatformName): RandomCase {
  const d = dice(seed)
  const text = randomRules(d)
  const count = 3 + d.below(22)
  const records: TransactionRecord[] = []
  for (let n = 0; n < count; n++) {
    const record = randomRecord(d, `r${n}`)
    records.push(record)
    if (d.chance(0.15)) records.push({ ...record, id: `r${n}-again` })
  }
  const targetScore = d.pick([null, null, 0, 0, 2, 3])
  return { seed, text, platform, records, targetScore }
}
