/**
 * Operators on addresses. Address arithmetic is ipaddr.js's; names are never looked up.
 */
import ipaddr from 'ipaddr.js'
import { DefinitionError } from '../errors.js'
import type { OperatorDefinition, OperatorInput, OperatorTest } from '../model/definitions.js'
import type { ByteString } from '../model/exchange.js'
import { matched, unsimulatedOperator } from './match.js'

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

function within(ranges: readonly Range[]): OperatorTest {
  return (value) => {
    if (!ipaddr.isValid(value)) return null
    const address = ipaddr.process(value)
    for (const [base, bits] of ranges)
      if (base.kind() === address.kind() && address.match(base as never, bits)) return matched
    return null
  }
}

function compileIpMatch({ argument }: OperatorInput): OperatorTest {
  const { constant } = argument
  if (constant === null) throw new DefinitionError('@ipMatch takes no macros')
  const words = constant.split(/[\s,]+/).filter((word) => word !== '')
  return within(words.map(rangeOf))
}

function compileIpMatchFromFile({ argument, readDataFile }: OperatorInput): OperatorTest {
  const lines = readDataFile(argument.constant ?? '')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
  return within(lines.map(rangeOf))
}

const noNetwork = 'nothing is looked up in the network in a replay'

export const networkOperators: readonly OperatorDefinition[] = [
  unsimulatedOperator('geoLookup', 'Looks up where an address is.', 'no geographical database is read yet'),
  unsimulatedOperator('gsbLookup', 'Looks up Google Safe Browsing.', noNetwork),
  unsimulatedOperator('ipMatchFromDataset', 'The address is in a dataset (Coraza).', 'datasets are not read yet'),
  { name: 'ipMatch', doc: 'The address is in one of the ranges.', argument: 'required', compile: compileIpMatch },
  {
    name: 'ipMatchFromFile',
    doc: 'The address is in one of the ranges of a file.',
    argument: 'required',
    compile: compileIpMatchFromFile,
  },
  unsimulatedOperator('rbl', 'Looks up a DNS blocklist.', noNetwork),
]
