/**
 * Exclusions that take away more than a false positive: rules that set up or evaluate, whole classes, or what an
 * attacker may ask for by choosing an address, a header or the end of a path.
 */
import type { ByteString } from '../../model/exchange.js'
import type { Rule, Ruleset } from '../../model/ruleset.js'
import { protectedRulesOf } from '../protected-rules.js'
import type { Condition, ReadExclusion } from '../read-exclusions.js'
import type { AuditItem, Finding } from './audit-finding.js'
import { idList, mayTake, rulesOf } from './audit-placebo.js'

/** Rules from which on a selector takes a whole class. */
const wholeClass = 10

const finding = (reason: string, advice: string): Finding => ({ kind: 'dangerous', reason, advice, instead: null })

export function dangers(item: AuditItem, ruleset: Ruleset): readonly Finding[] {
  const { standing, read } = item
  const found: Finding[] = []
  if (standing !== null) found.push(...protectedRules(item, ruleset), ...classes(item, ruleset))
  else if (read !== null) found.push(...locatedProtected(read, ruleset), ...switches(read))
  if (read !== null) found.push(...conditionDangers(read, ruleset))
  return found
}

function protectedRules({ standing }: AuditItem, ruleset: Ruleset): readonly Finding[] {
  if (standing === null) return []
  const known = protectedRulesOf(ruleset)
  const covered = rulesOf(standing, ruleset)
    .filter(({ id }) => known.has(id))
    .filter((rule) => standing.targets.length === 0 || standing.targets.some((each) => inspects(rule, each)))
  if (covered.length === 0) return []
  const ids = covered.map(({ id }) => id)
  return [
    finding(
      standing.targets.length === 0 ? whatIsLost(covered) : `it blinds ${idList(ids)}, which others depend on`,
      standing.selector.kind === 'id' && covered.length === 1
        ? 'remove it; exclude the rule that scores, at the place where it errs'
        : 'name the rules that err, one by one',
    ),
  ]
}

function inspects(rule: Rule, exclusion: Parameters<typeof mayTake>[0]): boolean {
  return rule.links.some(({ targets }) => targets.some((target) => mayTake(exclusion, target)))
}

function whatIsLost(covered: readonly Rule[]): string {
  const ids = idList(covered.map(({ id }) => id))
  const ends = covered.filter(({ disruption }) => disruption !== null)
  if (ends.length > 0) return `it removes ${ids}, without which the scores block nothing`
  return `it removes ${ids}, which set up, gate or sum up the others`
}

function classes({ standing }: AuditItem, ruleset: Ruleset): readonly Finding[] {
  if (standing === null) return []
  const selected = rulesOf(standing, ruleset)
  if (selected.length < wholeClass) return []
  const { kind, text } = standing.selector
  const what = kind === 'id' ? `the rules ${text}` : `all with the ${kind === 'tag' ? 'tag' : 'message'} ${text}`
  if (standing.targets.length === 0)
    return [finding(`it removes ${selected.length} rules: ${what}`, 'name the rules that err, one by one')]
  const whole = standing.targets.filter(
    ({ variable, key }) => key === null && /^(?:ARGS|REQUEST_(?:BODY|COOKIES|HEADERS))/.test(variable),
  )
  if (whole.length === 0) return []
  const names = whole.map(({ variable }) => variable).join(', ')
  return [finding(`it takes all of ${names} from ${selected.length} rules: ${what}`, 'name the parameter that errs')]
}

/** What stands in `<Location>` is not compiled. */
function locatedProtected({ ids, containers }: ReadExclusion, ruleset: Ruleset): readonly Finding[] {
  if (containers.length === 0) return []
  const known = protectedRulesOf(ruleset)
  const covered = ruleset.rules.filter(({ id }) => known.has(id) && ids.some(([low, high]) => id >= low && id <= high))
  return covered.length === 0 ? [] : [finding(whatIsLost(covered), 'name the rules that err, one by one')]
}

function switches({ kind, selector, conditions, containers }: ReadExclusion): readonly Finding[] {
  const where =
    conditions.length > 0
      ? 'where its condition holds'
      : containers.length > 0
        ? `in ${containers.at(-1)}`
        : 'for every request'
  if (kind === 'engine-switch' || /^ruleEngine/i.test(selector)) {
    const off = /=\s*Off/i.test(selector)
    return [
      finding(
        `it ${off ? 'switches the engine off' : 'lets everything pass'} ${where}: no rule ${off ? 'runs' : 'blocks'} there`,
        'exclude the rules that err there, and no others',
      ),
    ]
  }
  if (kind === 'ctl-switch' && /^requestBodyAccess/i.test(selector))
    return [finding(`no rule sees the request body ${where}`, 'exclude the parameters that err there')]
  return []
}

