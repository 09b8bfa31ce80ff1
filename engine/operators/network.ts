/**
 * Operators on addresses. Address arithmetic is ipaddr.js's; names are never looked up.
 */
import ipaddr from 'ipaddr.js'
import { DefinitionError } from '../errors.js'
import type { OperatorDefinition, OperatorInput, OperatorMatch, OperatorTest } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import type { Platform } from '../model/platform.js'
import { datasetNamed, matched, pure, unsimulatedOperator } from './match.js'

type Range = readonly [ipaddr.IPv4 | ipaddr.IPv6, number]

function rangeOf(text: ByteString): Range {
  const slash = text.indexOf('/')
  try {
    if (slash >= 0) return ipaddr.parseCIDR(text)
    const address = ipaddr.parse(text)
    return [address, address.kind() === 'ipv4' ? 32 : 128]
  } catch {
    throw new DefinitionError(`"${text}" is neither an IP address nor a range such as 192.0.2.0/24`)
  }
}

function within(ranges: readonly Range[], { mappedAddresses }: Platform): OperatorTest {
  return remembered((value) => {
    // Short and octal forms of IPv4 are no addresses to the engines.
    if (!ipaddr.IPv4.isValidFourPartDecimal(value) && !ipaddr.IPv6.isValid(value)) return null
    const address = mappedAddresses ? ipaddr.process(value) : ipaddr.parse(value)
    for (const [base, bits] of ranges)
      if (base.kind() === address.kind() && address.match(base as never, bits)) return matched
    return null
  })
}

/** LIMIT: addresses whose answer is kept, for each operator. */
const keptAddresses = 1000

/** PERF(operators): the same client comes again and again, and parsing its address is dear. */
function remembered(test: (address: ByteString) => OperatorMatch | null): OperatorTest {
  const answers = new Map<ByteString, OperatorMatch | null>()
  return pure((address) => {
    let answer = answers.get(address)
    if (answer !== undefined) return answer
    answer = test(address)
    if (answers.size >= keptAddresses) answers.clear()
    answers.set(address, answer)
    return answer
  })
}

function compileIpMatch({ argument, platform }: OperatorInput): OperatorTest {
  const { constant } = argument
  if (constant === null) throw new DefinitionError('@ipMatch takes no macros')
  const words = constant.split(/[\s,]+/).filter((word) => word !== '')
  return within(words.map(rangeOf), platform)
}

function compileIpMatchFromFile({ argument, platform, readDataFile }: OperatorInput): OperatorTest {
  const lines = readDataFile(argument.constant ?? '')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
  return within(lines.map(rangeOf), platform)
}

function compileIpMatchFromDataset({ argument, lookups, platform }: OperatorInput): OperatorTest {
  return within(datasetNamed(argument.constant ?? '', lookups).map(rangeOf), platform)
}

/** Sets GEO where the address is in the database. */
function compileGeoLookup({ lookups, platform }: OperatorInput): OperatorTest {
  if (platform.geoLookup === 'always') return () => matched
  return (value, view) => {
    const place = lookups.geo?.find(value) ?? null
    if (place === null) return null
    for (const [key, text] of place) view.geo.set(key, text)
    return matched
  }
}

/** Capture 0 is what the zone says of the address. */
function compileRbl({ argument, lookups }: OperatorInput): OperatorTest {
  return (value, view) => {
    const answer = lookups.blocklists?.find(argument.expand(view).trim(), value) ?? null
    return answer === null ? null : { matched: null, captures: [answer] }
  }
}

const noNetwork = 'nothing is looked up in the network in a replay'

export const networkOperators: readonly OperatorDefinition[] = [
  {
    name: 'geoLookup',
    doc: 'Looks up where an address is and sets GEO.',
    argument: 'optional',
    needs: 'geo',
    unsimulated: 'no database: name a CSV or .mmdb file with SecGeoLookupDb',
    platforms: 'Coraza: always matches, sets nothing.',
    compile: compileGeoLookup,
  },
  unsimulatedOperator('gsbLookup', 'Looks up Google Safe Browsing.', noNetwork),
  {
    name: 'ipMatchFromDataset',
    doc: 'The address is in a dataset (SecDataset).',
    argument: 'required',
    compile: compileIpMatchFromDataset,
  },
  { name: 'ipMatch', doc: 'The address is in one of the ranges.', argument: 'required', compile: compileIpMatch },
  {
    name: 'ipMatchFromFile',
    doc: 'The address is in one of the ranges of a file.',
    argument: 'required',
    compile: compileIpMatchFromFile,
  },
  {
    name: 'rbl',
    doc: 'The address is listed in a DNS blocklist; listings come from the file of --rbl.',
    argument: 'required',
    needs: 'blocklists',
    unsimulated: `${noNetwork}; give listings with --rbl`,
    compile: compileRbl,
  },
]