const paths = /^(?:REQUEST_(?:URI|URI_RAW|FILENAME|BASENAME|LINE)|PATH_INFO|FULL_REQUEST)$/
const chosenByClient =
  /^(?:ARGS\w*|REQUEST_COOKIES\w*|REQUEST_HEADERS(?::.*)?|SERVER_NAME|QUERY_STRING|REQUEST_BODY|REMOTE_USER|AUTH_TYPE)(?::.*)?$/

function conditionDangers(read: ReadExclusion, { platform }: Ruleset): readonly Finding[] {
  const { conditions, kind, linksBehind } = read
  // The other links are conditions too there, and not read here.
  if (linksBehind > 0 && platform.ctlWaitsForChain) return []
  const before = linksBehind === 0 || kind === 'allow' ? [] : [actsBeforeChain(linksBehind, platform.title)]
  const found = [
    ...before,
    ...conditions.flatMap((condition) => [...addressDangers(condition), ...pathDangers(condition)]),
  ]
  if (conditions.length === 0 || kind === 'setting') return found
  const isChosen = conditions.every(
    ({ targets, negated }) =>
      !negated &&
      targets.length > 0 &&
      targets.every((target) => chosenByClient.test(target.replace(/^&/, '').toUpperCase())),
  )
  if (!isChosen) return found
  const names = [...new Set(conditions.flatMap(({ targets }) => targets))].join(', ')
  return [
    ...found,
    finding(
      `whoever sends the request chooses ${names}, and so whether rules run`,
      'bind it to the path and the parameter that err',
    ),
  ]
}

function actsBeforeChain(linksBehind: number, title: string): Finding {
  const links = linksBehind === 1 ? 'the link behind it does' : `the ${linksBehind} links behind it do`
  return finding(
    `${title} runs it as soon as its own link matches: ${links} not keep it from running`,
    'move it to the last link of the chain',
  )
}

function addressDangers({ targets, operator, argument, negated }: Condition): readonly Finding[] {
  if (!targets.some((target) => /^REMOTE_(?:ADDR|HOST)$/i.test(target))) return []
  if (negated) return [finding('it holds for every address but those named', 'name the addresses that it is for')]
  if (!/^ipMatch/i.test(operator))
    return [
      finding(
        `@${operator} compares the address as text: ${argument} may stand in others too`,
        'use @ipMatch with a netmask',
      ),
    ]
  const words = argument.split(',').map((word) => word.trim())
  const wide = words.filter(isWide)
  if (wide.length > 0)
    return [
      finding(
        `${wide.join(', ')} holds for very many clients, and for all of them behind a proxy`,
        'name the machines',
      ),
    ]
  const bare = /^ipMatch$/i.test(operator) ? words.filter((word) => word !== '' && !word.includes('/')) : []
  if (bare.length === 0) return []
  return [
    finding(
      `${bare.join(', ')} stands without a netmask; if it is a proxy's, it holds for every client`,
      'state the netmask, /32 for one machine, and see that it is no proxy',
    ),
  ]
}

/** Networks with more than 65,536 addresses, for IPv6 above /48. */
function isWide(word: ByteString): boolean {
  const parts = /^(.*)\/(\d+)$/.exec(word)
  if (parts === null) return false
  return Number(parts[2]) < ((parts[1] ?? '').includes(':') ? 48 : 16)
}

function pathDangers({ targets, operator, argument, negated }: Condition): readonly Finding[] {
  if (!targets.some((target) => paths.test(target.toUpperCase()))) return []
  if (negated) return [finding('it holds for every path but the one named', 'name the paths that it is for')]
  const exact = 'use REQUEST_FILENAME "@streq /path"'
  switch (operator.toLowerCase()) {
    case 'endswith':
      return [
        finding(
          `@endsWith ${argument} also holds for what is put behind another path (PATH_INFO): /other.php${argument.startsWith('/') ? '' : '/'}${argument}`,
          exact,
        ),
      ]
    case 'contains':
    case 'containsword':
    case 'strmatch':
    case 'pm':
    case 'within':
      return [
        finding(`@${operator} ${argument} holds wherever that stands in the path, or behind ? in REQUEST_URI`, exact),
      ]
    case 'beginswith':
      return argument.endsWith('/')
        ? []
        : [
            finding(
              `@beginsWith ${argument} also holds for longer names: ${argument}2`,
              `${exact}, or end the prefix with a slash`,
            ),
          ]
    case 'rx':
      return /^(?:\(\?[a-z]+\))?(?:\^|\\A)/.test(argument)
        ? []
        : [finding(`the pattern ${argument} is not anchored at its beginning`, 'anchor it: \\A/path\\z')]
    default:
      return []
  }
}
